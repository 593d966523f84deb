//! Which remote endpoint is meant: adoption, other owners, deletion by hand.
use super::*;
use crate::Action;
use speech_service::request::UpdateEndpoint;
use std::sync::Arc;

const ADOPT: &str = "model: {base: {}}\nadopt: {id: 00000000-0000-0000-0000-00000000000a}";
const OBSERVE: &str = "managementPolicy: Observe";

fn adopting(endpoint_10: Endpoint) -> Case {
    Case::new(World::new().remote(endpoint_10), endpoint(ADOPT))
}

fn foreign() -> Endpoint {
    with(remote(10, base_id(1)), |e| {
        e.header.owner = Some(Arc::new(tag("another", 1)))
    })
}

fn observing(endpoint_10: Endpoint) -> Case {
    Case::new(
        World::new().remote(endpoint_10),
        endpoint(&format!("{ADOPT}\n{OBSERVE}")),
    )
}

#[test]
fn an_endpoint_is_adopted_unless_it_is_anothers() {
    let valid = "ModelValid=True ModelServes";
    check(vec![
        (
            "without a mark",
            adopting(remote(10, base_id(1))),
            &format!("claim | Ready=True Serving, Reconciling Creating, {valid}"),
        ),
        (
            "claimed",
            adopting(remote(10, base_id(1))).with(|c| c.object = c.object.clone().claimed()),
            &format!("update 10 owner mark | Ready=True Serving, Reconciling Updating, {valid}"),
        ),
        (
            "of another",
            adopting(foreign()),
            "- | Ready=False OwnedByAnother, Stalled OwnedByAnother",
        ),
        (
            "of one of us that is gone",
            adopting(foreign()).with(|c| {
                c.related.abandoned = true;
                c.object = c.object.clone().claimed();
            }),
            &format!("update 10 owner mark | Ready=True Serving, Reconciling Updating, {valid}"),
        ),
        (
            "held by an older object",
            adopting(remote(10, base_id(1))).with(|c| c.related.holder = Some("first")),
            "- | Ready=False OwnedByAnother, Stalled OwnedByAnother",
        ),
        (
            "of another locale",
            adopting(with(remote(10, base_id(1)), |e| e.header.locale = "de-DE".into())),
            "- | Ready=False LocaleMismatch, Stalled LocaleMismatch",
        ),
        (
            "not there",
            Case::new(World::new(), endpoint(ADOPT)),
            "- | Ready=False EndpointNotFound, Stalled EndpointNotFound",
        ),
        (
            "no id",
            adopting(remote(10, base_id(1))).with(|c| c.object.spec.adopt.as_mut().unwrap().id = "x".into()),
            "- | Ready=False SpecInvalid, Stalled SpecInvalid",
        ),
        (
            "watched, of another",
            observing(foreign()),
            &format!("- | Ready=True Observed, {valid}"),
        ),
        (
            "watched, and other than declared",
            observing(foreign()).with(|c| c.object.spec.logging_enabled = Some(true)),
            &format!("- | Ready=False Observed, Stalled Observed, {valid}"),
        ),
        (
            "suspended while adopting",
            adopting(remote(10, base_id(1))).with(|c| c.object.spec.suspend = true),
            &format!("- | Ready=True Suspended, {valid}"),
        ),
    ]);
}

#[test]
fn anothers_endpoint_is_neither_recorded_nor_published() {
    let case = adopting(foreign()).with(|c| c.edit(&format!("{ADOPT}\nexportTo: {{configMap: {{name: x}}}}")));
    let mut case = case.with(|c| c.object.spec.adopt = endpoint(ADOPT).spec.adopt);
    let plan = case.show();
    assert_eq!((plan.status.id, plan.status.active, plan.export), (None, None, None));
    case.world = World::new();
    assert_eq!(
        case.line(),
        "- | Ready=False EndpointNotFound, Stalled EndpointNotFound"
    );
}

#[test]
fn adoption_keeps_the_name_and_the_foreign_properties() {
    let endpoint_10 = with(remote(10, base_id(1)), |e| {
        e.header.display_name = "by hand".into();
        e.header.foreign_properties = Box::from([("team".into(), "blue".into())]);
    });
    let case = adopting(endpoint_10).with(|c| c.object = c.object.clone().claimed());
    let Some(Action::UpdateEndpoint { change, .. }) = case.plan().action else {
        panic!("no change");
    };
    let UpdateEndpoint::Owner(owner, rest) = *change else {
        panic!("{change:?}")
    };
    assert_eq!((owner, rest.len()), (tag(UID, 0), 1));
    assert!(case.plan().status.closed_attempt.is_none(), "adoption is no attempt");
}

