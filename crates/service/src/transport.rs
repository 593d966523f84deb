//! How requests travel: over the network, or to a service in the same process.
mod clearance;
#[cfg(any(test, feature = "in-process"))]
mod in_process;

#[cfg(any(test, feature = "in-process"))]
pub use in_process::InProcess;

pub use clearance::Clearance;

use super::{
    allowed_hosts::{AllowedHosts, Refusal},
    error::{BodyProblem, BoxError, TransportKind, root_cause},
};
use crate::proxy::{Proxies, Proxy};
use clearance::Cleared;
use futures::future::BoxFuture;
use http::{Request, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{error::Error as StdError, net::SocketAddr, sync::Arc, time::Duration};
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
    hosts: AllowedHosts,
    proxies: Arc<Proxies>,
}

/// Installs ring as the process's crypto provider when there is none yet.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing a race against another installation is as good as winning it.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

impl ReqwestTransport {
    /// A client with our settings that calls no other hosts. Installs ring as the process's crypto provider when there is
    /// none yet.
    pub fn new(hosts: AllowedHosts) -> Result<Self, BoxError> {
        Self::of(concat!("speech-operator/", env!("CARGO_PKG_VERSION")), hosts)
    }

    /// The same under a name of its own, for `User-Agent`.
    pub fn of(user_agent: &str, hosts: AllowedHosts) -> Result<Self, BoxError> {
        Self::built(user_agent, hosts, Proxies::from_env(), reqwest::Client::builder())
    }

    /// The same, and no proxy is on the way, whatever the environment names.
    pub fn direct(user_agent: &str, hosts: AllowedHosts) -> Result<Self, BoxError> {
        let builder = reqwest::Client::builder().no_proxy();
        Self::built(user_agent, hosts, Proxies::none(), builder)
    }

    fn built(
        user_agent: &str,
        hosts: AllowedHosts,
        proxies: Proxies,
        builder: reqwest::ClientBuilder,
    ) -> Result<Self, BoxError> {
        install_crypto();
        let proxies = Arc::new(proxies);
        let client = builder
            .user_agent(user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Resolver {
                hosts: hosts.clone(),
                proxies: proxies.hosts(),
            }))
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true)
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(75))
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { client, hosts, proxies })
    }

    async fn exchange(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        let clearance = request.extensions().get::<Clearance>().cloned();
        let request = request.map(|body| match clearance {
            Some(clearance) => reqwest::Body::wrap(Cleared::new(body, clearance)),
            None => body.into(),
        });
        let mut request = reqwest::Request::try_from(request).map_err(before_answer)?;
        self.hosts.check_url(request.url()).map_err(forbidden)?;
        let proxy = request.url().as_str().parse().ok();
        let proxy = proxy.and_then(|to| self.proxies.on_the_way(&to));
        *request.timeout_mut() = Some(limits.timeout);
        let answer = self.client.execute(request).await;
        let mut answer = answer.map_err(|error| by_proxy(before_answer(error), proxy))?;
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

/// Looks names up as usual, and drops the addresses that must not be called: who controls a name server could lead an
/// allowed name to the node itself.
struct Resolver {
    hosts: AllowedHosts,
    /// Named by whoever runs this process: they may be on the node itself.
    proxies: Vec<String>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = self.hosts.clone();
        let is_proxy = self.proxies.iter().any(|proxy| proxy == name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let is_known = !found.is_empty();
            let permitted: Vec<_> = found
                .into_iter()
                .filter(|address| is_proxy || hosts.permits_resolved(address.ip()))
                .collect();
            if is_known && permitted.is_empty() {
                return Err(Refusal::ForbiddenAddress(name.as_str().to_owned()).into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

fn forbidden(refusal: Refusal) -> TransportError {
    TransportError::Failed {
        kind: TransportKind::Forbidden,
        perhaps_sent: false,
        source: Some(Box::new(refusal)),
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

/// A connection that was not made was not made by the proxy, where one is on the way; TLS is spoken with the place itself.
fn by_proxy(error: TransportError, proxy: Option<Proxy>) -> TransportError {
    match (error, proxy) {
        (
            TransportError::Failed {
                kind: TransportKind::Connect | TransportKind::Dns,
                perhaps_sent,
                source,
            },
            Some(proxy),
        ) => TransportError::Failed {
            kind: TransportKind::Proxy,
            perhaps_sent,
            source: Some(format!("{proxy}{}", root_cause(source.as_deref())).into()),
        },
        (error, _) => error,
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
    let mut kind = TransportKind::Connect;
    while let Some(error) = cause {
        if is_tls(error) {
            return TransportKind::Tls;
        }
        if error.is::<Refusal>() {
            return TransportKind::Forbidden;
        }
        if error.to_string() == "dns error" {
            kind = TransportKind::Dns;
        }
        cause = error.source();
    }
    kind
}

/// An I/O error hides what it wraps from `source`, which skips one step, and connectors wrap more than once.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || wrapped.is_some_and(|inner| is_tls(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(allowed: &str) -> ReqwestTransport {
        ReqwestTransport::new(AllowedHosts::new([allowed.parse().unwrap()])).unwrap()
    }

    #[tokio::test]
    async fn a_name_that_stands_for_a_forbidden_address_is_not_called() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/?a=secret", listener.local_addr().unwrap().port());
        // Straight to the network, past the look at the name: so would a name do that somebody else's server answers for.
        let answer = transport("*").client.get(url).send().await;
        let TransportError::Failed {
            kind,
            perhaps_sent,
            source,
        } = before_answer(answer.unwrap_err())
        else {
            panic!("there was an answer")
        };
        assert_eq!((kind, perhaps_sent), (TransportKind::Forbidden, false), "{source:?}");
        assert!(!format!("{source:?}").contains("secret"), "{source:?}");
        let called = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(called.is_err(), "somebody called");
    }

    #[tokio::test]
    async fn only_the_addresses_that_may_be_called_are_left_of_a_name() {
        let resolve = async |hosts: &str| {
            let hosts = AllowedHosts::new([hosts.parse().unwrap()]);
            let resolver = Resolver {
                hosts,
                proxies: Vec::new(),
            };
            let found = resolver.resolve("localhost".parse().unwrap()).await;
            found.map(Iterator::count)
        };
        assert!(resolve("localhost").await.unwrap() > 0);
        let refused = resolve("*").await.unwrap_err();
        assert!(refused.is::<Refusal>(), "{refused}");
    }
}
