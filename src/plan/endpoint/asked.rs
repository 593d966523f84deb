//! What the service was asked for and has not shown yet: the documents do not say which model it shows while it deploys.
//! Whoever asks again begins the deployment anew; whoever asks for another model has both in the air, and cannot tell
//! which of them answers.
use super::Snapshot;
use crate::{
    api::{Reason, SpeechEndpointStatus, endpoint::TargetModel},
    plan::{
        lead_time::Work,
        retry,
        text::{after, parse},
    },
    speech::{
        ModelId,
        entity::{Endpoint, Status},
        request::UpdateEndpoint,
    },
    view::ModelFacts,
};
use jiff::Timestamp;

/// Whether this change was sent already, to the same model if it is a swap.
pub fn was_asked(s: &Snapshot<'_>, status: &SpeechEndpointStatus, reason: Reason) -> bool {
    let target = |status: &SpeechEndpointStatus| status.target.as_ref().map(|target| target.model.clone());
    s.old_status().is_some_and(|old| {
        target(old) == target(status)
            && retry::was_asked(&old.conditions, old.observed_generation, s.generation(), reason)
    })
}

/// Until when a service that accepted another model may go on showing the old one as if nothing happened. None if it
/// should show it by now, if it is not known to have accepted it, or if something else is to be changed too.
pub fn shows_old_until(
    s: &Snapshot<'_>,
    endpoint: &Endpoint,
    status: &SpeechEndpointStatus,
    change: &UpdateEndpoint,
) -> Option<Timestamp> {
    accepted(s, endpoint).filter(|model| Some(*model) == change.model)?;
    let model_only = UpdateEndpoint {
        model: change.model,
        ..UpdateEndpoint::default()
    };
    let until = outstanding_until(s, status.target.as_ref()?)?;
    (*change == model_only).then_some(until)
}

/// The model that the service said yes to last.
fn accepted(s: &Snapshot<'_>, endpoint: &Endpoint) -> Option<ModelId> {
    let view = s.around.connection.view()?;
    view.accepted.get(&endpoint.header.id).copied()
}

/// Until when a model that was accepted may go unseen; None once that is over, and where a person asks for an attempt.
fn outstanding_until(s: &Snapshot<'_>, target: &TargetModel) -> Option<Timestamp> {
    let deploying = s
        .around
        .agenda
        .durations
        .expected(&s.object.spec.locale, Work::Deploying);
    let since = parse(Some(&target.since))?;
    let until = after(since, deploying.max(Work::Deploying.assumed()));
    (until > s.now() && !s.is_fresh()).then_some(until)
}

/// The model that the service accepted for this very spec and may be deploying, though it shows the old one.
pub fn unseen<'a>(s: &Snapshot<'a>, endpoint: &Endpoint) -> Option<&'a TargetModel> {
    let old = s.old_status()?;
    let target = old.target.as_ref()?;
    let shown = endpoint.model?.to_string();
    let shows_old = endpoint.header.status == Status::Succeeded
        && old.active.as_ref().is_some_and(|active| active.model == shown)
        && target.model != shown;
    let accepted = accepted(s, endpoint).is_some_and(|model| model.to_string() == target.model)
        && old.observed_generation == s.generation();
    let in_time = outstanding_until(s, target).is_some();
    (shows_old && accepted && in_time && s.around.failure.is_none()).then_some(target)
}

/// Whether a model that the written status names was only to stand in for another, or does.
pub fn stands_in(s: &Snapshot<'_>, facts: &ModelFacts<'_>) -> bool {
    let id = facts.model.to_string();
    s.old_status().is_some_and(|old| {
        let target = old.target.as_ref().filter(|target| target.model == id);
        let active = old.active.as_ref().filter(|active| active.model == id);
        target.is_some_and(|target| target.interim) || active.is_some_and(|active| active.interim)
    })
}
