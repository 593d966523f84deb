//! Failed requests: which are worth repeating, and when.
use super::{
    Action, EXPORT, Surroundings, Verdict,
    text::{after, day_time},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{Reason, Subject, SubjectStatus, annotation::CreationIntent, condition, reference::LastFailure};
use speech_service::request::UpdateModel;

/// What the act step learned from a request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step's word, see [`Action::operation`].
    pub operation: &'static str,
    /// The service's inner or outer code, or the kind of transport error.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// What can help.
    pub class: FailureClass,
}

impl Failure {
    /// Whether the request certainly had no effect.
    pub fn had_no_effect(&self) -> bool {
        self.class != FailureClass::Uncertain
    }
}

/// What can help after a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// A change of the spec, or of the world: what is refused today may be accepted tomorrow.
    Refused,
    /// Room in the resource's quota.
    Quota,
    /// Time. The request had no effect.
    Transient {
        /// How long the service asked to wait.
        retry_after: Option<SignedDuration>,
    },
    /// Time. Whether the request had an effect is unknown.
    Uncertain,
}

/// The first delay; doubled each time.
const FIRST_DELAY: SignedDuration = SignedDuration::from_secs(5);
/// The longest delay.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// How long to wait after so many failures in a row.
pub fn delay(count: i32) -> SignedDuration {
    doubled(FIRST_DELAY, count).min(LONGEST_DELAY)
}

/// The first delay after a refusal; doubled each time. And the delay where the step is needed soon.
const FIRST_REFUSAL_DELAY: SignedDuration = SignedDuration::from_mins(15);
/// The longest such delay.
const LONGEST_REFUSAL_DELAY: SignedDuration = SignedDuration::from_hours(24);
/// The delay once the date is past for which the step was needed.
const MISSED_DELAY: SignedDuration = SignedDuration::from_hours(1);

/// How long to wait after so many refusals in a row.
fn refusal_delay(count: i32) -> SignedDuration {
    doubled(FIRST_REFUSAL_DELAY, count).min(LONGEST_REFUSAL_DELAY)
}

/// The dates for which a step is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The latest start that leaves time for the work (UTC).
    pub latest: Timestamp,
    /// When what the step replaces expires (UTC).
    pub expires_at: Timestamp,
}

impl Need {
    /// When to ask again after a refusal: slowly, but at the latest start in any case, and from then on often.
    fn again(self, failed: Timestamp, count: i32) -> Timestamp {
        self.no_later(failed, after(failed, refusal_delay(count)))
    }

    /// The same for a step that would wait until `slow` after the one before, which left at `last`.
    pub fn no_later(self, last: Timestamp, slow: Timestamp) -> Timestamp {
        if last < self.latest {
            return slow.min(self.latest);
        }
        let often = if last < self.expires_at {
            FIRST_REFUSAL_DELAY
        } else {
            MISSED_DELAY
        };
        slow.min(after(last, often))
    }
}

/// When a step that was refused is asked for again, where it is needed for these dates.
pub fn refused_until(last: &LastFailure, need: Option<Need>) -> Option<Timestamp> {
    let slow = || after(last.at, refusal_delay(last.count));
    let again = || need.map_or_else(slow, |need| need.again(last.at, last.count));
    last.terminal.then(again)
}

/// When a failed step is tried again that is needed for no date.
pub fn again_at(last: &LastFailure) -> Timestamp {
    refused_until(last, None).unwrap_or_else(|| failed_until(last, None))
}

/// When a step that failed and was not refused is tried again. What the service accepts and does not do is
/// asked for as slowly as what it refuses: each request may begin a deployment anew.
fn failed_until(last: &LastFailure, need: Option<Need>) -> Timestamp {
    if last.code != NOT_APPLIED {
        return after(last.at, delay(last.count));
    }
    let slow = after(last.at, doubled(FIRST_DELAY, last.count).min(LONGEST_REFUSAL_DELAY));
    need.map_or(slow, |need| need.no_later(last.at, slow))
}

