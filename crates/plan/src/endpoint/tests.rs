//! What an endpoint's plan says, case by case, and what holds in every world.
mod choice;
mod contest;
mod creation;
mod decision;
mod deletion;
mod ending;
mod forecast;
mod gate;
mod health;
mod identity;
mod quarantine;
mod rollout;
mod selector;
mod simulation;
mod skew;
mod swap;
mod timing;
mod unheeded;
mod unlisted;

use super::{Related, Snapshot, plan};
use crate::{Plan, Surroundings, testing::*};
use speech_api::{SpeechEndpoint, SpeechEndpointStatus, SpeechModel, decision::RuleName};
use speech_service::entity::Endpoint;

pub type Case = crate::testing::Case<SpeechEndpoint>;

/// The SpeechModels that an endpoint refers to, and who else wants what it adopts.
#[derive(Default)]
pub struct Relations {
    pub model: Option<SpeechModel>,
    pub others: Vec<SpeechModel>,
    pub holder: Option<&'static str>,
    pub abandoned: bool,
}

impl Relations {
    fn look<T>(&self, object: &SpeechEndpoint, around: Surroundings<'_>, look: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        let models: Vec<&SpeechModel> = self.model.iter().chain(&self.others).collect();
        look(&Snapshot {
            object,
            related: Related {
                models: &models,
                holder: self.holder,
                abandoned: self.abandoned,
            },
            around,
        })
    }
}

impl Kind for SpeechEndpoint {
    type Related = Relations;

    fn chain() -> Vec<RuleName> {
        super::chain()
    }

    fn declare(spec: &str) -> Self {
        endpoint(spec)
    }

    fn take_spec(&mut self, from: Self) {
        self.spec = from.spec;
    }

    fn plan(&self, related: &Relations, around: Surroundings<'_>) -> Plan<SpeechEndpointStatus> {
        related.look(self, around, plan)
    }
}

impl Case {
    /// What a function says of the snapshot.
    pub fn look<T>(&self, look: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        self.related.look(&self.object, self.world.around(), look)
    }

    /// Endpoint 10 serves the newest base model and all is as declared.
    pub fn serving() -> Self {
        Self::of(
            World::new().remote(owned(remote(10, base_id(1)), 1)),
            endpoint("model: {base: {}}"),
        )
    }

    pub fn remote(&mut self, n: u128, change: impl FnOnce(&mut Endpoint)) {
        let endpoint = self.world.view.endpoints.get(id(n)).unwrap().entity.clone();
        learn(&mut self.world.view.endpoints, with((*endpoint).clone(), change));
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

/// Passes at rest are what a large fleet costs. The count is exact: whoever lowers it lowers the bound as well.
#[test]
fn a_plan_at_rest_allocates_no_more_than_this() {
    let mut case = Case::serving();
    case.show();
    let counted = allocation_counter::measure(|| drop(case.plan()));
    assert!(counted.count_total <= 72, "{counted:?}");
}
