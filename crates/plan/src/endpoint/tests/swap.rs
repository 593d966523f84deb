//! An endpoint that serves: swaps, expiry, drift.
use super::*;
use crate::{Action, FailureClass};
use speech_service::entity::Status;

const EARLY: &str = "2026-04-15T00:00:00Z";

/// Endpoint 10 serves custom model 3 of SpeechModel m; custom model 4 is there too.
fn serving(expires: &str, next: &str) -> Case {
    let world = World::new()
        .custom(custom_model(3, expires))
        .custom(custom_model(4, next))
        .remote(owned(remote(10, custom_id(3)), 1));
    let object = endpoint("model: {ref: {name: m}}").announces(1, "2026-02-01T00:00:00Z");
    let mut case = Case::new(world, object).with(|c| c.related.model = Some(model_with_current(3)));
    case.show();
    case
}

fn newer(expires: &str, next: &str) -> Case {
    serving(expires, next).with(|c| c.related.model = Some(model_with_current(4)))
}

#[test]
fn a_swap_keeps_ready_and_tells_apart_what_serves_and_what_comes() {
    let mut case = newer(EARLY, LATER);
    let swapping = "Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes";
    assert_eq!(case.line(), format!("update 10 model | {swapping}"));
    let models = |case: &Case| {
        let status = case.plan().status;
        (
            status.active.map(|active| active.model),
            status.target.map(|target| target.model),
        )
    };
    let apart = (Some(id(3)), Some(id(4)));
    assert_eq!(models(&case), apart);
    let started = case.show();
    assert!(started.notices.is_empty(), "a swap is no drift: {:?}", started.notices);

    let since = started.status.target.unwrap().since;
    for (state, confirmed) in [(Status::Succeeded, false), (Status::Running, true)] {
        let moved = in_state(owned(remote(10, custom_id(4)), 1), state);
        if confirmed {
            learn(&mut case.world.view.endpoints, moved);
        } else {
            case.world.view.endpoints.answered(moved);
        }
        case.world.now += minutes(1);
        assert_eq!(case.line(), format!("- | {swapping}"));
        assert_eq!(models(&case), apart, "accepted is not serving");
        let plan = case.show();
        assert_eq!(plan.status.target.unwrap().since, since);
        assert!(plan.awaits.is_some());
    }
    case.remote(10, |e| put_state(&mut e.header, Status::Succeeded, at(NOW)));
    assert_eq!(case.line(), "- | Ready=True Serving, ModelValid=True ModelServes");
    assert_eq!(models(&case), (Some(id(4)), None));
    let plan = case.show();
    assert_eq!(plan.notices.len(), 1, "the swap is told once: {:?}", plan.notices);
    assert!(case.plan().notices.is_empty());
}

#[test]
fn a_service_that_shows_the_old_model_while_it_deploys_is_not_asked_again() {
    let mut case = newer(EARLY, LATER);
    case.show();
    case.world.view.accepted.insert(id(10), custom_id(4));
    let swapping = "Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes";
    for _ in 0..29 {
        case.world.now += minutes(1);
        case.remote(10, |_| ());
        assert_eq!(case.line(), format!("- | {swapping}"));
        assert!(case.plan().awaits.is_some(), "a look that shows it ends the waiting");
        case.show();
    }
    // Half an hour is what a deployment takes as a rule. From then on it is asked again, ever more rarely.
    case.world.now += minutes(1);
    let retrying = "- | Ready=True Serving, Reconciling Retrying, ModelValid=True ModelServes";
    assert_eq!(case.line(), retrying);
    assert_eq!(case.show().status.last_failure.unwrap().code, "NotApplied");
    case.world.now += minutes(1);
    assert_eq!(case.line(), format!("update 10 model | {swapping}"));
    // One that never left, or of which this process does not know that it did, is sent again soon.
    let mut case = newer(EARLY, LATER);
    case.show();
    case.world.now += minutes(1);
    assert_eq!(case.line(), retrying);
    // What else is to be changed is changed at once.
    let mut case = newer(EARLY, LATER);
    case.show();
    case.world.view.accepted.insert(id(10), custom_id(4));
    case.world.now += minutes(1);
    case.edit("model: {ref: {name: m}}\ndisplayName: other");
    case.remote(10, |_| ());
    assert_eq!(
        case.line(),
        "update 10 displayName | Ready=True Serving, Reconciling Updating, ModelValid=True ModelServes"
    );
}

