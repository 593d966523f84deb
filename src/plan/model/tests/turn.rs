//! So many trainings at a time.
use super::*;
use crate::{
    plan::line::Want,
    speech::entity::{OwnerTag, Status},
};
use jiff::Timestamp;
use std::sync::Arc;

const TRAINS: &str = "announce 1 | Ready=False Training, Reconciling Training";
const WAITS: &str = "- | Ready=False AwaitingTurn, Reconciling AwaitingTurn";

/// A first training, while others run.
fn beside(limit: usize, running: u128) -> Case {
    let other = |n: u128| {
        with(custom_model(60 + n, LATER), |m| {
            m.header.status = Status::Running;
            m.header.owner = Some(Arc::new(OwnerTag {
                revision: Some(1),
                ..tag(&format!("other-{n}"), 1)
            }));
        })
    };
    let world = (0..running).map(other).fold(World::new(), World::custom);
    Case::new(world, model(TRAINING)).with(|c| c.world.agenda.limits.trainings = limit)
}

#[test]
fn a_training_waits_until_there_is_room() {
    let wants = |want| beside(2, 1).with(|c| assert!(c.world.agenda.line.set("another", Some(want))));
    let anothers = |case: Case| {
        case.with(|c| {
            let strange = with(custom_model(70, LATER), |m| m.header.status = Status::Running);
            learn(&mut c.world.view.models, strange);
        })
    };
    check(vec![
        ("room", beside(2, 1), TRAINS),
        ("no room", beside(2, 2), WAITS),
        ("another one is about to be ordered", wants(Want::TrainingBegins), WAITS),
        ("another one is needed earlier", wants(Want::Training(at(LATER))), WAITS),
        (
            "another first one, by uid",
            wants(Want::Training(Timestamp::MAX)),
            WAITS,
        ),
        ("what is not ours does not count", anothers(beside(2, 1)), TRAINS),
    ]);
    assert_eq!(
        beside(2, 1).plan().wants,
        Some(Want::TrainingBegins),
        "others have to know at once"
    );
    assert_eq!(beside(2, 2).plan().wants, Some(Want::Training(Timestamp::MAX)));
}
