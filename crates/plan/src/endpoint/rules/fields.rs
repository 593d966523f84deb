//! Are its other fields as declared?
use super::{Answer, Facts, Ruling, settled::at_rest, waiting};
use crate::{Action, endpoint::fields::change};
use speech_api::decision::Fact;

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    if k.changes.is_empty() {
        return Answer::Passed(Fact::Same);
    }
    let changed = change(f, k, f.record.failures.clone(), at_rest(f, k));
    match changed.0.action {
        Some(Action::UpdateEndpoint { .. }) => Answer::Decided(waiting(f, k, changed)),
        Some(_) | None => Answer::Silent,
    }
}
