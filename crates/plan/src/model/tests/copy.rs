//! Models that are copied: every step, and every place where a copy can break off.
mod life;
mod obstacles;

use super::{
    super::{Found, Source, SourceState, are_alike, find_cycle},
    *,
};
use crate::{
    Action, FailureClass,
    view::{CopyStage, CopyState},
};
use speech_api::annotation::CreationIntent;
use speech_service::entity::{CustomModel, EntityError, Status};
use std::sync::Arc;

pub const COPY: &str = "source: {copy: {modelRef: {name: origin, namespace: west}}}";
pub const BY_ID: &str =
    "source: {copy: {connectionRef: {name: west, namespace: west}, id: 00000000-0000-0000-0000-000000000005}}";
pub const ARM_ID: &str = "/subscriptions/1/x";
pub const JUST_NOW: &str = "2026-03-01T09:59:30Z";

/// A SpeechModel of the source whose current revision is this custom model.
pub fn origin(n: u128) -> SpeechModel {
    with(model_with_current(n), |m| {
        m.metadata.name = Some("origin".into());
        m.metadata.namespace = Some("west".into());
    })
}

/// A model of the source's Speech resource, trained there by somebody's object.
pub fn original(n: u128) -> CustomModel {
    with(revision(n, 7, "inputs", Status::Succeeded), |m| {
        let owner = speech_service::entity::OwnerTag {
            revision: Some(7),
            inputs: Some("inputs".into()),
            ..tag("origin-uid", 7)
        };
        m.header.display_name = "origin".into();
        m.header.owner = Some(Arc::new(owner));
    })
}

/// What is found of a source whose SpeechModel has this current model.
pub fn found(n: u128) -> Found {
    Found {
        object: Some(Arc::new(origin(n))),
        connection: "west/west".into(),
        state: SourceState::Ready,
        resource_id: Some(ARM_ID.into()),
        is_own_resource: false,
        models: vec![Arc::new(original(n))],
        rival: None,
    }
}

/// The same model as it appears in the target.
pub fn arrived(n: u128, when: &str, keeps_mark: bool) -> CustomModel {
    with(original(n), |m| {
        m.header.created_at = at(when);
        m.header.owner = m.header.owner.take().filter(|_| keeps_mark);
    })
}

/// A revision that is a copy of this model.
pub fn copied(n: u128, number: u32, of: u128) -> CustomModel {
    revision(n, number, &id(of).to_string(), Status::Succeeded)
}

fn new(world: World) -> Case {
    Case::new(world, model(COPY)).from(|_| ())
}

/// The copy of model 5 was announced as attempt 1.
fn announced(world: World, when: &str) -> Case {
    new(world).with(|c| announce(c, when))
}

pub fn announce(case: &mut Case, when: &str) {
    case.object = case.object.clone().claimed();
    case.object.announce(CreationIntent {
        attempt: 1,
        at: at(when),
        copy_of: Some(id(5)),
        ..CreationIntent::default()
    });
}

/// The source told how attempt 1 stands, ten seconds after it was announced just now.
fn told(stage: CopyStage) -> World {
    let mut world = World::new();
    let state = CopyState {
        attempt: 1,
        operation: "https://w.example/operations/models/copy/1".into(),
        looked_at: at("2026-03-01T09:59:40Z"),
        rest: None,
        stage,
    };
    world.view.copies.told(UID, state);
    world
}

impl Case {
    /// Copied from model 5, with this change of what is found.
    pub fn from(mut self, change: impl FnOnce(&mut Found)) -> Self {
        self.related.source = Some(Source::Found(Box::new(with(found(5), change))));
        self
    }
}

const COPYING: &str = "Ready=False Copying, Reconciling Copying";
const AWAITS: &str = "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation";
const LATER_TODAY: &str = "2026-03-01T10:29:30Z";

