//! Requests for a model that failed: which, and when they are tried again.
use super::Snapshot;
use crate::{Failure, retry};
use speech_api::{SpeechModelStatus, reference::LastFailure};

/// Requests that failed and are tried again.
#[derive(Clone, Debug, Default)]
pub struct Failures {
    /// Of the step that the object needs most.
    pub last: Option<LastFailure>,
    /// Of steps that hold nothing else back.
    pub aside: Vec<LastFailure>,
}

impl Failures {
    /// What a status remembers.
    pub fn of(status: &SpeechModelStatus) -> Self {
        Self {
            last: status.last_failure.clone(),
            aside: status.side_failures.clone(),
        }
    }

    /// What is remembered of a step, wherever it stands.
    pub fn recall(&self, operation: &str) -> Option<&LastFailure> {
        let mut all = self.last.iter().chain(&self.aside);
        all.find(|known| known.operation == operation)
    }

    /// With one more failure.
    pub fn with(mut self, s: &Snapshot<'_>, failure: &Failure) -> Self {
        let memory = retry::Memory {
            last: &mut self.last,
            aside: &mut self.aside,
        };
        memory.keep(failure, s.generation(), false, s.now());
        self
    }
}
