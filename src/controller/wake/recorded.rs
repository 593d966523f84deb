//! What the objects of a connection name in its Speech resource.
use super::{super::observe, Context, refers_to};
use kube::runtime::reflector::ObjectRef;
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel, swap::GateVerdict};
use speech_service::EntityId;

/// The remote entities that the statuses of a connection's objects name.
#[derive(Debug, Default)]
pub struct Recorded {
    pub endpoints: Vec<EntityId>,
    /// Custom models.
    pub models: Vec<EntityId>,
    /// Evaluations that somebody waits for.
    pub evaluations: Vec<EntityId>,
    /// Datasets that specs name, while their list is read.
    pub datasets: Vec<EntityId>,
}

/// What the statuses of a connection's objects name.
pub fn recorded(context: &Context, key: &ObjectRef<SpeechConnection>) -> Recorded {
    let endpoints = context.stores.endpoints.state_filter(|e| refers_to(e, key));
    let models = context.stores.models.state_filter(|m| refers_to(m, key));
    Recorded {
        endpoints: (endpoints.iter())
            .filter_map(|endpoint| observe::claimed_id(endpoint))
            .collect(),
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
    let endpoints = context.stores.endpoints.state_filter(|e| refers_to(e, key));
    let models = context.stores.models.state_filter(|m| refers_to(m, key));
    let named = |endpoint: &SpeechEndpoint| endpoint.status.as_ref()?.standing_id()?.parse().ok();
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
    let endpoints = context.stores.endpoints.state_filter(|e| refers_to(e, key));
    let models = context.stores.models.state_filter(|m| refers_to(m, key));
    let trained = models.iter().flat_map(|model| datasets_of_model(model));
    let judged = endpoints.iter().filter_map(|endpoint| datasets_of_endpoint(endpoint));
    let mut datasets: Vec<EntityId> = trained.chain(judged).collect();
    datasets.sort_unstable();
    datasets.dedup();
    datasets
}

/// The datasets that a model is trained with.
pub fn datasets_of_model(model: &SpeechModel) -> impl Iterator<Item = EntityId> {
    let training = model.spec.source.training.iter();
    training.flat_map(|training| training.datasets.iter().filter_map(|text| text.parse().ok()))
}

/// The dataset that an endpoint's gate judges with.
pub fn datasets_of_endpoint(endpoint: &SpeechEndpoint) -> Option<EntityId> {
    endpoint.spec.swap.gate.as_ref()?.evaluation.dataset.parse().ok()
}

/// The evaluation that an endpoint waits for.
pub fn pending_evaluation(endpoint: &SpeechEndpoint) -> Option<EntityId> {
    let judgement = endpoint.status.as_ref()?.gate.as_ref()?;
    let id = judgement.evaluation.as_ref()?;
    id.parse().ok().filter(|_| judgement.verdict == GateVerdict::Pending)
}

/// The ids of the revisions that the status names; one that vanished has no mark any more.
pub fn revisions(model: &SpeechModel) -> impl Iterator<Item = EntityId> {
    let status = model.status.as_ref();
    let current = status
        .and_then(|status| status.current.as_ref())
        .map(|current| &current.id);
    let candidate = status
        .and_then(|status| status.candidate.as_ref())
        .map(|candidate| &candidate.id);
    let past = status
        .map(|status| status.history.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|past| &past.id);
    let copy = status
        .and_then(|status| status.copying.as_ref())
        .and_then(|copying| copying.model.as_ref());
    current
        .into_iter()
        .chain(candidate)
        .chain(copy)
        .chain(past)
        .filter_map(|id| id.parse().ok())
}

pub fn has_history(model: &SpeechModel) -> bool {
    model.status.as_ref().is_some_and(|status| !status.history.is_empty())
}
