//! What an error of the client says about the connection.
use speech_api::Reason;
use speech_plan::connection::{Contact, Counts};
use speech_service::{Error, ErrorKind, error::TransportKind};

/// Whether an error speaks of the connection as a whole rather than of one request.
pub fn is_connection_trouble(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::Unavailable
            | ErrorKind::Misrouted
            | ErrorKind::Unintelligible
    )
}

/// The state of a connection whose lists cannot be read.
pub fn broken(error: &Error, counts: Option<Counts>) -> Contact {
    let (reason, transient) = classify(error);
    Contact::Broken {
        reason,
        message: error.to_string(),
        transient,
        counts,
    }
}

fn classify(error: &Error) -> (Reason, bool) {
    match error.kind() {
        ErrorKind::Unauthorized => (Reason::CredentialInvalid, false),
        ErrorKind::Forbidden => (Reason::PermissionDenied, false),
        ErrorKind::NotFound | ErrorKind::Misrouted | ErrorKind::Rejected if error.speaks_of_version() => {
            (Reason::ApiVersionUnsupported, false)
        }
        ErrorKind::NotFound | ErrorKind::Misrouted => (Reason::NotASpeechResource, false),
        ErrorKind::Throttled => (Reason::Throttled, true),
        ErrorKind::Rejected | ErrorKind::Conflict => (Reason::NotASpeechResource, false),
        ErrorKind::Unintelligible => match error {
            Error::Body { .. } => (Reason::ServiceUnavailable, true),
            Error::Api(_)
            | Error::Transport { .. }
            | Error::ForeignLink { .. }
            | Error::Redirect { .. }
            | Error::Withheld { .. }
            | Error::Unproven { .. }
            | Error::OtherEntity { .. }
            | Error::Unsendable { .. } => (Reason::NotASpeechResource, false),
        },
        ErrorKind::Unavailable => match error {
            Error::Transport {
                kind: TransportKind::Dns,
                ..
            } => (Reason::HostNotFound, true),
            Error::Transport {
                kind: TransportKind::Tls,
                ..
            } => (Reason::TlsFailed, true),
            Error::Transport {
                kind: TransportKind::Forbidden,
                ..
            } => (Reason::HostNotAllowed, false),
            Error::Transport {
                kind: TransportKind::Connect | TransportKind::Proxy | TransportKind::Timeout | TransportKind::Other,
                ..
            } => (Reason::Unreachable, true),
            Error::Api(_)
            | Error::Body { .. }
            | Error::ForeignLink { .. }
            | Error::Redirect { .. }
            | Error::Withheld { .. }
            | Error::Unproven { .. }
            | Error::OtherEntity { .. }
            | Error::Unsendable { .. } => (Reason::ServiceUnavailable, true),
        },
    }
}
