//! Creation without twins: when a POST may leave.
//!
//! POST has no idempotency key. So an announcement is written to the object before it; whoever finds it open later (after
//! a crash, a lost answer, another leader) must take it that an entity may exist or come into existence, and first look
//! for one with our mark. Only when a list that was read after the grace period lacks it may another attempt begin.
mod pace;

pub use pace::{MOST_MADE_PER_DAY, MOST_PER_DAY, MOST_PER_HOUR, MOST_PER_MINUTE};

use super::{
    Action, Failure, Surroundings, Verdict, retry,
    text::{after, day_time},
};
use jiff::{SignedDuration, Timestamp};
use kube::Resource;
use pace::Pace;
use speech_api::{
    Reason,
    annotation::CreationIntent,
    reference::LastFailure,
    tally::{CreationTally, Tally},
};
use speech_service::EntityId;

/// Longer than any request may take and any list may lag: after this, what was sent has arrived or never will.
pub const GRACE: SignedDuration = SignedDuration::from_secs(120);

/// The same for copies: what a lost answer spoke of is listed only when the copy is done.
pub const COPY_GRACE: SignedDuration = SignedDuration::from_mins(30);

/// How often in a row something was asked for, by the status of an object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tallies {
    /// Endpoints or models.
    pub creations: Option<Tally>,
    pub evaluations: Option<Tally>,
}

impl Tallies {
    /// Reads a status.
    pub fn of(creations: Option<&CreationTally>, evaluations: Option<&CreationTally>) -> Self {
        Self {
            creations: creations.map(Tally::from),
            evaluations: evaluations.map(Tally::from),
        }
    }

    /// The same with what the announcement says.
    fn announced(self, intent: Option<CreationIntent>) -> Self {
        Self {
            creations: Tally::later(self.creations, intent.and_then(|intent| intent.creations)),
            evaluations: Tally::later(self.evaluations, intent.and_then(|intent| intent.evaluations)),
        }
    }
}

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// The object's own endpoint, or a model.
    Entity,
    Evaluation,
}

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
    pub made: Made,
    /// How often that was asked for before.
    pub tallies: Tallies,
    /// The generation of the spec.
    pub generation: i64,
    /// Whether somebody asks for it now.
    pub requested: bool,
    /// The number of the revision that is to be trained.
    pub revision: Option<u32>,
}

impl Creation {
    /// Reads the announcement of an object. After a failure in this pass nothing may be sent for it any more.
    pub fn of(
        object: &impl Resource,
        around: &Surroundings<'_>,
        closed_attempt: Option<i32>,
        swept_at: Option<Timestamp>,
        tallies: Tallies,
    ) -> Self {
        let intent = CreationIntent::of(object);
        Self {
            intent,
            closed_attempt,
            announced: around.learned.announced.filter(|_| around.learned.failure.is_none()),
            swept_at,
            now: around.now,
            grace: GRACE,
            copy_of: None,
            unlisted: false,
            made: Made::Entity,
            tallies: tallies.announced(intent),
            generation: object.meta().generation.unwrap_or_default(),
            requested: false,
            revision: None,
        }
    }

    /// The same for an evaluation.
    pub fn evaluating(self) -> Self {
        Self {
            made: Made::Evaluation,
            ..self
        }
    }

    /// The same where somebody asks for it now.
    pub fn requested(self, requested: bool) -> Self {
        Self { requested, ..self }
    }

