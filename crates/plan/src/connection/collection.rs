//! What the gates have left behind in the Speech resource, and what comes after its deletion.
use super::{Contact, Snapshot};
use crate::{
    Scope,
    evaluation::{self, Unneeded},
    skew::Skew,
    text::after,
    view::View,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::SpeechEndpoint;
use speech_service::EntityId;
use std::time::Duration;

/// The pause between two deletions.
const NEXT: Duration = Duration::from_secs(1);
/// The pause after a deletion that was not sent.
const WITHHELD: Duration = Duration::from_secs(10);
/// The pause after a deletion that failed.
const FAILED: SignedDuration = SignedDuration::from_mins(10);

/// What nobody needs any more. Something is old when both clocks say so; when to look again is on the operator's.
pub fn unneeded<'a>(
    view: &View,
    cluster: &str,
    scope: &Scope,
    endpoints: impl Iterator<Item = &'a SpeechEndpoint> + Clone,
    skew: Skew,
    now: Timestamp,
) -> Unneeded {
    let found = evaluation::unneeded(view, cluster, scope, endpoints, skew.earlier(now));
    let look_again = found.look_again.map(|at| skew.local_of_earlier(at));
    Unneeded { look_again, ..found }
}

/// What to delete of what nobody needs any more, and when to look again for it.
pub(super) fn choose(s: &Snapshot<'_>, deleting: bool) -> (Option<EntityId>, Option<Timestamp>) {
    if !matches!(s.contact, Contact::Established(_)) || !s.hands.are_free() {
        return (None, None);
    }
    // Whether something is old is not known while the clocks differ widely. A connection that goes is the deadline.
    if s.skew.holds() && !deleting {
        return (None, None);
    }
    match s.collect_from.filter(|from| *from > s.now) {
        // A connection that is being deleted does not stay for what cannot be deleted.
        Some(from) if s.unneeded.id.is_some() => (None, (!deleting).then_some(from)),
        Some(_) | None => (s.unneeded.id, s.unneeded.look_again.filter(|_| !deleting)),
    }
}

/// What came of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Deleted,
    /// It was not sent, or not in time.
    Withheld,
    Failed,
}

/// What comes after a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The connection is looked at after this pause.
    After(Duration),
    /// Nothing is deleted before (UTC).
    NotBefore(Timestamp),
}

impl Outcome {
    /// What comes after it: what cannot be deleted is left for a while.
    pub fn next(self, now: Timestamp) -> Next {
        match self {
            Self::Deleted => Next::After(NEXT),
            Self::Withheld => Next::After(WITHHELD),
            Self::Failed => Next::NotBefore(after(now, FAILED)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CREATION_GRACE;
    use crate::testing::{CLUSTER, NOW, World, at, custom_id, evaluation, put_state, tag, with};
    use speech_service::entity::Status;
    use std::sync::Arc;

    #[test]
    fn what_nobody_needs_is_old_when_both_clocks_say_so() {
        let models = [custom_id(21), custom_id(20)];
        let world = World::new().evaluation(with(evaluation(30, models, 5, [0.1, 0.1]), |e| {
            e.header.owner = Some(Arc::new(tag("gone", 2)));
            put_state(&mut e.header, Status::Succeeded, at(NOW));
            e.header.created_at = at("2026-03-01T09:58:00Z");
        }));
        let hour = SignedDuration::from_hours(1);
        for (ahead, found, look_again) in [
            (SignedDuration::ZERO, true, None),
            (hour, true, None),
            // The service's clock shows that it is old an hour after ours.
            (
                -hour,
                false,
                Some(after(at("2026-03-01T09:58:00Z"), CREATION_GRACE) + hour),
            ),
        ] {
            let skew = Skew::default().measured(ahead);
            let told = unneeded(
                &world.view,
                CLUSTER,
                &Scope::default(),
                std::iter::empty(),
                skew,
                at(NOW),
            );
            assert_eq!((told.id.is_some(), told.look_again), (found, look_again), "{ahead:?}");
        }
    }

    #[test]
    fn a_deletion_is_followed_by_the_next_and_a_failure_by_a_long_pause() {
        let seconds = |n| Next::After(Duration::from_secs(n));
        assert_eq!(Outcome::Deleted.next(at(NOW)), seconds(1));
        assert_eq!(Outcome::Withheld.next(at(NOW)), seconds(10));
        assert_eq!(
            Outcome::Failed.next(at(NOW)),
            Next::NotBefore(at(NOW) + SignedDuration::from_mins(10))
        );
    }
}
