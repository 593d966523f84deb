//! A list that may be older than the revision that the status names: another leader wrote it, or lists lag.
use super::*;
use speech_api::annotation::CreationIntent;
use speech_service::{Absent, entity::Status};

/// Revision 1 was announced a minute ago and is in the status, and no list has it.
fn unlisted() -> Case {
    let print = print_of(TRAINING);
    let mut case = Case::declared(World::new().custom(revision(20, 1, &print, Status::Running)), TRAINING);
    case.object.announce(CreationIntent {
        attempt: 1,
        at: at("2026-03-01T09:59:00Z"),
        ..CreationIntent::default()
    });
    case.world = World::new();
    case
}

fn deleted() -> Case {
    unlisted().with(|c| c.object = c.object.clone().deleted(NOW))
}

fn later(case: Case) -> Case {
    case.with(|c| {
        c.world.now = at("2026-03-01T10:01:00Z");
        c.world.sweep();
    })
}

#[test]
fn what_a_list_from_within_the_grace_lacks_is_neither_trained_again_nor_let_go() {
    for (name, case) in [("wanted", unlisted()), ("being deleted", deleted())] {
        let line = case.line();
        assert!(
            line.starts_with("- |") && line.contains("AwaitingCreation"),
            "{name}: {line}"
        );
    }
}

#[test]
fn what_a_later_list_lacks_is_gone() {
    for (case, expected) in [
        (later(unlisted()), "announce 2"),
        (later(deleted()), "release"),
        (
            deleted().with(|c| c.world.view.models.removed(&Absent::assumed(id(20)))),
            "release",
        ),
    ] {
        assert!(case.line().starts_with(expected), "{expected}: {}", case.line());
    }
}
