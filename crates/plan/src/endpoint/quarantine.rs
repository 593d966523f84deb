//! Models that failed a gate or a deployment: never chosen again until somebody clears them.
use super::{Snapshot, observed::Observed, record::Record};
use crate::{
    Notice, model_choice,
    text::{after, cause, whole_seconds},
    view::View,
};
use jiff::SignedDuration;
use speech_api::{
    Reason, SpeechEndpointStatus,
    annotation::{self, CLEAR_QUARANTINE},
    endpoint::ActiveModel,
    swap::QuarantinedModel,
};
use speech_service::{
    EntityId,
    entity::{Endpoint, Status},
};

/// A deployment that fails later than so long after it began is not the one that was shown as done.
const SHOWN: SignedDuration = SignedDuration::from_hours(24);
/// The word that clears all.
const ALL: &str = "all";

/// Why a model is there.
pub fn reason(entry: &QuarantinedModel) -> Reason {
    if entry.reason == Reason::GateFailed.as_str() {
        Reason::GateFailed
    } else {
        Reason::DeploymentFailed
    }
}

/// Takes back that a model serves whose deployment failed after all: the service may show the new model as deployed while
/// the old one still answers. What answers then is the model before, as long as it can be deployed.
pub fn taken_back(s: &Snapshot<'_>, view: &View, endpoint: &Endpoint, record: Record) -> Record {
    let (Some(active), Some(previous)) = (&record.active, &record.previous) else {
        return record;
    };
    let is_named = endpoint.model.is_some_and(|model| record.serves(model));
    if endpoint.header.status != Status::Failed || !is_named {
        return record;
    }
    let ended = endpoint.header.last_action_at;
    let of_this_swap = active.since <= ended && ended < after(active.since, SHOWN);
    let before = view.model_by_id(previous.model);
    let Some(facts) = before.filter(|facts| of_this_swap && model_choice::deployable(facts, s.now()).is_ok()) else {
        return record;
    };
    let active = ActiveModel {
        model: previous.model,
        base: previous.base,
        name: facts.name.to_owned(),
        revision: facts.revision.and_then(|revision| i32::try_from(revision).ok()),
        expires_at: facts.expires_at.map(whole_seconds),
        interim: false,
        // Since when it served was forgotten; until then it certainly did.
        since: previous.until,
    };
    Record {
        active: Some(active),
        previous: None,
        ..record
    }
}

/// A deployment of another model than the active one that ended in failure puts that model into quarantine, unless
/// somebody cleared it since.
pub fn with_failed_deployment(f: &Observed<'_>, endpoint: &Endpoint, record: Record) -> Record {
    let Some(model) = endpoint.model.filter(|_| endpoint.header.status == Status::Failed) else {
        return record;
    };
    let ended = endpoint.header.last_action_at;
    let cleared = f.status.quarantine_cleared_at;
    if record.serves(model) || cleared.is_some_and(|cleared| ended <= cleared) {
        return record;
    }
    let facts = f.s.around.connection.view().and_then(|view| view.model(model));
    let name = facts.map_or_else(|| model.to_string(), |facts| facts.name.to_owned());
    let message = format!("the service could not deploy it: {}", cause(&endpoint.header));
    record.barring(model, &name, Reason::DeploymentFailed, message, ended)
}

/// What came into quarantine since the status was written.
pub fn new_entries<'a>(
    s: &Snapshot<'a>,
    quarantine: &'a [QuarantinedModel],
) -> impl Iterator<Item = &'a QuarantinedModel> {
    let before = s.old_status().map(|old| old.quarantine.as_slice()).unwrap_or_default();
    let is_new = |entry: &&QuarantinedModel| !before.iter().any(|old| old.model == entry.model);
    quarantine.iter().filter(is_new)
}

/// Clears what the annotation asks for, once for each value.
pub fn clear_on_request(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) {
    let asked = annotation::value(s.object, CLEAR_QUARANTINE);
    if asked.is_none() || asked == status.last_handled_clear_quarantine.as_deref() {
        return;
    }
    let asked_for = || words(asked.unwrap_or_default());
    let ids: Vec<EntityId> = asked_for().filter_map(|word| word.parse().ok()).collect();
    let everything = asked_for().any(is_all);
    let named = |entry: &QuarantinedModel| ids.contains(&entry.model);
    status.quarantine.retain(|entry| !everything && !named(entry));
    // What was judged before it was cleared is judged anew.
    let judged = |gate: &speech_api::swap::Judgement| everything || ids.contains(&gate.candidate);
    if status.gate.as_ref().is_some_and(judged) {
        status.gate = None;
    }
    status.quarantine_cleared_at = Some(whole_seconds(s.now()));
    status.last_handled_clear_quarantine = asked.map(str::to_owned);
}

/// The words of a request.
pub fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty())
}

/// Whether a word means all models.
pub fn is_all(word: &str) -> bool {
    word.eq_ignore_ascii_case(ALL)
}

/// Tells what came into quarantine, and that it was cleared.
pub fn notices(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Vec<Notice> {
    let before = s.old_status().map(|old| old.quarantine.as_slice()).unwrap_or_default();
    let mut notices: Vec<Notice> = new_entries(s, &status.quarantine)
        .map(|entry| Notice {
            warning: true,
            reason: reason(entry),
            note: format!("model {} is in quarantine: {}", entry.name, entry.message),
        })
        .collect();
    if before
        .iter()
        .any(|old| !status.quarantine.iter().any(|entry| entry.model == old.model))
        && s.old_status().and_then(|old| old.quarantine_cleared_at.as_ref()) != status.quarantine_cleared_at.as_ref()
    {
        notices.push(Notice {
            warning: false,
            reason: Reason::QuarantineCleared,
            note: "models were taken out of quarantine on request".to_owned(),
        });
    }
    notices
}
