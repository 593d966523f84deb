//! What an error of the client says about the connection.
use speech_api::Reason;
use speech_plan::connection::{Contact, Counts};
use speech_service::{Error, ErrorKind, error::TransportKind, token::TokenTrouble};

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
    if let Error::Token(error) = error {
        let reason = match error.trouble() {
            TokenTrouble::Unavailable => Reason::AuthorityUnavailable,
            TokenTrouble::Refused => Reason::TokenRefused,
            TokenTrouble::NoServiceAccount => Reason::ServiceAccountNotFound,
            TokenTrouble::Denied => Reason::TokenRequestDenied,
        };
        return (reason, error.is_transient());
    }
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
            | Error::Token(_)
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
            | Error::Token(_)
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

#[cfg(test)]
mod tests {
    use super::*;
    use speech_service::token::TokenError;

    #[test]
    fn what_stands_between_an_identity_and_its_token_has_a_reason_of_its_own() {
        for (trouble, reason, transient) in [
            (TokenTrouble::Unavailable, Reason::AuthorityUnavailable, true),
            (TokenTrouble::Refused, Reason::TokenRefused, false),
            (TokenTrouble::NoServiceAccount, Reason::ServiceAccountNotFound, false),
            (TokenTrouble::Denied, Reason::TokenRequestDenied, false),
        ] {
            let error = Error::from(TokenError::new(trouble, "words"));
            assert!(is_connection_trouble(&error));
            assert_eq!(
                broken(&error, None),
                Contact::Broken {
                    reason,
                    message: "words".into(),
                    transient,
                    counts: None,
                }
            );
        }
    }
}
