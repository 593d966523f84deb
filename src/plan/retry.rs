//! Failed requests: which are worth repeating, and when.
use super::{
    Action, Verdict,
    text::{after, day_time},
};
use crate::api::{Reason, reference::LastFailure};
use jiff::{SignedDuration, Timestamp};

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
    // No spec can help a deletion, but the world can, for example when nothing uses the entity any more.
    if last.terminal && !matches!(action, Action::DeleteEndpoint(_) | Action::DeleteModel(_)) {
        return Verdict::stalled(
            Reason::Refused,
            format!("the service refused the request: {}", words(last)),
        );
    }
    let at = after(last.at.parse().unwrap_or(now), delay(last.count));
    if at <= now {
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

    #[test]
    fn delays_double_up_to_a_quarter_of_an_hour() {
        let seconds: Vec<_> = [1, 2, 3, 8, 9, 1000]
            .iter()
            .map(|count| delay(*count).as_secs())
            .collect();
        assert_eq!(seconds, [5, 10, 20, 640, 900, 900]);
    }
}