#[test]
fn while_a_model_may_still_come_no_other_is_asked_for() {
    let mut case = newer(EARLY, LATER);
    case.show();
    case.world.view.accepted.insert(id(10), custom_id(4));
    let target = |case: &Case| case.plan().status.target.map(|target| target.model);
    let swapping = "Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes";
    // The service shows the old model as if nothing happened, and a still better one appears.
    learn(&mut case.world.view.models, custom_model(5, "2027-04-15T00:00:00Z"));
    case.related.model = Some(model_with_current(5));
    for _ in 0..29 {
        case.world.now += minutes(1);
        case.remote(10, |_| ());
        assert_eq!((case.line(), target(&case)), (format!("- | {swapping}"), Some(id(4))));
        case.show();
    }
    // It did not come. What is asked for from now on is written down before.
    case.world.now += minutes(1);
    let better = Some(id(5));
    let updating = "Ready=True Serving, Reconciling Updating, ModelValid=True ModelServes";
    assert_eq!((case.line(), target(&case)), (format!("- | {updating}"), better));
    case.show();
    assert_eq!(case.line(), format!("update 10 model | {swapping}"));
    case.world.unconfirm(10);
    case.world.view.accepted.insert(id(10), custom_id(5));
    assert_eq!((case.line(), target(&case)), (format!("- | {swapping}"), better));
    case.show();
    for _ in 0..29 {
        case.world.now += minutes(1);
        case.remote(10, |_| ());
        assert_eq!(case.line(), format!("- | {swapping}"), "asked once");
        case.show();
    }
}

#[test]
fn a_refused_move_from_one_that_is_on_its_way_waits_for_its_delay() {
    let mut case = newer(EARLY, LATER);
    case.show();
    learn(&mut case.world.view.models, custom_model(5, "2027-04-15T00:00:00Z"));
    case.related.model = Some(model_with_current(5));
    case.world.now += minutes(30);
    case.remote(10, |_| ());
    case.show();
    case.world = case.world.failed("Swap", FailureClass::Transient { retry_after: None });
    case.world.unconfirm(10);
    case.show();
    case.world.pass.failure = None;
    case.remote(10, |_| ());
    let retrying = "- | Ready=True Serving, Reconciling Retrying, ModelValid=True ModelServes";
    assert_eq!(case.line(), retrying);
    case.show();
    case.world.now += minutes(1);
    assert!(case.line().starts_with("update 10 model"));
}

#[test]
fn a_swap_never_makes_things_worse() {
    let valid = "ModelValid=True ModelServes";
    let of = |reason: &str| format!("- | Ready=False {reason}, Stalled {reason}, {valid}");
    let changed = |change: fn(&mut speech_service::entity::CustomModel)| {
        newer(EARLY, LATER).with(|c| learn(&mut c.world.view.models, with(custom_model(4, LATER), change)))
    };
    check(vec![
        ("expires earlier", newer(LATER, EARLY), &of("ModelExpiresEarlier")),
        (
            "expires the same day",
            newer(LATER, LATER),
            &format!("update 10 model | Ready=True Serving, Reconciling Swapping, {valid}"),
        ),
        (
            "expires earlier, but the active one has expired",
            newer("2026-02-01T00:00:00Z", EARLY),
            "update 10 model urgently | Ready=False BaseModelAnswers, Reconciling Swapping, ModelValid=False BaseModelAnswers, AtRisk=True BaseModelAnswers",
        ),
        (
            "expires earlier, by the user's own word",
            serving(LATER, EARLY).with(|c| c.edit("model: {id: 00000000-0000-0000-0000-000000000004}")),
            &format!("update 10 model | Ready=True Serving, Reconciling Swapping, {valid}"),
        ),
        (
            "failed",
            changed(|m| m.header.status = Status::Failed),
            &of("ModelFailed"),
        ),
        (
            "for batches",
            changed(|m| m.supports_endpoints = Some(false)),
            &format!("- | Ready=True Serving, {valid}"),
        ),
        (
            "expired",
            changed(|m| m.expires_at = Some(at(NOW))),
            &of("ModelExpired"),
        ),
        (
            "not trained yet",
            changed(|m| m.header.status = Status::Running),
            &format!("- | Ready=True Serving, Reconciling ModelNotReady, {valid}"),
        ),
        (
            "a day before the expiry it goes before all else",
            newer("2026-03-02T09:00:00Z", LATER),
            &format!("update 10 model urgently | Ready=True Serving, Reconciling Swapping, {valid}"),
        ),
        (
            "suspended",
            newer(EARLY, LATER).with(|c| c.edit("model: {ref: {name: m}}\nsuspend: true")),
            &of("Suspended"),
        ),
    ]);
}