#[test]
fn an_endpoint_deleted_by_hand_is_not_created_again() {
    let gone = || Case::serving().with(|c| c.world = World::new());
    check(vec![
        (
            "gone",
            gone(),
            "- | Ready=False RemoteDeleted, Stalled RemoteDeleted, ModelValid=False RemoteDeleted",
        ),
        (
            "another with our mark does not take its place",
            gone().with(|c| learn(&mut c.world.view.endpoints, owned(remote(11, base_id(1)), 2))),
            "- | Ready=False RemoteDeleted, Stalled RemoteDeleted, ModelValid=False RemoteDeleted",
        ),
        (
            "it comes back",
            Case::serving().with(|c| {
                c.world = World::new();
                c.show();
                c.world = World::new().remote(owned(remote(10, base_id(1)), 1));
            }),
            "- | Ready=True Serving, ModelValid=True ModelServes",
        ),
    ]);
}

#[test]
fn whoever_adopted_what_was_deleted_is_not_told_to_write_what_the_schema_refuses() {
    let told = |spec: &str| {
        let world = World::new().remote(owned(remote(10, base_id(1)), 1));
        let gone = Case::of(world, endpoint(spec)).with(|c| c.world = World::new());
        let conditions = gone.plan().status.conditions;
        let stalled = speech_api::condition::find(&conditions, "Stalled").unwrap();
        assert_eq!(stalled.reason, "RemoteDeleted");
        stalled.message.clone()
    };
    let adopted = told(ADOPT);
    assert!(
        adopted.contains("delete this object and create one without adopt") && !adopted.contains("WhenDeleted"),
        "{adopted}"
    );
    let made = told("model: {base: {}}");
    assert!(made.contains("Write recreate: WhenDeleted"), "{made}");
}

#[test]
fn without_a_connection_the_last_knowledge_stands() {
    let through = |link| Case::serving().with(|c| c.world.link = link);
    let valid = "ModelValid=True ModelServes";
    check(vec![
        (
            "no connection",
            through(Link::NotFound),
            &format!("- | Ready=False ConnectionNotFound, Stalled ConnectionNotFound, {valid}"),
        ),
        (
            "not for this namespace",
            through(Link::NotAllowed),
            &format!("- | Ready=False NamespaceNotAllowed, Stalled NamespaceNotAllowed, {valid}"),
        ),
        (
            "out of order",
            through(Link::NotReady {
                seen: true,
                usable: true,
            }),
            &format!("- | Ready=True Serving, Reconciling ConnectionNotReady, {valid}"),
        ),
        (
            "out of order and never seen",
            through(Link::NotReady {
                seen: false,
                usable: false,
            }),
            &format!("- | Ready=True Serving, Reconciling ConnectionNotReady, {valid}"),
        ),
        (
            "lists not read yet",
            through(Link::Ready).with(|c| c.world.view = Default::default()),
            &format!("- | Ready=True Serving, Reconciling Connecting, {valid}"),
        ),
        (
            "expired meanwhile",
            through(Link::NotReady {
                seen: true,
                usable: true,
            })
            .with(|c| c.world.now = at(LATER)),
            "- | Ready=False BaseModelAnswers, Reconciling ConnectionNotReady, ModelValid=False BaseModelAnswers, AtRisk=True ConnectionNotReady",
        ),
        (
            "a project, and no projects",
            Case::serving().with(|c| {
                c.world.has_projects = false;
                c.object.spec.project = Some(id(7).to_string());
            }),
            &format!("- | Ready=True Serving, {valid}, FieldsRefused=True SpecInvalid"),
        ),
    ]);
}

/// An endpoint that a former object of the name left behind, and that serves what is declared.
fn left() -> Endpoint {
    with(remote(10, base_id(1)), |e| {
        e.header.owner = Some(Arc::new(former_tag("uid-0", 4)))
    })
}

/// The object is new: no status, no finalizer.
fn restored(endpoint_10: Endpoint) -> Case {
    Case::new(World::new().remote(endpoint_10), endpoint("model: {base: {}}"))
}

/// Two minutes later the lists show the same.
fn later(case: &mut Case) {
    case.world.now = at("2026-03-01T10:02:00Z");
    case.world.sweep();
}

#[test]
fn what_a_former_object_left_is_taken_over_without_a_request() {
    let valid = "ModelValid=True ModelServes";
    let mut case = restored(left());
    assert_eq!(
        case.line(),
        "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation"
    );
    let plan = case.show();
    assert_eq!((plan.status.id, plan.awaits), (None, Some(crate::List::Endpoints)));
    assert_eq!(plan.look_again, Some(at("2026-03-01T10:02:00Z")));
    case.world.now = at("2026-03-01T10:02:00Z");
    assert_eq!(step(case.plan().action.as_ref()), "-", "the list is not new enough");
    later(&mut case);
    assert_eq!(
        case.line(),
        format!("claim | Ready=True Serving, Reconciling Creating, {valid}")
    );
    case.object = case.object.clone().claimed();
    let plan = case.show();
    assert_eq!(
        case.line(),
        format!("- | Ready=True Serving, {valid}"),
        "no mark is rewritten"
    );
    assert_eq!(plan.status.id, Some(id(10)));
    assert_eq!(plan.status.closed_attempt, Some(4), "attempts go on from there");
    let first = case.show().status;
    case.world.now = at("2026-03-02T10:00:00Z");
    assert_eq!(case.show().status, first);
}

