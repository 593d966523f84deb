//! Failed requests: which are worth repeating, and when.
use super::{
    Action, EXPORT, Surroundings, Verdict,
    text::{after, day_time},
};
use crate::api::{Reason, annotation::CreationIntent, condition, reference::LastFailure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;

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

/// What can help after a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// A change of the spec.
    Terminal,
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
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(0).min(16);
    (FIRST_DELAY * 2_i32.saturating_pow(doublings)).min(LONGEST_DELAY)
}

/// The first delay after work of the service that failed; doubled each time. Such work is billed, so it begins long.
const FIRST_WORK_DELAY: SignedDuration = SignedDuration::from_mins(10);
/// The longest such delay.
const LONGEST_WORK_DELAY: SignedDuration = SignedDuration::from_hours(24);

/// How long to wait after so many failures of billed work in a row.
pub fn work_delay(count: i32) -> SignedDuration {
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(0).min(16);
    (FIRST_WORK_DELAY * 2_i32.saturating_pow(doublings)).min(LONGEST_WORK_DELAY)
}

/// Remembers a failure of this pass beside the one before.
pub fn remember(before: Option<&LastFailure>, failure: &Failure, generation: i64, now: Timestamp) -> LastFailure {
    let again = before.filter(|b| b.operation == failure.operation && b.generation == generation);
    let wait = match failure.class {
        FailureClass::Transient {
            retry_after: Some(wait),
        } => after(now, wait.min(LONGEST_DELAY) - FIRST_DELAY),
        FailureClass::Transient { retry_after: None }
        | FailureClass::Terminal
        | FailureClass::Quota
        | FailureClass::Uncertain => now,
    };
    LastFailure {
        operation: failure.operation.to_owned(),
        at: wait.max(now).to_string(),
        count: again.map_or(0, |b| b.count).saturating_add(1),
        code: failure.code.clone(),
        message: failure.message.clone(),
        terminal: failure.class == FailureClass::Terminal,
        generation,
    }
}

