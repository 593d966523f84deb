//! Deletions that nothing can be done for now: they wait a while, then let the remote entity go.
use super::{
    Action, ORPHAN_AFTER, Stay, Verdict, guard,
    text::{after, day_time},
};
use jiff::{SignedDuration, Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use speech_api::{Reason, condition, duration, reference::LastFailure};

/// What keeps a deletion from its remote entity; the time of the condition `Stalled` tells since when.
const OBSTACLES: [Reason; 7] = [
    Reason::DeletionHeld,
    Reason::ClusterUnreadable,
    Reason::ConnectionNotFound,
    Reason::NamespaceNotAllowed,
    Reason::ConnectionNotReady,
    Reason::Connecting,
    Reason::DeletionUnproven,
];

/// When the cluster is asked again for what it did not tell.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// The code of a deletion that something else than the service answered, or that nothing proves.
pub const UNPROVEN: &str = "unproven";

/// Codes of failures that say nothing of the entity and pass as a rule: no deletion waits for them for ever.
const PASSING: [&str; 13] = [
    "InternalServerError",
    "PipelineError",
    "InternalCommunicationFailed",
    "ServiceUnavailable",
    "TooManyRequests",
    "NoTurn",
    "dns",
    "connect",
    "tls",
    "forbidden",
    "timeout",
    "transport",
    "unintelligible",
];
/// So many times may such a failure come before it counts as an obstacle.
const PATIENCE: i32 = 3;

/// What keeps a deletion from its end though the connection works: the answers to it are not the service's, or it is
/// disturbed for long. What the service itself refuses is none, such as the deletion of a model that is in use.
pub fn obstacle(last: Option<&LastFailure>, deletion: &Action, generation: i64) -> Option<Verdict> {
    let last = last.filter(|last| last.operation == deletion.operation() && last.generation == generation)?;
    let lasts = last.count >= PATIENCE && PASSING.contains(&last.code.as_str());
    let obstacle = || Verdict::working(Reason::DeletionUnproven, last.message.clone());
    (last.code == UNPROVEN || lasts).then(obstacle)
}

/// How long a spec lets a deletion be held up.
pub fn limit(force_orphan_after: &str) -> SignedDuration {
    let parsed = duration::parse(force_orphan_after).ok();
    parsed
        .and_then(|limit| SignedDuration::try_from(limit).ok())
        .unwrap_or(ORPHAN_AFTER)
}

/// A deletion that has to delete something remote, and for how long it may be held up.
#[derive(Clone, Debug)]
pub struct Deletion<'a> {
    /// What would stay behind, with its ids.
    pub what: String,
    /// When the object was deleted.
    pub deleted: Option<&'a Time>,
    /// The conditions as written.
    pub before: &'a [Condition],
    /// `forceOrphanAfter` of the spec.
    pub limit: SignedDuration,
    /// The present (UTC).
    pub now: Timestamp,
}

impl Deletion<'_> {
    /// Whoever removes the operator or its kinds deletes objects without meaning what they stand for. Only a deletion that
    /// is none of these, and certainly so, may delete something remote.
    pub fn unless_meant(&self, stay: Stay<'_>) -> Option<Verdict> {
        match stay {
            Stay::Certain => None,
            Stay::Ends(why) => {
                let message = format!("{} stays in the Speech service: {why}", self.what);
                Some(Verdict::working(Reason::Released, message).with(Action::Release))
            }
            Stay::Unknown(why) => {
                let waits = self.waits(Verdict::working(Reason::ClusterUnreadable, why));
                Some(waits.until(after(self.now, ASK_AGAIN)))
            }
        }
    }

    /// Nothing can be asked for: waits, then releases the object.
    pub fn without(&self, obstacle: Option<Verdict>) -> Verdict {
        let obstacle = obstacle
            .unwrap_or_else(|| Verdict::working(Reason::Connecting, "the Speech resource was not looked at yet"));
        self.waits(obstacle)
    }

    /// More would be deleted at once than the connection allows: waits for a word.
    pub fn guarded(&self, connection: &str) -> Verdict {
        self.waits(guard::obstacle(connection))
    }

    /// The connection does not work, but requests can be sent: goes on as `attempt` says, but not for ever.
    pub fn despite(&self, obstacle: Verdict, attempt: Verdict) -> Verdict {
        if attempt.action == Some(Action::Release) {
            return attempt;
        }
        let waits = self.waits(obstacle);
        if waits.action.is_some() {
            return waits;
        }
        if attempt.action.is_some() {
            return attempt;
        }
        let message = format!("{}; {}", waits.message, attempt.message);
        let waits = Verdict {
            message,
            awaits: attempt.awaits,
            ..waits
        };
        attempt.look_again.into_iter().fold(waits, Verdict::until)
    }

    /// A request that nobody knows the end of may have made something, and no list that could tell was read for so long.
    pub fn unread(&self, settled_at: Timestamp, attempt: Verdict) -> Verdict {
        let release_at = after(settled_at.max(self.deleted_at()), self.limit);
        if self.now >= release_at {
            return self.released("the lists of the Speech resource could not be read to their end");
        }
        attempt.until(release_at)
    }

    /// Something has to end first that may never end: waits for it from then on, or from the deletion, and not for ever.
    pub fn lasting(&self, from: Timestamp, attempt: Verdict) -> Verdict {
        let release_at = after(from.max(self.deleted_at()), self.limit);
        if self.now >= release_at {
            return self.released(&attempt.message);
        }
        let message = format!(
            "{}; without that the object is released at {}, and at once with deletionPolicy: Retain",
            attempt.message,
            day_time(release_at)
        );
        Verdict { message, ..attempt }.until(release_at)
    }

    fn deleted_at(&self) -> Timestamp {
        self.deleted.map_or(self.now, |time| time.0)
    }

    /// The time counts from the first pass that saw the obstacle, not from the deletion: one that waited for hours for
    /// another reason is not given up at the first failing request.
    fn waits(&self, obstacle: Verdict) -> Verdict {
        let seen = condition::find(self.before, condition::STALLED)
            .filter(|stalled| OBSTACLES.iter().any(|known| known.as_str() == stalled.reason))
            .map_or_else(
                || self.now.round(Unit::Second).unwrap_or(self.now),
                |stalled| stalled.last_transition_time.0,
            );
        let release_at = after(seen.max(self.deleted_at()), self.limit);
        if self.now >= release_at {
            return self.released(&obstacle.message);
        }
        let message = format!(
            "{} cannot be deleted: {}; without it the object is released at {}",
            self.what,
            obstacle.message,
            day_time(release_at)
        );
        Verdict::stalled(obstacle.reason, message).until(release_at)
    }

    fn released(&self, why: &str) -> Verdict {
        let message = format!(
            "{} could not be deleted and stays in the Speech service: {why}",
            self.what
        );
        Verdict::working(Reason::Orphaned, message).with(Action::Release)
    }
}