#[test]
fn an_object_that_is_restored_with_its_annotation_and_finalizer_announces_nothing() {
    let mut case = restored(left()).with(|c| c.object = c.object.clone().announces(4, "2026-01-01T00:00:00Z"));
    case.show();
    later(&mut case);
    assert_eq!(case.line(), "- | Ready=True Serving, ModelValid=True ModelServes");
}

#[test]
fn only_what_fits_is_taken_over() {
    let far = |e: &mut Endpoint| {
        let mark = with(former_tag("uid-0", 4), |t| t.cluster = "far".into());
        e.header.owner = Some(Arc::new(mark));
    };
    for (name, case, expected) in [
        ("of another cluster", restored(with(left(), far)), "announce 1"),
        (
            "of another locale",
            restored(with(left(), |e| e.header.locale = "de-DE".into())),
            "announce 1",
        ),
        (
            "of another name",
            restored(with(left(), |e| {
                e.header.owner = Some(Arc::new(with(former_tag("uid-0", 4), |t| t.object = "team/x".into())));
            })),
            "announce 1",
        ),
        (
            "beside one of this life",
            restored(left()).with(|c| {
                learn(&mut c.world.view.endpoints, owned(remote(11, base_id(1)), 1));
            }),
            "claim",
        ),
        (
            "suspended",
            restored(left()).with(|c| c.object.spec.suspend = true),
            "-",
        ),
        (
            "of another cluster, and told so",
            restored(with(left(), far)).with(|c| c.object.annotate("customspeech.dev/restored-from", "far")),
            "claim",
        ),
    ] {
        let mut case = case;
        case.show();
        later(&mut case);
        let plan = case.plan();
        assert_eq!(step(plan.action.as_ref()), expected, "{name}");
        if name.starts_with("beside") {
            assert_eq!(plan.status.id, Some(id(11)));
        }
    }
    let mut moved = restored(with(left(), far)).with(|c| {
        c.object.annotate("customspeech.dev/restored-from", "far");
        c.object = c.object.clone().claimed();
    });
    moved.show();
    later(&mut moved);
    assert_eq!(
        step(moved.plan().action.as_ref()),
        "update 10 owner mark",
        "the other cluster is to see that it has lost it"
    );
}

#[test]
fn of_several_former_lives_the_last_one_counts_and_nothing_of_theirs_is_deleted() {
    let mut case = restored(left()).with(|c| {
        let newer = with(remote(11, base_id(1)), |e| {
            e.header.owner = Some(Arc::new(former_tag("uid-00", 1)))
        });
        learn(&mut c.world.view.endpoints, newer);
    });
    case.show();
    later(&mut case);
    case.object = case.object.clone().claimed();
    let plan = case.show();
    assert_eq!(
        (step(plan.action.as_ref()).as_str(), plan.status.id),
        ("-", Some(id(11)))
    );
    let mut deleted = case.with(|c| c.object = c.object.clone().deleted("2026-03-01T10:03:00Z"));
    assert_eq!(step(deleted.plan().action.as_ref()), "delete 11", "it was taken over");
    deleted.world = World::new().remote(left());
    assert_eq!(step(deleted.plan().action.as_ref()), "release", "the other was not");
}

#[test]
fn what_was_not_taken_over_yet_outlives_the_object() {
    let mut case = restored(left()).with(|c| c.object = c.object.clone().claimed());
    case.show();
    case.object = case.object.deleted("2026-03-01T10:01:00Z");
    assert_eq!(step(case.plan().action.as_ref()), "release");
}

#[test]
fn an_adopted_endpoint_that_bears_the_mark_of_a_former_life_is_ours_at_once() {
    let case = adopting(left()).with(|c| c.object = c.object.clone().claimed());
    assert_eq!(case.line(), "- | Ready=True Serving, ModelValid=True ModelServes");
}

#[test]
fn no_mark_is_written_on_the_word_of_an_old_list() {
    let adopting = |swept: &str| {
        let world = World::new().remote(remote(10, base_id(1))).swept(swept);
        Case::new(world, endpoint(ADOPT).claimed())
    };
    let mut case = adopting("2026-03-01T09:59:59Z");
    let plan = case.show();
    assert_eq!((plan.action, plan.awaits), (None, Some(crate::List::Endpoints)));
    assert_eq!(
        plan.look_again,
        Some(at("2026-03-01T10:00:01Z")),
        "a look without news wakes nobody"
    );
    case.world.now = at("2026-03-01T10:00:01Z");
    assert_eq!(step(case.plan().action.as_ref()), "-", "that list is no newer");
    case.world.sweep();
    assert_eq!(step(case.plan().action.as_ref()), "update 10 owner mark");
}
