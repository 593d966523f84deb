//! Which rule decides, and what each rule saw.
use super::{
    gate::{ended, finding, gated},
    rollout::newer,
    *,
};
use crate::endpoint::chain;
use speech_api::{
    Reason,
    annotation::APPROVED_MODEL,
    decision::{Decision, Fact, RuleName, Saw},
};
use speech_service::entity::Status;

fn decision(case: &Case) -> Decision {
    case.plan().status.decision
}

fn fact(fact: Fact) -> Option<Saw> {
    Some(Saw::Fact(fact))
}

fn reason(reason: Reason) -> Option<Saw> {
    Some(Saw::Reason(reason))
}

/// An endpoint that serves, with this spec.
fn serving(spec: &str) -> Case {
    Case::serving().with(|c| c.edit(spec))
}

/// The model that serves expires after this one.
fn follows_one_that_lasts_longer() -> Case {
    newer("").with(|c| c.world.view.models.answered(custom_model(4, "2026-04-01T00:00:00Z")))
}

#[test]
fn every_rule_of_the_list_decides_where_it_has_to() {
    let unmarked = Case::serving().with(|c| c.remote(10, |e| e.header.owner = None));
    let late = || newer("policy: BeforeExpiry").with(|c| drop(c.show()));
    let cases = [
        (RuleName::Deletion, super::deletion::deleted()),
        (
            RuleName::Connection,
            Case::serving().with(|c| c.world.link = Link::NotFound),
        ),
        (RuleName::Spec, serving("model: {base: {}}\nproject: nonsense")),
        (
            RuleName::Owner,
            Case::serving().with(|c| c.related.holder = Some("shop/other")),
        ),
        (RuleName::Entity, Case::new(World::new(), endpoint("model: {base: {}}"))),
        (
            RuleName::Duplicate,
            Case::serving().with(|c| learn(&mut c.world.view.endpoints, owned(remote(11, base_id(1)), 2))),
        ),
        (
            RuleName::Work,
            Case::serving().with(|c| c.remote(10, |e| e.header.status = Status::Running)),
        ),
        (RuleName::Choice, serving("model: {ref: {name: missing}}")),
        (RuleName::Fitness, follows_one_that_lasts_longer()),
        (RuleName::Gate, gated()),
        (RuleName::Approval, newer("policy: Manual")),
        (RuleName::Date, late()),
        (
            RuleName::Clocks,
            super::skew::differing(601, NOW, "model: {ref: {name: m}}"),
        ),
        (RuleName::Turn, newer("").with(|c| c.world.agenda.limits.swaps = 0)),
        (RuleName::Hands, serving("model: {base: {}}\nsuspend: true")),
        (RuleName::Mark, unmarked),
        (RuleName::Model, newer("")),
        (RuleName::Fields, serving("model: {base: {}}\ndescription: other")),
        (RuleName::Settled, Case::serving()),
    ];
    assert_eq!(cases.each_ref().map(|(rule, _)| *rule).as_slice(), chain());
    for (rule, case) in cases {
        let decided = decision(&case);
        assert_eq!(decided.rule, Some(rule), "{decided:?}");
    }
}

#[test]
fn all_that_holds_a_candidate_back_is_seen_and_the_first_of_it_decides() {
    let mut case = gated().with(|c| c.object.spec.swap.approval = speech_api::swap::Approval::Required);
    case.show();
    let waits = decision(&case);
    assert_eq!(waits.rule, Some(RuleName::Gate));
    assert_eq!(waits.saw(RuleName::Gate), reason(Reason::Evaluating));
    assert_eq!(waits.saw(RuleName::Approval), reason(Reason::ApprovalAwaited));
    assert_eq!(waits.saw(RuleName::Date), fact(Fact::Come));
    assert_eq!(
        waits.saw(RuleName::Turn),
        None,
        "a turn is asked for when nothing else is awaited"
    );
    assert_eq!(waits.saw(RuleName::Choice), fact(Fact::Chosen));
    let passed = finding(ended([0.09, 0.12])).with(|c| {
        c.object.spec.swap.approval = speech_api::swap::Approval::Required;
        c.object
            .metadata
            .annotations
            .get_or_insert_default()
            .insert(APPROVED_MODEL.to_owned(), id(21).to_string());
    });
    let moves = decision(&passed);
    assert_eq!(moves.rule, Some(RuleName::Model));
    assert_eq!(moves.saw(RuleName::Gate), fact(Fact::Passed));
    assert_eq!(moves.saw(RuleName::Approval), fact(Fact::Given));
    assert_eq!(moves.saw(RuleName::Settled), None, "it was not asked");
}

