//! Does the remote endpoint carry the object's mark?
use super::{Answer, Facts, Ruling, waiting};
use crate::endpoint::fields;
use speech_api::decision::Fact;

/// The mark comes first, so that others see whose endpoint it is; but not at the price of an expiry, and what we made is
/// ours without a mark.
pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    let Some(mark) = &k.mark else {
        return Answer::Passed(Fact::Own);
    };
    let goes_on = k.moves().is_some() && (f.dates.is_urgent(f.s.now()) || f.s.object.spec.adopt.is_none());
    match fields::mark(f, k.endpoint(), mark) {
        Err(_) if goes_on => Answer::Silent,
        Ok(verdict) | Err(verdict) => Answer::Decided(waiting(f, k, (verdict, f.record.failures.clone()))),
    }
}
