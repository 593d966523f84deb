//! Deletion: every revision that nobody uses, then the object.
use super::*;
use crate::{
    Action, Stay,
    lead_time::{Took, Work},
    text::after,
};
use jiff::SignedDuration;
use speech_service::entity::Status;

fn deleted(world: World) -> Case {
    let mut case = Case::declared(world, TRAINING);
    case.object = case.object.deleted("2026-03-01T09:00:00Z");
    case
}

/// Trainings were seen to take 25 days here.
fn slow(world: &mut World) {
    let took = Took {
        work: Work::Training,
        time: SignedDuration::from_hours(25 * 24),
    };
    world.agenda.durations.learn("en-US", took);
}

fn two() -> World {
    let print = print_of(TRAINING);
    World::new()
        .custom(revision(20, 1, &print, Status::Succeeded))
        .custom(revision(21, 2, &print, Status::Succeeded))
        .custom(custom_model(3, LATER))
}

#[test]
fn what_goes_because_the_operator_or_its_kinds_go_deletes_nothing() {
    let mut case = deleted(two());
    case.world.stay = Stay::Ends("CustomResourceDefinition x is being deleted");
    assert_eq!(case.plan().action, Some(Action::Release));
    case.world.stay = Stay::Unknown("nobody knows");
    assert_eq!(case.plan().action, None);
    case.world.stay = Stay::Certain;
    assert!(matches!(case.plan().action, Some(Action::DeleteModel(_))));
}

#[test]
fn what_is_being_trained_is_deleted_only_after_the_end() {
    let in_state = |state: Status| {
        let mut world = World::new().custom(revision(20, 1, &print_of(TRAINING), state));
        slow(&mut world);
        deleted(world)
    };
    let deleting = "Ready=False Deleting, Reconciling Deleting";
    check(vec![
        (
            "about to begin",
            in_state(Status::NotStarted),
            &format!("- | {deleting}"),
        ),
        ("running", in_state(Status::Running), &format!("- | {deleting}")),
        ("failed", in_state(Status::Failed), &format!("delete 20 | {deleting}")),
        (
            "in a state that nobody knows",
            in_state(Status::Other("Paused".into())),
            &format!("delete 20 | {deleting}"),
        ),
        (
            "beside one that has ended",
            deleted(two().custom(revision(22, 3, &print_of(TRAINING), Status::Running))).with(|c| slow(&mut c.world)),
            &format!("delete 20 | {deleting}"),
        ),
    ]);
    let plan = in_state(Status::Running).plan();
    assert_eq!(plan.awaits, Some(crate::List::Models), "the end is looked for");
    let told = speech_api::condition::find(&plan.status.conditions, "Ready").unwrap();
    assert!(
        told.message.contains("is Running since 2026-01-01 00:00 UTC"),
        "{}",
        told.message
    );
}

#[test]
fn a_training_that_never_ends_is_not_waited_for_without_end() {
    let running = revision(20, 1, &print_of(TRAINING), Status::Running);
    let began = running.header.created_at;
    let mut case = deleted(World::new().custom(running));
    slow(&mut case.world);
    // Three times 25 days from its beginning, and then forceOrphanAfter.
    let end = after(
        began,
        SignedDuration::from_hours(75 * 24) + SignedDuration::from_mins(15),
    );
    let plan = case.show();
    assert_eq!(plan.look_again, Some(end));
    let told = speech_api::condition::find(&plan.status.conditions, "Ready").unwrap();
    assert!(
        told.message.contains("at once with deletionPolicy: Retain"),
        "{}",
        told.message
    );
    case.world.now = end;
    assert_eq!(case.line(), "release | Ready=False Orphaned, Reconciling Orphaned");
}

#[test]
fn a_namespace_that_ends_does_not_wait_for_endpoints_of_others() {
    let used = two()
        .remote(remote(10, custom_id(20)))
        .remote(remote(11, custom_id(21)));
    let mut case = deleted(used);
    let waits = "- | Ready=False ModelInUse, Reconciling ModelInUse";
    case.world.now = at("2026-03-01T09:14:59Z");
    case.world.namespace_ends = true;
    assert_eq!(case.line(), waits);
    case.world.now = at("2026-03-01T09:15:00Z");
    assert_eq!(case.line(), "release | Ready=False Orphaned, Reconciling Orphaned");
    case.world.namespace_ends = false;
    assert_eq!(case.line(), waits, "a plain deletion waits for as long as it is used");
}

