//! Is the remote endpoint there only once?
use super::{Answer, Facts, Ruling, unserved};
use crate::endpoint::{duplicate::deletion, identity::Identity};
use speech_api::decision::Fact;

/// Another endpoint with the object's mark is deleted. One that cannot be deleted now keeps nothing else back.
pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    match (f.identity, deletion(f)) {
        (Identity::Known(_), None) => Answer::Passed(Fact::Single),
        (Identity::Known(_), Some(verdict)) if verdict.action.is_some() => Answer::Decided(unserved(f, verdict)),
        _ => Answer::Silent,
    }
}
