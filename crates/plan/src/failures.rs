//! Requests for an object that failed: which, and when they are tried again.
use crate::{Failure, Snapshot, retry};
use speech_api::{Subject, SubjectStatus, reference::LastFailure};

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
    pub fn of(status: &impl SubjectStatus) -> Self {
        Self {
            last: status.last_failure().cloned(),
            aside: status.side_failures().to_vec(),
        }
    }

    /// Writes it down.
    pub fn write(self, status: &mut impl SubjectStatus) {
        let fields = status.fields_mut();
        *fields.last_failure = self.last;
        *fields.side_failures = self.aside;
    }

    /// What is remembered of a step, wherever it stands.
    pub fn recall(&self, operation: &str) -> Option<&LastFailure> {
        let mut all = self.last.iter().chain(&self.aside);
        all.find(|known| known.operation == operation)
    }

    /// With one more failure.
    pub fn with<K: Subject, R>(mut self, s: &Snapshot<'_, K, R>, failure: &Failure) -> Self {
        let memory = retry::Memory {
            last: &mut self.last,
            aside: &mut self.aside,
        };
        memory.keep(failure, s.generation(), false, s.now());
        self
    }
}
