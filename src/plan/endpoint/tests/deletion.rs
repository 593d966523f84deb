//! Deletion: the remote endpoint first, then the object; a connection that is gone delays it, never prevents it.
use super::*;
use crate::plan::FailureClass;

const DELETED: &str = "2026-03-01T09:50:00Z";
const UNUSABLE: Link = Link::NotReady {
    seen: true,
    usable: false,
};
const USABLE: Link = Link::NotReady {
    seen: true,
    usable: true,
};

fn deleted() -> Case {
    Case::serving().with(|c| c.object = c.object.clone().deleted(DELETED))
}

fn with_spec(spec: &str) -> Case {
    deleted().with(|c| c.edit(&format!("model: {{base: {{}}}}\n{spec}")))
}

/// Ours, but the POST was never answered.
fn open(announced: &str) -> Case {
    Case::new(
        World::new(),
        endpoint("model: {base: {}}").announces(1, announced).deleted(DELETED),
    )
}

#[test]
fn a_deletion_goes_as_far_as_it_may() {
    let deleting = "Ready=False Deleting, Reconciling Deleting, ModelValid=True ModelServes";
    let released = format!("release | {deleting}");
    let bare = "release | Ready=False Deleting, Reconciling Deleting";
    check(vec![
        ("ours", deleted(), &format!("delete 10 | {deleting}")),
        (
            "released already",
            deleted().with(|c| c.object.metadata.finalizers = None),
            &format!("- | {deleting}"),
        ),
        ("to stay", with_spec("deletionPolicy: Retain"), &released),
        ("suspended", with_spec("suspend: true"), &released),
        ("only watched", with_spec("managementPolicy: Observe"), &released),
        (
            "held by another object",
            deleted().with(|c| {
                c.holder = Some("first");
                c.remote(10, |e| e.header.owner = None);
            }),
            &released,
        ),
        (
            "with the mark of another",
            deleted().with(|c| c.remote(10, |e| e.header.owner = Some(std::sync::Arc::new(tag("other", 1))))),
            &released,
        ),
        (
            "adopted, not marked yet",
            deleted().with(|c| c.remote(10, |e| e.header.owner = None)),
            &format!("delete 10 | {deleting}"),
        ),
        ("gone by hand", deleted().with(|c| c.world = World::new()), &released),
        ("never created", open("2026-03-01T09:00:00Z"), bare),
        (
            "perhaps created",
            open("2026-03-01T09:59:30Z"),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "created, and the status not written",
            deleted().with(|c| c.object.status = None),
            "delete 10 | Ready=False Deleting, Reconciling Deleting",
        ),
        (
            "a twin is left",
            deleted().with(|c| c.world = World::new().remote(owned(remote(11, base_id(1)), 2))),
            &format!("delete 11 | {deleting}"),
        ),
        (
            "the connection fails but can be used",
            deleted().with(|c| c.world.link = USABLE),
            &format!("delete 10 | {deleting}"),
        ),
    ]);
}

#[test]
fn a_failed_deletion_is_tried_again_with_growing_delays() {
    let class = FailureClass::Uncertain;
    let mut case = deleted();
    for (count, seconds) in [(1, 5), (2, 10), (3, 20)] {
        assert_eq!(step(case.plan().action.as_ref()), "delete 10");
        let world = std::mem::replace(&mut case.world, World::new());
        case.world = world.failed("Delete", class);
        let plan = case.show();
        assert_eq!(step(plan.action.as_ref()), "-");
        assert_eq!(plan.status.last_failure.unwrap().count, count);
        assert_eq!(
            plan.look_again,
            Some(case.world.now + jiff::SignedDuration::from_secs(seconds))
        );
        case.world.failure = None;
        case.world.now = plan.look_again.unwrap();
    }
}

#[test]
fn without_a_connection_the_object_is_released_after_a_quarter_of_an_hour() {
    for (link, reason) in [
        (Link::NotFound, "ConnectionNotFound"),
        (Link::NotAllowed, "NamespaceNotAllowed"),
        (UNUSABLE, "ConnectionNotReady"),
        (
            Link::NotReady {
                seen: false,
                usable: true,
            },
            "ConnectionNotReady",
        ),
    ] {
        let mut case = deleted().with(|c| c.world.link = link);
        let plan = case.show();
        let waits = format!("- | Ready=False {reason}, Stalled {reason}, ModelValid=True ModelServes");
        assert_eq!(case.line(), waits);
        assert_eq!(
            plan.look_again,
            Some(at("2026-03-01T10:15:00Z")),
            "from when it was first seen"
        );
        case.world.now = at("2026-03-01T10:14:59Z");
        assert_eq!(case.line(), waits);
        assert_eq!(case.show().status, plan.status, "waiting costs no write");
        case.world.now = at("2026-03-01T10:15:00Z");
        assert_eq!(
            case.line(),
            "release | Ready=False Orphaned, Reconciling Orphaned, ModelValid=True ModelServes"
        );
        let notices = case.plan().notices;
        assert!(
            notices.iter().any(|n| n.warning && n.reason.as_str() == "Orphaned"),
            "the only trace: {notices:?}"
        );
    }
}

#[test]
fn a_list_that_was_never_read_is_no_proof_that_nothing_is_left() {
    for link in [Link::Ready, USABLE] {
        let mut case = deleted();
        case.world.view = Default::default();
        case.world.link = link;
        assert_eq!(step(case.plan().action.as_ref()), "-", "{link:?}");
    }
}
