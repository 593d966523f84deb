//! What becomes of a gate that still blocks when the active model is about to expire.
use super::*;
use crate::Action;
use speech_service::ModelId;

/// The last day of model 20, with an evaluation in this state.
fn last_day(on_deadline: &str, evaluation: Evaluation) -> Case {
    let dataset = id(5);
    let mut case = gated();
    case.edit(&format!(
        "model: {{ref: {{name: m}}}}\nswap: {{gate: {{onDeadline: {on_deadline}, evaluation: {{dataset: {dataset}, {THRESHOLDS}}}}}}}"
    ));
    learn(&mut case.world.view.evaluations, evaluation);
    case.show();
    case.world.now = at("2026-08-31T00:00:00Z");
    case
}

fn goes_to(case: &Case) -> Option<ModelId> {
    match case.plan().action {
        Some(Action::UpdateEndpoint { change, .. }) => change.model(),
        _ => None,
    }
}

fn running() -> Evaluation {
    in_state(30, Status::Running, NOW)
}

#[test]
fn a_gate_that_has_not_decided_holds_promotes_or_gives_way_to_the_newest_base_model() {
    assert_eq!(goes_to(&last_day("Hold", running())), None);
    let held = last_day("Hold", running()).line();
    assert_eq!(
        held,
        "- | Ready=True Evaluating, ModelValid=True ModelServes, AtRisk=True Evaluating"
    );
    assert_eq!(goes_to(&last_day("Promote", running())), Some(custom_id(21)));
    assert_eq!(goes_to(&last_day("NewestBase", running())), Some(base_id(1)));
    let early = last_day("NewestBase", running()).with(|c| c.world.now = at("2026-08-30T00:00:00Z"));
    assert_eq!(goes_to(&early), None, "not before the last day");
}

#[test]
fn a_candidate_that_failed_is_never_promoted() {
    let worse = || ended([0.3, 0.1]);
    assert_eq!(goes_to(&last_day("Hold", worse())), None);
    assert_eq!(goes_to(&last_day("Promote", worse())), None);
    assert!(last_day("Promote", worse()).line().ends_with("AtRisk=True GateFailed"));
    assert_eq!(goes_to(&last_day("NewestBase", worse())), Some(base_id(1)));
}

#[test]
fn what_only_stands_in_makes_way_for_what_was_declared() {
    let mut case = last_day("NewestBase", ended([0.3, 0.1]));
    assert!(case.plan().status.target.unwrap().interim);
    case.show();
    let now = case.world.now;
    case.remote(10, |e| {
        e.model = Some(base_id(1));
        put_state(&mut e.header, Status::Succeeded, now);
    });
    assert!(case.show().status.active.unwrap().interim);

    // The next revision expires before the base model, and is taken all the same once its gate lets it.
    learn(&mut case.world.view.models, custom_model(22, "2026-12-01T00:00:00Z"));
    case.related.model = Some(model_with_current(22));
    let good = with(evaluation(31, [custom_id(22), base_id(1)], 5, [0.1, 0.1]), |e| {
        e.header.owner = Some(Arc::new(tag(UID, 3)));
    });
    learn(&mut case.world.view.evaluations, good);
    assert_eq!(goes_to(&case), Some(custom_id(22)), "{}", case.line());
}

#[test]
fn what_is_to_stand_in_stays_so_while_the_gate_decides_and_the_service_shows_the_old_model() {
    let mut case = last_day("NewestBase", running());
    case.show();
    for shows in [1, 1, 40] {
        case.world.now += minutes(shows);
        case.remote(10, |_| ());
        let plan = case.show();
        assert!(plan.status.target.unwrap().interim, "{:?}", plan.status.conditions);
    }
}

#[test]
fn an_evaluation_that_fails_after_its_gate_was_given_up_is_counted_and_needed_no_more() {
    let mut case = last_day("Promote", running());
    case.show();
    let now = case.world.now;
    case.remote(10, |e| {
        e.model = Some(custom_id(21));
        put_state(&mut e.header, Status::Succeeded, now);
    });
    learn(&mut case.world.view.evaluations, in_state(30, Status::Failed, NOW));
    case.world.sweep();
    let judged = case.show().status.gate.unwrap();
    assert_eq!(
        (judged.verdict, judged.errors),
        (speech_api::swap::GateVerdict::Error, 1)
    );
    let again = case.show().status.gate.unwrap();
    assert_eq!(again, judged, "it counts once");
    let objects = [case.object.clone()];
    let unneeded =
        crate::evaluation::unneeded(&case.world.view, CLUSTER, &crate::Scope::default(), objects.iter(), now);
    assert_eq!(unneeded.id, Some(id(30)));
}
