//! What the objects of a connection name in its Speech resource.
use crate::controller::Context;
use kube::runtime::reflector::ObjectRef;
use speech_api::{SpeechConnection, SpeechEndpoint};
use speech_plan::relations::{
    Recorded, claimed_id, datasets_of_endpoint, datasets_of_model, pending_evaluation, revisions,
};
use speech_service::EntityId;

/// What the statuses of a connection's objects name.
pub fn recorded(context: &Context, key: &ObjectRef<SpeechConnection>) -> Recorded {
    let endpoints = context.stores.endpoints.of(key);
    let models = context.stores.models.of(key);
    Recorded {
        endpoints: (endpoints.iter()).filter_map(|endpoint| claimed_id(endpoint)).collect(),
        models: models.iter().flat_map(|model| revisions(model)).collect(),
        evaluations: (endpoints.iter())
            .filter_map(|endpoint| pending_evaluation(endpoint))
            .collect(),
        datasets: Vec::new(),
    }
}

/// What should be found where a connection leads: the entities that the statuses of its objects name as their own, and not
/// as gone.
pub fn expected(context: &Context, key: &ObjectRef<SpeechConnection>) -> Recorded {
    let endpoints = context.stores.endpoints.of(key);
    let models = context.stores.models.of(key);
    let named = |endpoint: &SpeechEndpoint| endpoint.status.as_ref()?.standing_id();
    // Base models are the same in all resources.
    let customs = models.iter().filter(|model| model.spec.source.base.is_none());
    Recorded {
        endpoints: endpoints.iter().filter_map(|endpoint| named(endpoint)).collect(),
        models: customs.flat_map(|model| revisions(model)).collect(),
        ..Recorded::default()
    }
}

/// The datasets that the specs of a connection's objects name.
pub fn named_datasets(context: &Context, key: &ObjectRef<SpeechConnection>) -> Vec<EntityId> {
    let endpoints = context.stores.endpoints.of(key);
    let models = context.stores.models.of(key);
    let trained = models.iter().flat_map(|model| datasets_of_model(model));
    let judged = endpoints.iter().filter_map(|endpoint| datasets_of_endpoint(endpoint));
    let mut datasets: Vec<EntityId> = trained.chain(judged).collect();
    datasets.sort_unstable();
    datasets.dedup();
    datasets
}
