//! The lists that only some objects need: datasets for gates and trainings, evaluations for gates.
use super::refers_to;
use crate::controller::{Context, remote::Remote};
use kube::runtime::reflector::ObjectRef;
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_plan::view::Changes;
use speech_service::EntityId;
use std::collections::HashSet;

/// The datasets that changed, and those of the evaluations that did.
pub fn datasets_of(remote: &Remote, changes: &Changes) -> HashSet<EntityId> {
    let view = remote.view();
    let evaluated = changes.evaluations.iter().filter_map(|id| view.evaluations.get(*id));
    let evaluated = evaluated.map(|entry| entry.entity.dataset);
    changes.datasets.iter().copied().chain(evaluated).collect()
}

/// Whether an endpoint's gate asks for one of these datasets, or is about an evaluation that changed or went.
pub fn concerns_gate(endpoint: &SpeechEndpoint, changes: &Changes, judged_with: &HashSet<EntityId>) -> bool {
    let Some(gate) = &endpoint.spec.swap.gate else {
        return false;
    };
    let judgement = endpoint.status.as_ref().and_then(|status| status.gate.as_ref());
    let evaluation = judgement.and_then(|judgement| judgement.evaluation.as_ref()?.parse().ok());
    gate.evaluation
        .dataset
        .parse()
        .is_ok_and(|id: EntityId| judged_with.contains(&id))
        || evaluation.is_some_and(|id: EntityId| changes.evaluations.contains(&id))
}

/// Whether a model is trained with one of these datasets.
pub fn trains_with(model: &SpeechModel, datasets: &HashSet<EntityId>) -> bool {
    let training = model.spec.source.training.as_ref();
    training.is_some_and(|training| {
        let named = |text: &String| text.parse().is_ok_and(|id: EntityId| datasets.contains(&id));
        training.datasets.iter().any(named)
    })
}

/// Which lists the objects of a connection need beside those that all need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Datasets: for gates and trainings.
    pub datasets: bool,
    /// Evaluations: for gates.
    pub evaluations: bool,
}

fn judges(endpoint: &SpeechEndpoint) -> bool {
    endpoint.spec.swap.gate.is_some()
}

fn trains(model: &SpeechModel) -> bool {
    model.spec.source.training.is_some()
}

/// What the objects of a connection need.
pub fn uses(context: &Context, key: &ObjectRef<SpeechConnection>) -> Uses {
    let stores = &context.stores;
    let evaluations = stores.endpoints.find(|e| refers_to(e, key) && judges(e)).is_some();
    Uses {
        datasets: evaluations || stores.models.find(|m| refers_to(m, key) && trains(m)).is_some(),
        evaluations,
    }
}

/// The objects of a connection that need lists which others do not.
pub fn users(context: &Context, key: &ObjectRef<SpeechConnection>) {
    let endpoints = context
        .stores
        .endpoints
        .state_filter(|e| refers_to(e, key) && judges(e));
    endpoints.iter().for_each(|endpoint| context.wakes.endpoint(endpoint));
    let models = context.stores.models.state_filter(|m| refers_to(m, key) && trains(m));
    models.iter().for_each(|model| context.wakes.model(model));
}
