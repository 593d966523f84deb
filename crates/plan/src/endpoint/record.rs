//! What is remembered of an endpoint from one pass to the next.
//!
//! The facts hold what was observed; a rule returns what follows from its decision. Only the two ends of a pass,
//! [`Facts`](super::facts) and [`render`](super::render), take it out of a status and put it back.
use crate::{failures::Failures, text::whole_seconds};
use jiff::Timestamp;
use speech_api::{
    Reason, SpeechEndpointStatus,
    endpoint::{ActiveModel, PreviousModel, TargetModel},
    swap::{Judgement, QuarantinedModel},
};
use speech_service::ModelId;

/// How many models in quarantine are remembered.
pub const MOST_BARRED: usize = 20;

/// What is known of what served, was judged and failed; each field means what the field of the status with its name means.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub active: Option<ActiveModel>,
    pub previous: Option<PreviousModel>,
    pub gate: Option<Judgement>,
    pub quarantine: Vec<QuarantinedModel>,
    pub failures: Failures,
}

/// Which model comes next, as the status has it. Each decision states it, once.
#[derive(Clone, Debug, Default)]
pub struct Upcoming {
    /// The one that the service accepted, or may have.
    pub target: Option<TargetModel>,
    /// The one that waits.
    pub candidate: Option<TargetModel>,
}

impl Upcoming {
    /// Takes it out of a status.
    pub fn take(status: &mut SpeechEndpointStatus) -> Self {
        Self {
            target: status.target.take(),
            candidate: status.candidate.take(),
        }
    }

    /// A model that was asked for, and none behind it.
    pub fn asked(target: Option<TargetModel>) -> Self {
        let candidate = None;
        Self { target, candidate }
    }

    /// A model that waits, if any.
    pub fn waiting(candidate: Option<TargetModel>) -> Self {
        let target = None;
        Self { target, candidate }
    }

    /// The model that the endpoint moves to first.
    pub fn first(&self) -> Option<&TargetModel> {
        self.target.as_ref().or(self.candidate.as_ref())
    }

    /// Puts it back.
    pub fn put(self, status: &mut SpeechEndpointStatus) {
        status.target = self.target;
        status.candidate = self.candidate;
    }
}

impl Record {
    /// Takes what is remembered out of a status.
    pub fn take(status: &mut SpeechEndpointStatus) -> Self {
        Self {
            active: status.active.take(),
            previous: status.previous.take(),
            gate: status.gate.take(),
            quarantine: std::mem::take(&mut status.quarantine),
            failures: Failures {
                last: status.last_failure.take(),
                aside: std::mem::take(&mut status.side_failures),
            },
        }
    }

    /// Puts it back.
    pub fn put(self, status: &mut SpeechEndpointStatus) {
        status.active = self.active;
        status.previous = self.previous;
        status.gate = self.gate;
        status.quarantine = self.quarantine;
        self.failures.write(status);
    }

    /// Whether a model is the active one.
    pub fn serves(&self, model: ModelId) -> bool {
        self.active
            .as_ref()
            .is_some_and(|active| active.model == model.entity())
    }

    /// The entry of a model in quarantine.
    pub fn barred(&self, model: ModelId) -> Option<&QuarantinedModel> {
        self.quarantine.iter().find(|entry| entry.model == model.entity())
    }

    /// With a model in quarantine; once is enough.
    pub fn barring(mut self, model: ModelId, name: &str, reason: Reason, message: String, at: Timestamp) -> Self {
        if self.barred(model).is_none() {
            let entry = QuarantinedModel {
                model: model.entity(),
                name: name.to_owned(),
                reason: reason.as_str().to_owned(),
                message,
                at: whole_seconds(at),
            };
            self.quarantine.insert(0, entry);
            self.quarantine.truncate(MOST_BARRED);
        }
        self
    }
}
