//! Deletion: the remote endpoint first, then the object; a connection that is gone delays it, never prevents it.
use super::*;
use crate::{Action, FailureClass, Stay, text::after};
use jiff::SignedDuration;
use proptest::prelude::*;
use speech_service::{Absent, entity::OwnerTag};

const DELETED: &str = "2026-03-01T09:50:00Z";
const UNUSABLE: Link = Link::NotReady {
    seen: true,
    usable: false,
};
const USABLE: Link = Link::NotReady {
    seen: true,
    usable: true,
};

pub(super) fn deleted() -> Case {
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
        (
            "to stay, by a word beside the spec",
            deleted().with(|c| {
                let annotations = c.object.metadata.annotations.get_or_insert_default();
                annotations.insert("customspeech.dev/deletion-policy".into(), "Retain".into());
            }),
            &released,
        ),
        ("suspended", with_spec("suspend: true"), &released),
        ("only watched", with_spec("managementPolicy: Observe"), &released),
        (
            "held by another object",
            deleted().with(|c| {
                c.related.holder = Some("first");
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
            "made by us, and the mark was taken away by hand",
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
            "- | Ready=False Deleting, Reconciling Deleting",
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

const ADOPT: &str = "model: {base: {}}\nadopt: {id: 00000000-0000-0000-0000-00000000000a}";

/// Adopts endpoint 10, which bears this mark, and is deleted.
fn adopted(mark: Option<OwnerTag>) -> Case {
    let owner = mark.map(std::sync::Arc::new);
    let world = World::new().remote(with(remote(10, base_id(1)), |e| e.header.owner = owner));
    let mut case = Case::new(world, endpoint(ADOPT).claimed());
    case.show();
    case.with(|c| c.object = c.object.clone().deleted(DELETED))
}

#[test]
fn an_adopted_endpoint_is_deleted_only_when_it_bears_our_mark() {
    let said = |case: Case| {
        assert!(case.object.status.as_ref().unwrap().id.is_some());
        let plan = case.plan();
        (step(plan.action.as_ref()), plan.awaits.is_some())
    };
    let ours = || Some(tag(UID, 0));
    assert_eq!(said(adopted(ours())), ("delete 10".into(), false));
    assert_eq!(said(adopted(None)), ("release".into(), false));
    // A marking that was asked for, refused by a 4xx, and read since; or never answered, and not read yet.
    let refused =
        |class| adopted(None).with(|c| c.world = std::mem::replace(&mut c.world, World::new()).failed("Update", class));
    assert_eq!(said(refused(FailureClass::Refused)), ("release".into(), false));
    let unread = adopted(None).with(|c| c.world.view.endpoints.touch(id(10)));
    assert_eq!(said(unread), ("-".into(), true), "looks before it lets go");
    let arrived = adopted(None).with(|c| {
        c.world.view.endpoints.touch(id(10));
        learn(
            &mut c.world.view.endpoints,
            with(remote(10, base_id(1)), |e| {
                e.header.owner = ours().map(std::sync::Arc::new)
            }),
        );
    });
    assert_eq!(said(arrived), ("delete 10".into(), false), "the mark arrived");
    let watched = adopted(None).with(|c| c.edit(&format!("{ADOPT}\nmanagementPolicy: Observe")));
    assert_eq!(said(watched), ("release".into(), false));
    let other = adopted(ours()).with(|c| c.remote(10, |e| e.header.owner = Some(std::sync::Arc::new(tag("other", 1)))));
    assert_eq!(said(other), ("release".into(), false));
}

#[test]
fn what_made_nothing_is_released_at_once_whatever_the_connection_is_like() {
    let closed = |attempt| {
        open("2026-03-01T09:59:30Z").with(|c| {
            let status = SpeechEndpointStatus {
                closed_attempt: Some(attempt),
                ..Default::default()
            };
            c.object.status = Some(status);
        })
    };
    for link in [Link::Ready, Link::NotFound, Link::NotAllowed, USABLE, UNUSABLE] {
        let refused = closed(1).with(|c| c.world.link = link);
        assert_eq!(
            refused.line(),
            "release | Ready=False Deleting, Reconciling Deleting",
            "{link:?}"
        );
        let unanswered = closed(0).with(|c| c.world.link = link);
        assert_eq!(step(unanswered.plan().action.as_ref()), "-", "{link:?}");
    }
    let twin = closed(1).with(|c| {
        learn(&mut c.world.view.endpoints, owned(remote(10, base_id(1)), 1));
        c.world.link = USABLE;
    });
    assert_eq!(step(twin.plan().action.as_ref()), "delete 10");
}

#[test]
fn the_end_of_an_attempt_is_written_down_before_the_endpoint_that_proves_it_is_deleted() {
    let made = open("2026-03-01T09:59:30Z").with(|c| {
        learn(&mut c.world.view.endpoints, owned(remote(10, base_id(1)), 1));
    });
    let first = made.plan();
    assert_eq!(step(first.action.as_ref()), "-");
    assert_eq!(first.status.closed_attempt, Some(1));
    assert!(
        first
            .look_again
            .is_some_and(|at| at <= after(made.world.now, SignedDuration::from_secs(1)))
    );
    let written = made.with(|c| c.object.status = Some(first.status.clone()));
    assert_eq!(step(written.plan().action.as_ref()), "delete 10");
    let deleted = written.with(|c| c.world.view.endpoints.removed(&Absent::assumed(id(10))));
    assert_eq!(
        step(deleted.plan().action.as_ref()),
        "release",
        "nothing else is waited for"
    );
}

#[test]
fn a_deletion_that_nothing_proves_is_told_retried_and_given_up_in_the_end() {
    for (code, patience) in [(crate::UNPROVEN, 1), ("ServiceUnavailable", 3), ("timeout", 3)] {
        let mut case = deleted();
        let (mut tried, mut told_at) = (0, None);
        let released = loop {
            let plan = written(&mut case);
            match step(plan.action.as_ref()).as_str() {
                "delete 10" => {
                    tried += 1;
                    let world = std::mem::replace(&mut case.world, World::new());
                    case.world = world.failed("Delete", FailureClass::Transient { retry_after: None });
                    case.world.pass.failure.as_mut().unwrap().code = code.into();
                    let waits = case.show();
                    let reason = if tried < patience {
                        "Reconciling Retrying"
                    } else {
                        "Stalled DeletionUnproven"
                    };
                    assert!(said(&waits.status.conditions).contains(reason), "{code} {tried}");
                    told_at = told_at.or((tried >= patience).then_some(case.world.now));
                    case.world.pass.failure = None;
                    case.world.now = waits.look_again.unwrap();
                }
                "-" => case.world.now = plan.look_again.unwrap(),
                "release" => break plan.notices,
                other => panic!("{other}"),
            }
        };
        assert!(tried > 5, "{code}: tried {tried} times");
        assert_eq!(case.world.now.duration_since(told_at.unwrap()).as_mins(), 15, "{code}");
        assert!(released.iter().any(|n| n.reason.as_str() == "Orphaned"), "{code}");
    }
    // What the service itself refuses is no obstacle.
    let mut case = deleted();
    for _ in 0..5 {
        let world = std::mem::replace(&mut case.world, World::new());
        case.world = world.failed("Delete", FailureClass::Transient { retry_after: None });
        let plan = case.show();
        assert!(said(&plan.status.conditions).contains("Retrying"));
        case.world.now = plan.look_again.unwrap();
    }
}

#[test]
fn what_goes_because_the_operator_or_its_kinds_go_deletes_nothing() {
    let ends = |case: Case| case.with(|c| c.world.stay = Stay::Ends("CustomResourceDefinition x is being deleted"));
    let unknown = |case: Case| case.with(|c| c.world.stay = Stay::Unknown("nobody knows"));
    let released = "release | Ready=False Released, Reconciling Released, ModelValid=True ModelServes";
    let waits = "- | Ready=False ClusterUnreadable, Stalled ClusterUnreadable, ModelValid=True ModelServes";
    check(vec![
        ("ours", ends(deleted()), released),
        (
            "adopted",
            ends(deleted().with(|c| c.remote(10, |e| e.header.owner = None))),
            released,
        ),
        (
            "the connection cannot be used",
            ends(deleted().with(|c| c.world.link = UNUSABLE)),
            released,
        ),
        (
            "without a connection",
            ends(deleted().with(|c| c.world.link = Link::NotFound)),
            released,
        ),
        ("nobody knows", unknown(deleted()), waits),
        (
            "nobody knows, and it stays in any case",
            unknown(with_spec("deletionPolicy: Retain")),
            "release | Ready=False Deleting, Reconciling Deleting, ModelValid=True ModelServes",
        ),
    ]);
}

#[test]
fn that_nobody_knows_whether_the_kinds_stay_holds_a_deletion_up_for_its_time_only() {
    let mut case = deleted().with(|c| c.world.stay = Stay::Unknown("nobody knows"));
    let plan = case.show();
    let again = plan.look_again.unwrap();
    assert!(again <= after(case.world.now, SignedDuration::from_secs(10)), "{again}");
    case.world.now = after(case.world.now, SignedDuration::from_mins(15));
    let plan = case.show();
    assert_eq!(plan.action, Some(Action::Release));
    assert!(said(&plan.status.conditions).contains("Orphaned"));
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
        case.world.pass.failure = None;
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

#[test]
fn the_spec_says_how_long_a_deletion_may_be_held_up() {
    for (limit, end) in [
        ("1h", Some("2026-03-01T11:00:00Z")),
        ("90s", Some("2026-03-01T10:01:30Z")),
        ("0s", None),
    ] {
        let mut case = with_spec(&format!("forceOrphanAfter: {limit}")).with(|c| c.world.link = Link::NotFound);
        let plan = case.show();
        assert!(end.is_none_or(|end| plan.look_again == Some(at(end))), "{limit}");
        assert_eq!(
            step(plan.action.as_ref()),
            if end.is_some() { "-" } else { "release" },
            "{limit}"
        );
    }
}

/// The status is written when there is no step to take: a step is taken first.
fn written(case: &mut Case) -> crate::Plan<speech_api::SpeechEndpointStatus> {
    let plan = case.plan();
    if plan.action.is_none() {
        case.show();
    }
    plan
}

#[test]
fn a_key_that_is_refused_does_not_hold_up_a_deletion_for_ever() {
    let mut case = deleted().with(|c| c.world.link = USABLE);
    let mut tried = 0;
    let told = loop {
        let plan = written(&mut case);
        match step(plan.action.as_ref()).as_str() {
            "delete 10" => {
                tried += 1;
                let world = std::mem::replace(&mut case.world, World::new());
                case.world = world.failed("Delete", FailureClass::Transient { retry_after: None });
                let waits = case.show();
                assert_eq!(
                    said(&waits.status.conditions),
                    "Ready=False ConnectionNotReady, Stalled ConnectionNotReady, ModelValid=True ModelServes"
                );
                case.world.pass.failure = None;
                case.world.now = waits.look_again.unwrap();
            }
            "-" => case.world.now = plan.look_again.unwrap(),
            "release" => break plan.notices,
            other => panic!("{other}"),
        }
    };
    assert!(tried > 5, "tried {tried} times");
    assert_eq!(case.world.now, at("2026-03-01T10:15:00Z"));
    let orphan = told.iter().find(|n| n.reason.as_str() == "Orphaned").unwrap();
    assert!(orphan.note.contains(&id(10).to_string()), "{orphan:?}");
}

#[test]
fn a_request_whose_end_nobody_can_read_is_given_up_in_the_end() {
    // The lists are read, but never to their end.
    let mut case = open("2026-03-01T09:59:30Z");
    for (now, expected) in [("2026-03-01T10:16:29Z", "-"), ("2026-03-01T10:16:30Z", "release")] {
        case.world.now = at(now);
        assert_eq!(step(case.plan().action.as_ref()), expected, "{now}");
    }
    assert_eq!(
        said(&case.plan().status.conditions),
        "Ready=False Orphaned, Reconciling Orphaned"
    );
}

proptest! {
    /// Whatever happens to the connection, and in whatever order: an object under deletion goes, and not before its time.
    #[test]
    fn a_deletion_always_ends(
        links in prop::collection::vec((0_usize..6, 1_i64..600), 1..12),
        limit in 0_i64..40,
        retain in any::<bool>(),
        last in 0_usize..6,
    ) {
        let link = |n: usize| match n {
            0 => Link::Ready,
            1 => Link::NotFound,
            2 => Link::NotAllowed,
            3 => UNUSABLE,
            4 => USABLE,
            _ => Link::NotReady { seen: false, usable: true },
        };
        let policy = if retain { "Retain" } else { "Delete" };
        let mut case = with_spec(&format!("deletionPolicy: {policy}\nforceOrphanAfter: {limit}m"));
        let (deleted, mut broken_since) = (at(NOW), None);
        for (n, seconds) in links.into_iter().chain([(last, 100_000)]) {
            case.world.link = link(n);
            if n == 0 {
                broken_since = None;
            } else if broken_since.is_none() {
                broken_since = Some(case.world.now);
            }
            let end = case.world.now + jiff::SignedDuration::from_secs(seconds);
            while case.world.now < end {
                let plan = written(&mut case);
                match plan.action {
                    Some(Action::Release) if retain => return Ok(()),
                    Some(Action::Release) => {
                        let since = broken_since.map(|since| since.max(deleted));
                        let orphaned = said(&plan.status.conditions).contains("Orphaned");
                        prop_assert!(orphaned, "nothing was ever deleted here");
                        let held = since.map(|since| case.world.now.duration_since(since).as_mins());
                        prop_assert!(held.is_some_and(|held| held >= limit), "{held:?} of {limit}");
                        return Ok(());
                    }
                    // Every request fails.
                    Some(Action::DeleteEndpoint(_)) => {
                        let world = std::mem::replace(&mut case.world, World::new());
                        case.world = world.failed("Delete", FailureClass::Transient { retry_after: None });
                        let again = case.show().look_again;
                        case.world.pass.failure = None;
                        case.world.now = again.unwrap().min(end);
                    }
                    Some(other) => prop_assert!(false, "{other:?}"),
                    None => case.world.now = plan.look_again.map_or(end, |again| again.min(end)),
                }
            }
        }
        prop_assert!(last == 0, "jammed");
    }
}
