//! A connection is kept while objects use it.
use super::*;

fn need(
    namespace: &'static str,
    deleted: bool,
    deletes_remote: bool,
    force_orphan_after: &'static str,
) -> Need<'static> {
    Need {
        namespace,
        deleted,
        deletes_remote,
        force_orphan_after,
    }
}

#[test]
fn a_connection_waits_for_those_that_can_still_use_it() {
    let minutes = |n| SignedDuration::from_mins(n);
    for (name, need, alive, ending) in [
        ("lives here", need("home", false, true, "15m"), 1, 1),
        ("lives here and is to stay", need("home", false, false, "15m"), 1, 0),
        ("lives elsewhere", need("team", false, true, "15m"), 1, 0),
        ("leaves", need("team", true, true, "1h"), 1, 1),
        (
            "leaves and lets the remote side be",
            need("team", true, false, "1h"),
            0,
            0,
        ),
    ] {
        let count = |ending| Dependents::of([need].into_iter(), "home", ending).count;
        assert_eq!((count(false), count(true)), (alive, ending), "{name}");
    }
    let both = [need("team", true, true, "1h"), need("team", true, true, "30m")];
    assert_eq!(Dependents::of(both.into_iter(), "home", false).patience, minutes(60));
    let object = connection(&format!("{HELD}{DELETED_LONG_AGO}"));
    let leaving = Dependents {
        count: 1,
        living: 0,
        patience: minutes(60),
    };
    let plan = plan_for(&object, &Contact::Established(COUNTS), leaving);
    assert_eq!((plan.step, plan.look_again), (None, Some(at("2026-03-01T10:45:00Z"))));
}

#[test]
fn a_connection_is_never_taken_away_from_objects_that_live() {
    let object = connection(&format!("{HELD}, deletionTimestamp: '2025-03-01T09:45:00Z'"));
    let of = |needs: &[Need<'static>]| {
        let dependents = Dependents::of(needs.iter().copied(), "home", false);
        plan_for(&object, &Contact::Established(COUNTS), dependents)
    };
    let (lives, leaves) = (need("team", false, true, "15m"), need("team", true, true, "15m"));
    for (needs, step) in [
        (&[lives, leaves][..], None),
        (&[lives], None),
        (&[leaves], Some(Step::Release)),
        (&[], Some(Step::Release)),
    ] {
        assert_eq!(of(needs).step, step, "a year later: {needs:?}");
    }
    let kept = of(&[lives]);
    assert_eq!(kept.look_again, None, "no date takes it away");
    let said = condition::find(&kept.status.conditions, condition::READY).unwrap();
    assert!(
        said.message.contains("kept as long as objects use it"),
        "{}",
        said.message
    );
}
