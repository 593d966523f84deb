//! How an object stands, in one word.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use speech_api::{Reason, condition};

/// How an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    /// As declared.
    Ready,
    /// Something is under way.
    Working,
    /// As nobody wants it, and it is tried again.
    NotReady,
    /// Only a person can help.
    Stalled,
    /// Nothing is changed, by request.
    Suspended,
    /// Nobody has looked yet.
    Unknown,
}

impl State {
    /// What the conditions and `spec.suspend` say together. What a process that only observes would do is left alone, too.
    pub fn of(conditions: &[Condition], suspended: bool) -> Self {
        let ready = condition::find(conditions, condition::READY).map(|ready| ready.status.as_str());
        let observed = condition::find(conditions, condition::STALLED)
            .is_some_and(|stalled| stalled.reason == Reason::ObserveOnly.as_str());
        if suspended || observed {
            Self::Suspended
        } else if condition::is_true(conditions, condition::STALLED) {
            Self::Stalled
        } else if condition::is_true(conditions, condition::RECONCILING) {
            Self::Working
        } else {
            match ready {
                Some("True") => Self::Ready,
                Some("False") => Self::NotReady,
                Some(_) | None => Self::Unknown,
            }
        }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Working => "Working",
            Self::NotReady => "Not ready",
            Self::Stalled => "Stalled",
            Self::Suspended => "Suspended",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether somebody should know why.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::NotReady | Self::Stalled)
    }

    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ready => "good",
            Self::Working => "busy",
            Self::NotReady | Self::Stalled => "bad",
            Self::Suspended | Self::Unknown => "mute",
        }
    }
}

/// A reason such as `BeforeExpiry` as people read it: `Before expiry`.
pub fn spaced(reason: &str) -> String {
    let mut words = String::with_capacity(reason.len() + 4);
    let mut before = None;
    for letter in reason.chars() {
        if letter.is_uppercase() && before.is_some_and(char::is_lowercase) {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
        before = Some(letter);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn conditions(all: &[(&str, &str)]) -> Vec<Condition> {
        let condition = |(kind, status): &(&str, &str)| {
            let value = json!({
                "type": kind, "status": status, "reason": "-", "message": "",
                "lastTransitionTime": "2026-11-21T07:00:00Z",
            });
            serde_json::from_value(value).unwrap()
        };
        all.iter().map(condition).collect()
    }

    #[test]
    fn the_condition_that_matters_most_is_the_state() {
        for (all, state) in [
            (&[("Ready", "True")][..], State::Ready),
            (&[("Ready", "True"), ("Reconciling", "True")], State::Working),
            (&[("Ready", "False")], State::NotReady),
            (
                &[("Ready", "False"), ("Stalled", "True"), ("Reconciling", "True")],
                State::Stalled,
            ),
            (&[("Ready", "Unknown")], State::Unknown),
            (&[], State::Unknown),
        ] {
            assert_eq!(State::of(&conditions(all), false), state, "{all:?}");
            assert_eq!(State::of(&conditions(all), true), State::Suspended, "{all:?}");
        }
    }

    #[test]
    fn reasons_are_read_as_words() {
        for (reason, words) in [
            ("BeforeExpiry", "Before expiry"),
            ("Gate", "Gate"),
            ("AwaitingTurn", "Awaiting turn"),
            ("HTTPError", "HTTPError"),
            ("", ""),
        ] {
            assert_eq!(spaced(reason), words);
        }
    }
}
