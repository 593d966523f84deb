//! What Argo CD makes of the statuses that this planner writes.
use super::*;
use crate::tests::argo_cd::health;
use serde_json::to_value;
use speech_service::entity::Status;

/// Passes at rest are what a large fleet costs. The count is exact: whoever lowers it lowers the bound as well.
#[test]
fn a_plan_at_rest_allocates_no_more_than_this() {
    let print = print_of(TRAINING);
    let mut case = Case::declared(
        World::new().custom(revision(20, 1, &print, Status::Succeeded)),
        TRAINING,
    );
    case.show();
    let counted = allocation_counter::measure(|| drop(case.plan()));
    assert!(counted.count_total <= 102, "{counted:?}");
}

#[test]
fn argo_cd_tells_what_is_trained_what_is_current_and_what_needs_somebody() {
    let print = print_of(TRAINING);
    let trained = |status| Case::declared(World::new().custom(revision(20, 1, &print, status)), TRAINING);
    let on = |case: Case, day: &str| case.with(|c| c.world.now = at(day));
    let suspended = trained(Status::Succeeded).with(|c| c.object.spec.suspend = true);
    let lost = Case::declared(
        World::new(),
        "source: {existing: {id: 00000000-0000-0000-0000-000000000063}}",
    );
    let follows = "source: {existing: {id: 00000000-0000-0000-0000-000000000014}}";
    let pinned = || Case::declared(World::new().custom(custom_model(20, LATER)), follows);
    for (name, case, word) in [
        ("is trained", trained(Status::Running), "Progressing"),
        ("is current", trained(Status::Succeeded), "Healthy"),
        ("is not there", lost, "Degraded"),
        ("is suspended", suspended, "Suspended"),
        ("is pinned", pinned(), "Healthy"),
        ("has expired", on(pinned(), LATER), "Degraded"),
    ] {
        let case = case.with(|c| drop(c.show()));
        let (is, message) = health(&to_value(&case.object).unwrap());
        assert_eq!(is, word, "{name}: {message}");
        assert!(!message.is_empty(), "{name}");
    }
}
