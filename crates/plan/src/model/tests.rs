//! What a model's plan says, case by case, and what holds in every world.
mod contest;
mod copy;
mod dataset;
mod deletion;
mod deployable;
mod ending;
mod follow;
mod former;
mod health;
mod lead_time;
mod obstructed;
mod renewal;
mod rules;
mod simulation;
mod training;
mod turn;
mod unheeded;
mod unlisted;
mod vanish;

use super::{
    Related, Snapshot, Source, plan,
    revision::{Inputs, Revision},
    told::Told,
};
use crate::{Hands, Plan, Surroundings, testing::*};
use speech_api::{SpeechModel, SpeechModelStatus};

/// Trains from dataset 50.
pub const TRAINING: &str = "source: {training: {datasets: [00000000-0000-0000-0000-000000000032]}}";
pub const LONG_AGO: &str = "2026-02-01T00:00:00Z";

/// The fingerprint of a spec.
pub fn print_of(spec: &str) -> String {
    let spec = model(spec).spec;
    Inputs::parse(&spec.source.training.unwrap(), spec.project.as_deref())
        .unwrap()
        .fingerprint()
}

/// A snapshot that can be changed between plans.
pub struct Case {
    pub world: World,
    pub source: Option<Source>,
    pub refusals: Vec<crate::model::Refusal>,
    pub follower: Option<&'static str>,
    pub object: SpeechModel,
}

impl Case {
    pub fn new(world: World, object: SpeechModel) -> Self {
        Self {
            world,
            source: None,
            refusals: Vec::new(),
            follower: None,
            object,
        }
    }

    /// Ours since long ago, and shown once.
    pub fn of(world: World, spec: &str) -> Self {
        let mut case = Self::new(world, model(spec).announces(1, LONG_AGO));
        case.show();
        case
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The spec is edited: a new generation.
    pub fn edit(&mut self, spec: &str) {
        self.object.spec = model(spec).spec;
        *self.object.metadata.generation.get_or_insert_default() += 1;
    }

    pub fn plan(&self) -> Plan<SpeechModelStatus> {
        self.plan_with(self.world.hands)
    }

    /// The same in a process with other hands.
    pub fn plan_with(&self, hands: Hands) -> Plan<SpeechModelStatus> {
        plan(&Snapshot {
            object: &self.object,
            related: Related {
                source: self.source.as_ref(),
                refusals: &self.refusals,
                follower: self.follower,
            },
            around: Surroundings {
                hands,
                ..self.world.around()
            },
        })
    }

    /// Plans and writes the status, as after a pass.
    pub fn show(&mut self) -> Plan<SpeechModelStatus> {
        let plan = self.plan();
        self.object.status = Some(plan.status.clone());
        plan
    }

    pub fn line(&self) -> String {
        let plan = self.plan();
        let before = self.object.status.as_ref().map_or(&[][..], |status| &status.conditions);
        let generation = self.object.metadata.generation.unwrap();
        assert_lawful(
            before,
            &plan.status.conditions,
            generation,
            plan.status.observed_generation,
        );
        assert_given_by_a_rule(&plan.status.conditions, crate::rules::Rule::OF_MODEL);
        assert!(plan.look_again.is_none_or(|again| again > self.world.now));
        line(&plan, &plan.status.conditions)
    }
}

/// Runs a table of cases: name, case, line.
pub fn check(cases: Vec<(&str, Case, &str)>) {
    for (name, case, expected) in cases {
        assert_eq!(case.line(), expected, "{name}: {:#?}", case.plan().status.conditions);
    }
}

#[test]
fn of_two_models_with_one_number_the_recorded_one_counts() {
    use speech_service::entity::Status;
    let world = World::new()
        .custom(with(revision(20, 1, "x", Status::Running), |m| {
            m.header.created_at = at(NOW)
        }))
        .custom(revision(21, 1, "x", Status::Running));
    let case = Case::new(world, model(TRAINING));
    let snapshot = Snapshot {
        object: &case.object,
        related: Related {
            source: None,
            refusals: &[],
            follower: None,
        },
        around: case.world.around(),
    };
    let all = super::revision::all(&snapshot, &case.world.view, &Told::default());
    let numbers = |line: &[Revision<'_>]| line.iter().map(|r| number(r.id())).collect::<Vec<_>>();
    assert_eq!(numbers(&all), [21, 20], "by creation, the attempts being equal");
    let line = super::revision::line(&all, &Told::default());
    assert_eq!(
        (numbers(&line), numbers(&super::revision::twins(&all, &line))),
        (vec![20], vec![21])
    );
    let status: SpeechModelStatus = serde_json::from_value(serde_json::json!({
        "candidate": {"revision": 1, "id": id(21).to_string(), "state": "Running", "startedAt": NOW}
    }))
    .unwrap();
    let told = Told::read(Some(&status));
    assert_eq!(numbers(&super::revision::line(&all, &told)), [21]);
}
