//! Evaluations of the Speech resource: which one counts for a pair, and which ones nobody needs any more.
use super::{CREATION_GRACE, Scope, queue::Pair, text::after};
use crate::view::{Entry, View};
use jiff::Timestamp;
use speech_api::{
    SpeechEndpoint,
    swap::{GateVerdict, Judgement},
};
use speech_service::{
    EntityId,
    entity::{Evaluation, Status},
};

/// How a comparison of two models on a dataset is known again, whichever model comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Comparison {
    models: [EntityId; 2],
    dataset: EntityId,
}

impl Comparison {
    fn new(a: EntityId, b: EntityId, dataset: EntityId) -> Self {
        Self {
            models: [a.min(b), a.max(b)],
            dataset,
        }
    }

    fn of(evaluation: &Evaluation) -> Self {
        Self::new(
            evaluation.model1.entity(),
            evaluation.model2.entity(),
            evaluation.dataset,
        )
    }

    fn judged_in(judgement: &Judgement) -> Self {
        Self::new(judgement.candidate, judgement.active, judgement.dataset)
    }
}

/// Whether the mark is one of this cluster's.
fn is_ours(entry: &Entry<Evaluation>, cluster: &str) -> bool {
    let owner = entry.entity.header.owner.as_ref();
    owner.is_some_and(|tag| tag.cluster == cluster)
}

/// The evaluation of a pair that counts for all of this cluster: one that succeeded, else one under way, else the last
/// that failed.
pub fn of_pair<'a>(view: &'a View, cluster: &str, pair: Pair) -> Option<&'a Entry<Evaluation>> {
    let comparison = Comparison::new(pair.candidate.entity(), pair.active.entity(), pair.dataset);
    counting(view, cluster, comparison)
}

fn counting<'a>(view: &'a View, cluster: &str, comparison: Comparison) -> Option<&'a Entry<Evaluation>> {
    let same = |entry: &&Entry<Evaluation>| is_ours(entry, cluster) && Comparison::of(&entry.entity) == comparison;
    let all = || view.evaluations.iter().filter(same);
    let age = |entry: &&Entry<Evaluation>| (entry.entity.header.created_at, entry.entity.header.id);
    let status = |entry: &&Entry<Evaluation>| entry.entity.header.status.clone();
    let succeeded = all().filter(|entry| status(entry) == Status::Succeeded).min_by_key(age);
    let running = || all().filter(|entry| !status(entry).is_terminal()).min_by_key(age);
    succeeded.or_else(running).or_else(|| all().max_by_key(age))
}

/// What is to be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unneeded {
    /// An evaluation that nobody needs.
    pub id: Option<EntityId>,
    /// When time alone may change that (UTC).
    pub look_again: Option<Timestamp>,
}

/// The oldest evaluation with our cluster's mark that has ended, that nobody needs any more, and that is old enough for
/// all who might need it to have said so. `endpoints` are all of the scope: two connections may share a resource. What the
/// endpoints of other namespaces ordered is left to the process that sees them.
pub fn unneeded<'a>(
    view: &View,
    cluster: &str,
    scope: &Scope,
    endpoints: impl Iterator<Item = &'a SpeechEndpoint> + Clone,
    now: Timestamp,
) -> Unneeded {
    let is_seen = |entry: &Entry<Evaluation>| entry.entity.header.owner.as_ref().is_some_and(|tag| scope.sees(tag));
    let mut ended: Vec<_> = view
        .evaluations
        .iter()
        .filter(|entry| is_ours(entry, cluster) && is_seen(entry))
        .filter(|entry| entry.confirmed && entry.entity.header.status.is_terminal())
        .collect();
    ended.sort_by_key(|entry| (entry.entity.header.created_at, entry.entity.header.id));
    let mut found = Unneeded::default();
    for entry in ended {
        let header = &entry.entity.header;
        let ripe = after(header.created_at, CREATION_GRACE);
        let needed = is_spared(entry, endpoints.clone()) || is_needed(view, cluster, entry, endpoints.clone());
        let again = match (needed, ripe <= now) {
            (false, true) => {
                found.id = Some(header.id);
                break;
            }
            (false, false) => ripe,
            // Who needs it may have enough of it without anything else changing.
            (true, _) => after(now, CREATION_GRACE),
        };
        found.look_again = Some(found.look_again.map_or(again, |before| before.min(again)));
    }
    found
}

/// Whether its creator is suspended, so that nothing of its is deleted.
fn is_spared<'a>(entry: &Entry<Evaluation>, mut endpoints: impl Iterator<Item = &'a SpeechEndpoint>) -> bool {
    let owner = entry.entity.header.owner.as_ref().map(|tag| tag.uid.as_str());
    endpoints.any(|endpoint| endpoint.spec.suspend && endpoint.metadata.uid.as_deref() == owner)
}

fn is_needed<'a>(
    view: &View,
    cluster: &str,
    entry: &Entry<Evaluation>,
    mut endpoints: impl Iterator<Item = &'a SpeechEndpoint>,
) -> bool {
    let comparison = Comparison::of(&entry.entity);
    let counts = counting(view, cluster, comparison).map(|counting| counting.entity.header.id);
    counts == Some(entry.entity.header.id) && endpoints.any(|endpoint| needs(endpoint, &entry.entity, comparison))
}

/// Whether an endpoint still has to read the result.
fn needs(endpoint: &SpeechEndpoint, evaluation: &Evaluation, comparison: Comparison) -> bool {
    let gate = endpoint.spec.swap.gate.as_ref().map(|gate| &gate.evaluation);
    if gate.is_none_or(|gate| gate.dataset.parse().ok() != Some(comparison.dataset))
        || endpoint.metadata.deletion_timestamp.is_some()
    {
        return false;
    }
    let Some(status) = &endpoint.status else { return false };
    let judgement = status.gate.as_ref();
    match judgement.filter(|judgement| Comparison::judged_in(judgement) == comparison) {
        Some(judgement) => match judgement.verdict {
            GateVerdict::Pending => true,
            GateVerdict::Error => judgement.evaluation != Some(evaluation.header.id),
            GateVerdict::Pass | GateVerdict::Fail | GateVerdict::Inconclusive => false,
        },
        None => {
            let both = status.active.as_ref().zip(status.candidate.as_ref());
            both.is_some_and(|(active, candidate)| {
                Comparison::new(active.model, candidate.model, comparison.dataset) == comparison
            }) && evaluation.header.status == Status::Succeeded
        }
    }
}

#[cfg(test)]
mod tests;
