//! Who names what: which remote entities an object stands for or depends on, and which objects follow each other.
//!
//! What changed in the Speech service concerns only those that are found here; all others are left alone.
use crate::{
    connection::selects,
    view::{Changes, View},
};
use kube::{Resource, ResourceExt};
use speech_api::{SpeechEndpoint, SpeechModel, Subject, annotation::CreationIntent, swap::GateVerdict};
use speech_service::{EntityId, ModelId};
use std::collections::HashSet;

/// The remote endpoint that an object holds or wants to hold.
pub fn claimed_id(endpoint: &SpeechEndpoint) -> Option<EntityId> {
    let recorded = endpoint.status.as_ref().and_then(|status| status.id);
    recorded.or_else(|| endpoint.spec.adopt.as_ref()?.id.parse().ok())
}

/// Whether an endpoint's spec means a SpeechModel, by its name or by its labels.
pub fn means(endpoint: &SpeechEndpoint, model: &SpeechModel) -> bool {
    if endpoint.meta().namespace != model.meta().namespace {
        return false;
    }
    let choice = &endpoint.spec.model;
    let named = choice
        .r#ref
        .as_ref()
        .is_some_and(|reference| model.meta().name.as_ref() == Some(&reference.name));
    named
        || choice
            .selector
            .as_ref()
            .is_some_and(|selector| selects(selector, model.labels()))
}

/// Whether something is in quarantine, or was until somebody cleared it: what it follows may have to be trained again.
pub fn has_judged(endpoint: &SpeechEndpoint) -> bool {
    let status = endpoint.status.as_ref();
    status.is_some_and(|status| !status.quarantine.is_empty() || status.quarantine_cleared_at.is_some())
}

/// Whether an endpoint stands for what changed, or depends on it; what bears its mark concerns it too, see [`owners_of`].
pub fn concerns_endpoint(endpoint: &SpeechEndpoint, changes: &Changes) -> bool {
    let status = endpoint.status.as_ref();
    let listed = |id| changes.has_model(ModelId::Custom(id));
    let named = endpoint.spec.model.id.as_ref().and_then(|id| id.parse().ok());
    let active = status.and_then(|status| status.active.as_ref());
    claimed_id(endpoint).is_some_and(|id| changes.endpoints.contains(&id))
        || active.is_some_and(|active| listed(active.model))
        || named.is_some_and(listed)
        || (endpoint.spec.model.id.is_some() && active.is_none() && !changes.models.is_empty())
        || (!changes.base_models.is_empty()
            && (endpoint.spec.model.base.is_some() || active.is_some_and(|active| active.base)))
}

/// The same of a model.
pub fn concerns_model(model: &SpeechModel, changes: &Changes) -> bool {
    let source = &model.spec.source;
    let current = model.status.as_ref().and_then(|status| status.current.as_ref());
    let existing = source.existing.as_ref().and_then(|existing| existing.id.parse().ok());
    existing.is_some_and(|id| changes.models.contains(&id))
        || revisions(model).any(|id| changes.models.contains(&id))
        // A copy has no mark of ours when it appears.
        || (!changes.models.is_empty() && awaits_copy(model))
        || trains_with(model, &changes.datasets)
        || (!changes.base_models.is_empty() && (source.base.is_some() || current.is_none() || source.training.is_some()))
        // What an endpoint no longer uses, or has moved away from, can be deleted.
        || (!changes.endpoints.is_empty() && model.makes_remote() && (model.meta().deletion_timestamp.is_some() || has_history(model)))
}

/// Whether a copy was announced and the status has not closed it.
fn awaits_copy(model: &SpeechModel) -> bool {
    let closed = model
        .status
        .as_ref()
        .and_then(|status| status.closed_attempt)
        .unwrap_or(0);
    model.spec.source.copy.is_some()
        && CreationIntent::of(model).is_some_and(|intent| i64::from(intent.attempt) > i64::from(closed))
}

