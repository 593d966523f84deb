//! Can that model serve, and for longer?
use super::{Answer, Facts, Ruling, found};
use crate::endpoint::known::NextModel;
use speech_api::{
    Reason,
    decision::{Fact, RuleName},
};

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    match &f.known {
        // What serves for lack of a better one is not fit once it has expired.
        Some(k) if matches!(k.next, NextModel::Stay) && f.dates.has_expired(f.s.now()) => {
            Answer::Noted(Reason::BaseModelAnswers)
        }
        Some(_) | None => found(f, RuleName::Fitness, Fact::Fits),
    }
}