/// The first delay, doubled with each failure after the first.
fn doubled(first: SignedDuration, count: i32) -> SignedDuration {
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(0).min(16);
    first * 2_i32.saturating_pow(doublings)
}

/// The first delay after work of the service that failed; doubled each time. Such work is billed, so it begins long.
const FIRST_WORK_DELAY: SignedDuration = SignedDuration::from_mins(10);
/// The longest such delay.
const LONGEST_WORK_DELAY: SignedDuration = SignedDuration::from_hours(24);

/// How long to wait after so many failures of billed work in a row.
pub fn work_delay(count: i32) -> SignedDuration {
    doubled(FIRST_WORK_DELAY, count).min(LONGEST_WORK_DELAY)
}

/// Remembers a failure of this pass beside the one before.
pub fn remember(before: Option<&LastFailure>, failure: &Failure, generation: i64, now: Timestamp) -> LastFailure {
    let again = before.filter(|b| b.operation == failure.operation && b.generation == generation);
    let wait = match failure.class {
        FailureClass::Transient {
            retry_after: Some(wait),
        } => after(now, wait.min(LONGEST_DELAY) - FIRST_DELAY),
        FailureClass::Transient { retry_after: None }
        | FailureClass::Refused
        | FailureClass::Quota
        | FailureClass::Uncertain => now,
    };
    LastFailure {
        operation: failure.operation.to_owned(),
        at: wait.max(now),
        count: again.map_or(0, |b| b.count).saturating_add(1),
        code: failure.code.clone(),
        message: failure.message.clone(),
        terminal: failure.class == FailureClass::Refused,
        generation,
    }
}

/// What a change comes to that the service accepted, and that a later read does not show.
///
/// It counts as a failure, so that a service that ignores a field is asked ever more rarely instead of at each look.
pub fn not_applied(action: &Action, fields: &str) -> Failure {
    Failure {
        operation: action.operation(),
        code: NOT_APPLIED.to_owned(),
        message: format!("the service accepted a change of {fields} but does not report it"),
        class: FailureClass::Transient { retry_after: None },
    }
}

/// Whether the written status says that this very spec's change was on its way. Steps are taken before the status is
/// written, so it was sent.
pub fn was_asked(before: &[Condition], observed: i64, generation: i64, reason: Reason) -> bool {
    observed == generation
        && condition::find(before, condition::RECONCILING).is_some_and(|c| c.reason == reason.as_str())
}

/// What a status remembers of failures.
#[derive(Debug)]
pub struct Memory<'a> {
    /// Of the step that the object needs most.
    pub last: &'a mut Option<LastFailure>,
    /// Of steps that hold nothing else back.
    pub aside: &'a mut Vec<LastFailure>,
}

/// How many failures of steps aside are remembered: there are no more words for them.
const MOST_ASIDE: usize = 8;

impl<'a> Memory<'a> {
    /// What a status remembers.
    pub fn of(status: &'a mut impl SubjectStatus) -> Self {
        let fields = status.fields_mut();
        Self {
            last: fields.last_failure,
            aside: fields.side_failures,
        }
    }

    /// Keeps a failure beside those of other steps.
    pub fn keep(self, failure: &Failure, generation: i64, leaves: bool, now: Timestamp) {
        if !Action::is_aside(failure.operation, leaves) {
            *self.last = Some(remember(self.last.as_ref(), failure, generation, now));
            return;
        }
        let known = self.aside.iter().position(|known| known.operation == failure.operation);
        let before = known.map(|at| self.aside.remove(at));
        self.aside
            .insert(0, remember(before.as_ref(), failure, generation, now));
        self.aside.truncate(MOST_ASIDE);
    }
}

