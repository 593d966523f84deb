//! Is there a model that the spec chooses?
use super::{Answer, Facts, Ruling, found};
use speech_api::decision::{Fact, RuleName};

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    found(f, RuleName::Choice, Fact::Chosen)
}
