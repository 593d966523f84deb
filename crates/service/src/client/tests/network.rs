//! The network transport against real sockets.
use super::*;
use crate::{
    AllowedHosts,
    error::{BodyProblem, TransportKind},
    transport::ReqwestTransport,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// `{"values": []}` and 20,000 spaces, compressed.
const COMPRESSED_LIST: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 177, 13, 0, 16, 16, 0, 192, 85, 228, 199, 176, 138, 40, 20, 58, 157,
    208, 136, 221, 173, 161, 184, 187, 19, 187, 141, 213, 103, 228, 84, 234, 77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 124, 225, 1, 135, 37, 22, 84, 46, 78, 0, 0,
];

const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(20),
    body: 1 << 20,
};

async fn serve(script: &Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = script.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Accepts connections and answers each with the same bytes, then closes.
async fn serve_bytes(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(bytes).await;
        }
    });
    address.to_string()
}

fn network() -> ReqwestTransport {
    ReqwestTransport::new(AllowedHosts::new(["*", "127.0.0.1"].map(|text| text.parse().unwrap()))).unwrap()
}

async fn get(url: &str, limits: Limits) -> Result<http::Response<tokio_util::bytes::Bytes>, TransportError> {
    network()
        .send(Request::get(url).body(Default::default()).unwrap(), limits)
        .await
}

fn compressed() -> Response {
    (
        [("content-encoding", "gzip"), ("content-type", "application/json")],
        COMPRESSED_LIST,
    )
        .into_response()
}

#[tokio::test]
async fn a_compressed_answer_is_read_and_the_client_says_who_it_is() {
    let script = Script::of([compressed()]);
    let base = serve(&script).await;
    let client = client(network(), &base, ApiVersion::V2025_10_15);
    assert_eq!(client.list_endpoints(Lane::Sweep, None).await.unwrap().values.len(), 0);
    let seen = script.seen().remove(0);
    assert_eq!(
        seen.headers["user-agent"],
        concat!("speech-operator/", env!("CARGO_PKG_VERSION"))
    );
    assert!(seen.headers["accept-encoding"].to_str().unwrap().contains("gzip"));
    assert_eq!(seen.headers["ocp-apim-subscription-key"], KEY);
}

#[tokio::test]
async fn the_body_limit_counts_after_decompression() {
    let script = Script::of([compressed(), compressed()]);
    let base = serve(&script).await;
    let small = get(&base, Limits { body: 20_000, ..LIMITS }).await;
    assert!(
        matches!(
            small,
            Err(TransportError::Body(BodyProblem::TooLarge { limit: 20_000 }))
        ),
        "{small:?}"
    );
    assert_eq!(
        get(&base, Limits { body: 20_014, ..LIMITS })
            .await
            .unwrap()
            .body()
            .len(),
        20_014
    );
}

#[tokio::test]
async fn an_endless_body_is_cut_off_at_the_limit() {
    let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 16]));
    let script = Script::of([Response::new(axum::body::Body::from_stream(endless))]);
    let base = serve(&script).await;
    let client = client(network(), &base, ApiVersion::V2025_10_15);
    let error = client.get_endpoint(Lane::Sweep, id()).await.unwrap_err();
    let expected = BodyProblem::TooLarge { limit: BODY_LIMIT };
    assert!(
        matches!(&error, Error::Body { problem, .. } if *problem == expected),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_answer() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"values\": []}"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\ne\r\n{\"values\": []}\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
    ] {
        let address = serve_bytes(bytes).await;
        let result = get(&format!("http://{address}"), LIMITS).await;
        assert!(
            matches!(result, Err(TransportError::Body(BodyProblem::Cut))),
            "{result:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_stays_home() {
    let thief = Script::of([]);
    let target = serve(&thief).await;
    let script = Script::of([with_header(json(302, ""), "location", &target)]);
    let base = serve(&script).await;
    let error = client(network(), &base, ApiVersion::V2025_10_15)
        .health(Lane::Sweep)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Redirect { .. }), "{error:?}");
    assert!(thief.seen().is_empty());
}

