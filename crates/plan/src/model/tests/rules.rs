//! The list of rules: each can decide, in this order, and each says what it saw.
use super::*;
use crate::FailureClass;
use speech_api::decision::{Decision, Fact, RuleName, Saw};
use speech_service::entity::{CustomModel, Status};
use std::sync::Arc;

const EXISTING: &str = "source: {existing: {id: 00000000-0000-0000-0000-000000000003}}";

fn trained(n: u128, status: Status) -> CustomModel {
    revision(n, 1, &print_of(TRAINING), status)
}

/// Revision 1 (model 20) is current.
fn at_rest() -> Case {
    Case::declared(World::new().custom(trained(20, Status::Succeeded)), TRAINING)
}

/// Revision 1 is as it is in the service.
fn newest(status: Status) -> Case {
    Case::declared(World::new().custom(trained(20, status)), TRAINING)
}

fn fresh(spec: &str) -> Case {
    Case::new(World::new(), model(spec))
}

fn existing(change: impl FnOnce(&mut CustomModel)) -> Case {
    let world = World::new().custom(with(custom_model(3, LATER), change));
    Case::new(world, model(EXISTING))
}

fn deleted(case: Case) -> Case {
    case.with(|c| c.object = c.object.clone().deleted(NOW))
}

fn cut_off(case: Case) -> Case {
    case.with(|c| c.world.link = Link::NotFound)
}

/// A former object has left revision 1 behind.
fn left() -> Case {
    let model = with(trained(20, Status::Succeeded), |m| {
        let owner = (**m.header.owner.as_ref().unwrap()).clone();
        m.header.owner = Some(Arc::new(with(owner, |tag| tag.uid = "uid-0".into())));
    });
    Case::new(World::new().custom(model), self::model(TRAINING))
}

/// Model 21 bears the number of model 20.
fn twins() -> Case {
    at_rest().with(|c| learn(&mut c.world.view.models, trained(21, Status::Succeeded)))
}

fn invalid(case: Case) -> Case {
    case.with(|c| c.edit("source: {training: {datasets: [nonsense]}}"))
}

fn without_finalizer(case: Case) -> Case {
    case.with(|c| c.object.metadata.finalizers = None)
}

fn without_dataset(case: Case) -> Case {
    case.with(|c| c.edit("source: {training: {datasets: [00000000-0000-0000-0000-000000000063]}}"))
}

fn suspended(case: Case) -> Case {
    case.with(|c| c.object.spec.suspend = true)
}

fn without_room(case: Case) -> Case {
    case.with(|c| {
        c.object = c.object.clone().announces(1, NOW);
        let pass = World::new().announced(1).failed("Train", FailureClass::Quota).pass;
        c.world.pass = pass;
    })
}

fn in_line(case: Case) -> Case {
    case.with(|c| {
        c.world.agenda.limits.trainings = 1;
        let rival = with(revision(30, 1, "x", Status::Running), |m| {
            m.header.created_at = c.world.now - minutes(60);
            m.header.owner = Some(Arc::new(tag("another", 1)));
        });
        learn(&mut c.world.view.models, rival);
    })
}

fn decision(case: &Case) -> Decision {
    case.plan().status.decision
}

#[test]
fn every_rule_can_decide() {
    let cases = [
        (RuleName::Deletion, deleted(at_rest())),
        (RuleName::Connection, cut_off(at_rest())),
        (RuleName::Owner, left()),
        (RuleName::Spec, invalid(fresh(TRAINING))),
        (RuleName::Finalizer, without_finalizer(at_rest())),
        (RuleName::Duplicate, twins()),
        (RuleName::Work, newest(Status::Running)),
        (RuleName::Choice, fresh(EXISTING)),
        (RuleName::Fitness, existing(|m| m.header.status = Status::Failed)),
        (RuleName::Failure, newest(Status::Failed)),
        (RuleName::Settled, at_rest()),
        (RuleName::Hands, suspended(fresh(TRAINING))),
        (RuleName::Inputs, without_dataset(fresh(TRAINING))),
        (RuleName::Pace, without_room(fresh(TRAINING))),
        (RuleName::Turn, in_line(fresh(TRAINING))),
        (RuleName::Entity, fresh(TRAINING)),
    ];
    let names: Vec<_> = cases.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, crate::model::chain());
    for (name, case) in cases {
        let plan = case.plan();
        let decision = plan.status.decision;
        assert_eq!(decision.rule, Some(name), "{decision:?}: {}", case.line());
        let Some(Saw::Reason(reason)) = decision.saw(name) else {
            panic!("{name:?} has no reason: {decision:?}")
        };
        assert!(said(&plan.status.conditions).contains(reason.as_str()), "{decision:?}");
        assert_eq!(crate::model::chain().iter().filter(|other| **other == name).count(), 1);
    }
}

#[test]
fn of_two_rules_that_have_something_to_say_the_earlier_decides() {
    for (name, case) in [
        (RuleName::Deletion, cut_off(deleted(at_rest()))),
        (RuleName::Connection, cut_off(left())),
        (RuleName::Connection, cut_off(invalid(fresh(TRAINING)))),
        (RuleName::Owner, invalid(left())),
        (RuleName::Spec, invalid(without_finalizer(at_rest()))),
        (RuleName::Finalizer, without_finalizer(twins())),
        (RuleName::Work, without_dataset(newest(Status::Running))),
        (RuleName::Failure, newest(Status::Failed)),
        (RuleName::Settled, suspended(in_line(at_rest()))),
        (RuleName::Hands, suspended(without_dataset(fresh(TRAINING)))),
        (RuleName::Inputs, without_dataset(in_line(fresh(TRAINING)))),
        (RuleName::Pace, without_room(in_line(fresh(TRAINING)))),
        (RuleName::Turn, in_line(fresh(TRAINING))),
    ] {
        assert_eq!(decision(&case).rule, Some(name), "{}", case.line());
    }
}

#[test]
fn a_rule_says_what_it_saw_and_nothing_of_what_it_was_not_asked() {
    let mut case = at_rest();
    let seen = decision(&case);
    let fact = |name| match seen.saw(name) {
        Some(Saw::Fact(fact)) => Some(fact),
        Some(Saw::Reason(_)) | None => None,
    };
    for (name, expected) in [
        (RuleName::Deletion, Some(Fact::Wanted)),
        (RuleName::Connection, Some(Fact::Works)),
        (RuleName::Owner, Some(Fact::Own)),
        (RuleName::Spec, Some(Fact::Usable)),
        (RuleName::Finalizer, Some(Fact::Held)),
        (RuleName::Duplicate, Some(Fact::Single)),
        (RuleName::Work, Some(Fact::Idle)),
        (RuleName::Choice, None),
        (RuleName::Hands, None),
        (RuleName::Entity, None),
    ] {
        assert_eq!(fact(name), expected, "{name:?}");
    }
    for name in [RuleName::Choice, RuleName::Fitness, RuleName::Hands, RuleName::Turn] {
        assert_eq!(seen.saw(name), None, "{name:?}");
    }
    let shown = case.show().status;
    case.world.now += minutes(10);
    case.world.sweep();
    assert_eq!(case.plan().status, shown, "an object at rest writes nothing");
}
