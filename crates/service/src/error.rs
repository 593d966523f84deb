//! What can go wrong between the operator and the service.
use super::{failure::Failure, id::EntityId, token::TokenError};
use std::time::Duration;

/// A source of an error, of whatever type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request that did not give what it was made for. Shows no key, signature or query in Display or Debug.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service, or a gateway before it, said no.
    #[error(transparent)]
    Api(#[from] Box<Failure>),
    /// There is no token to ask with; nothing was sent.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No whole answer came.
    #[error("{route}: {kind}{}", root_cause(source.as_deref()))]
    Transport {
        /// The operation.
        route: &'static str,
        /// What failed.
        kind: TransportKind,
        /// Whether the request may have reached the service.
        perhaps_sent: bool,
        /// The error below.
        source: Option<BoxError>,
    },
    /// The answer's head was a success, its body useless.
    #[error("{route}: the answer {problem}")]
    Body {
        /// The operation.
        route: &'static str,
        /// What is wrong with it.
        problem: BodyProblem,
    },
    /// A link in an answer leads nowhere below a Speech service; it was not followed, so that the credential stays home.
    #[error(
        "{route}: the service sent a link to {host} that leads nowhere below /speechtotext; check that the endpoint is a Speech resource, and what a gateway before it does to links"
    )]
    ForeignLink {
        /// The operation.
        route: &'static str,
        /// Where the link leads: scheme, host and port.
        host: String,
    },
    /// The endpoint answered with a redirect; it was not followed, so that the credential stays home.
    #[error("{route}: the endpoint redirects to {}, which is not followed; use the final address as the endpoint", host.as_deref().unwrap_or("nowhere"))]
    Redirect {
        /// The operation.
        route: &'static str,
        /// The host of the `Location`.
        host: Option<String>,
    },
    /// The request would change something, which this process must not do now; it was not sent.
    #[error("{route}: {}", root_cause(Some(source.as_ref())).trim_start_matches(": "))]
    Withheld {
        /// The operation.
        route: &'static str,
        /// Why.
        source: BoxError,
    },
    /// What was heard of an entity does not fit together, so that nobody can say whether it is still there.
    #[error("{route}: {problem}")]
    Unproven {
        /// The operation.
        route: &'static str,
        /// What does not fit.
        problem: &'static str,
    },
    /// The answer is about another entity than the one that was asked for. Whether a change was made to that one, or to
    /// either, nobody knows.
    #[error(
        "{route}: the answer is about {told}, though {asked} was asked for; something else answers for the service: check what stands before it"
    )]
    OtherEntity {
        /// The operation.
        route: &'static str,
        /// The entity that the request named.
        asked: EntityId,
        /// The entity that the answer shows.
        told: EntityId,
    },
    /// The request breaks a rule of the service and was not sent.
    #[error("{route}: not sent, because {problem}")]
    Unsendable {
        /// The operation.
        route: &'static str,
        /// Which rule.
        problem: String,
    },
}

/// Which part of the way failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransportKind {
    /// The host name has no address.
    Dns,
    /// Nothing accepted the connection.
    Connect,
    /// The proxy on the way did not lead there.
    Proxy,
    /// The secure channel could not be made.
    Tls,
    /// The host, or the address that its name stands for, must not be called.
    Forbidden,
    /// No answer in time.
    Timeout,
    /// Anything else, such as a connection that was cut.
    Other,
}

impl TransportKind {
    /// A short word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Forbidden => "forbidden",
            Self::Timeout => "timeout",
            Self::Other => "transport",
        }
    }
}

impl std::fmt::Display for TransportKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Dns => "the host name of the endpoint cannot be resolved; check its spelling",
            Self::Connect => "nothing answers at the endpoint; check host, port and network rules",
            Self::Proxy => "the proxy on the way does not lead there; check its address, that it runs, and NO_PROXY",
            Self::Tls => "the TLS connection to the endpoint failed; check its certificate and what stands between",
            Self::Forbidden => "the endpoint must not be called",
            Self::Timeout => "no answer in time",
            Self::Other => "the connection broke",
        })
    }
}

/// What is wrong with the body of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyProblem {
    /// No JSON; perhaps the endpoint is no Speech service.
    #[error("is not JSON; check that the endpoint is a Speech resource")]
    NotJson,
    /// JSON, but without what the operation promises; says what is missing.
    #[error("is not what this operation gives: {0}")]
    Unexpected(String),
    /// More bytes than are read.
    #[error("is longer than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// More values than are parsed.
    #[error("holds more than {limit} values")]
    TooManyValues { limit: usize },
    /// The connection ended before the body, or the body's compression is broken.
    #[error("broke off")]
    Cut,
    /// A list that does not end, or leads back to itself.
    #[error("belongs to a list whose links never end")]
    EndlessList,
}

