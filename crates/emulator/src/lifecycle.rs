//! How an entity goes from NotStarted over Running to its end.
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The closed status enum of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Accepted.
    NotStarted,
    /// Under way.
    Running,
    /// Done.
    #[default]
    Succeeded,
    /// Ended with an error.
    Failed,
}

impl Status {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotStarted => "NotStarted",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }

    /// True when nothing more happens by itself.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityError {
    /// A free string, often a detailed error code.
    pub code: String,
    /// Text for people.
    pub message: String,
}

/// The steps still to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// When Running begins.
    pub starts: Timestamp,
    /// When the end is reached.
    pub ends: Timestamp,
    /// The end is Failed with this.
    #[serde(default)]
    pub failure: Option<EntityError>,
}

/// Status and what is still to come of one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    /// The present status.
    pub status: Status,
    /// When the present status was entered; absent = when the entity was created.
    pub last_action_date_time: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<EntityError>,
    /// What is still to come.
    pub pending: Option<Pending>,
}

impl Lifecycle {
    /// Accepted, with nothing scheduled.
    pub fn waiting(now: Timestamp) -> Self {
        Self {
            status: Status::NotStarted,
            last_action_date_time: Some(now),
            error: None,
            pending: None,
        }
    }

    /// Accepted at `now`, ends after `seconds` of clock time.
    pub fn started(now: Timestamp, seconds: f64, failure: Option<EntityError>) -> Self {
        let mut lifecycle = Self::waiting(now);
        lifecycle.pending = Some(Pending::lasting(now, seconds, failure));
        lifecycle
    }

    /// Ended well at `now`.
    pub fn succeeded(now: Timestamp) -> Self {
        Self {
            last_action_date_time: Some(now),
            ..Self::default()
        }
    }

    /// Moves to where the clock says; true when the end was reached by this call.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        let Some(pending) = &self.pending else { return false };
        if now >= pending.ends {
            let ends = pending.ends;
            self.error = self.pending.take().and_then(|pending| pending.failure);
            self.status = if self.error.is_some() {
                Status::Failed
            } else {
                Status::Succeeded
            };
            self.last_action_date_time = Some(ends);
            return true;
        }
        if now >= pending.starts && self.status == Status::NotStarted {
            self.status = Status::Running;
            self.last_action_date_time = Some(pending.starts);
        }
        false
    }

    /// The next moment at which `advance` changes something.
    pub fn next_due(&self) -> Option<Timestamp> {
        let pending = self.pending.as_ref()?;
        Some(if self.status == Status::NotStarted {
            pending.starts
        } else {
            pending.ends
        })
    }

    /// Clock seconds until the end, while there is one to wait for.
    pub fn remaining(&self, now: Timestamp) -> Option<f64> {
        self.pending
            .as_ref()
            .map(|pending| pending.ends.duration_since(now).as_secs_f64().max(0.0))
    }
}

impl Pending {
    /// Running after a tenth of the time, the end after all of it.
    pub fn lasting(now: Timestamp, seconds: f64, failure: Option<EntityError>) -> Self {
        Self {
            starts: later(now, seconds / 10.0),
            ends: later(now, seconds),
            failure,
        }
    }
}

/// `seconds` after `now`, or the end of time.
pub fn later(now: Timestamp, seconds: f64) -> Timestamp {
    let duration = SignedDuration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(SignedDuration::MAX);
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_steps_come_in_order_and_carry_the_time_they_happened() {
        let mut lifecycle = Lifecycle::started(at(0), 100.0, None);
        assert!(!lifecycle.advance(at(5)));
        assert_eq!(lifecycle.status, Status::NotStarted);
        assert!(!lifecycle.advance(at(50)));
        assert_eq!(
            (lifecycle.status, lifecycle.last_action_date_time),
            (Status::Running, Some(at(10)))
        );
        assert!(lifecycle.advance(at(500)));
        assert_eq!(
            (lifecycle.status, lifecycle.last_action_date_time),
            (Status::Succeeded, Some(at(100)))
        );
        assert!(!lifecycle.advance(at(501)));
    }

    #[test]
    fn a_jump_may_skip_running() {
        let mut lifecycle = Lifecycle::started(at(0), 100.0, None);
        assert!(lifecycle.advance(at(100)));
        assert_eq!(lifecycle.status, Status::Succeeded);
    }

    #[test]
    fn a_planned_failure_ends_in_failed_with_its_error() {
        let error = EntityError {
            code: "DeployingFailedModel".to_owned(),
            message: "no".to_owned(),
        };
        let mut lifecycle = Lifecycle::started(at(0), 1.0, Some(error.clone()));
        lifecycle.advance(at(2));
        assert_eq!((lifecycle.status, lifecycle.error), (Status::Failed, Some(error)));
    }
}
