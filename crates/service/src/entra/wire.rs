//! Our network as the library knows one. What is no success is read here, where its body is known not to leave.
use super::refusal::{redirected, refusal, unreachable};
use crate::{
    error::root_cause,
    token::{TokenError, TokenTrouble},
    transport::{Limits, Transport, TransportError},
};
use azure_core::{
    error::ErrorKind,
    http::{AsyncRawResponse, Body, HttpClient, Request, headers::Headers},
};
use std::{fmt, sync::Arc, time::Duration};
use tokio_util::bytes::Bytes;
use url::{Url, form_urlencoded};

/// A token is a few kilobytes.
const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(15),
    body: 256 << 10,
};
/// What of a request nobody may read in words about its answer.
const SECRETS: [&str; 2] = ["client_secret", "client_assertion"];

/// The way to one of those who issue tokens.
pub(super) struct Wire {
    network: Arc<dyn Transport>,
    /// Whoever is there, for people.
    place: String,
    /// Where requests go, whatever address the library has.
    instead: Option<Url>,
}

impl Wire {
    pub(super) fn new(network: Arc<dyn Transport>, place: String, instead: Option<Url>) -> Self {
        Self {
            network,
            place,
            instead,
        }
    }

    async fn exchange(&self, request: &Request) -> Result<http::Response<Bytes>, TokenError> {
        let body = match request.body() {
            Body::Bytes(bytes) => bytes.clone(),
            Body::SeekableStream(_) => Bytes::new(), // nothing that asks for a token streams
        };
        let mut url = request.url().clone();
        if let Some(instead) = &self.instead {
            let mut address = instead.clone();
            address.set_path(url.path());
            address.set_query(url.query());
            url = address;
        }
        let mut sent = http::Request::builder()
            .method(request.method().as_ref())
            .uri(url.as_str());
        for (name, value) in request.headers().iter() {
            sent = sent.header(name.as_str(), value.as_str());
        }
        let sent = sent
            .body(body.clone())
            .map_err(|_| self.unavailable("is at no usable address"))?;
        let answer = self
            .network
            .send(sent, LIMITS)
            .await
            .map_err(|error| self.failed(error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        if answer.status().is_redirection() {
            return Err(redirected(&self.place));
        }
        let named = form_urlencoded::parse(&body).filter(|(name, _)| SECRETS.contains(&name.as_ref()));
        let secrets: Vec<_> = named.map(|(_, value)| value.into_owned()).collect();
        Err(refusal(&self.place, &answer, &secrets))
    }

    fn failed(&self, error: TransportError) -> TokenError {
        match error {
            TransportError::Failed { kind, source, .. } => {
                unreachable(&self.place, kind, &root_cause(source.as_deref()))
            }
            TransportError::Body(problem) => self.unavailable(&format!("gives an answer that {problem}")),
            TransportError::Withheld(_) => self.unavailable("was not asked"),
        }
    }

    fn unavailable(&self, words: &str) -> TokenError {
        TokenError::new(TokenTrouble::Unavailable, format!("{} {words}", self.place))
    }
}

#[async_trait::async_trait]
impl HttpClient for Wire {
    /// What went wrong is of a kind that the library does not repeat by itself.
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.exchange(request).await;
        let answer = answer.map_err(|error| azure_core::Error::new(ErrorKind::Credential, error))?;
        let status = answer.status().as_u16().into();
        Ok(AsyncRawResponse::from_bytes(
            status,
            Headers::default(),
            answer.into_body(),
        ))
    }
}

impl From<Wire> for azure_core::http::Transport {
    fn from(wire: Wire) -> Self {
        Self::new(Arc::new(wire))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.place)
    }
}