/// The datasets that changed, and those of the evaluations that did.
pub fn datasets_of(view: &View, changes: &Changes) -> HashSet<EntityId> {
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
    let evaluation = judgement.and_then(|judgement| judgement.evaluation);
    gate.evaluation
        .dataset
        .parse()
        .is_ok_and(|id: EntityId| judged_with.contains(&id))
        || evaluation.is_some_and(|id| changes.evaluations.contains(&id))
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

/// Whether an endpoint has a gate.
pub fn judges(endpoint: &SpeechEndpoint) -> bool {
    endpoint.spec.swap.gate.is_some()
}

/// Whether a model is trained.
pub fn trains(model: &SpeechModel) -> bool {
    model.spec.source.training.is_some()
}

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
    judgement
        .evaluation
        .filter(|_| judgement.verdict == GateVerdict::Pending)
}

/// The ids of the revisions that the status names; one that vanished has no mark any more.
pub fn revisions(model: &SpeechModel) -> impl Iterator<Item = EntityId> {
    model.status.iter().flat_map(|status| {
        let current = status.current.as_ref().map(|current| current.id);
        let candidate = status.candidate.as_ref().map(|candidate| candidate.id);
        let copy = status.copying.as_ref().and_then(|copying| copying.model);
        let past = status.history.iter().map(|past| past.id);
        [current, candidate, copy].into_iter().flatten().chain(past)
    })
}

/// All remote entities that an endpoint stands for or depends on by their ids; what [`concerns_endpoint`] and
/// [`concerns_gate`] go by is among them.
pub fn entities_of_endpoint(endpoint: &SpeechEndpoint) -> impl Iterator<Item = EntityId> {
    let status = endpoint.status.as_ref();
    let active = status
        .and_then(|status| status.active.as_ref())
        .map(|active| active.model);
    let gate = endpoint.spec.swap.gate.as_ref();
    let dataset = gate.map(|gate| &gate.evaluation.dataset);
    let evaluation = gate.and_then(|_| status?.gate.as_ref()?.evaluation);
    let named = endpoint.spec.model.id.iter().chain(dataset);
    let named = named.filter_map(|text| text.parse().ok());
    let recorded = [claimed_id(endpoint), active, evaluation];
    recorded.into_iter().flatten().chain(named)
}

/// The same of a model, for [`concerns_model`]; and the model that it copies, if its spec names one.
pub fn entities_of_model(model: &SpeechModel) -> impl Iterator<Item = EntityId> {
    let source = &model.spec.source;
    let existing = source.existing.as_ref().map(|existing| &existing.id);
    let copied = source.copy.as_ref().and_then(|copy| copy.id.as_ref());
    let named = existing.into_iter().chain(copied).filter_map(|text| text.parse().ok());
    named.chain(revisions(model)).chain(datasets_of_model(model))
}

/// Whether there are revisions that are kept or wait to be deleted.
pub fn has_history(model: &SpeechModel) -> bool {
    model.status.as_ref().is_some_and(|status| !status.history.is_empty())
}

/// Whether there are evaluations that were made for one of this cluster, which have to be deleted some day.
pub fn holds_evaluations_of(view: &View, cluster: &str) -> bool {
    let mut marks = (view.evaluations.iter()).filter_map(|entry| entry.entity.header.owner.as_ref());
    marks.any(|tag| tag.cluster == cluster)
}

/// The uids in the marks of what changed.
pub fn owners_of(view: &View, changes: &Changes) -> HashSet<String> {
    let endpoints = (changes.endpoints.iter()).filter_map(|id| view.endpoints.get(*id)?.entity.header.owner.clone());
    let models = (changes.models.iter()).filter_map(|id| view.models.get(*id)?.entity.header.owner.clone());
    let evaluations =
        (changes.evaluations.iter()).filter_map(|id| view.evaluations.get(*id)?.entity.header.owner.clone());
    let tags = endpoints.chain(models).chain(evaluations);
    tags.map(|tag| tag.uid.clone()).collect()
}