#[test]
fn expiry_is_told_on_the_day_and_looked_forward_to() {
    let mut case = serving(EARLY, LATER);
    let alarm = at("2026-03-16T00:00:00Z");
    assert_eq!(case.plan().look_again, Some(alarm));
    case.world.now = alarm;
    assert_eq!(case.plan().look_again, Some(at(EARLY)));
    case.world.now = at("2026-04-14T23:59:59Z");
    assert_eq!(
        case.line(),
        "- | Ready=True Serving, ModelValid=True ModelServes, AtRisk=True NoSuccessor"
    );
    case.world.now = at(EARLY);
    assert_eq!(
        case.line(),
        "- | Ready=False BaseModelAnswers, Stalled BaseModelAnswers, ModelValid=False BaseModelAnswers, AtRisk=True NoSuccessor"
    );
    let told = case.show().notices;
    assert!(told.iter().any(|notice| notice.warning), "{told:?}");
    assert_eq!(
        serving("", LATER).line(),
        "- | Ready=True Serving, ModelValid=Unknown ExpiryUnknown"
    );
}

#[test]
fn what_was_changed_by_hand_is_put_back_and_told() {
    let drifted = |change: fn(&mut Endpoint)| serving(EARLY, LATER).with(|c| c.remote(10, change));
    type Change = fn(&mut Endpoint);
    let cases: [(Change, &str, &str); 4] = [
        (|e| e.model = Some(custom_id(4)), "update 10 model", "Swapping"),
        (
            |e| e.header.display_name = "x".into(),
            "update 10 displayName",
            "Updating",
        ),
        (|e| e.header.owner = None, "update 10 owner mark", "Updating"),
        (
            |e| {
                e.model = Some(base_id(1));
                e.header.display_name = "x".into();
            },
            "update 10 model",
            "Swapping",
        ),
    ];
    for (change, step, reason) in cases {
        let mut case = drifted(change);
        assert_eq!(
            case.line(),
            format!("{step} | Ready=True Serving, Reconciling {reason}, ModelValid=True ModelServes")
        );
        let told = case.show().notices;
        assert!(
            told.iter().any(|n| n.reason.as_str() == "DriftCorrected"),
            "{step}: {told:?}"
        );
        assert!(
            !case
                .plan()
                .notices
                .iter()
                .any(|n| n.reason.as_str() == "DriftCorrected"),
            "once"
        );
    }
    let left_alone = drifted(|e| {
        e.header.description = "theirs".into();
        e.logging_enabled = true;
        e.header.project = Some(id(7));
    });
    assert_eq!(
        left_alone.line(),
        "- | Ready=True Serving, ModelValid=True ModelServes",
        "what the spec leaves out"
    );
}

#[test]
fn a_failed_deployment_is_told_and_another_model_is_a_way_out() {
    let failed = |case: Case| case.with(|c| c.remote(10, |e| put_state(&mut e.header, Status::Failed, at(NOW))));
    let mut case = failed(serving(EARLY, LATER));
    let told = "- | Ready=False DeploymentFailed, Stalled DeploymentFailed, ModelValid=True ModelServes";
    assert_eq!(case.line(), told);
    case.show();
    case.related.model = Some(model_with_current(4));
    assert!(case.line().starts_with("update 10 model | "), "{}", case.line());
    case.world.view.endpoints.touch(id(10));
    assert!(
        case.line().starts_with("- | "),
        "one request at a time: {}",
        case.line()
    );
}

