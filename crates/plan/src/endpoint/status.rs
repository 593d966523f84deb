//! What an endpoint's status says, apart from the verdict.
use super::Snapshot;
use crate::{
    Action, Notice, creation,
    lead_time::{Took, Work},
    report::Meanwhile,
    retry,
    text::{self, day_time, whole_seconds},
    view::Entry,
};
use jiff::Timestamp;
use speech_api::{
    Reason, SpeechEndpointStatus,
    annotation::CreationIntent,
    condition::{MODEL_VALID, Statement, Truth},
    endpoint::{ActiveModel, Fallback, PreviousModel},
};
use speech_service::{
    EntityId,
    entity::{Endpoint, Status},
};

/// How many ids of endpoints that were deleted are remembered.
const FORMER_IDS: usize = 5;
/// Where those stand that make room: the oldest id of all, which applications knew first, stays for good.
const SECOND_OLDEST: usize = FORMER_IDS - 1;

/// Keeps a failure of this pass, and closes the attempt of a creation that certainly led to nothing.
pub fn remember_failure(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) {
    retry::note(s.object, &s.around, "Create", status);
    let announced = CreationIntent::of(s.object);
    let failed = |operation| {
        s.around
            .learned
            .failure
            .filter(|failure| failure.operation == operation)
    };
    status.creations = creation::tallied(
        status.creations.as_ref(),
        announced.and_then(|intent| intent.creations),
        failed("Create"),
        s.is_fresh(),
    );
    status.evaluations = creation::tallied(
        status.evaluations.as_ref(),
        announced.and_then(|intent| intent.evaluations),
        failed(Action::EVALUATE),
        s.is_fresh(),
    );
}

/// Notes the attempts that are over because the service shows what they made.
pub fn end_attempts(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) {
    let Some(view) = s.around.connection.view() else { return };
    let latest = view.endpoints.latest_attempt(s.uid());
    let latest = latest.and_then(|attempt| i32::try_from(attempt).ok());
    status.closed_attempt = latest.max(status.closed_attempt);
}

/// Writes down what the service says of the endpoint, which is the object's to manage. One that another object holds is neither
/// shown nor published as ours.
pub fn describe(s: &Snapshot<'_>, entry: &Entry<Endpoint>, status: &mut SpeechEndpointStatus) {
    let endpoint = &*entry.entity;
    if s.related.holder.is_some() {
        return;
    }
    let header = &endpoint.header;
    if let Some(former) = status.id.filter(|former| *former != header.id) {
        forget(status, former);
    }
    status.id = Some(header.id);
    status.self_uri = Some(header.self_uri.to_string());
    status.links = endpoint.links.iter().cloned().collect();
    if let Some(tag) = header
        .owner
        .as_ref()
        .filter(|tag| s.predecessor().stands_for(tag) && tag.attempt > 0)
    {
        status.closed_attempt = i32::try_from(tag.attempt).ok().max(status.closed_attempt);
    }
    if header.status == Status::Succeeded && entry.confirmed {
        let before = status.active.take();
        status.active = active(s, endpoint).or_else(|| before.clone());
        if let (Some(before), Some(now)) = (before, &status.active)
            && before.model != now.model
        {
            close_fallback(status.fallback.get_or_insert_default(), Some(&before), now.since);
            status.fallback = status
                .fallback
                .take()
                .filter(|fallback| *fallback != Fallback::default());
            status.previous = Some(PreviousModel {
                until: now.since,
                model: before.model,
                base: before.base,
                name: before.name,
            });
        }
    }
}

/// The endpoint is gone, and another one with another id takes its place.
pub fn forget(status: &mut SpeechEndpointStatus, id: EntityId) {
    status.former_ids.insert(0, id);
    while status.former_ids.len() > FORMER_IDS {
        status.former_ids.remove(SECOND_OLDEST);
    }
    (status.id, status.self_uri, status.active) = (None, None, None);
    status.links = Default::default();
}

/// The end of a fallback, also of one that nobody saw begin.
fn close_fallback(fallback: &mut Fallback, expired: Option<&ActiveModel>, end: Timestamp) {
    let begun = fallback.since.take().or_else(|| expired?.expires_at);
    if let Some(begun) = begun {
        fallback.seconds += end.duration_since(begun).as_secs().max(0);
    }
}