#[test]
fn a_copy_is_announced_then_ordered_then_followed_then_marked() {
    let gave_up = || {
        CopyStage::Failed(EntityError {
            code: "Internal".into(),
            message: "it did not work".into(),
        })
    };
    let done = || told(CopyStage::Done(id(20)));
    check(vec![
        ("nothing yet", new(World::new()), &format!("announce 1 | {COPYING}")),
        (
            "announced",
            announced(World::new().announced(1), NOW),
            &format!("copy 5 | {COPYING}"),
        ),
        (
            "ordered",
            announced(told(CopyStage::Running), JUST_NOW),
            &format!("follow | {COPYING}"),
        ),
        (
            "looked at just now",
            announced(told(CopyStage::Running), JUST_NOW).with(|c| c.world.now = at("2026-03-01T09:59:40Z")),
            &format!("- | {COPYING}"),
        ),
        (
            "gave up",
            announced(told(gave_up()), JUST_NOW),
            "- | Ready=False CopyFailed, Reconciling CopyFailed",
        ),
        (
            "done, not listed",
            announced(done(), JUST_NOW),
            &format!("- | {COPYING}"),
        ),
        (
            "done and listed",
            announced(done().custom(arrived(20, NOW, true)), JUST_NOW),
            &format!("mark 20 as 1 | {COPYING}"),
        ),
        (
            "done and listed, without the source's mark",
            announced(done().custom(arrived(20, NOW, false)), JUST_NOW),
            &format!("mark 20 as 1 | {COPYING}"),
        ),
        (
            "done, and gone",
            announced(done().now("2026-03-01T10:02:00Z"), JUST_NOW).with(|c| c.world.sweep()),
            "- | Ready=False CopyFailed, Reconciling CopyFailed",
        ),
        (
            "marked, by another name",
            announced(done().custom(copied(20, 1, 5)), JUST_NOW)
                .with(|c| c.object.spec.display_name = Some("other".into())),
            "update 20 | Ready=True Synced, Reconciling Updating",
        ),
        (
            "marked and named",
            announced(done().custom(copied(20, 1, 5)), JUST_NOW),
            "- | Ready=True Synced",
        ),
        (
            "by id",
            Case::new(World::new(), model(BY_ID)).from(|f| f.object = None),
            &format!("announce 1 | {COPYING}"),
        ),
        (
            "suspended",
            new(World::new()).with(|c| c.object.spec.suspend = true),
            "- | Ready=False Suspended, Stalled Suspended",
        ),
    ]);
}

#[test]
fn the_time_that_a_copy_took_is_told_once() {
    let mut case = announced(told(CopyStage::Done(id(20))).custom(arrived(20, NOW, true)), JUST_NOW);
    assert!(case.show().took.is_empty(), "not marked yet");
    learn(&mut case.world.view.models, copied(20, 1, 5));
    case.world.view.models.answered(copied(20, 1, 5));
    let took = case.show().took;
    let times: Vec<_> = took.iter().map(|took| (took.work, took.time.as_secs())).collect();
    assert_eq!(times, [(crate::lead_time::Work::Copying, 30)]);
    assert!(case.show().took.is_empty(), "told");
}

#[test]
fn wherever_a_copy_breaks_off_it_is_found_again_and_never_ordered_twice() {
    let arrival = |keeps| World::new().custom(arrived(20, NOW, keeps));
    let marks = format!("mark 20 as 1 | {COPYING}");
    let uncertain = |c: &mut Case| {
        c.world = World::new().announced(1).failed("Copy", FailureClass::Uncertain);
    };
    let restarted = |model: Option<u128>| {
        move |c: &mut Case| {
            let model = model.map(|n| id(n).to_string());
            let copying = serde_json::json!({
                "source": id(5).to_string(), "attempt": 1, "operation": "https://w.example/1", "model": model, "startedAt": JUST_NOW
            });
            c.object.status = Some(serde_json::from_value(serde_json::json!({ "copying": copying })).unwrap());
        }
    };
    check(vec![
        (
            "after the announcement, nobody knows",
            announced(World::new(), JUST_NOW),
            AWAITS,
        ),
        (
            "the answer is lost",
            announced(World::new(), JUST_NOW).with(uncertain),
            AWAITS,
        ),
        ("nobody knows, it appears", announced(arrival(true), JUST_NOW), &marks),
        (
            "it appears without any mark",
            announced(arrival(false), JUST_NOW),
            &marks,
        ),
        (
            "it never appears",
            announced(World::new().now(LATER_TODAY), JUST_NOW).with(|c| c.world.sweep()),
            &format!("announce 2 | {COPYING}"),
        ),
        (
            "it appears when nobody waits any more, before another is ordered",
            announced(arrival(true).now(LATER_TODAY), JUST_NOW).with(|c| c.world.sweep()),
            &marks,
        ),
        (
            "while the operation runs",
            announced(World::new(), JUST_NOW).with(restarted(None)),
            &format!("follow | {COPYING}"),
        ),
        (
            "after it succeeded",
            announced(arrival(true), JUST_NOW).with(restarted(Some(20))),
            &marks,
        ),
        (
            "the source forgot the operation, and the copy is there",
            announced(told(CopyStage::Unknown).custom(arrived(20, NOW, false)), JUST_NOW),
            &marks,
        ),
        (
            "the source forgot the operation",
            announced(told(CopyStage::Unknown), JUST_NOW),
            AWAITS,
        ),
        (
            "after the mark",
            announced(World::new().custom(copied(20, 1, 5)), JUST_NOW),
            "- | Ready=True Synced",
        ),
        (
            "after the mark, without a finalizer",
            announced(World::new().custom(copied(20, 1, 5)), JUST_NOW).with(|c| c.object.metadata.finalizers = None),
            "claim | Ready=True Synced, Reconciling Copying",
        ),
    ]);
}

