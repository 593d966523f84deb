//! How requests travel: over the network, or to a service in the same process.
use super::error::{BodyProblem, BoxError, TransportKind};
use futures::future::BoxFuture;
use http::{Request, Response};
use std::{error::Error as StdError, time::Duration};
use tokio_util::bytes::{Bytes, BytesMut};

/// How long and how much one request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the start of the request to the end of its answer.
    pub timeout: Duration,
    /// Bytes of the answer's body after decompression.
    pub body: usize,
}

/// Sends requests. Follows no redirect and repeats nothing: whether a repetition is safe, only the caller knows.
pub trait Transport: Send + Sync {
    /// Sends a request and reads the whole answer.
    fn send(&self, request: Request<Bytes>, limits: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>>;
}

/// No whole answer came.
#[derive(Debug)]
pub enum TransportError {
    /// There is no answer.
    Failed {
        /// What failed.
        kind: TransportKind,
        /// Whether the request may have reached the service.
        perhaps_sent: bool,
        /// The error below, without any URL.
        source: Option<BoxError>,
    },
    /// There is an answer, but its body could not be read.
    Body(BodyProblem),
    /// It was not sent: whoever runs this process must not change anything now.
    Withheld(BoxError),
}

/// The network; one for all connections, so that they share sockets' bookkeeping and TLS settings.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// A client with our settings. Installs ring as the process's crypto provider when there is none yet.
    pub fn new() -> Result<Self, BoxError> {
        Self::of(concat!("speech-operator/", env!("CARGO_PKG_VERSION")))
    }

    /// The same under a name of its own, for `User-Agent`.
    pub fn of(user_agent: &str) -> Result<Self, BoxError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Losing a race against another installation is as good as winning it.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let client = reqwest::Client::builder()
            .user_agent(user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true)
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(75))
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { client })
    }

    async fn exchange(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        let mut request = reqwest::Request::try_from(request.map(reqwest::Body::from)).map_err(before_answer)?;
        *request.timeout_mut() = Some(limits.timeout);
        let mut answer = self.client.execute(request).await.map_err(before_answer)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(within_body)? {
            if body.len() + chunk.len() > limits.body {
                return Err(TransportError::Body(BodyProblem::TooLarge { limit: limits.body }));
            }
            body.extend_from_slice(&chunk);
        }
        let mut whole = Response::new(body.freeze());
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request, limits))
    }
}

fn before_answer(error: reqwest::Error) -> TransportError {
    let kind = if error.is_timeout() {
        TransportKind::Timeout
    } else if error.is_connect() {
        kind_of_connect_error(&error)
    } else {
        TransportKind::Other
    };
    TransportError::Failed {
        kind,
        perhaps_sent: !(error.is_connect() || error.is_builder()),
        source: Some(Box::new(error.without_url())),
    }
}

fn within_body(error: reqwest::Error) -> TransportError {
    if error.is_timeout() {
        TransportError::Failed {
            kind: TransportKind::Timeout,
            perhaps_sent: true,
            source: Some(Box::new(error.without_url())),
        }
    } else {
        TransportError::Body(BodyProblem::Cut)
    }
}

/// Looks for what failed below "could not connect"; the connector tells DNS apart only by its words.
fn kind_of_connect_error(error: &reqwest::Error) -> TransportKind {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if is_tls(error) {
            return TransportKind::Tls;
        }
        if error.to_string() == "dns error" {
            return TransportKind::Dns;
        }
        cause = error.source();
    }
    TransportKind::Connect
}

/// An I/O error hides what it wraps from `source`, which skips one step, and connectors wrap more than once.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || wrapped.is_some_and(|inner| is_tls(inner))
}

/// A service in the same process, for tests and simulations: no sockets, the same limits.
#[derive(Clone, Debug)]
pub struct InProcess(
    /// The service.
    pub axum::Router,
);

impl InProcess {
    async fn exchange(self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        let answer = tower::ServiceExt::oneshot(self.0, request.map(axum::body::Body::from));
        let (head, body) = answer.await.unwrap_or_else(|never| match never {}).into_parts();
        match axum::body::to_bytes(body, limits.body).await {
            Ok(body) => Ok(Response::from_parts(head, body)),
            Err(error) if is_too_large(&error) => {
                Err(TransportError::Body(BodyProblem::TooLarge { limit: limits.body }))
            }
            Err(_) => Err(TransportError::Body(BodyProblem::Cut)),
        }
    }
}

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let exchange = self.clone().exchange(request, limits);
        Box::pin(async move {
            tokio::time::timeout(limits.timeout, exchange)
                .await
                .unwrap_or_else(|elapsed| {
                    Err(TransportError::Failed {
                        kind: TransportKind::Timeout,
                        perhaps_sent: true,
                        source: Some(Box::new(elapsed)),
                    })
                })
        })
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    StdError::source(error).is_some_and(|inner| inner.to_string().contains("limit"))
}