/// Notes since when a base model answers in place of the active one.
pub fn count_fallback(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) {
    let expired = expiry(status).filter(|at| *at <= s.now());
    let since = status.fallback.as_ref().and_then(|fallback| fallback.since);
    match (expired, since) {
        (Some(at), None) => status.fallback.get_or_insert_default().since = Some(whole_seconds(at)),
        // The service gave the same model a later date.
        (None, Some(_)) => {
            let fallback = status.fallback.get_or_insert_default();
            close_fallback(fallback, None, whole_seconds(s.now()));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// The deployment that this plan sees end: from the creation of the endpoint, or from the swap's beginning unless requests
/// for it failed meanwhile.
pub fn deployed(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Option<Took> {
    let old = s.old_status()?;
    let (target, active) = (old.target.as_ref()?, status.active.as_ref()?);
    let before = old.active.as_ref().map(|before| before.model);
    if target.model != active.model || before == Some(active.model) || old.last_failure.is_some() {
        return None;
    }
    let header = &s.around.connection.view()?.endpoints.get(status.id?)?.entity.header;
    let begun = match before {
        Some(_) => target.since,
        None => header.created_at,
    };
    Some(Took {
        work: Work::Deploying,
        time: header.last_action_at.duration_since(begun),
    })
}

/// Tells that the endpoint has another id.
pub fn recreation_notice(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Option<Notice> {
    let (former, id) = (status.former_ids.first()?, status.id?);
    let known = s.old_status().is_some_and(|old| old.id == Some(id));
    (!known).then(|| Notice {
        warning: true,
        reason: Reason::Recreating,
        note: format!(
            "the endpoint was deleted in the Speech service and made anew: its id is {id}, no longer {former}"
        ),
    })
}

/// The active model for a person, while it is valid.
pub fn label_of_valid(s: &Snapshot<'_>, active: Option<&ActiveModel>) -> Option<String> {
    let active = active?;
    let valid = active.expires_at.is_none_or(|at| at > s.now());
    valid.then(|| text::named(&active.name, active.revision))
}

/// The model that serves: the one that the service reports once it reports success.
fn active(s: &Snapshot<'_>, endpoint: &Endpoint) -> Option<ActiveModel> {
    let model = endpoint.model?;
    let id = model.entity();
    let before = s
        .old_status()
        .and_then(|old| old.active.as_ref())
        .filter(|active| active.model == id);
    let facts = s.around.connection.view().and_then(|view| view.model(model));
    let since = before.map_or_else(
        || whole_seconds(endpoint.header.last_action_at.min(s.now())),
        |active| active.since,
    );
    let on_its_way = |old: &SpeechEndpointStatus| {
        let mut ways = old.target.iter().chain(&old.candidate);
        ways.any(|way| way.model == id && way.interim)
    };
    let interim = before.map_or(s.old_status().is_some_and(on_its_way), |active| active.interim);
    Some(match facts {
        Some(facts) => ActiveModel {
            model: id,
            base: model.is_base(),
            name: facts.name.to_owned(),
            revision: facts.revision.and_then(|revision| i32::try_from(revision).ok()),
            interim,
            expires_at: facts.expires_at.map(whole_seconds),
            since,
        },
        // The model is no longer listed: what was known of it still holds.
        None => before.cloned().unwrap_or_else(|| ActiveModel {
            model: id,
            base: model.is_base(),
            name: id.to_string(),
            revision: None,
            expires_at: None,
            interim: false,
            since,
        }),
    })
}

fn expiry(status: &SpeechEndpointStatus) -> Option<Timestamp> {
    status.active.as_ref()?.expires_at
}

/// What is said of an active model that has expired.
pub fn base_model_answers(active: Option<&ActiveModel>, at: Timestamp) -> String {
    let name = active.map_or_else(String::new, label);
    format!(
        "model {name} expired on {}; the newest base model answers in its place",
        day_time(at)
    )
}

/// What answers, as the beginning of a message.
pub fn serves(s: &Snapshot<'_>, active: Option<&ActiveModel>) -> String {
    match active.and_then(|active| active.expires_at).filter(|at| *at <= s.now()) {
        Some(at) => base_model_answers(active, at),
        None => format!("model {} serves", active.map_or_else(String::new, label)),
    }
}

/// The active model for a person.
pub fn label(active: &ActiveModel) -> String {
    text::model(&active.name, active.revision)
}

/// What `Ready` says while the endpoint is being worked on.
pub fn meanwhile(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Option<Meanwhile> {
    if s.object.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let active = status.active.as_ref()?;
    Some(match expiry(status) {
        Some(at) if at <= s.now() => Meanwhile {
            ready: false,
            reason: Reason::BaseModelAnswers,
            message: base_model_answers(Some(active), at),
        },
        Some(_) | None => Meanwhile {
            ready: true,
            reason: Reason::Serving,
            message: format!("model {} serves", label(active)),
        },
    })
}

/// The condition `ModelValid`; `gone` is an endpoint that does not exist any more, so that nothing serves there.
pub fn model_valid(s: &Snapshot<'_>, status: &SpeechEndpointStatus, gone: Option<EntityId>) -> Option<Statement> {
    let active = status.active.as_ref()?;
    let (truth, reason, message) = match expiry(status) {
        _ if gone.is_some() => {
            let id = gone.map_or_else(String::new, |id| id.to_string());
            let words = format!("endpoint {id} does not exist any more: a base model answers whoever names it");
            (Truth::False, Reason::RemoteDeleted, words)
        }
        Some(at) if at <= s.now() => (
            Truth::False,
            Reason::BaseModelAnswers,
            base_model_answers(Some(active), at),
        ),
        Some(at) => (
            Truth::True,
            Reason::ModelServes,
            format!("model {} serves until {}", label(active), day_time(at)),
        ),
        None => (
            Truth::Unknown,
            Reason::ExpiryUnknown,
            format!("the service does not say until when model {} is valid", label(active)),
        ),
    };
    Some(Statement {
        kind: MODEL_VALID,
        truth,
        reason,
        message,
    })
}

/// Tells that another model serves now.
pub fn swap_notice(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Option<Notice> {
    let before = s.old_status()?.active.as_ref()?;
    let after = status.active.as_ref()?;
    (before.model != after.model).then(|| Notice {
        warning: false,
        reason: Reason::Serving,
        note: format!(
            "model {} serves in place of {}",
            label(after),
            text::named(&before.name, before.revision)
        ),
    })
}
