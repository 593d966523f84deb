//! What the service was asked for and has not shown yet: the documents do not say which model it shows while it deploys.
//! Whoever asks again begins the deployment anew; whoever asks for another model has both in the air, and cannot tell
//! which of them answers.
use super::Snapshot;
use crate::{
    Action, Verdict, aside,
    lead_time::Work,
    retry,
    text::{after, parse},
    view::ModelFacts,
};
use jiff::Timestamp;
use speech_api::{Reason, SpeechEndpointStatus, endpoint::TargetModel, reference::LastFailure};
use speech_service::{
    ModelId,
    entity::{Endpoint, Status},
};

/// Whether the move to the target was asked for already.
pub fn was_asked(s: &Snapshot<'_>, status: &SpeechEndpointStatus, reason: Reason) -> bool {
    let target = |status: &SpeechEndpointStatus| status.target.as_ref().map(|target| target.model.clone());
    s.old_status().is_some_and(|old| {
        status.target.is_some()
            && target(old) == target(status)
            && retry::was_asked(&old.conditions, old.observed_generation, s.generation(), reason)
    })
}

/// Until when a service that accepted another model may go on showing the old one as if nothing happened. None if it
/// should show it by now, or if it is not known to have accepted it.
pub fn shows_old_until(
    s: &Snapshot<'_>,
    endpoint: &Endpoint,
    status: &SpeechEndpointStatus,
    model: ModelId,
) -> Option<Timestamp> {
    accepted(s, endpoint).filter(|accepted| *accepted == model)?;
    outstanding_until(s, status.target.as_ref()?)
}

/// The model that was asked for and did not come to be accepted: what was begun is finished, also after failures.
pub fn in_vain(old: &SpeechEndpointStatus) -> Option<&TargetModel> {
    old.candidate.as_ref().filter(|candidate| candidate.requested)
}

/// The model that the service said yes to last.
pub fn accepted(s: &Snapshot<'_>, endpoint: &Endpoint) -> Option<ModelId> {
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
    (shows_old && accepted && in_time && s.around.learned.failure.is_none()).then_some(target)
}

/// Whether a model that the written status names was only to stand in for another, or does.
pub fn stands_in(s: &Snapshot<'_>, facts: &ModelFacts<'_>) -> bool {
    let id = facts.model.to_string();
    s.old_status().is_some_and(|old| {
        let mut ways = old.target.iter().chain(&old.candidate);
        let active = old.active.as_ref().filter(|active| active.model == id);
        ways.any(|way| way.model == id && way.interim) || active.is_some_and(|active| active.interim)
    })
}

/// The last failure, unless another model was wanted then: what the service said of that one says nothing of this one.
pub fn last_failure(status: &SpeechEndpointStatus) -> Option<&LastFailure> {
    let wanted = status.target.as_ref().or(status.candidate.as_ref());
    let since = wanted.and_then(|wanted| parse(Some(&wanted.since)));
    status
        .last_failure
        .as_ref()
        .filter(|last| since.is_none_or(|since| parse(Some(&last.at)).is_some_and(|at| since <= at)))
}

/// The last failure of the move that is wanted.
pub fn failed_swap(status: &SpeechEndpointStatus) -> Option<&LastFailure> {
    last_failure(status).filter(|last| last.operation == Action::SWAP)
}

/// Accepted is not serving: wait for a read that began after our request.
pub fn until_reported(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Verdict {
    match (&status.active, &status.target) {
        (Some(_), Some(target)) => Verdict::working(
            Reason::Swapping,
            format!(
                "the service accepted model {}; waiting until it reports it",
                target.name
            ),
        ),
        (Some(_), None) => aside::answered(s),
        (None, _) => Verdict::working(
            Reason::Deploying,
            "the service accepted the endpoint; waiting until it reports it",
        ),
    }
    .watching()
}
