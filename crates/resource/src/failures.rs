//! What follows from a look that failed.
use super::contact::broken;
use speech_plan::connection::Contact;
use speech_service::{Error, ErrorKind};
use std::time::Duration;

/// The shortest pause after a failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest time between two looks with a key that is refused, unless the Secret changes.
const LONGEST_REFUSAL: Duration = Duration::from_secs(300);
/// Who is asked to wait so long has not just been throttled for a moment.
const LONG_PAUSE: Duration = Duration::from_secs(60);
/// So many looks may fail for reasons that pass by themselves before the connection counts as broken.
const PATIENCE: u32 = 3;

/// How many looks have failed in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Failures(u32);

/// What follows from a failure.
#[derive(Debug)]
pub struct Failed {
    /// How long to wait for the next look.
    pub pause: Duration,
    /// Whether nobody's impatience helps: the service answered, and refuses.
    pub is_refusal: bool,
    /// How it stands with the connection now; absent while the failure may pass unnoticed.
    pub contact: Option<Contact>,
}

impl Failures {
    /// How many.
    pub fn count(self) -> u32 {
        self.0
    }

    /// A look failed that the service had no part in.
    pub fn broke_off(&mut self) {
        self.0 = self.0.saturating_add(1);
    }

    /// A look failed, after such a contact. The interval is that of the sweeps.
    pub fn failed(&mut self, error: &Error, before: &Contact, interval: Duration) -> Failed {
        self.broke_off();
        let counts = before.counts();
        let contact = broken(error, counts);
        let passes = matches!(contact, Contact::Broken { transient: true, .. });
        let soon = error.retry_after().is_none_or(|wait| wait < LONG_PAUSE);
        Failed {
            pause: pause_after(error, self.0, interval),
            is_refusal: !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unintelligible),
            contact: Some(contact).filter(|_| !(passes && soon && self.0 < PATIENCE && counts.is_some())),
        }
    }
}

/// How long to wait after so many failures in a row: ever longer, and never longer than between two looks. A key that is
/// refused is asked with ever more rarely, and a pause that the service asks for is kept.
fn pause_after(error: &Error, failures: u32, poll: Duration) -> Duration {
    let doubled = FIRST * 2_u32.saturating_pow(failures.saturating_sub(1).min(10));
    let pause = match error.kind() {
        ErrorKind::Throttled => error.retry_after().unwrap_or(doubled.min(poll)),
        ErrorKind::Unauthorized | ErrorKind::Forbidden => doubled.min(poll.max(LONGEST_REFUSAL)),
        ErrorKind::NotFound
        | ErrorKind::Misrouted
        | ErrorKind::Conflict
        | ErrorKind::Rejected
        | ErrorKind::Unavailable
        | ErrorKind::Unintelligible => error.retry_after().unwrap_or(doubled).min(poll),
    };
    pause.max(FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use speech_service::{Client, InProcess, SubscriptionKey};
    use std::sync::Arc;

    const POLL: Duration = Duration::from_secs(5);

    /// The error that a client gets for such an answer.
    async fn error(status: u16, retry_after: Option<&'static str>, body: &'static str) -> Error {
        let answer = move || async move {
            let mut answer = axum::http::Response::builder().status(status);
            if let Some(wait) = retry_after {
                answer = answer.header("retry-after", wait);
            }
            answer.body(axum::body::Body::from(body)).unwrap()
        };
        let client = Client::new(
            Arc::new(InProcess(axum::Router::new().fallback(answer))),
            speech_service::BaseUrl::parse("https://x.example", false).unwrap(),
            speech_service::ApiVersion::default(),
            SubscriptionKey::parse(b"0123456789abcdef0123456789abcdef").unwrap(),
            Arc::new(speech_service::Budget::unlimited()),
            Arc::new(()),
        );
        client.health(speech_service::Lane::Sweep).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_key_is_asked_with_ever_more_rarely_and_a_pause_is_kept() {
        let after = |error: &Error| [1, 2, 3, 4, 8, 30].map(|failures| pause_after(error, failures, POLL).as_secs());
        for refused in [401, 403] {
            assert_eq!(
                after(&error(refused, None, "").await),
                [1, 2, 4, 8, 128, 300],
                "{refused}"
            );
        }
        assert_eq!(after(&error(503, None, "").await), [1, 2, 4, 5, 5, 5]);
        assert_eq!(
            after(&error(503, Some("60"), "").await),
            [5; 6],
            "a disturbance may pass before"
        );
        assert_eq!(after(&error(429, Some("600"), "").await), [600; 6]);
        let quota = "Out of call volume quota. Quota will be replenished in 00:20:00.";
        assert_eq!(after(&error(403, None, quota).await), [1200; 6]);
        assert_eq!(after(&error(429, None, "").await), [1, 2, 4, 5, 5, 5]);
    }
}