impl BodyProblem {
    /// Whether an answer that holds less would do.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::TooManyValues { .. })
    }
}

/// What an error means for whoever has to act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 401: the key or the token. Also: there is no token, and somebody has to do something about that.
    Unauthorized,
    /// 403, or a 401 that knows the token: rights, network rules or tier.
    Forbidden,
    /// The service's own 404, which says that it does not know what the request names. No proof that an entity is gone:
    /// see [`Client::look_up`](super::Client::look_up).
    NotFound,
    /// Any other 404 or 410, and words that contradict each other: what answers is not the service, or not at this address
    /// or in this version. Says nothing of any entity.
    Misrouted,
    /// 409: something else stands in the way now.
    Conflict,
    /// 429, or a 403 that speaks of too many calls: later.
    Throttled,
    /// Any other 4xx, and what was never sent: the same request will never do, what it asks for must change.
    Rejected,
    /// 5xx, no answer, no connection, or no token yet: later.
    Unavailable,
    /// An answer that makes no sense, or leads elsewhere.
    Unintelligible,
}

impl Error {
    /// What the error means.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Api(failure) if failure.is_throttling() => ErrorKind::Throttled,
            Self::Api(failure) => match failure.status {
                401 if failure.lacks_role() => ErrorKind::Forbidden,
                401 => ErrorKind::Unauthorized,
                403 => ErrorKind::Forbidden,
                404 | 410 if failure.speaks_of_entity() => ErrorKind::NotFound,
                404 | 410 => ErrorKind::Misrouted,
                409 => ErrorKind::Conflict,
                408 | 500..=599 => ErrorKind::Unavailable,
                400..=499 => ErrorKind::Rejected,
                _ => ErrorKind::Unintelligible,
            },
            Self::Token(error) if !error.is_transient() => ErrorKind::Unauthorized,
            Self::Token(_) | Self::Transport { .. } | Self::Withheld { .. } => ErrorKind::Unavailable,
            Self::Body { .. } | Self::ForeignLink { .. } | Self::Redirect { .. } => ErrorKind::Unintelligible,
            Self::Unproven { .. } | Self::OtherEntity { .. } => ErrorKind::Misrouted,
            Self::Unsendable { .. } => ErrorKind::Rejected,
        }
    }

    /// Whether the API version is what is refused.
    pub fn speaks_of_version(&self) -> bool {
        self.failure().is_some_and(Failure::speaks_of_version)
    }

    /// Whether a mutation that ended so may still have happened, or happen yet: the outcome is unknown, not negative.
    pub fn perhaps_sent(&self) -> bool {
        match self {
            Self::Api(failure) => failure.status == 408 || !(300..500).contains(&failure.status),
            Self::Transport { perhaps_sent, .. } => *perhaps_sent,
            Self::Body { .. } | Self::ForeignLink { .. } | Self::OtherEntity { .. } => true,
            Self::Token(_)
            | Self::Redirect { .. }
            | Self::Withheld { .. }
            | Self::Unproven { .. }
            | Self::Unsendable { .. } => false,
        }
    }

    /// When the service wants to be asked again at the earliest.
    pub fn retry_after(&self) -> Option<Duration> {
        self.failure()?.retry_after
    }

    /// The service's refusal, when it is one.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Api(failure) => Some(failure),
            Self::Token(_)
            | Self::Transport { .. }
            | Self::Body { .. }
            | Self::ForeignLink { .. }
            | Self::Redirect { .. }
            | Self::Withheld { .. }
            | Self::Unproven { .. }
            | Self::OtherEntity { .. }
            | Self::Unsendable { .. } => None,
        }
    }
}

/// The last cause of a chain, which tells most, e.g. that a certificate has expired.
pub(super) fn root_cause(source: Option<&(dyn std::error::Error + Send + Sync + 'static)>) -> String {
    let mut cause: Option<&dyn std::error::Error> = source.map(|error| error as &dyn std::error::Error);
    let mut last = None;
    while let Some(error) = cause {
        last = Some(error);
        cause = error.source();
    }
    last.map(|error| format!(": {error}")).unwrap_or_default()
}

/// An error and all its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
