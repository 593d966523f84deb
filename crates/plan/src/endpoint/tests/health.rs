//! What Argo CD makes of the statuses that this planner writes.
use super::{rollout::newer, *};
use crate::{testing::Meta, tests::argo_cd::health};
use serde_json::to_value;
use speech_service::entity::Status;

/// The health after a pass, and what the message begins with or contains.
fn judged(case: Case) -> (String, String) {
    let case = case.with(|c| drop(c.show()));
    health(&to_value(&case.object).unwrap())
}

#[test]
fn argo_cd_tells_what_serves_what_waits_and_what_needs_somebody() {
    let suspend = |case: Case| case.with(|c| c.object.spec.suspend = true);
    let on = |case: Case, day: &str| case.with(|c| c.world.now = at(day));
    let creating = Case::new(World::new(), endpoint("model: {base: {}}"));
    let failed = Case::of(
        World::new().remote(in_state(owned(remote(10, base_id(1)), 1), Status::Failed)),
        endpoint("model: {base: {}}"),
    );
    let pinned = Case::serving().with(|c| c.edit("model: {base: {id: 00000000-0000-0000-0000-000000000001}}"));
    for (name, case, word, words) in [
        ("serves", Case::serving(), "Healthy", "serves"),
        ("is about to be made", creating, "Progressing", ""),
        ("failed", failed, "Degraded", "it did not work"),
        ("swaps", newer(""), "Healthy", "serves"),
        ("waits for a person", newer("approval: Required"), "Healthy", "approv"),
        (
            "waits for a person too long",
            on(newer("approval: Required"), "2026-03-20T00:00:00Z"),
            "Healthy",
            "(at risk: the active model expires on 2026-04-15",
        ),
        (
            "nothing follows",
            on(pinned, "2026-12-31T00:00:00Z"),
            "Healthy",
            "(at risk: the active model expires on 2027-01-15 00:00 UTC; nothing newer follows it)",
        ),
        (
            "expired",
            on(Case::serving(), "2027-01-15T00:00:00Z"),
            "Degraded",
            "the newest base model answers in its place",
        ),
        ("is suspended", suspend(Case::serving()), "Suspended", ""),
        ("is suspended before a swap", suspend(newer("")), "Suspended", ""),
        (
            "is suspended and expired",
            on(suspend(Case::serving()), "2027-01-15T00:00:00Z"),
            "Degraded",
            "answers in its place",
        ),
        (
            "goes",
            Case::serving().with(|c| c.object = c.object.clone().deleted(NOW)),
            "Progressing",
            "",
        ),
    ] {
        let (is, message) = judged(case);
        assert_eq!(is, word, "{name}: {message}");
        assert!(message.contains(words) && !message.is_empty(), "{name}: {message}");
    }
}

#[test]
fn argo_cd_does_not_take_the_status_of_an_older_spec_for_that_of_the_new_one() {
    let edited = Case::serving().with(|c| c.edit("model: {base: {}}\nloggingEnabled: true"));
    assert_eq!(health(&to_value(&edited.object).unwrap()).0, "Progressing");
    assert_eq!(
        judged(edited).0,
        "Healthy",
        "once the operator has looked, it serves and is being changed"
    );
}
