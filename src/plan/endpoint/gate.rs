//! What an evaluation of candidate against active model says.
use super::Snapshot;
use crate::{
    api::{
        Reason, SpeechEndpointStatus,
        swap::{EvaluationGate, GateVerdict},
    },
    plan::{Action, line::Want},
    speech::ModelId,
    view::{ModelFacts, View},
};
use jiff::Timestamp;

/// What the gate says of a candidate.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// The verdict.
    pub verdict: GateVerdict,
    /// Why.
    pub reason: Reason,
    /// The same for a person.
    pub message: String,
    /// The next step towards a verdict.
    pub action: Option<Action>,
    /// When time alone may change it.
    pub look_again: Option<Timestamp>,
    /// The place in the line.
    pub wants: Option<Want>,
    /// Whether the evaluation is about to change.
    pub awaits_remote: bool,
}

/// Judges a candidate.
pub fn judge(
    _s: &Snapshot<'_>,
    _view: &View,
    _gate: &EvaluationGate,
    _candidate: &ModelFacts<'_>,
    _active: ModelId,
    _status: &mut SpeechEndpointStatus,
) -> Ruling {
    Ruling {
        verdict: GateVerdict::Pending,
        reason: Reason::Evaluating,
        message: "its evaluation".to_owned(),
        action: None,
        look_again: None,
        wants: None,
        awaits_remote: false,
    }
}