    /// The same for the training of a revision.
    pub fn training(self, revision: u32) -> Self {
        Self {
            revision: Some(revision),
            ..self
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

    /// Whether all that was ever announced has ended, so that nothing can come of it any more.
    pub fn led_to_nothing(&self) -> bool {
        self.intent.is_some() && self.open().is_none()
    }

    /// The highest number of a revision that a request may have given without anybody seeing it. The announcement took the
    /// number after those that may have been given before it, and one that was refused gave none.
    pub fn perhaps_given(&self) -> u32 {
        let number = |intent: CreationIntent| {
            let refused = u32::from(self.is_closed(intent));
            Some(intent.revision?.saturating_sub(refused))
        };
        self.intent.and_then(number).unwrap_or(0)
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
    pub fn next(&self, post: impl FnOnce(u32) -> Action) -> Result<NextRequest, Verdict> {
        match self.open() {
            Some(intent) if self.announced == Some(intent.attempt) => Ok(NextRequest::Post(post(intent.attempt))),
            Some(intent) if !self.is_void(intent) => Err(self.wait(intent)),
            Some(_) | None => Ok(NextRequest::Announce(self.announcement())),
        }
    }

    fn announcement(&self) -> Announcement {
        let pace = self.pace();
        let tally = pace.announced(self.now);
        let mut tallies = self.tallies;
        match self.made {
            Made::Entity => tallies.creations = Some(tally),
            Made::Evaluation => tallies.evaluations = Some(tally),
        }
        let intent = CreationIntent {
            attempt: self.next_attempt(),
            at: tally.at,
            copy_of: self.copy_of,
            revision: self.revision,
            creations: tallies.creations,
            evaluations: tallies.evaluations,
        };
        let waits = self.held_until().map(|due| Wait {
            due,
            in_a_row: pace.in_a_row(),
            is_edited: pace.is_edited(),
        });
        Announcement { intent, waits }
    }

    /// Until when the next announcement waits, because of those before it.
    pub fn held_until(&self) -> Option<Timestamp> {
        self.pace().due(self.now).filter(|due| *due > self.now)
    }

    fn pace(&self) -> Pace {
        let tally = match self.made {
            Made::Entity => self.tallies.creations,
            Made::Evaluation => self.tallies.evaluations,
        };
        // The announcement tells its own kind by its date.
        let is_last = |intent: &CreationIntent| tally.is_some_and(|tally| tally.at == intent.at);
        let void = self
            .intent
            .filter(is_last)
            .is_some_and(|intent| !self.is_closed(intent));
        let tally = if self.requested {
            tally.map(pace::requested)
        } else {
            tally
        };
        Pace::new(tally, void, self.generation)
    }

    fn is_closed(&self, intent: CreationIntent) -> bool {
        self.closed_attempt
            .is_some_and(|closed| i64::from(closed) >= i64::from(intent.attempt))
    }

    fn next_attempt(&self) -> u32 {
        let closed = self.closed_attempt.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        self.intent
            .map_or(0, |intent| intent.attempt)
            .max(closed)
            .saturating_add(1)
    }
}

/// The next step towards a remote entity.
#[derive(Debug)]
pub enum NextRequest {
    /// The request, which this very pass announced.
    Post(Action),
    /// Another announcement.
    Announce(Announcement),
}

/// An announcement that may have to wait. There is no other way to the step than through what may hold it back.
#[derive(Debug)]
pub struct Announcement {
    intent: CreationIntent,
    waits: Option<Wait>,
}

/// Why an announcement waits, and until when.
#[derive(Debug)]
struct Wait {
    due: Timestamp,
    /// How many requests in a row came before it.
    in_a_row: u32,
    /// Whether they were for another spec, so that nothing but their number holds it back.
    is_edited: bool,
}

impl Announcement {
    /// Lets it through in its time. `admitted` is what the failure before says of the request that it stands for.
    pub fn through(self, admitted: Verdict, last: Option<&LastFailure>) -> Verdict {
        let Some(Wait {
            due,
            in_a_row,
            is_edited,
        }) = self.waits
        else {
            return match admitted.action {
                Some(_) => admitted.with(Action::Claim(Some(self.intent))),
                None => admitted,
            };
        };
        if admitted.action.is_none() && admitted.look_again.is_none_or(|again| again >= due) {
            return admitted;
        }
        if is_edited {
            let message = format!(
                "the spec was changed again shortly after the last request; the next is sent at {}",
                day_time(due)
            );
            return Verdict::working(Reason::RecreationDelayed, message).until(due);
        }
        let failed = last.filter(|last| CREATIONS.contains(&last.operation.as_str()));
        let (reason, what) = match failed {
            Some(last) if retry::is_quota(&last.code) => (Reason::QuotaExceeded, retry::words(last)),
            Some(last) => (Reason::Retrying, retry::words(last)),
            None => (
                Reason::RecreationDelayed,
                "what was made in the Speech service did not last".to_owned(),
            ),
        };
        let message = format!(
            "{what}; asked for {in_a_row} times in a row, next at {}. An edit of the spec or a request for a reconcile shortens the wait",
            day_time(due)
        );
        Verdict::working(reason, message).until(due)
    }
}

/// The words of requests that make something.
const CREATIONS: [&str; 4] = ["Create", "Train", "Copy", Action::EVALUATE];

/// The tally that a status shows: the later of what it showed and what was announced, once it is known what came of that.
/// `failure` is what this pass learned of a request of this kind, `requested` whether somebody asks for the next one now.
pub fn tallied(
    shown: Option<&CreationTally>,
    announced: Option<Tally>,
    failure: Option<&Failure>,
    requested: bool,
) -> Option<CreationTally> {
    let tally = Tally::later(shown.map(Tally::from), announced)?;
    let tally = match failure {
        Some(failure) if !failure.had_no_effect() => tally,
        Some(failure) if NOT_TAKEN.contains(&failure.code.as_str()) => pace::unsent(tally),
        Some(_) => pace::empty(tally),
        None => tally,
    };
    let tally = if requested { pace::requested(tally) } else { tally };
    Some(tally.into())
}

/// The codes of what certainly took no effect, and says nothing of the request: the service asks to slow down, or there was
/// no connection to send it.
const NOT_TAKEN: [&str; 3] = ["TooManyRequests", "429", "connection"];

/// The tally where an announcement is known to have led to no request.
pub fn withdrawn(shown: Option<&CreationTally>) -> Option<CreationTally> {
    Some(pace::unsent(shown?.into()).into())
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
                ..CreationIntent::default()
            }),
            closed_attempt: closed,
            announced,
            swept_at: Some(at(swept)),
            now: at("2026-03-01T10:05:00Z"),
            grace: GRACE,
            copy_of: None,
            unlisted: false,
            made: Made::Entity,
            tallies: Tallies::default(),
            generation: 1,
            requested: false,
            revision: None,
        }
    }

    fn step(creation: Creation) -> String {
        let post = |attempt: u32| {
            Action::DeleteEndpoint(speech_service::EntityId::from_uuid(uuid::Uuid::from_u128(
                attempt.into(),
            )))
        };
        match creation.next(post) {
            Ok(NextRequest::Announce(announcement)) => format!("announce {}", announcement.intent.attempt),
            Ok(NextRequest::Post(_)) => "post".into(),
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