/// Keeps a failure of this pass in a status, and closes the attempt of a creation (`creates` is its word) that certainly
/// led to nothing.
pub fn note<K: Subject>(object: &K, around: &Surroundings<'_>, creates: &str, status: &mut K::Status) {
    let Some(failure) = around.learned.failure else { return };
    let memory = Memory::of(status);
    // A publication that fails must not make forgotten that a request to the service waits for its delay.
    if failure.operation == EXPORT && memory.last.as_ref().is_some_and(|last| last.operation != EXPORT) {
        return;
    }
    let meta = object.meta();
    let generation = meta.generation.unwrap_or_default();
    // It is tried in every pass. What fails again within its delay is no news: two objects that export to the same place would
    // wake each other with every count.
    let is_known = |last: &LastFailure| {
        last.operation == failure.operation
            && last.code == failure.code
            && last.generation == generation
            && around.now < after(last.at, delay(last.count))
    };
    if failure.operation == EXPORT && memory.last.as_ref().is_some_and(is_known) {
        return;
    }
    let leaves = meta.deletion_timestamp.is_some();
    memory.keep(failure, generation, leaves, around.now);
    if failure.operation == creates && failure.had_no_effect() {
        let attempt = CreationIntent::of(object).and_then(|intent| i32::try_from(intent.attempt).ok());
        let closed = status.fields_mut().closed_attempt;
        *closed = attempt.max(*closed);
    }
}

/// Who asks for a step, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    /// The generation of the spec.
    pub generation: i64,
    /// Whether something asks for an attempt whatever came before: a user's request.
    pub fresh: bool,
    /// For which dates the step is needed, where it is for any.
    pub need: Option<Need>,
    /// The present (UTC).
    pub now: Timestamp,
}

impl Asking {
    /// Lets a step through, or says why not yet.
    pub fn admit(self, last: Option<&LastFailure>, action: Action, verdict: Verdict) -> Verdict {
        let known = last.filter(|l| l.operation == action.operation() && l.generation == self.generation);
        let Some(last) = known.filter(|_| !self.fresh) else {
            return verdict.with(action);
        };
        // What is deleted, and what is copied, depend on the doings of others, so that they are asked for more often.
        let marks = matches!(&action, Action::UpdateModel { change, .. } if matches!(**change, UpdateModel::Owner(..)));
        let depends = action.deletes() || marks || matches!(&action, Action::CopyModel(_) | Action::FollowCopy { .. });
        let slow = refused_until(last, self.need).filter(|_| !depends);
        let at = slow.unwrap_or_else(|| match depends {
            true => after(last.at, delay(last.count)),
            false => failed_until(last, self.need),
        });
        // No honest clock wrote a date beyond the longest wait: whoever wrote it was ahead, and is so no more.
        if at <= self.now || last.at > after(self.now, LONGEST_DELAY) {
            return verdict.with(action);
        }
        held_back(last, slow.is_some(), at)
    }
}

/// What is said of a step that waits after a failure.
fn held_back(last: &LastFailure, refused: bool, at: Timestamp) -> Verdict {
    if refused {
        let refuser = match last.code.as_str() {
            NOT_SENT => "", // the service has not heard of it
            _ => "the service refused the request: ",
        };
        let message = format!(
            "{refuser}{}; asked {} times, again at {}, and at once when the spec changes",
            words(last),
            last.count,
            day_time(at)
        );
        return Verdict::stalled(Reason::Refused, message).until(at);
    }
    let reason = if is_quota(&last.code) {
        Reason::QuotaExceeded
    } else {
        Reason::Retrying
    };
    let message = format!("{}; tried {} times, next at {}", words(last), last.count, day_time(at));
    Verdict::working(reason, message).until(at)
}

/// The code of a request that breaks a rule of the service and was not sent.
pub const NOT_SENT: &str = "NotSent";

/// The code of a change that the service accepted and that no later read shows.
const NOT_APPLIED: &str = "NotApplied";

/// The words of a failure for a person.
pub fn words(last: &LastFailure) -> String {
    if last.code == NOT_SENT {
        return last.message.clone();
    }
    format!("{} ({})", last.message, last.code)
}

/// Whether a code of the service means that the resource is full.
pub fn is_quota(code: &str) -> bool {
    matches!(code, "QuotaViolation" | "SkuLimitsExist")
}

#[cfg(test)]
mod tests;