#[test]
fn only_what_cannot_be_anything_else_is_taken_for_the_copy() {
    let seen =
        |change: fn(&mut CustomModel)| announced(World::new().custom(with(arrived(20, NOW, true), change)), JUST_NOW);
    let marked_by = |uid: &'static str| {
        announced(
            World::new().custom(with(arrived(20, NOW, true), |m| {
                m.header.owner = Some(Arc::new(tag(uid, 1)))
            })),
            JUST_NOW,
        )
    };
    check(vec![
        (
            "it was there before",
            seen(|m| m.header.created_at = at("2026-03-01T09:58:29Z")),
            AWAITS,
        ),
        ("another name", seen(|m| m.header.display_name = "other".into()), AWAITS),
        (
            "another description",
            seen(|m| m.header.description = "other".into()),
            AWAITS,
        ),
        ("another locale", seen(|m| m.header.locale = "de-DE".into()), AWAITS),
        ("another weight", seen(|m| m.weight_percent = Some(10)), AWAITS),
        ("another's mark", marked_by("another"), AWAITS),
        (
            "another object began before",
            seen(|_| ()).from(|f| f.rival = Some("team/other".into())),
            AWAITS,
        ),
        (
            "the result of the operation is another object's by now",
            announced(
                told(CopyStage::Done(id(20))).custom(with(copied(20, 1, 5), |m| {
                    let owner = (**m.header.owner.as_ref().unwrap()).clone();
                    m.header.owner = Some(Arc::new(with(tag("another", 1), |tag| tag.inputs = owner.inputs)));
                })),
                JUST_NOW,
            ),
            "- | Ready=False CopyFailed, Reconciling CopyFailed",
        ),
    ]);
}

#[test]
fn a_renewed_source_is_copied_as_the_next_revision() {
    let current = |world: World| {
        new(world.custom(copied(20, 1, 4))).with(|c| {
            c.object = c.object.clone().announces(1, LONG_AGO);
            c.show();
        })
    };
    check(vec![
        (
            "renewed",
            current(World::new()),
            "announce 2 | Ready=True Synced, Reconciling Copying",
        ),
        (
            "renewed, while its service is away",
            current(World::new()).from(|f| f.state = SourceState::NotReady("away".into())),
            "- | Ready=True Synced, Reconciling ConnectionNotReady",
        ),
        (
            "at rest, while its service is away",
            new(World::new().custom(copied(20, 1, 5))).with(|c| {
                c.object = c.object.clone().announces(1, LONG_AGO);
                c.related.source = Some(Source::Found(Box::new(with(found(5), |f| {
                    f.state = SourceState::NotReady("away".into());
                    f.models.clear();
                }))));
            }),
            "- | Ready=True Synced",
        ),
        (
            "copied again",
            current(World::new()).with(|c| {
                learn(&mut c.world.view.models, copied(21, 2, 5));
            }),
            "- | Ready=True Synced",
        ),
        (
            "older revisions go",
            current(World::new()).with(|c| {
                c.object.spec.revision_history_limit = 0;
                learn(&mut c.world.view.models, copied(21, 2, 5));
                c.show();
            }),
            "delete 20 | Ready=True Synced, Reconciling Updating",
        ),
        (
            "a twin goes",
            current(World::new()).with(|c| {
                learn(&mut c.world.view.models, copied(21, 2, 5));
                c.show();
                learn(&mut c.world.view.models, copied(22, 2, 5));
            }),
            "delete 22 | Ready=True Synced, Reconciling Updating",
        ),
    ]);
}

