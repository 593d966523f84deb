//! A list that may be older than the endpoint that the status names: another leader wrote it, or lists lag.
use super::*;
use speech_api::annotation::CreationIntent;
use speech_service::Absent;

/// Endpoint 10 was announced a minute ago and is in the status, and no list has it.
fn unlisted(spec: &str) -> Case {
    let mut case = Case::serving();
    case.edit(&format!("model: {{base: {{}}}}\n{spec}"));
    case.object.announce(CreationIntent {
        attempt: 1,
        at: at("2026-03-01T09:59:00Z"),
        ..CreationIntent::default()
    });
    case.world = World::new();
    case
}

fn later(case: Case) -> Case {
    case.with(|c| {
        c.world.now = at("2026-03-01T10:01:00Z");
        c.world.sweep();
    })
}

fn deleted(spec: &str) -> Case {
    unlisted(spec).with(|c| c.object = c.object.clone().deleted(NOW))
}

#[test]
fn what_a_list_from_within_the_grace_lacks_is_neither_gone_nor_made_anew() {
    for (name, case) in [
        ("plain", unlisted("")),
        ("to be made anew", unlisted("recreate: WhenDeleted")),
        ("being deleted", deleted("")),
    ] {
        let plan = case.plan();
        let said = said(&plan.status.conditions);
        assert!(
            plan.action.is_none() && said.contains("AwaitingCreation"),
            "{name}: {said}"
        );
        assert_eq!(plan.status.id, Some(id(10)), "{name}");
        assert_eq!(plan.look_again, Some(at("2026-03-01T10:01:00Z")), "{name}");
    }
}

#[test]
fn what_a_later_list_lacks_or_the_service_denies_is_gone() {
    for (case, expected) in [
        (later(unlisted("")), "RemoteDeleted"),
        (
            unlisted("").with(|c| c.world.view.endpoints.note_gone(&Absent::assumed(id(10)))),
            "RemoteDeleted",
        ),
        (later(deleted("")), "release"),
        (
            deleted("").with(|c| c.world.view.endpoints.removed(&Absent::assumed(id(10)))),
            "release",
        ),
    ] {
        assert!(case.line().contains(expected), "{expected}: {}", case.line());
    }
    let mut anew = later(unlisted("recreate: WhenDeleted"));
    assert_eq!(anew.show().status.former_ids, [id(10)]);
    assert!(anew.line().starts_with("announce 2"), "{}", anew.line());
}