/// What a change comes to that the service accepted, and that a later read does not show.
///
/// It counts as a failure, so that a service that ignores a field is asked ever more rarely instead of at each look.
pub fn not_applied(fields: &str) -> Failure {
    Failure {
        operation: "Update",
        code: "NotApplied".to_owned(),
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

/// Keeps a failure of this pass in a status, and closes the attempt of a creation (`creates` is its word) that certainly
/// led to nothing.
pub fn note(
    object: &impl Resource,
    around: &Surroundings<'_>,
    creates: &str,
    last_failure: &mut Option<LastFailure>,
    closed_attempt: &mut Option<i32>,
) {
    let Some(failure) = around.failure else { return };
    // A publication that fails must not make forgotten that a request to the service waits for its delay.
    if failure.operation == EXPORT && last_failure.as_ref().is_some_and(|last| last.operation != EXPORT) {
        return;
    }
    let generation = object.meta().generation.unwrap_or_default();
    *last_failure = Some(remember(last_failure.as_ref(), failure, generation, around.now));
    if failure.operation == creates && failure.class != FailureClass::Uncertain {
        let attempt = CreationIntent::of(object).and_then(|intent| i32::try_from(intent.attempt).ok());
        *closed_attempt = attempt.max(*closed_attempt);
    }
}

/// Lets a step through, or says why not yet.
///
/// `fresh` means that something asks for an attempt whatever came before: a newer spec, or a user's request.
pub fn gate(
    last: Option<&LastFailure>,
    action: Action,
    verdict: Verdict,
    generation: i64,
    fresh: bool,
    now: Timestamp,
) -> Verdict {
    let Some(last) = last.filter(|l| l.operation == action.operation() && l.generation == generation && !fresh) else {
        return verdict.with(action);
    };
    // No spec can help a deletion or a copy, but the world can: nothing uses the entity any more, the source allows it.
    let marks = matches!(&action, Action::UpdateModel { change, .. } if change.owner.is_some());
    let copies = matches!(action, Action::CopyModel(_) | Action::FollowCopy { .. });
    if last.terminal && !(action.deletes() || copies || marks) {
        return Verdict::stalled(
            Reason::Refused,
            format!("the service refused the request: {}", words(last)),
        );
    }
    let failed: Timestamp = last.at.parse().unwrap_or(now);
    let at = after(failed, delay(last.count));
    // No honest clock wrote a date beyond the longest wait: whoever wrote it was ahead, and is so no more.
    if at <= now || failed > after(now, LONGEST_DELAY) {
        return verdict.with(action);
    }
    let reason = if is_quota(&last.code) {
        Reason::QuotaExceeded
    } else {
        Reason::Retrying
    };
    let message = format!("{}; tried {} times, next at {}", words(last), last.count, day_time(at));
    Verdict::working(reason, message).until(at)
}

fn words(last: &LastFailure) -> String {
    format!("{} ({})", last.message, last.code)
}

/// Whether a code of the service means that the resource is full.
pub fn is_quota(code: &str) -> bool {
    matches!(code, "QuotaViolation" | "SkuLimitsExist")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{NOW, at, id};

    #[test]
    fn delays_double_up_to_a_quarter_of_an_hour() {
        let seconds: Vec<_> = [1, 2, 3, 8, 9, 1000]
            .iter()
            .map(|count| delay(*count).as_secs())
            .collect();
        assert_eq!(seconds, [5, 10, 20, 640, 900, 900]);
        let minutes: Vec<_> = [1, 2, 8, 9, 1000]
            .iter()
            .map(|count| work_delay(*count).as_secs() / 60)
            .collect();
        assert_eq!(minutes, [10, 20, 1280, 1440, 1440]);
    }

    fn failure(class: FailureClass) -> Failure {
        Failure {
            operation: "Update",
            code: if class == FailureClass::Quota {
                "QuotaViolation"
            } else {
                "Code"
            }
            .into(),
            message: "words".into(),
            class,
        }
    }

    fn update() -> Action {
        Action::UpdateEndpoint {
            id: id(1),
            change: Box::default(),
            urgent: false,
        }
    }

    #[test]
    fn failures_count_while_the_step_and_the_spec_are_the_same() {
        let now = at(NOW);
        let transient = failure(FailureClass::Transient { retry_after: None });
        let first = remember(None, &transient, 1, now);
        let count = |before: &LastFailure, generation| remember(Some(before), &transient, generation, now).count;
        assert_eq!((first.count, first.terminal, first.at.as_str()), (1, false, NOW));
        assert_eq!(count(&first, 1), 2);
        assert_eq!(count(&first, 2), 1, "another spec");
        let create = LastFailure {
            operation: "Create".into(),
            ..first.clone()
        };
        assert_eq!(count(&create, 1), 1, "another step");
        let many = LastFailure {
            count: i32::MAX,
            ..first
        };
        assert_eq!(count(&many, 1), i32::MAX);
    }

    #[test]
    fn the_service_s_wish_to_wait_is_obeyed() {
        for (wish, count, wait) in [(0, 1, 5), (3, 1, 5), (60, 1, 60), (60, 2, 65), (86_400, 1, 900)] {
            let now = at(NOW);
            let wish = Some(SignedDuration::from_secs(wish));
            let transient = failure(FailureClass::Transient { retry_after: wish });
            let before = (count > 1).then(|| remember(None, &transient, 1, now));
            let last = remember(before.as_ref(), &transient, 1, now);
            let verdict = gate(
                Some(&last),
                update(),
                Verdict::working(Reason::Updating, ""),
                1,
                false,
                now,
            );
            assert_eq!(
                verdict.look_again,
                Some(now + SignedDuration::from_secs(wait)),
                "{wish:?} {count}"
            );
        }
    }

    #[test]
    fn a_failure_holds_back_its_own_step_only() {
        let now = at(NOW);
        let of = |class| remember(None, &failure(class), 1, now);
        let transient = of(FailureClass::Transient { retry_after: None });
        let (refused, full, unknown) = (
            of(FailureClass::Terminal),
            of(FailureClass::Quota),
            of(FailureClass::Uncertain),
        );
        let late = now + SignedDuration::from_secs(5);
        let odd = LastFailure {
            at: "yesterday".into(),
            ..transient.clone()
        };
        let end = LastFailure {
            at: "9999-12-30T21:59:59Z".into(),
            ..transient.clone()
        };
        let set = of(FailureClass::Transient {
            retry_after: Some(LONGEST_DELAY),
        });
        let delete = Action::DeleteEndpoint(id(1));
        for (name, last, action, generation, fresh, now, expected) in [
            ("nothing failed", None, update(), 1, false, now, "act"),
            ("too early", Some(&transient), update(), 1, false, now, "Retrying"),
            ("in time", Some(&transient), update(), 1, false, late, "act"),
            ("perhaps", Some(&unknown), update(), 1, false, now, "Retrying"),
            ("no room", Some(&full), update(), 1, false, now, "QuotaExceeded"),
            ("refused", Some(&refused), update(), 1, false, late, "Refused"),
            ("another spec", Some(&refused), update(), 2, false, now, "act"),
            ("asked for", Some(&refused), update(), 1, true, now, "act"),
            ("another step", Some(&refused), delete.clone(), 1, false, now, "act"),
            ("a time that is none", Some(&odd), update(), 1, false, now, "Retrying"),
            ("a wait that is set", Some(&set), update(), 1, false, now, "Retrying"),
            ("the end of time", Some(&end), update(), 1, false, now, "act"),
        ] {
            let verdict = gate(
                last,
                action,
                Verdict::working(Reason::Updating, ""),
                generation,
                fresh,
                now,
            );
            let word = if verdict.action.is_some() {
                "act"
            } else {
                verdict.reason.as_str()
            };
            assert_eq!(word, expected, "{name}");
            assert!(verdict.look_again.is_none_or(|again| again > now), "{name}");
        }
        let refused = LastFailure {
            operation: "Delete".into(),
            ..refused
        };
        let gated = |now| {
            gate(
                Some(&refused),
                delete.clone(),
                Verdict::working(Reason::Deleting, ""),
                1,
                false,
                now,
            )
        };
        assert_eq!(
            (gated(now).reason, gated(now).look_again),
            (Reason::Retrying, Some(late))
        );
        assert!(gated(late).action.is_some(), "a deletion is never given up");
    }
}
