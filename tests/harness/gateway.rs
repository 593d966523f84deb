//! A gateway as people put before a Speech resource: a path of its own, and a service behind it that knows nothing of
//! it and writes its inner host into every link.
use super::error::HarnessError;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, StatusCode};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{net::TcpListener, task::JoinHandle};

/// More than any answer here has.
const LARGEST: usize = 8 << 20;
/// The host by which the service behind the gateway knows itself; nothing is there.
pub const INNER_HOST: &str = "inner.invalid:8080";

/// A running gateway. Dropping it closes it.
#[derive(Debug)]
pub struct Gateway {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    serves: JoinHandle<()>,
}

#[derive(Clone)]
struct Inner {
    prefix: &'static str,
    target: String,
    relative: bool,
    client: reqwest::Client,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// Starts a gateway on a free port of loopback whose `prefix` leads to `target`, as in `/gw/a` and
    /// `http://127.0.0.1:4010/west`. With `relative`, page links come without scheme and host.
    pub async fn to(prefix: &'static str, target: &str, relative: bool) -> Result<Self, HarnessError> {
        let failed = || HarnessError::file("127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let client = reqwest::Client::builder().no_proxy().build();
        let seen = Arc::default();
        let inner = Inner {
            prefix,
            target: target.to_owned(),
            relative,
            client: client.map_err(|error| HarnessError::Client(error.to_string()))?,
            seen: Arc::clone(&seen),
        };
        let router = Router::new().fallback(pass).with_state(inner);
        let serves = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            url: format!("http://{address}{prefix}"),
            seen,
            serves,
        })
    }

    /// The endpoint that it offers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Method and path with query of every request so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serves.abort();
    }
}

async fn pass(State(inner): State<Inner>, request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let line = format!("{} {path}", request.method());
    inner.seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    let Some(rest) = path.strip_prefix(inner.prefix) else {
        // As gateways answer for what they do not route.
        let body = r#"{"error":{"code":"404","message":"Resource not found"}}"#;
        return (StatusCode::NOT_FOUND, body).into_response();
    };
    match forward(&inner, rest, request).await {
        Ok(answer) => answer,
        Err(problem) => (StatusCode::BAD_GATEWAY, problem).into_response(),
    }
}

async fn forward(inner: &Inner, rest: &str, request: Request) -> Result<Response, String> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.map_err(|error| error.to_string())?;
    let mut headers = head.headers;
    headers.insert(http::header::HOST, INNER_HOST.parse().map_err(|_| "no host")?);
    headers.remove(http::header::ACCEPT_ENCODING); // links are rewritten in the text
    let url = format!("{}{rest}", inner.target);
    let sent = inner
        .client
        .request(head.method, url)
        .headers(headers)
        .body(body)
        .send();
    let answer = sent.await.map_err(|error| error.to_string())?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in ["content-length", "transfer-encoding", "connection"] {
        headers.remove(HeaderName::from_static(name));
    }
    let mut body: Bytes = answer.bytes().await.map_err(|error| error.to_string())?;
    if inner.relative {
        let link = format!(r#""@nextLink":"http://{INNER_HOST}"#);
        let text = String::from_utf8_lossy(&body).replace(&link, r#""@nextLink":""#);
        body = text.into_bytes().into();
    }
    let mut passed = Response::new(Body::from(body));
    *passed.status_mut() = status;
    *passed.headers_mut() = headers;
    Ok(passed)
}
