//! Turns: at most so many trainings of a connection at a time, the earliest deadline first.
use super::*;
use crate::queue::Want;
use jiff::Timestamp;
use speech_service::entity::{CustomModel, Status};
use std::sync::Arc;

const DUE: &str = "2026-12-20T00:00:00Z";

/// Another object's model that is being trained since an hour before.
fn rival(n: u128, now: &str) -> CustomModel {
    with(revision(n, 1, "x", Status::Running), |m| {
        m.header.created_at = at(now) - jiff::SignedDuration::from_hours(1);
        m.header.owner = Some(Arc::new(tag("another", 1)));
    })
}

fn limited(case: Case, limit: usize) -> Case {
    case.with(|c| c.world.agenda.limits.trainings = limit)
}

fn due(world: World) -> Case {
    Case::declared(
        world.custom(revision(20, 1, &print_of(TRAINING), Status::Succeeded)),
        TRAINING,
    )
    .with(|c| c.world.now = at(DUE))
}

#[test]
fn a_training_waits_for_its_turn() {
    let first = |world: World| Case::new(world, model(TRAINING));
    let waits = "- | Ready=False AwaitingTurn, Reconciling AwaitingTurn";
    let starts = "announce 1 | Ready=False Training, Reconciling Training";
    let ahead =
        |case: Case, at: Timestamp| case.with(|c| assert!(c.world.agenda.queue.set("uid-0", Some(Want::Training(at)))));
    check(vec![
        ("alone", limited(first(World::new()), 1), starts),
        (
            "another runs",
            limited(first(World::new().custom(rival(30, NOW))), 1),
            waits,
        ),
        (
            "room for two",
            limited(first(World::new().custom(rival(30, NOW))), 2),
            starts,
        ),
        (
            "of another cluster",
            limited(
                first(World::new().custom(with(rival(30, NOW), |m| {
                    m.header.owner = Some(Arc::new(with(tag("another", 1), |t| t.cluster = "far".into())));
                }))),
                1,
            ),
            starts,
        ),
        (
            "an earlier one waits",
            ahead(limited(first(World::new()), 1), at(LATER)),
            waits,
        ),
        (
            "one was ordered",
            ahead(limited(first(World::new()), 1), Timestamp::MIN),
            waits,
        ),
        (
            "a renewal",
            limited(due(World::new().custom(rival(30, DUE))), 1),
            "- | Ready=True AwaitingTurn, AtRisk=True AwaitingTurn",
        ),
        (
            "a renewal whose latest start has come",
            limited(due(World::new().custom(rival(30, DUE))), 1).with(|c| {
                let trainable = with(base_model(1, LATER), |base| base.adaptation_until = None);
                learn(&mut c.world.view.base_models, trainable);
                c.world.now = at("2027-01-14T00:00:00Z");
            }),
            "announce 2 | Ready=True Synced, Reconciling Training, AtRisk=True LeadTimeShort",
        ),
        (
            "what never ends takes no turn",
            limited(first(World::new().custom(rival(30, "2026-02-20T00:00:00Z"))), 1),
            starts,
        ),
        (
            "what is left of an object that is gone takes none either",
            limited(first(World::new().custom(rival(30, NOW))), 1).with(|c| {
                c.world.agenda.queue.leave("another");
            }),
            starts,
        ),
        (
            "a renewal ahead of first ones",
            ahead(limited(due(World::new()), 1), Timestamp::MAX),
            "announce 2 | Ready=True Synced, Reconciling Training",
        ),
    ]);
}

#[test]
fn who_waits_or_begins_has_a_place_in_the_line_and_who_trains_has_none() {
    let case = limited(due(World::new().custom(rival(30, DUE))), 1);
    let plan = case.plan();
    assert_eq!(plan.wants, Some(Want::Training(at(LATER))));
    assert_eq!(plan.look_again, Some(at("2026-12-20T00:01:00Z")));
    assert_eq!(limited(due(World::new()), 1).plan().wants, Some(Want::TrainingBegins));
    let running = due(
        World::new().custom(with(revision(21, 2, &print_of(TRAINING), Status::Running), |m| {
            m.header.created_at = at("2026-12-19T00:00:00Z");
        })),
    );
    assert_eq!((running.plan().wants, running.plan().action), (None, None));
    let lost = Case::new(World::new(), model(TRAINING).announces(1, "2026-03-01T09:59:30Z"));
    assert_eq!(
        lost.plan().wants,
        Some(Want::TrainingBegins),
        "it may be under way already"
    );
}
