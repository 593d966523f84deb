//! What an endpoint's plan says, case by case, and what holds in every world.
mod choice;
mod contest;
mod course;
mod creation;
mod decision;
mod deletion;
mod ending;
mod gate;
mod health;
mod identity;
mod outlook;
mod quarantine;
mod selector;
mod simulation;
mod skew;
mod swap;
mod timing;
mod unheeded;
mod unlisted;

use crate::{
    Hands, Plan, Surroundings,
    endpoint::{Related, Snapshot, plan},
    testing::*,
};
use speech_api::{SpeechEndpoint, SpeechEndpointStatus, SpeechModel};
use speech_service::entity::Endpoint;

/// A snapshot that can be changed between plans.
pub struct Case {
    pub world: World,
    pub object: SpeechEndpoint,
    pub model: Option<SpeechModel>,
    pub others: Vec<SpeechModel>,
    pub holder: Option<&'static str>,
    pub abandoned: bool,
}

impl Case {
    pub fn new(world: World, object: SpeechEndpoint) -> Self {
        Self {
            world,
            object,
            model: None,
            others: Vec::new(),
            holder: None,
            abandoned: false,
        }
    }

    /// Endpoint 10 serves the newest base model and all is as declared.
    pub fn serving() -> Self {
        Self::of(
            World::new().remote(owned(remote(10, base_id(1)), 1)),
            endpoint("model: {base: {}}"),
        )
    }

    /// Ours since attempt 1, and shown once.
    pub fn of(world: World, object: SpeechEndpoint) -> Self {
        let mut case = Self::new(world, object.announces(1, "2026-02-01T00:00:00Z"));
        case.show();
        case
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The spec is edited: a new generation.
    pub fn edit(&mut self, spec: &str) {
        self.object.spec = endpoint(spec).spec;
        *self.object.metadata.generation.get_or_insert_default() += 1;
    }

    pub fn remote(&mut self, n: u128, change: impl FnOnce(&mut Endpoint)) {
        let endpoint = self.world.view.endpoints.get(id(n)).unwrap().entity.clone();
        learn(&mut self.world.view.endpoints, with((*endpoint).clone(), change));
    }

    pub fn plan(&self) -> Plan<SpeechEndpointStatus> {
        self.look(plan)
    }

    /// The same in a process that only observes.
    pub fn tied(&self) -> Plan<SpeechEndpointStatus> {
        self.look(|s| {
            plan(&Snapshot {
                around: Surroundings {
                    hands: Hands::Tied,
                    ..s.around
                },
                ..*s
            })
        })
    }

    /// What a function says of the snapshot.
    pub fn look<T>(&self, look: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        let models: Vec<&SpeechModel> = self.model.iter().chain(&self.others).collect();
        look(&Snapshot {
            object: &self.object,
            related: Related {
                models: &models,
                holder: self.holder,
                abandoned: self.abandoned,
            },
            around: self.world.around(),
        })
    }

    /// Plans and writes the status, as after a pass.
    pub fn show(&mut self) -> Plan<SpeechEndpointStatus> {
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
        assert_decided(&plan.status.decision, &plan.status.conditions, &super::chain());
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
fn a_healthy_endpoint_has_no_step_and_no_new_status() {
    let mut case = Case::serving();
    let first = case.show();
    case.world.now = at("2026-03-02T10:00:00Z");
    let second = case.plan();
    assert_eq!(case.line(), "- | Ready=True Serving, ModelValid=True ModelServes");
    assert_eq!(first.status, second.status);
    assert!(second.notices.is_empty());
    let alarm = at(LATER) - jiff::SignedDuration::from_hours(30 * 24);
    assert_eq!(
        second.look_again,
        Some(alarm),
        "30 days before the expiry a missing successor is told"
    );
    assert!(second.awaits.is_none());
}
