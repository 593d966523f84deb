//! What of an endpoint somebody else changes again and again, and what that holds back.
use super::{
    Snapshot,
    known::{Known, Move},
    observed::Observed,
    target,
};
use crate::{
    Action, Notice, Verdict,
    drift::{self, Correction},
    notice,
};
use speech_api::{SpeechEndpointStatus, condition::Statement, endpoint::TargetModel};
use speech_service::{entity::Endpoint, request::UpdateEndpoint};

/// Counts what was put back in this pass, and drops what counts no more.
pub fn count(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) {
    drift::forget(&mut status.drift, s.generation(), s.now());
    if s.around.learned.failure.is_none() {
        let (asked, corrected) = (s.around.learned.asked, s.around.learned.corrected);
        drift::count(&mut status.drift, asked, corrected, s.generation(), s.now());
    }
}

/// What holds a move back that puts back what is changed again each time; and what the model is meanwhile. The move was
/// begun, so that it is finished before another is chosen; and the model is no target, because it was not asked for.
pub fn hold(f: &Observed<'_>, k: &Known<'_>, next: &Move<'_>) -> Option<(Verdict, TargetModel)> {
    let s = &f.s;
    let correction = Correction::of_endpoint(&UpdateEndpoint::Model(next.facts.model));
    let held = correction.hold(&f.status.drift, &named(k.endpoint()), s.asking(f.dates.need()))?;
    let before = s.old_status().and_then(|old| old.candidate.as_ref());
    let candidate = TargetModel {
        requested: true,
        ..target::on_its_way(s, &next.facts, next.interim, before)
    };
    Some((held, candidate))
}

/// The condition `Contested`.
pub fn statement(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Option<Statement> {
    let lives = s.object.metadata.deletion_timestamp.is_none();
    let id = status.id.filter(|_| lives)?;
    drift::statement(&status.drift, &format!("endpoint {id}"))
}

/// An endpoint for a person.
pub fn named(endpoint: &Endpoint) -> String {
    format!("endpoint {}", endpoint.header.id)
}

/// What a step puts back. A newer model to move to is no drift. Whether somebody else moved an endpoint from one model to
/// another and the service was seen at work on it, or we did, cannot be told apart the first time; but only what is asked
/// for twice in a row, with nothing asked for in between, counts on.
pub fn correction(
    s: &Snapshot<'_>,
    status: &SpeechEndpointStatus,
    action: Option<&Action>,
) -> Option<(Correction, bool)> {
    let action = action?;
    let Action::UpdateEndpoint { id, change, .. } = action else {
        return None;
    };
    let old = s.old_status().filter(|old| old.observed_generation == s.generation())?;
    let correction = Correction::of_endpoint(change);
    let settled = notice::was_settled(&old.conditions, old.observed_generation, s.generation());
    let repeated = correction.is_repeated(&old.drift, s.generation(), s.now());
    let Some(model) = change.model() else {
        let told = old
            .side_failures
            .iter()
            .any(|failure| failure.operation == action.operation());
        return ((settled || repeated) && !told).then_some((correction, true));
    };
    let model = model.entity();
    let shown = s.around.connection.view()?.endpoints.get(*id)?.entity.model;
    if shown.is_some_and(|shown| status.quarantine.iter().any(|entry| entry.model == shown.entity())) {
        return None;
    }
    let direct = settled && old.active.as_ref().is_some_and(|active| active.model == model);
    let before = status.previous.as_ref().is_some_and(|previous| previous.model == model);
    (direct || before).then_some((correction, direct || repeated))
}

/// Tells that the endpoint is put back to what it was.
pub fn told(action: Option<&Action>, correction: Option<&(Correction, bool)>) -> Option<Notice> {
    let Some(Action::UpdateEndpoint { id, change, .. }) = action else {
        return None;
    };
    let (_, tell) = correction?;
    tell.then(|| notice::drift(&format!("{} of endpoint {id}", change.field())))
}
