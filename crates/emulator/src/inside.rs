//! What a program that holds the emulator within itself may do beside sending requests: move the clock exactly, repeat a
//! run, and see the truth that no answer tells.
use super::{
    Emulator,
    clock::Clock,
    entity::{Entity as _, ScoreSetting},
    fault::{Action, FailNext, FaultSpec, RouteMatch},
    identity::Ids,
    reference::ModelRef,
    settings::UpdateStatus,
};
use jiff::Timestamp;
use std::{cell::Cell, collections::BTreeMap};
use uuid::Uuid;

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A first deployment.
    CreateEndpoint,
    /// A deployment of another model.
    UpdateEndpoint,
    Training,
    Evaluation,
    /// A copy to another resource.
    Copy,
}

/// An endpoint as it truly is.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    pub id: Uuid,
    /// The markers of the client.
    pub custom_properties: &'a BTreeMap<String, String>,
    /// The custom or base model that was deployed last; none before the first deployment ended.
    pub serving: Option<Uuid>,
    /// The custom or base model that was asked for last.
    pub asked: Uuid,
    /// When recognition with that model ends (UTC).
    pub expires_at: Option<Timestamp>,
    /// Since when the endpoint is in its present state (UTC).
    pub since: Timestamp,
}

impl Deployment<'_> {
    /// The models that cannot be deleted because of it.
    pub fn uses(&self) -> impl Iterator<Item = Uuid> {
        self.serving.into_iter().chain([self.asked])
    }
}

/// A custom model as it truly is.
#[derive(Clone, Copy, Debug)]
pub struct Revision<'a> {
    pub id: Uuid,
    /// The markers of the client.
    pub custom_properties: &'a BTreeMap<String, String>,
    /// Whether it is under way.
    pub is_pending: bool,
    /// Since when it can be deployed (UTC); none if it cannot.
    pub usable_since: Option<Timestamp>,
    /// When recognition with it ends (UTC).
    pub expires_at: Timestamp,
}

impl Emulator {
    /// Makes the clock stand still at `now`; only a further call moves it.
    pub fn stand_at(&self, now: Timestamp) {
        let mut world = self.world();
        world.clock = Clock::starting_at(now, 0.0);
        world.advance();
    }

    /// From now on the ids of new entities follow from the seed.
    pub fn derive_ids_from(&self, seed: u64) {
        self.world().ids = Ids::Derived {
            seed,
            count: Cell::new(0),
        };
    }

    /// When the next work ends or begins; none while nothing is under way.
    pub fn next_change(&self) -> Option<Timestamp> {
        let mut world = self.world();
        world.advance();
        world
            .resources
            .values()
            .filter_map(|resource| resource.next_due())
            .min()
    }

    /// Forgets all requests, which nobody will read.
    pub fn clear_journal(&self) {
        self.world().journal.clear();
    }

    /// Sets how many clock seconds a kind of work takes that begins from now on.
    pub fn set_duration(&self, resource: &str, work: Work, seconds: f64) {
        let mut world = self.world();
        let Some(resource) = world.resources.get_mut(resource) else {
            return;
        };
        let timings = &mut resource.settings.timings;
        *match work {
            Work::CreateEndpoint => &mut timings.endpoint_create,
            Work::UpdateEndpoint => &mut timings.endpoint_update,
            Work::Training => &mut timings.training,
            Work::Evaluation => &mut timings.evaluation,
            Work::Copy => &mut timings.copy,
        } = seconds;
    }

    /// Lets the next work of a kind (`endpoint`, `model`, `evaluation`, `copy`) end in failure.
    pub fn fail_next(&self, resource: &str, kind: &str) {
        self.world().faults.add(FaultSpec {
            route: RouteMatch {
                resource: Some(resource.to_owned()),
                ..RouteMatch::default()
            },
            action: Action {
                fail_next: Some(FailNext {
                    kind: kind.to_owned(),
                    code: "InternalError".to_owned(),
                    message: "The work ended in failure.".to_owned(),
                    count: 1,
                }),
                ..Action::default()
            },
            ..FaultSpec::default()
        });
    }

    /// Sets which share of words a custom model gets wrong in evaluations.
    pub fn set_word_error_rate(&self, resource: &str, model: Uuid, rate: f64) {
        if let Some(resource) = self.world().resources.get_mut(resource) {
            let setting = ScoreSetting {
                word_error_rate: Some(rate),
                ..ScoreSetting::default()
            };
            resource.scores.insert(ModelRef::Custom(model), setting);
        }
    }

    /// Removes an endpoint or a model as if somebody else had, in use or not.
    pub fn remove(&self, resource: &str, id: Uuid) {
        let mut world = self.world();
        world.advance();
        if let Some(resource) = world.resources.get_mut(resource) {
            resource.touch();
            resource.endpoints.retain(|endpoint| endpoint.header.id != id);
            resource.models.retain(|model| model.header.id != id);
        }
    }

    /// Whether endpoints of a resource are shown as Succeeded with their next model while that is being deployed: then
    /// nobody can see from outside that a deployment does not end.
    pub fn hides_deployments(&self, resource: &str) -> bool {
        let world = self.world();
        world.resources.get(resource).is_some_and(|resource| {
            let settings = &resource.settings;
            settings.update_status == UpdateStatus::Succeeded && !settings.show_old_model_until_redeployed
        })
    }

    /// Shows every endpoint of a resource.
    pub fn endpoints(&self, resource: &str, mut look: impl FnMut(Deployment<'_>)) {
        let mut world = self.world();
        let now = world.advance();
        let Some(resource) = world.resources.get(resource) else {
            return;
        };
        for endpoint in &resource.endpoints {
            let facts = endpoint.serving.and_then(|model| resource.model_facts(model, now));
            let id = |model| match model {
                ModelRef::Custom(id) | ModelRef::Base(id) => id,
            };
            look(Deployment {
                id: endpoint.header.id,
                custom_properties: &endpoint.header.custom_properties,
                serving: endpoint.serving.map(id),
                asked: id(endpoint.model),
                expires_at: facts.map(|facts| facts.transcription_end),
                since: endpoint.last_action(),
            });
        }
    }

    /// Shows every custom model of a resource.
    pub fn models(&self, resource: &str, mut look: impl FnMut(Revision<'_>)) {
        let mut world = self.world();
        world.advance();
        let Some(resource) = world.resources.get(resource) else {
            return;
        };
        for model in &resource.models {
            let usable = model.lifecycle.pending.is_none()
                && model.lifecycle.error.is_none()
                && model.features.supports_endpoints;
            look(Revision {
                id: model.header.id,
                custom_properties: &model.header.custom_properties,
                is_pending: model.lifecycle.pending.is_some(),
                usable_since: usable.then(|| model.last_action()),
                expires_at: model.transcription_end(),
            });
        }
    }

    /// How many evaluations a resource holds.
    pub fn evaluation_count(&self, resource: &str) -> usize {
        let world = self.world();
        world
            .resources
            .get(resource)
            .map_or(0, |resource| resource.evaluations.len())
    }
}
