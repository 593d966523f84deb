//! Creation without twins: when a POST may leave.
//!
//! POST has no idempotency key. So an announcement is written to the object before it; whoever finds it open later (after
//! a crash, a lost answer, another leader) must take it that an entity may exist or come into existence, and first look
//! for one with our mark. Only when a list that was read after the grace period lacks it may another attempt begin.
use super::{
    Action, Surroundings, Verdict,
    text::{after, day_time},
};
use crate::{
    api::{Reason, annotation::CreationIntent},
    speech::EntityId,
};
use jiff::{SignedDuration, Timestamp};
use kube::Resource;

/// Longer than any request may take and any list may lag: after this, what was sent has arrived or never will.
pub const GRACE: SignedDuration = SignedDuration::from_secs(120);

/// The same for copies: what a lost answer spoke of is listed only when the copy is done.
pub const COPY_GRACE: SignedDuration = SignedDuration::from_mins(30);

/// What the object and the view say of the creation.
#[derive(Clone, Copy, Debug)]
pub struct Creation {
    /// The announcement on the object.
    pub intent: Option<CreationIntent>,
    /// The number of the last attempt whose end is known.
    pub closed_attempt: Option<i32>,
    /// The attempt that this pass announced.
    pub announced: Option<u32>,
    /// When the last whole list of the kind began.
    pub swept_at: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
    /// How long an announcement may still lead to something.
    pub grace: SignedDuration,
    /// The model that is to be copied.
    pub copy_of: Option<EntityId>,
    /// Whether the status names an entity that the view does not have, though nobody here deleted it.
    pub unlisted: bool,
}

impl Creation {
    /// Reads the announcement of an object. After a failure in this pass nothing may be sent for it any more.
    pub fn of(
        object: &impl Resource,
        around: &Surroundings<'_>,
        closed_attempt: Option<i32>,
        swept_at: Option<Timestamp>,
    ) -> Self {
        Self {
            intent: CreationIntent::of(object),
            closed_attempt,
            announced: around.announced.filter(|_| around.failure.is_none()),
            swept_at,
            now: around.now,
            grace: GRACE,
            copy_of: None,
            unlisted: false,
        }
    }

    /// The same where the status may name an entity that the view lacks.
    pub fn lacking(self, unlisted: bool) -> Self {
        Self { unlisted, ..self }
    }

    /// The same for the copy of a model.
    pub fn copying(self, copy_of: Option<EntityId>) -> Self {
        Self {
            grace: COPY_GRACE,
            copy_of,
            unlisted: false,
            ..self
        }
    }

    /// The announcement, if it was made in this pass, so that nothing was sent for it.
    pub fn unsent(&self) -> Option<CreationIntent> {
        self.open().filter(|intent| self.announced == Some(intent.attempt))
    }

    /// The announcement, while nobody knows whether it led to an entity; or while what it led to cannot be seen: the list
    /// may be older than the entity that another leader wrote into the status, and then its absence says nothing.
    pub fn open(&self) -> Option<CreationIntent> {
        let closed = self.closed_attempt.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        self.intent.filter(|intent| self.unlisted || intent.attempt > closed)
    }

    /// The time from which an open announcement that led to nothing can be taken as over.
    pub fn settled_at(&self, intent: CreationIntent) -> Timestamp {
        after(intent.at, self.grace)
    }

    /// Whether an open announcement has certainly led to nothing, given that no entity with our mark is known.
    pub fn is_void(&self, intent: CreationIntent) -> bool {
        self.swept_at.is_some_and(|at| at >= self.settled_at(intent))
    }

    /// Waits for the end of the grace period.
    pub fn wait(&self, intent: CreationIntent) -> Verdict {
        let settled = self.settled_at(intent);
        let message = format!(
            "request {} of {} may still take effect; looking for its result until {}",
            intent.attempt,
            day_time(intent.at),
            day_time(settled)
        );
        let again = settled.max(after(self.now, SignedDuration::from_secs(1)));
        Verdict::working(Reason::AwaitingCreation, message)
            .until(again)
            .watching()
    }

    /// The next step towards a remote entity, given that none with our mark is known. `post` makes the request from the
    /// number of the attempt.
    pub fn next(&self, post: impl FnOnce(u32) -> Action) -> Result<Action, Verdict> {
        match self.open() {
            Some(intent) if self.announced == Some(intent.attempt) => Ok(post(intent.attempt)),
            Some(intent) if !self.is_void(intent) => Err(self.wait(intent)),
            Some(_) | None => Ok(Action::Claim(Some(CreationIntent {
                attempt: self.next_attempt(),
                at: self.now,
                copy_of: self.copy_of.map(EntityId::uuid),
            }))),
        }
    }

    fn next_attempt(&self) -> u32 {
        let closed = self.closed_attempt.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        self.intent
            .map_or(0, |intent| intent.attempt)
            .max(closed)
            .saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn creation(intent: Option<u32>, closed: Option<i32>, announced: Option<u32>, swept: &str) -> Creation {
        Creation {
            intent: intent.map(|attempt| CreationIntent {
                attempt,
                at: at("2026-03-01T10:00:00Z"),
                copy_of: None,
            }),
            closed_attempt: closed,
            announced,
            swept_at: Some(at(swept)),
            now: at("2026-03-01T10:05:00Z"),
            grace: GRACE,
            copy_of: None,
            unlisted: false,
        }
    }

    fn step(creation: Creation) -> String {
        let post = |attempt: u32| {
            Action::DeleteEndpoint(crate::speech::EntityId::from_uuid(uuid::Uuid::from_u128(
                attempt.into(),
            )))
        };
        match creation.next(post) {
            Ok(Action::Claim(Some(intent))) => format!("announce {}", intent.attempt),
            Ok(_) => "post".into(),
            Err(verdict) => verdict.reason.as_str().into(),
        }
    }

    #[test]
    fn a_post_leaves_only_for_an_attempt_that_this_pass_announced() {
        let (early, late) = ("2026-03-01T10:01:59Z", "2026-03-01T10:02:00Z");
        for (intent, closed, announced, swept, expected) in [
            (None, None, None, late, "announce 1"),
            (Some(1), None, Some(1), early, "post"),
            (Some(1), None, None, early, "AwaitingCreation"),
            (Some(1), None, None, late, "announce 2"),
            (Some(1), Some(1), None, early, "announce 2"),
            (Some(2), Some(1), None, early, "AwaitingCreation"),
            (Some(2), Some(1), Some(1), early, "AwaitingCreation"),
            (None, Some(3), None, early, "announce 4"),
        ] {
            assert_eq!(
                step(creation(intent, closed, announced, swept)),
                expected,
                "{intent:?} {closed:?} {announced:?} {swept}"
            );
        }
    }
    #[test]
    fn a_list_from_before_the_end_of_the_grace_proves_no_absence_of_what_the_status_names() {
        let (early, late) = ("2026-03-01T10:01:59Z", "2026-03-01T10:02:00Z");
        for (closed, swept, unlisted, expected) in [
            (Some(1), early, false, "announce 2"),
            (Some(1), early, true, "AwaitingCreation"),
            (Some(1), late, true, "announce 2"),
        ] {
            let creation = creation(Some(1), closed, None, swept).lacking(unlisted);
            assert_eq!(step(creation), expected, "{swept} {unlisted}");
        }
    }
}
