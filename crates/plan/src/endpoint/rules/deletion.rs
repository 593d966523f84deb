//! Is it wanted?
use super::{Ahead, Answer, Facts, Ruling, unserved};
use crate::endpoint::deletion;
use speech_api::decision::Fact;

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    if f.s.object.metadata.deletion_timestamp.is_none() {
        return Answer::Passed(Fact::Wanted);
    }
    Answer::Decided(Ruling {
        upcoming: f.upcoming.clone(),
        ahead: Ahead::Stands,
        ..unserved(f, deletion::decide(f))
    })
}