/// What a newcomer was told wrongly, seven times.
mod told_wrongly_before {
    use super::*;

    #[test]
    fn a_candidate_that_its_gate_refused_decides_though_the_old_model_serves() {
        let mut case = finding(ended([0.182, 0.121]));
        case.show();
        let decided = decision(&case);
        assert_eq!(decided.rule, Some(RuleName::Choice), "{decided:?}");
        assert_eq!(
            decided.saw(RuleName::Gate),
            None,
            "no candidate is left that could pass"
        );
        let ready = case.line();
        assert!(ready.contains("Ready=True Serving"), "{ready}");
    }

    #[test]
    fn what_expires_with_no_successor_is_a_risk_beside_the_decision() {
        let mut case = Case::serving();
        case.world.now = at("2027-01-06T00:00:00Z");
        let plan = case.plan();
        assert!(speech_api::condition::at_risk(&plan.status.conditions).is_some());
        assert_eq!(plan.status.decision.rule, Some(RuleName::Settled));
    }

    #[test]
    fn what_has_expired_is_not_fit_also_where_the_endpoint_is_only_observed() {
        let adopt = format!("managementPolicy: Observe\nadopt: {{id: {}}}", id(10));
        let mut case = newer("");
        case.related.model = Some(model_with_current(3));
        case.edit(&format!("model: {{ref: {{name: m}}}}\n{adopt}"));
        case.world.now = at("2026-04-16T00:00:00Z");
        let decided = decision(&case);
        assert_eq!(decided.rule, Some(RuleName::Fitness));
        assert_eq!(decided.saw(RuleName::Fitness), reason(Reason::BaseModelAnswers));
        assert_eq!(decided.saw(RuleName::Hands), reason(Reason::Observed));
    }

    #[test]
    fn what_is_suspended_is_decided_by_that() {
        let decided = decision(&serving("model: {base: {}}\nsuspend: true"));
        assert_eq!(decided.rule, Some(RuleName::Hands));
        assert_eq!(decided.saw(RuleName::Hands), reason(Reason::Suspended));
    }

    #[test]
    fn what_is_suspended_is_decided_by_that_also_where_its_gate_cannot_be_asked() {
        let decided = decision(&gated().with(|c| c.object.spec.suspend = true));
        assert_eq!(decided.rule, Some(RuleName::Hands));
        assert_eq!(decided.saw(RuleName::Gate), reason(Reason::Suspended));
    }

    #[test]
    fn a_model_that_serves_though_it_is_excluded_is_decided_by_the_choice() {
        let mut case = newer("");
        case.related.model = Some(model_with_current(3));
        case.edit(&format!("model: {{ref: {{name: m}}, exclude: ['{}']}}", id(3)));
        let decided = decision(&case);
        assert_eq!(decided.rule, Some(RuleName::Choice), "{decided:?}");
        assert_eq!(decided.saw(RuleName::Fitness), None);
    }
}

#[test]
fn a_decision_costs_no_write_at_rest() {
    let mut case = Case::serving();
    let first = case.show().status.decision;
    case.world.now = at("2026-03-09T10:00:00Z");
    assert_eq!(decision(&case), first);
}
