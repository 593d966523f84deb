//! The lists that only some objects need: datasets for gates and trainings, evaluations for gates.
use crate::controller::Context;
use kube::runtime::reflector::ObjectRef;
use speech_api::SpeechConnection;
use speech_plan::relations::{Uses, judges, trains};

/// What the objects of a connection need.
pub fn uses(context: &Context, key: &ObjectRef<SpeechConnection>) -> Uses {
    let stores = &context.stores;
    let evaluations = stores.endpoints.of(key).iter().any(|endpoint| judges(endpoint));
    Uses {
        datasets: evaluations || stores.models.of(key).iter().any(|model| trains(model)),
        evaluations,
    }
}

/// The objects of a connection that need lists which others do not.
pub fn users(context: &Context, key: &ObjectRef<SpeechConnection>) {
    let (endpoints, models) = (context.stores.endpoints.of(key), context.stores.models.of(key));
    let judging = endpoints.iter().filter(|endpoint| judges(endpoint));
    judging.for_each(|endpoint| context.wakes.endpoint(endpoint));
    let trained = models.iter().filter(|model| trains(model));
    trained.for_each(|model| context.wakes.model(model));
}
