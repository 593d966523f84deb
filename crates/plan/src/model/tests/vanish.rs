//! Revisions that vanish: another is trained ever later, under a number that no other ever had.
use super::*;
use crate::{
    Action, FailureClass,
    creation::{MOST_MADE_PER_DAY, MOST_PER_DAY, MOST_PER_HOUR, MOST_PER_MINUTE},
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{Reason, annotation::RECONCILE_REQUESTED};
use speech_service::entity::Status;

/// What becomes of every training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Vanishes,
    Lost,
    Refused,
}

/// When trainings were ordered, and under which number, while the world does the same each time.
fn ordered(fate: Fate, span: SignedDuration, mut each: impl FnMut(&mut Case)) -> Vec<(Timestamp, u32)> {
    let mut case = Case::new(World::new(), model(TRAINING));
    let end = at(NOW) + span;
    let mut orders = Vec::new();
    for step in 0.. {
        assert!(step < 5000, "no end: {} {orders:?}", case.line());
        if case.world.now >= end {
            break;
        }
        let plan = case.show();
        match plan.action {
            Some(Action::Claim(Some(intent))) => {
                case.object.announce(intent);
                case.world.pass.announced = Some(intent.attempt);
            }
            Some(Action::TrainModel(request)) => {
                let (number, attempt) = (request.owner.revision.unwrap(), request.owner.attempt);
                orders.push((case.world.now, number));
                case.world.pass.announced = None;
                if fate == Fate::Refused {
                    let world = std::mem::replace(&mut case.world, World::new());
                    case.world = world.failed("Train", FailureClass::Quota);
                    case.show();
                    case.world.pass.failure = None;
                }
                if fate == Fate::Vanishes {
                    let made = with(
                        revision(
                            100 + u128::from(attempt),
                            number,
                            &print_of(TRAINING),
                            Status::Succeeded,
                        ),
                        |m| {
                            let tag = std::sync::Arc::make_mut(m.header.owner.as_mut().unwrap());
                            tag.attempt = attempt;
                        },
                    );
                    learn(&mut case.world.view.models, made);
                    case.show();
                    case.world.view.models = World::new().view.models;
                }
                case.world.sweep();
                each(&mut case);
            }
            Some(action) => panic!("{action:?}"),
            None => {
                assert!(
                    plan.look_again.is_none_or(|again| again > case.world.now),
                    "{}",
                    case.line()
                );
                case.world.now = plan.look_again.map_or(end, |again| again.min(end));
                case.world.sweep();
            }
        }
    }
    orders
}

fn within(orders: &[(Timestamp, u32)], span: SignedDuration) -> usize {
    let most = orders.iter().map(|(first, _)| {
        let window = orders
            .iter()
            .filter(|(at, _)| at >= first && at.duration_since(*first) < span);
        window.count()
    });
    most.max().unwrap_or(0)
}

#[test]
fn whatever_becomes_of_trainings_they_are_ordered_ever_more_rarely() {
    let day = minutes(24 * 60);
    for fate in [Fate::Vanishes, Fate::Lost, Fate::Refused] {
        let orders = ordered(fate, day * 4, |_| {});
        assert!(within(&orders, minutes(1)) <= MOST_PER_MINUTE, "{fate:?}: {orders:?}");
        assert!(within(&orders, minutes(60)) <= MOST_PER_HOUR, "{fate:?}: {orders:?}");
        assert!(within(&orders, day) <= MOST_PER_DAY, "{fate:?}: {orders:?}");
        assert!(orders.len() > 8, "they do go on, {fate:?}: {orders:?}");
    }
    let orders = ordered(Fate::Vanishes, day * 10, |_| {});
    assert!(within(&orders, day) <= MOST_MADE_PER_DAY, "{orders:?}");
    let soon = at(NOW) + crate::CREATION_GRACE;
    assert!(
        orders[1].0 <= soon,
        "the first replacement waits for nothing but the lists: {orders:?}"
    );
}

