//! The lists that only some objects need: datasets for gates and trainings, evaluations for gates.
use crate::controller::{Context, references::refers_to};
use kube::runtime::reflector::ObjectRef;
use speech_api::SpeechConnection;
use speech_plan::relations::{Uses, judges, trains};

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