#[test]
fn copies_of_two_models_that_look_alike_take_turns() {
    let one = with(original(5), |m| m.weight_percent = Some(30));
    let of = |change: fn(&mut CustomModel)| {
        let mut other = original(6);
        other.header.display_name = one.header.display_name.clone();
        with(other, change)
    };
    for (name, other, expected) in [
        ("as it is", of(|_| ()), true),
        ("the same weight", of(|m| m.weight_percent = Some(30)), true),
        ("another weight", of(|m| m.weight_percent = Some(10)), false),
        ("another name", of(|m| m.header.display_name = "other".into()), false),
        (
            "another description",
            of(|m| m.header.description = "other".into()),
            false,
        ),
        ("another locale", of(|m| m.header.locale = "de-DE".into()), false),
    ] {
        assert_eq!(are_alike(&one, &other), expected, "{name}");
        assert_eq!(are_alike(&other, &one), expected, "{name}");
    }
}

#[test]
fn an_announcement_that_led_to_no_request_is_closed_at_once() {
    let mut other = announced(World::new().announced(1), NOW).from(|f| {
        f.object = Some(Arc::new(origin(6)));
        f.models = vec![Arc::new(original(6))];
    });
    assert_eq!(
        other.show().status.closed_attempt,
        Some(1),
        "the source was renewed meanwhile"
    );
    other.world.pass.announced = None;
    assert_eq!(step(other.plan().action.as_ref()), "announce 2");
    let mut second = announced(World::new().announced(1), NOW).from(|f| f.rival = Some("team/b".into()));
    assert_eq!(second.show().status.closed_attempt, Some(1), "another object was first");
}

#[test]
fn a_deleted_copy_waits_for_what_is_under_way_and_takes_it_along() {
    let deleted = |case: Case| case.with(|c| c.object = c.object.clone().deleted("2026-03-01T09:59:50Z"));
    let deleting = "Ready=False Deleting, Reconciling Deleting";
    let written = |c: &mut Case| {
        c.object.status = Some(serde_json::from_value(serde_json::json!({"closedAttempt": 1})).unwrap());
    };
    let marked = || announced(World::new().custom(copied(20, 1, 5)), JUST_NOW);
    check(vec![
        (
            "a revision",
            deleted(marked().with(written)),
            &format!("delete 20 | {deleting}"),
        ),
        (
            "a revision, not written down",
            deleted(marked()),
            &format!("- | {deleting}"),
        ),
        (
            "none",
            deleted(announced(World::new(), JUST_NOW).with(written)),
            &format!("release | {deleting}"),
        ),
        (
            "under way",
            deleted(announced(told(CopyStage::Running), JUST_NOW)),
            &format!("follow | {COPYING}"),
        ),
        (
            "done",
            deleted(announced(
                told(CopyStage::Done(id(20))).custom(arrived(20, NOW, true)),
                JUST_NOW,
            )),
            &format!("mark 20 as 1 | {COPYING}"),
        ),
        ("perhaps sent", deleted(announced(World::new(), JUST_NOW)), AWAITS),
        (
            "under way, and the source is gone",
            deleted(announced(told(CopyStage::Running), JUST_NOW)).from(|f| f.state = SourceState::NotFound),
            AWAITS,
        ),
        (
            "under way, and the source is gone for long",
            deleted(announced(told(CopyStage::Running).now(LATER_TODAY), JUST_NOW))
                .with(|c| c.world.sweep())
                .from(|f| f.state = SourceState::NotFound),
            &format!("release | {deleting}"),
        ),
    ]);
}