#[test]
fn the_bound_holds_for_who_forgets_the_status_the_announcement_or_asks_again_and_again() {
    let day = minutes(24 * 60);
    let forgets_status = ordered(Fate::Vanishes, day, |case| case.object.status = None);
    assert!(within(&forgets_status, day) <= MOST_PER_DAY, "{forgets_status:?}");
    let forgets_announcement = ordered(Fate::Vanishes, day, |case| case.object.metadata.annotations = None);
    assert!(
        within(&forgets_announcement, day) <= MOST_MADE_PER_DAY,
        "{forgets_announcement:?}"
    );
    let mut count = 0;
    let asks = ordered(Fate::Vanishes, minutes(60), |case| {
        count += 1;
        case.object.annotate(RECONCILE_REQUESTED, &format!("{count:09}"));
    });
    assert!(within(&asks, minutes(60)) <= 8, "{asks:?}");
    assert!(within(&asks, minutes(60)) > MOST_PER_HOUR, "{asks:?}");
}

#[test]
fn no_number_is_given_twice() {
    for fate in [Fate::Vanishes, Fate::Lost] {
        for forgets in [false, true] {
            let orders = ordered(fate, minutes(24 * 60), |case| {
                if forgets {
                    case.object.status = None;
                }
            });
            let numbers: Vec<u32> = orders.iter().map(|(_, number)| *number).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{fate:?} {forgets}: {numbers:?}");
        }
    }
    let refused = ordered(Fate::Refused, minutes(24 * 60), |_| {});
    assert!(
        refused.iter().all(|(_, number)| *number == 1),
        "a refusal gives none: {refused:?}"
    );
}

#[test]
fn the_newest_may_be_deleted_one_after_another() {
    let print = print_of(TRAINING);
    let of = |numbers: &[u32]| {
        let models = numbers
            .iter()
            .map(|n| revision(19 + u128::from(*n), *n, &print, Status::Succeeded));
        models.fold(World::new(), World::custom)
    };
    let mut case = Case::declared(of(&[1, 2, 3, 4]), TRAINING);
    assert_eq!(
        case.show().status.highest_revision,
        None,
        "a revision that is named bears it"
    );
    for left in [&[1, 2, 3][..], &[1, 2], &[1]] {
        case.world = of(left);
        assert_eq!(case.show().status.highest_revision, Some(4));
    }
    case.world = World::new();
    let Some(Action::Claim(Some(intent))) = case.show().action else {
        panic!("{}", case.line())
    };
    assert_eq!(intent.revision, Some(5));
}

#[test]
fn who_waits_says_so_and_a_deletion_by_others_is_told() {
    let mut case = Case::declared(
        World::new().custom(revision(20, 1, &print_of(TRAINING), Status::Succeeded)),
        TRAINING,
    );
    let tally = serde_json::json!({"made": 2, "lastAt": NOW, "generation": 1});
    case.object.status.as_mut().unwrap().creations = serde_json::from_value(tally).unwrap();
    case.world = World::new();
    assert_eq!(
        case.line(),
        "- | Ready=False RecreationDelayed, Reconciling RecreationDelayed"
    );
    let plan = case.show();
    assert_eq!(plan.look_again, Some(at(NOW) + minutes(10)));
    assert_eq!(plan.status.plan[0].at, at("2026-03-01T10:10:00Z"));
    let told: Vec<_> = plan.notices.iter().filter(|n| n.warning).map(|n| n.reason).collect();
    assert_eq!(told, [Reason::RecreationDelayed, Reason::RemoteDeleted]);
    assert_eq!(case.show().notices, [], "once");
    case.edit(&format!("{TRAINING}\ndisplayName: other"));
    case.world.now += minutes(2);
    assert!(
        case.line().starts_with("announce 2"),
        "an edit waits no longer: {}",
        case.line()
    );
}