#[test]
fn a_deletion_takes_what_is_ours_and_unused() {
    let deleting = "Ready=False Deleting, Reconciling Deleting";
    check(vec![
        ("two revisions", deleted(two()), &format!("delete 20 | {deleting}")),
        (
            "one is used by somebody",
            deleted(two().remote(remote(10, custom_id(20)))),
            &format!("delete 21 | {deleting}"),
        ),
        (
            "both are used",
            deleted(
                two()
                    .remote(remote(10, custom_id(20)))
                    .remote(remote(11, custom_id(21))),
            ),
            "- | Ready=False ModelInUse, Reconciling ModelInUse",
        ),
        ("none", deleted(World::new()), &format!("release | {deleting}")),
        (
            "to stay",
            deleted(two()).with(|c| c.edit(&format!("{TRAINING}\ndeletionPolicy: Retain"))),
            &format!("release | {deleting}"),
        ),
        (
            "suspended",
            deleted(two()).with(|c| c.edit(&format!("{TRAINING}\nsuspend: true"))),
            &format!("release | {deleting}"),
        ),
        (
            "observed",
            deleted(two()).with(|c| c.edit(&format!("{TRAINING}\nmanagementPolicy: Observe"))),
            &format!("release | {deleting}"),
        ),
        (
            "not trained by us",
            deleted(two()).with(|c| c.edit("source: {base: {}}")),
            &format!("release | {deleting}"),
        ),
        (
            "released already",
            deleted(two()).with(|c| c.object.metadata.finalizers = None),
            &format!("- | {deleting}"),
        ),
        (
            "perhaps sent",
            deleted(World::new()).with(|c| c.object = c.object.clone().announces(2, "2026-03-01T09:59:00Z")),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "lists not read yet",
            deleted(two()).with(|c| c.world.view = Default::default()),
            "- | Ready=False Connecting, Stalled Connecting",
        ),
    ]);
}

#[test]
fn a_long_wait_for_an_endpoint_does_not_count_as_a_missing_connection() {
    let mut case = deleted(
        two()
            .remote(remote(10, custom_id(20)))
            .remote(remote(11, custom_id(21))),
    );
    case.show();
    case.world.now = at("2026-03-01T18:00:00Z");
    case.world.link = Link::NotReady {
        seen: true,
        usable: false,
    };
    assert_eq!(
        case.line(),
        "- | Ready=False ConnectionNotReady, Stalled ConnectionNotReady"
    );
    assert_eq!(case.show().look_again, Some(at("2026-03-01T18:15:00Z")));
    case.world.link = Link::Ready;
    assert_eq!(case.line(), "- | Ready=False ModelInUse, Reconciling ModelInUse");
    case.show();
    case.world.link = Link::NotFound;
    case.world.now = at("2026-03-01T19:00:00Z");
    assert_eq!(
        case.show().look_again,
        Some(at("2026-03-01T19:15:00Z")),
        "the count begins anew"
    );
    case.world.now = at("2026-03-01T19:15:00Z");
    assert_eq!(case.line(), "release | Ready=False Orphaned, Reconciling Orphaned");
}

#[test]
fn what_stays_behind_is_named() {
    let mut case = deleted(two());
    case.object.metadata.deletion_timestamp = None;
    case.show();
    case.object = case.object.deleted("2026-03-01T09:00:00Z");
    case.world.link = Link::NotFound;
    case.show();
    case.world.now = at("2026-03-01T10:15:00Z");
    let notices = case.plan().notices;
    let orphan = notices.iter().find(|n| n.reason.as_str() == "Orphaned").unwrap();
    for n in [20, 21] {
        assert!(orphan.note.contains(&id(n).to_string()), "{}", orphan.note);
    }
}
