//! Failed deployments: the way back, the quarantine, and how it is cleared.
use super::{rollout::newer, *};
use crate::{Action, testing::Meta};
use speech_api::annotation::CLEAR_QUARANTINE;
use speech_service::{ModelId, entity::Status};

/// The swap to model 4 was begun and failed.
fn failed() -> Case {
    newer("").with(|c| {
        c.show();
        c.world.now = at("2026-03-01T10:05:00Z");
        c.remote(10, |e| {
            e.model = Some(custom_id(4));
            put_state(&mut e.header, Status::Failed, at("2026-03-01T10:04:00Z"));
        });
    })
}

fn goes_to(case: &Case) -> Option<ModelId> {
    match case.plan().action {
        Some(Action::UpdateEndpoint { change, .. }) => change.model(),
        _ => None,
    }
}

/// The deployment of what the endpoint names ends well.
fn deployed(case: &mut Case, model: ModelId) {
    case.show();
    let now = case.world.now;
    case.remote(10, |e| {
        e.model = Some(model);
        put_state(&mut e.header, Status::Succeeded, now);
    });
}

#[test]
fn a_failed_swap_goes_back_and_the_model_is_not_tried_again() {
    let mut case = failed();
    let plan = case.show();
    assert_eq!(
        step(plan.action.as_ref()),
        "-",
        "what is learned is written before the step that wipes it out"
    );
    assert_eq!(goes_to(&case), Some(custom_id(3)));
    let entry = &plan.status.quarantine[0];
    assert_eq!((entry.model, entry.reason.as_str()), (id(4), "DeploymentFailed"));
    assert_eq!(
        entry.message,
        "the service could not deploy it: it did not work (DeployingFailedModel)"
    );
    assert!(
        plan.notices
            .iter()
            .any(|n| n.warning && n.reason.as_str() == "DeploymentFailed"),
        "{:?}",
        plan.notices
    );

    deployed(&mut case, custom_id(3));
    let rests = "- | Ready=True Serving, ModelValid=True ModelServes, AtRisk=True DeploymentFailed";
    assert_eq!(case.line(), rests);
    case.show();
    assert_eq!(case.show().notices, [], "told once");

    learn(&mut case.world.view.models, custom_model(5, LATER));
    case.related.model = Some(model_with_current(5));
    assert_eq!(goes_to(&case), Some(custom_id(5)), "the next revision is tried");
}

#[test]
fn a_swap_that_was_shown_as_done_and_failed_after_all_is_taken_back() {
    let fails = |when: &str| {
        let mut case = newer("");
        case.show();
        case.remote(10, |e| {
            e.model = Some(custom_id(4));
            put_state(&mut e.header, Status::Succeeded, at(NOW));
        });
        let shown = case.show().status;
        assert_eq!(shown.active.unwrap().model, id(4));
        assert_eq!(shown.previous.unwrap().model, id(3));
        case.world.now = at(when);
        case.remote(10, |e| put_state(&mut e.header, Status::Failed, at(when)));
        case
    };
    let mut failed = fails("2026-03-01T10:10:00Z");
    let status = failed.show().status;
    assert_eq!(status.active.unwrap().model, id(3));
    assert_eq!(status.previous, None);
    assert_eq!(status.quarantine[0].model, id(4));
    assert_eq!(goes_to(&failed), Some(custom_id(3)));

    let later = fails("2026-03-20T00:00:00Z").show().status;
    assert_eq!(later.active.unwrap().model, id(4), "not the same deployment");
    assert!(later.quarantine.is_empty());
}

#[test]
fn a_failed_swap_with_nothing_to_go_back_to_waits_for_the_next_model() {
    let case = failed().with(|c| c.world.now = at("2026-04-15T00:00:00Z"));
    assert_eq!(
        case.line(),
        "- | Ready=False DeploymentFailed, Stalled DeploymentFailed, ModelValid=False BaseModelAnswers, AtRisk=True DeploymentFailed"
    );
}

#[test]
fn what_is_cleared_is_tried_again_once_for_each_request() {
    for (value, tried) in [("all", true), (&*id(4).to_string(), true), (&*id(9).to_string(), false)] {
        let mut case = failed();
        case.show();
        deployed(&mut case, custom_id(3));
        case.show();
        case.object.annotate(CLEAR_QUARANTINE, value);
        assert_eq!(goes_to(&case) == Some(custom_id(4)), tried, "{value}");
        let plan = case.show();
        assert_eq!(
            plan.notices.iter().any(|n| n.reason.as_str() == "QuarantineCleared"),
            tried
        );
        if !tried {
            continue;
        }
        case.world.now = at("2026-03-01T10:10:00Z");
        case.remote(10, |e| {
            e.model = Some(custom_id(4));
            put_state(&mut e.header, Status::Failed, at("2026-03-01T10:10:00Z"));
        });
        assert_eq!(
            case.show().status.quarantine.len(),
            1,
            "the same request does not clear what failed after it"
        );
        assert_eq!(goes_to(&case), Some(custom_id(3)));
    }
}

#[test]
fn a_failed_first_deployment_is_tried_again_when_it_is_cleared() {
    let mut case = Case::of(
        World::new()
            .custom(custom_model(3, LATER))
            .remote(in_state(owned(remote(10, custom_id(3)), 1), Status::Failed)),
        endpoint("model: {id: 00000000-0000-0000-0000-000000000003}"),
    );
    assert_eq!(
        case.line(),
        "- | Ready=False DeploymentFailed, Stalled DeploymentFailed"
    );
    case.world.now += minutes(1);
    case.object.annotate(CLEAR_QUARANTINE, "all");
    assert_eq!(goes_to(&case), Some(custom_id(3)));
}

#[test]
fn of_base_models_the_next_one_is_taken() {
    let mut case = Case::new(
        World::new()
            .base(base_model(2, LATER))
            .remote(in_state(owned(remote(10, base_id(2)), 1), Status::Failed)),
        endpoint("model: {base: {}}").announces(1, "2026-02-01T00:00:00Z"),
    );
    case.show();
    assert_eq!(goes_to(&case), Some(base_id(1)));
}
