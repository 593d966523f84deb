//! Revisions that a gate refused: where one is, another is trained for the day on which what serves there expires.
use super::Snapshot;
use crate::text::{after, day_time};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use speech_api::{Reason, SpeechEndpoint};
use speech_service::EntityId;

/// How long nothing is trained after the first, second and third refusal in a row. Then only people can help: a training is
/// billed, and what gates refuse again and again is not mended by another one.
const RESTS: [SignedDuration; 3] = [
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(72),
];

/// A model that the gate of an endpoint refused since the endpoint serves what it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The refused model.
    pub model: EntityId,
    /// The endpoint's name.
    pub endpoint: String,
    /// When (UTC).
    pub at: Timestamp,
    /// When the model that serves there expires (UTC).
    pub serves_until: Timestamp,
}

/// What the gates of these endpoints refused, as their statuses tell.
pub fn refusals<'a>(endpoints: impl IntoIterator<Item = &'a SpeechEndpoint>) -> Vec<Refusal> {
    endpoints.into_iter().flat_map(of_endpoint).collect()
}

fn of_endpoint(endpoint: &SpeechEndpoint) -> Vec<Refusal> {
    let status = endpoint.status.as_ref();
    let Some((status, active)) = status.and_then(|status| Some((status, status.active.as_ref()?))) else {
        return Vec::new();
    };
    let Some(serves_until) = active.expires_at else {
        return Vec::new();
    };
    let refused = status
        .quarantine
        .iter()
        .filter(|entry| entry.reason == Reason::GateFailed.as_str() && entry.at >= active.since);
    refused
        .map(|entry| Refusal {
            model: entry.model,
            endpoint: endpoint.name_any(),
            at: entry.at,
            serves_until,
        })
        .collect()
}

/// What the refusals of one revision ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Before when no other training begins (UTC).
    pub rests_until: Timestamp,
    /// When the first of the models expires that still serve in its place (UTC).
    pub needed_by: Timestamp,
    /// For a person.
    pub words: String,
}

/// What came of a revision at the gates; none when no gate refused it, or when gates refused too many in a row.
pub fn of(s: &Snapshot<'_>, revision: EntityId) -> Option<Refused> {
    let of_revision = || s.related.refusals.iter().filter(|refusal| refusal.model == revision);
    let urgent = of_revision().min_by_key(|refusal| (refusal.serves_until, &refusal.endpoint))?;
    let last = of_revision().map(|refusal| refusal.at).max()?;
    let mut models: Vec<_> = s.related.refusals.iter().map(|refusal| refusal.model).collect();
    models.sort_unstable();
    models.dedup();
    let rest = RESTS.get(models.len().saturating_sub(1))?;
    Some(Refused {
        rests_until: after(last, *rest),
        needed_by: urgent.serves_until,
        words: format!(
            "the gate of SpeechEndpoint {} refused model {revision}, and what serves there expires on {}",
            urgent.endpoint,
            day_time(urgent.serves_until)
        ),
    })
}
