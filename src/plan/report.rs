//! From a verdict to conditions.
use super::verdict::{Phase, Verdict};
use crate::api::{
    Reason,
    condition::{READY, RECONCILING, STALLED, Statement, Truth},
};

/// What an object's `Ready` says while work is under way; an endpoint that swaps still serves.
#[derive(Clone, Debug)]
pub struct Meanwhile {
    /// Whether the object does its job.
    pub ready: bool,
    /// Why.
    pub reason: Reason,
    /// The same for a person.
    pub message: String,
}

/// The conditions `Ready`, `Reconciling` and `Stalled` of an object.
pub fn statements(verdict: &Verdict, meanwhile: Option<Meanwhile>) -> Vec<Statement> {
    let own = |kind, truth| Statement {
        kind,
        truth,
        reason: verdict.reason,
        message: verdict.message.clone(),
    };
    match verdict.phase {
        Phase::Done => vec![own(READY, Truth::True)],
        Phase::Stalled => vec![own(READY, Truth::False), own(STALLED, Truth::True)],
        Phase::Working => {
            let ready = match meanwhile {
                Some(Meanwhile { ready, reason, message }) => Statement {
                    kind: READY,
                    truth: ready.into(),
                    reason,
                    message,
                },
                None => own(READY, Truth::False),
            };
            vec![ready, own(RECONCILING, Truth::True)]
        }
    }
}
