//! Deletions whose connection is gone: they wait a while, then let the remote entity go.
use super::{
    Action, ORPHAN_AFTER, Verdict,
    text::{after, day_time},
};
use crate::api::{Reason, condition};
use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// What keeps a deletion from its remote entity; the time of the condition `Stalled` tells since when.
const OBSTACLES: [Reason; 4] = [
    Reason::ConnectionNotFound,
    Reason::NamespaceNotAllowed,
    Reason::ConnectionNotReady,
    Reason::Connecting,
];

/// Waits until the connection has been gone for [`ORPHAN_AFTER`] of the deletion, then releases the object.
///
/// The time counts from the first pass that saw the obstacle, not from the deletion: one that waited for hours for another
/// reason is not given up at the first failing request.
pub fn unreachable(
    what: &str,
    obstacle: Option<Verdict>,
    deleted: Option<&Time>,
    before: &[Condition],
    now: Timestamp,
) -> Verdict {
    let (reason, why) = obstacle.map_or_else(
        || {
            (
                Reason::Connecting,
                "the Speech resource was not looked at yet".to_owned(),
            )
        },
        |verdict| (verdict.reason, verdict.message),
    );
    let deleted = deleted.map_or(now, |time| time.0);
    let seen = condition::find(before, condition::STALLED)
        .filter(|stalled| OBSTACLES.iter().any(|known| known.as_str() == stalled.reason))
        .map_or_else(
            || now.round(Unit::Second).unwrap_or(now),
            |stalled| stalled.last_transition_time.0,
        );
    let release_at = after(seen.max(deleted), ORPHAN_AFTER);
    if now >= release_at {
        let message = format!("{what} could not be deleted and stays in the Speech service: {why}");
        return Verdict::working(Reason::Orphaned, message).with(Action::Release);
    }
    let message = format!(
        "{what} cannot be deleted: {why}; without it the object is released at {}",
        day_time(release_at)
    );
    Verdict::stalled(reason, message).until(release_at)
}