#[test]
fn a_refused_swap_waits_for_the_next_model_not_for_the_next_spec() {
    let mut case = newer(EARLY, LATER);
    case.world.view.endpoints.touch(id(10));
    let world = std::mem::replace(&mut case.world, World::new());
    case.world = world.failed("Swap", FailureClass::Refused);
    let refused = "- | Ready=False Refused, Stalled Refused, ModelValid=True ModelServes";
    assert_eq!(case.line(), refused, "told at once, though no read has confirmed it");
    case.show();
    case.world.pass.failure = None;
    case.remote(10, |_| ());
    case.world.now = at(NOW) + minutes(14);
    assert_eq!(case.line(), refused);
    let status = case.plan().status;
    assert_eq!(status.target, None, "the service never accepted it");
    assert_eq!(status.candidate.unwrap().model, id(4));
    let mut later = Case {
        world: std::mem::replace(&mut case.world, World::new()),
        ..case
    };
    later.world.now = at(NOW) + minutes(15);
    assert!(later.line().starts_with("update 10 model | "), "{}", later.line());
    let case = later;
    let mut blind = Case {
        world: World::new().link(Link::NotFound),
        ..case
    };
    blind.show();
    assert_eq!(
        blind.object.status.as_ref().unwrap().candidate.as_ref().unwrap().since,
        at(NOW),
        "kept while nothing is seen"
    );
    let mut case = newer(EARLY, LATER).with(|c| c.object.status = blind.object.status.clone());
    case.world.now = at(NOW) + minutes(1);
    learn(&mut case.world.view.models, custom_model(5, LATER));
    case.related.model = Some(model_with_current(5));
    let Some(Action::UpdateEndpoint { change, .. }) = case.plan().action else {
        panic!("the newer model is not tried: {}", case.line());
    };
    assert_eq!(change.model(), Some(custom_id(5)));
}

#[test]
fn a_change_that_the_service_ignores_is_asked_for_ever_more_rarely() {
    let mut case = serving(EARLY, LATER).with(|c| c.edit("model: {ref: {name: m}}\nloggingEnabled: true"));
    let mut asked = Vec::new();
    for second in 0..400 {
        case.world.now = at(NOW) + jiff::SignedDuration::from_secs(second);
        if case.show().action.is_some() {
            asked.push(second);
            let ignored = case.world.view.endpoints.get(id(10)).unwrap().entity.clone();
            case.world.view.endpoints.answered((*ignored).clone());
            case.world.pass.asked = Some("Update loggingEnabled");
            case.show();
            case.world.pass.asked = None;
        }
        case.remote(10, |_| ());
    }
    assert_eq!(
        asked,
        [0, 6, 17, 38, 79, 160, 321],
        "each time a second passes until it is noticed"
    );
    assert!(case.line().contains("Retrying"), "{}", case.line());
    case.remote(10, |e| e.logging_enabled = true);
    assert_eq!(case.line(), "- | Ready=True Serving, ModelValid=True ModelServes");
    assert!(case.plan().status.last_failure.is_none());
}

#[test]
fn after_a_failed_swap_the_way_back_is_open() {
    let case = serving(EARLY, LATER).with(|c| {
        c.remote(10, |e| {
            e.model = Some(custom_id(4));
            put_state(&mut e.header, Status::Failed, at(NOW));
        });
    });
    let told = "- | Ready=True Serving, Reconciling DeploymentFailed, ModelValid=True ModelServes";
    assert_eq!(case.line(), told, "first it is written down");
    let case = case.with(|c| c.object.status = Some(c.plan().status));
    assert_eq!(
        case.line(),
        "update 10 model | Ready=True Serving, Reconciling RolledBack, ModelValid=True ModelServes"
    );
}

#[test]
fn a_publication_that_fails_is_told_and_tried_again() {
    let failed = |code: &str| {
        Case::serving().with(|case| {
            case.world.pass.failure = Some(crate::Failure {
                operation: crate::EXPORT,
                code: code.into(),
                message: "words".into(),
                class: FailureClass::Transient { retry_after: None },
            });
        })
    };
    for (code, said) in [
        (
            "ExportConflict",
            "- | Ready=False ExportConflict, Stalled ExportConflict, ModelValid=True ModelServes",
        ),
        (
            "ExportRefused",
            "- | Ready=False ExportRefused, Stalled ExportRefused, ModelValid=True ModelServes",
        ),
        (
            "ExportFailed",
            "- | Ready=True Serving, Reconciling ExportFailed, ModelValid=True ModelServes",
        ),
    ] {
        let plan = failed(code).plan();
        assert_eq!(failed(code).line(), said);
        assert_eq!(
            plan.status.last_failure.map(|last| last.operation),
            Some("Export".to_owned())
        );
        assert_eq!(plan.look_again, Some(at(NOW) + jiff::SignedDuration::from_secs(5)));
        // Whoever is woken before that tries again, and has nothing to write.
        let mut again = failed(code);
        let told = again.show().status;
        again.world.now += jiff::SignedDuration::from_secs(4);
        assert_eq!(again.plan().status, told, "{code}");
        again.world.now += jiff::SignedDuration::from_secs(1);
        let count = again.plan().status.last_failure.map(|last| last.count);
        assert_eq!(count, Some(2), "{code}");
    }
}