#[tokio::test]
async fn a_next_link_to_another_port_gets_neither_request_nor_key() {
    let thief = Script::of([]);
    let link = format!("{}/speechtotext/endpoints?skip=1", serve(&thief).await);
    let script = Script::of([json(200, serde_json::json!({"values": [], "@nextLink": link}))]);
    let base = serve(&script).await;
    let client = client(network(), &base, ApiVersion::V2025_10_15);
    client.list_endpoints(Lane::Sweep, None).await.unwrap_err(); // the script has ended
    assert_eq!(
        script.seen()[1].uri,
        "/speechtotext/endpoints?skip=1&api-version=2025-10-15"
    );
    assert!(thief.seen().is_empty());
}

/// The kind, and whether the request was perhaps sent.
async fn failure_of(url: &str, limits: Limits) -> (TransportKind, bool) {
    match get(url, limits).await {
        Err(TransportError::Failed {
            kind,
            perhaps_sent,
            source,
        }) => {
            assert!(!format!("{source:?}").contains("secret"), "{source:?}");
            (kind, perhaps_sent)
        }
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn each_way_of_not_reaching_the_service_has_its_name() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(
        failure_of(&format!("http://{closed}/?a=secret"), LIMITS).await,
        (TransportKind::Connect, false)
    );
    let plain = serve_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_eq!(
        failure_of(&format!("https://{plain}/?a=secret"), LIMITS).await,
        (TransportKind::Tls, false)
    );
    assert_eq!(
        failure_of("http://no..such/?a=secret", LIMITS).await,
        (TransportKind::Dns, false)
    );
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_not_called() {
    let thief = Script::of((0..3).map(|_| json(200, "{}")));
    let base = serve(&thief).await;
    let port = base.rsplit(':').next().unwrap();
    for url in [
        format!("http://localhost:{port}/?a=secret"),
        format!("http://127.0.0.2:{port}/?a=secret"),
        format!("http://[::ffff:7f00:2]:{port}/?a=secret"),
        "http://169.254.169.254/metadata/instance?a=secret".to_owned(),
    ] {
        assert_eq!(
            failure_of(&url, LIMITS).await,
            (TransportKind::Forbidden, false),
            "{url}"
        );
    }
    assert!(thief.seen().is_empty());
}

#[tokio::test]
async fn a_connection_cut_or_silent_after_sending_leaves_the_outcome_open() {
    let rude = serve_bytes(b"").await;
    assert_eq!(
        failure_of(&format!("http://{rude}/?a=secret"), LIMITS).await,
        (TransportKind::Other, true)
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/?a=secret", listener.local_addr().unwrap());
    let short = Limits {
        timeout: Duration::from_millis(200),
        ..LIMITS
    };
    assert_eq!(failure_of(&silent, short).await, (TransportKind::Timeout, true));
}

#[tokio::test]
async fn a_body_that_trickles_meets_the_same_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?a=secret", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await;
        let _ = socket
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            .await;
        std::future::pending::<()>().await;
    });
    let short = Limits {
        timeout: Duration::from_millis(200),
        ..LIMITS
    };
    assert_eq!(failure_of(&url, short).await, (TransportKind::Timeout, true));
    server.abort();
}

#[tokio::test(start_paused = true)]
async fn a_service_in_the_same_process_meets_the_same_limits() {
    let silent = Router::new().fallback(std::future::pending::<()>);
    let request = || Request::get("http://x.example/").body(Default::default()).unwrap();
    let late = InProcess(silent).send(request(), LIMITS).await;
    assert!(matches!(
        late,
        Err(TransportError::Failed {
            kind: TransportKind::Timeout,
            perhaps_sent: true,
            ..
        })
    ));
    let script = Script::of([json(200, "x".repeat(11)), json(200, "x".repeat(10))]);
    let transport = InProcess(script.router());
    let limits = Limits { body: 10, ..LIMITS };
    let large = transport.send(request(), limits).await;
    assert!(
        matches!(large, Err(TransportError::Body(BodyProblem::TooLarge { limit: 10 }))),
        "{large:?}"
    );
    assert!(transport.send(request(), limits).await.is_ok());
}
