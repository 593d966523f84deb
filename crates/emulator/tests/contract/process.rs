//! The emulator as a process: its first line, its seed, cut connections, its end.
use serde_json::{Value, json};
use speech_emulator::Credentials;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

struct Process {
    child: Child,
    address: String,
    authority: Option<String>,
}

async fn start(arguments: &[&str]) -> Process {
    let mut child = Command::new(env!("CARGO_BIN_EXE_speech-emulator"))
        .args(["--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    Process {
        child,
        address: line["listening"].as_str().unwrap().to_owned(),
        authority: line["entra"].as_str().map(str::to_owned),
    }
}

impl Process {
    /// Everything the process sends until it closes the connection.
    async fn exchange(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Ocp-Apim-Subscription-Key: emulator-key-1-westeurope\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the data is as good an end as any.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

#[tokio::test]
async fn the_shipped_seed_is_served_at_the_time_it_names() {
    let process = start(&["--now", "2026-11-20T00:00:00Z", "--rate", "0"]).await;
    let clock = process.exchange("GET", "/control/clock", "").await;
    assert!(clock.contains("2026-11-20T00:00:00Z"), "{clock}");
    let endpoints = process
        .exchange("GET", "/westeurope/speechtotext/endpoints?api-version=2025-10-15", "")
        .await;
    assert!(endpoints.starts_with("HTTP/1.1 200 OK"), "{endpoints}");
    let own = format!("http://{}/westeurope/speechtotext/endpoints/", process.address);
    assert!(endpoints.contains(&own), "{endpoints}");
    assert!(
        endpoints.contains("date: Fri, 20 Nov 2026 00:00:00 GMT"),
        "the Date header follows the clock: {endpoints}"
    );
}

#[tokio::test]
async fn a_lost_response_is_a_connection_that_ends_without_a_byte() {
    let process = start(&[]).await;
    let fault = json!({ "route": { "method": "POST" }, "action": { "loseResponse": true }, "times": 1 }).to_string();
    assert!(
        process
            .exchange("POST", "/control/faults", &fault)
            .await
            .starts_with("HTTP/1.1 201")
    );
    let body = json!({ "displayName": "lost", "locale": "en-US" }).to_string();
    let answer = process
        .exchange(
            "POST",
            "/westeurope/speechtotext/endpoints?api-version=2025-10-15",
            &body,
        )
        .await;
    assert_eq!(answer, "");
    let listed = process
        .exchange("GET", "/westeurope/speechtotext/v3.2/endpoints", "")
        .await;
    assert!(listed.contains("\"displayName\":\"lost\""), "{listed}");
}

#[tokio::test]
async fn a_cut_body_is_shorter_than_it_says() {
    let process = start(&[]).await;
    let fault = json!({ "action": { "cutBody": { "afterBytes": 30 } } }).to_string();
    process.exchange("POST", "/control/faults", &fault).await;
    let answer = process
        .exchange("GET", "/westeurope/speechtotext/v3.2/models", "")
        .await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    assert!(length.parse::<usize>().unwrap() > 1_000);
    assert_eq!(body.len(), 30);
}

#[tokio::test]
async fn a_signal_ends_it_soon_even_with_a_reader_who_waits() {
    let mut process = start(&[]).await;
    let mut reader = TcpStream::connect(&process.address).await.unwrap();
    let follow = "GET /control/clock?after=1&timeoutSeconds=300 HTTP/1.1\r\nHost: x\r\n\r\n";
    reader.write_all(follow.as_bytes()).await.unwrap();
    let id = process.child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap()
            .success()
    );
    let status = timeout(PATIENCE, process.child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_seed_that_is_none_stops_the_start() {
    let path = std::env::temp_dir().join(format!("emulator-seed-{}.json", std::process::id()));
    std::fs::write(&path, r#"{"resources":{"west":{"key1":"k","colour":"red"}}}"#).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_speech-emulator"))
        .arg("--seed")
        .arg(&path)
        .output();
    let output = timeout(PATIENCE, output).await.unwrap().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("colour"));
}

#[tokio::test]
async fn the_authority_speaks_tls_under_a_root_of_its_own_and_its_connections_can_be_cut() {
    let file = std::env::temp_dir().join(format!("speech-emulator-{}.pem", uuid::Uuid::new_v4()));
    let process = start(&["--entra-listen", "127.0.0.1:0", "--entra-ca", file.to_str().unwrap()]).await;
    let root = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = |root: &str| {
        let root = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        client.tls_certs_only([root]).build().unwrap()
    };
    let (authority, trusting) = (process.authority.as_ref().unwrap(), client(&root));
    let url = format!("{authority}/common/discovery/instance");
    assert_eq!(trusting.get(&url).send().await.unwrap().status(), 200);
    let other = Credentials::new([127, 0, 0, 1].into()).unwrap().root;
    assert!(client(&other).get(&url).send().await.unwrap_err().is_connect());

    let fault = json!({ "route": { "path": "Entra_Token" }, "action": { "loseResponse": true } }).to_string();
    process.exchange("POST", "/control/faults", &fault).await;
    let token = trusting.post(format!("{authority}/nobody/oauth2/v2.0/token"));
    let error = token.send().await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
}
