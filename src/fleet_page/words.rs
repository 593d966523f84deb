//! How the page words what programs name.
use speech_fleet::standing::{Standing, State};

/// The class of a state in the style sheet. What is on its way to serve is no trouble.
pub fn class(standing: &Standing) -> &'static str {
    match standing.state {
        State::Ready | State::Waiting => "good",
        State::Pending if standing.is_working => "busy",
        State::Working => "busy",
        State::Expired | State::Stalled | State::AtRisk | State::Pending => "bad",
        State::Suspended | State::Unknown => "mute",
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
