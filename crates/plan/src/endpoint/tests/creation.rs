//! Creation: announced, sent once, looked for.
use super::*;
use crate::{Action, FailureClass};
use speech_service::entity::Status;

const BASE: &str = "model: {base: {}}";
const JUST_NOW: &str = "2026-03-01T09:59:30Z";

fn new() -> Case {
    Case::new(World::new(), endpoint(BASE))
}

fn announced(attempt: u32, when: &str) -> Case {
    Case::new(World::new(), endpoint(BASE).announces(attempt, when))
}

#[test]
fn a_creation_is_announced_then_sent_then_looked_for() {
    let creating = "Ready=False Creating, Reconciling Creating";
    check(vec![
        ("nothing yet", new(), &format!("announce 1 | {creating}")),
        (
            "announced in this pass",
            announced(1, NOW).with(|c| c.world.pass.announced = Some(1)),
            &format!("create with 1 | {creating}"),
        ),
        (
            "found open",
            announced(1, JUST_NOW),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "another attempt was announced in this pass",
            announced(2, JUST_NOW).with(|c| c.world.pass.announced = Some(1)),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "open, and a later list lacks it",
            announced(1, LONG_AGO),
            &format!("announce 2 | {creating}"),
        ),
        (
            "open for long, but no list since",
            announced(1, LONG_AGO).with(|c| c.world = World::new().swept(LONG_AGO)),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "closed by the status",
            announced(1, JUST_NOW).with(|c| c.object.status.get_or_insert_default().closed_attempt = Some(1)),
            &format!("announce 2 | {creating}"),
        ),
        (
            "the announcement was made unreadable",
            announced(1, NOW).with(|c| c.object.annotate(speech_api::annotation::CREATION_INTENT, "{")),
            &format!("announce 2 | {creating}"),
        ),
        (
            "the announcement was put at the end of time",
            announced(1, "9999-12-30T21:59:00Z"),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "open, and the model is gone meanwhile",
            announced(1, JUST_NOW).with(|c| {
                c.object.spec.model = endpoint("model: {id: 00000000-0000-0000-0000-000000000009}").spec.model
            }),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
    ]);
}

#[test]
fn what_was_created_is_taken_over_by_its_mark() {
    let deploying = "- | Ready=False Deploying, Reconciling Deploying";
    let with_remote = |state: Status, confirmed: bool| {
        announced(1, JUST_NOW).with(|c| {
            let remote = in_state(owned(remote(10, base_id(1)), 1), state);
            let world = World::new();
            c.world = if confirmed {
                world.remote(remote)
            } else {
                world.unconfirmed(remote)
            };
        })
    };
    check(vec![
        ("accepted", with_remote(Status::NotStarted, false), deploying),
        ("running", with_remote(Status::Running, true), deploying),
        (
            "a word of tomorrow",
            with_remote(Status::Other("Warming".into()), true),
            deploying,
        ),
        (
            "accepted is not serving",
            with_remote(Status::Succeeded, false),
            deploying,
        ),
        (
            "serving",
            with_remote(Status::Succeeded, true),
            "- | Ready=True Serving, ModelValid=True ModelServes",
        ),
        (
            "failed",
            with_remote(Status::Failed, true),
            "- | Ready=False DeploymentFailed, Stalled DeploymentFailed",
        ),
        (
            "the finalizer was removed by hand",
            with_remote(Status::Succeeded, true).with(|c| c.object.metadata.finalizers = None),
            "claim | Ready=True Serving, Reconciling Creating, ModelValid=True ModelServes",
        ),
    ]);
    let plan = with_remote(Status::Running, true).plan();
    assert_eq!(plan.status.closed_attempt, Some(1));
    assert_eq!(plan.status.target.unwrap().model, id(1));
    assert!(plan.status.active.is_none() && plan.awaits.is_some());
    assert_eq!(
        plan.look_again,
        Some(at(NOW) + minutes(30)),
        "then it is longer than usual"
    );
}

#[test]
fn the_request_carries_the_spec_and_the_mark() {
    let mut case = announced(3, NOW).with(|c| c.world.pass.announced = Some(3));
    case.edit("model: {base: {}}\ndisplayName: Claims\ndescription: words\nloggingEnabled: true\nproject: 00000000-0000-0000-0000-00000000000a");
    let Some(Action::CreateEndpoint(request)) = case.plan().action else {
        panic!("no request");
    };
    assert_eq!(request.owner, tag(UID, 3));
    assert_eq!(
        (request.display_name.as_str(), request.description.as_deref()),
        ("Claims", Some("words"))
    );
    assert_eq!((request.project, request.logging_enabled), (Some(id(10)), Some(true)));
    assert_eq!((request.model, request.locale.as_str()), (base_id(1), "en-US"));
}

/// The pass after a POST failed: the same snapshot and the failure.
fn failed(class: FailureClass) -> Case {
    announced(1, NOW).with(|c| {
        c.world = World::new().announced(1).failed("Create", class);
    })
}

#[test]
fn a_failed_request_is_repeated_only_when_that_makes_no_twin() {
    let transient = FailureClass::Transient { retry_after: None };
    check(vec![
        (
            "no effect",
            failed(transient),
            "- | Ready=False Retrying, Reconciling Retrying",
        ),
        (
            "no room",
            failed(FailureClass::Quota),
            "- | Ready=False QuotaExceeded, Reconciling QuotaExceeded",
        ),
        (
            "refused",
            failed(FailureClass::Refused),
            "- | Ready=False Refused, Stalled Refused",
        ),
        (
            "perhaps an effect",
            failed(FailureClass::Uncertain),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "asked for by hand, and failed in that very pass",
            failed(transient).with(|c| c.object.annotate(speech_api::annotation::RECONCILE_REQUESTED, "1")),
            "- | Ready=False Retrying, Reconciling Retrying",
        ),
    ]);
    let cases = [
        (
            transient,
            Some(1),
            at(NOW) + jiff::SignedDuration::from_secs(5),
            "announce 2",
        ),
        (
            FailureClass::Uncertain,
            None,
            at(NOW) + jiff::SignedDuration::from_secs(120),
            "announce 2",
        ),
    ];
    for (class, closed, again, next) in cases {
        let mut case = failed(class);
        let plan = case.show();
        assert_eq!(
            (plan.status.closed_attempt, plan.look_again),
            (closed, Some(again)),
            "{class:?}"
        );
        (case.world.pass.announced, case.world.pass.failure, case.world.now) = (None, None, again);
        case.world.sweep();
        assert_eq!(step(case.plan().action.as_ref()), next, "{class:?}");
    }
}

#[test]
fn a_refusal_stands_until_the_spec_the_model_the_user_or_the_clock_says_otherwise() {
    let refused = || {
        failed(FailureClass::Refused).with(|c| {
            c.show();
            (c.world.pass.announced, c.world.pass.failure) = (None, None);
            c.world.now = at("2026-03-01T10:14:59Z");
        })
    };
    let creating = "announce 2 | Ready=False Creating, Reconciling Creating";
    check(vec![
        ("nothing new", refused(), "- | Ready=False Refused, Stalled Refused"),
        (
            "a quarter of an hour later",
            refused().with(|c| c.world.now = at("2026-03-01T10:15:00Z")),
            creating,
        ),
        (
            "another spec",
            refused().with(|c| c.edit("model: {base: {}}\ndisplayName: other")),
            creating,
        ),
        (
            "asked for by hand",
            refused().with(|c| c.object.annotate(speech_api::annotation::RECONCILE_REQUESTED, "1")),
            creating,
        ),
        (
            "another model",
            refused().with(|c| learn(&mut c.world.view.base_models, base_model(2, LATER))),
            creating,
        ),
    ]);
}

#[test]
fn a_twin_is_deleted_and_the_recorded_endpoint_stays() {
    let twins = || Case::serving().with(|c| learn(&mut c.world.view.endpoints, owned(remote(9, base_id(1)), 2)));
    let ready = "Ready=True Serving, Reconciling Updating, ModelValid=True ModelServes";
    check(vec![
        ("late", twins(), &format!("delete 9 | {ready}")),
        (
            "suspended",
            twins().with(|c| c.edit("model: {base: {}}\nsuspend: true")),
            "- | Ready=True Suspended, ModelValid=True ModelServes",
        ),
        (
            "it was ours before, and is there again",
            twins().with(|c| c.object.status.as_mut().unwrap().former_ids = vec![id(9)]),
            "- | Ready=True Serving, ModelValid=True ModelServes",
        ),
        (
            "with no status the older attempt is kept",
            twins().with(|c| c.object.status = None),
            "delete 9 | Ready=True Serving, Reconciling Updating, ModelValid=True ModelServes",
        ),
    ]);
}

#[test]
fn nothing_is_created_for_who_only_watches_or_rests() {
    for (word, spec) in [
        ("Observed", "managementPolicy: Observe"),
        ("Suspended", "suspend: true"),
    ] {
        let case = Case::new(World::new(), endpoint(&format!("{BASE}\n{spec}")));
        assert_eq!(case.line(), format!("- | Ready=False {word}, Stalled {word}"));
    }
}

#[test]
fn what_vanishes_again_and_again_is_made_anew_ever_later() {
    let vanished = |made: i32, minutes_ago: i64| {
        let mut case = Case::serving().with(|c| c.edit("model: {base: {}}\nrecreate: WhenDeleted"));
        case.show();
        let last = at(NOW) - minutes(minutes_ago);
        let tally = serde_json::json!({"made": made, "lastAt": last.to_string(), "generation": 2});
        let status = case.object.status.as_mut().unwrap();
        status.creations = serde_json::from_value(tally).unwrap();
        status.former_ids = (1..=5).map(id).collect();
        case.world.view.endpoints = World::new().view.endpoints;
        case
    };
    let held = "- | Ready=False RecreationDelayed, Reconciling RecreationDelayed";
    check(vec![
        ("the third", vanished(2, 1), held),
        ("the fifth", vanished(4, 39), held),
    ]);
    let former = vanished(2, 1).plan().status.former_ids;
    let expected = [10, 1, 2, 3, 5].map(id);
    assert_eq!(former, expected, "the oldest stays");
    for (made, ago) in [(1, 0), (2, 10), (4, 40)] {
        let mut case = vanished(made, ago);
        case.show();
        assert!(case.line().starts_with("announce"), "{made} {ago}: {}", case.line());
    }
}
