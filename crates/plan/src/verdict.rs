//! What a rule says when it has something to say.
use super::{Action, List, queue::Want};
use jiff::Timestamp;
use speech_api::Reason;

/// Who has to move next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nobody: everything is as declared.
    Done,
    /// We, or the service.
    Working,
    /// The user.
    Stalled,
}

/// What of the remote side is about to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// The object's own remote entity.
    Own,
    /// What it depends on, in this list.
    Other(List),
}

/// The decision of one rule.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Who has to move next.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// The same for a person.
    pub message: String,
    /// The next step.
    pub action: Option<Action>,
    /// When time alone may change the decision.
    pub look_again: Option<Timestamp>,
    /// What of the remote side is about to change.
    pub awaits: Option<Awaits>,
    /// What the object waits for in the queue of its connection. In a box because a verdict travels by value.
    pub wants: Option<Box<Want>>,
    /// The field of the change that the service accepted and no read has shown, which the status is to remember.
    pub accepted: Option<String>,
}

impl Verdict {
    fn new(phase: Phase, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            phase,
            reason,
            message: message.into(),
            action: None,
            look_again: None,
            awaits: None,
            wants: None,
            accepted: None,
        }
    }

    /// Everything is as declared.
    pub fn done(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Phase::Done, reason, message)
    }

    /// Work is under way.
    pub fn working(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Phase::Working, reason, message)
    }

    /// Only the user can help.
    pub fn stalled(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Phase::Stalled, reason, message)
    }

    /// The same step at the same time, though only the user can help.
    pub fn but_stalled(self, reason: Reason, message: String) -> Self {
        Self {
            phase: Phase::Stalled,
            reason,
            message,
            ..self
        }
    }

    /// With a step to take.
    pub fn with(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// With a time to look again.
    pub fn until(mut self, at: Timestamp) -> Self {
        self.look_again = Some(self.look_again.map_or(at, |before| before.min(at)));
        self
    }

    /// With a place in the queue of the connection.
    pub fn wanting(mut self, want: Want) -> Self {
        self.wants = Some(Box::new(want));
        self
    }

    /// With a change that the service accepted and no read has shown.
    pub fn accepting(mut self, field: Option<&str>) -> Self {
        self.accepted = field.map(str::to_owned);
        self
    }

    /// With an eye on the object's own remote entity.
    pub fn watching(mut self) -> Self {
        self.awaits = Some(Awaits::Own);
        self
    }

    /// With an eye on what the object depends on.
    pub fn watching_list(mut self, list: List) -> Self {
        self.awaits = Some(Awaits::Other(list));
        self
    }

    /// The list to look at often; `own` is that of the object's own remote entities.
    pub fn awaited(&self, own: List) -> Option<List> {
        self.awaits.map(|awaits| match awaits {
            Awaits::Own => own,
            Awaits::Other(list) => list,
        })
    }
}
