//! What a remote endpoint lacks beside its model: names, project, logging, our mark. Each travels alone, and what is refused
//! is told beside and holds nothing else back.
use super::{
    Snapshot, contest,
    known::{Known, NextModel},
    observed::Observed,
};
use crate::{
    Action, Verdict, aside, drift::Correction, failures::Failures, predecessor, retry, text::after, verdict::Phase,
};
use jiff::SignedDuration;
use speech_api::{Reason, condition};
use speech_service::{EntityId, entity::Endpoint, request::UpdateEndpoint};

/// What differs from the spec, our mark first. What the spec leaves out is left alone.
pub fn differences(s: &Snapshot<'_>, endpoint: &Endpoint, project: Option<EntityId>) -> Vec<UpdateEndpoint> {
    let spec = &s.object.spec;
    let header = &endpoint.header;
    let name = s.display_name();
    let adopts_name = spec.display_name.is_some() || spec.adopt.is_none();
    let unmarked = header.owner.as_ref().is_none_or(|tag| !s.predecessor().stands_for(tag)) && s.may_act();
    let description = spec.description.clone().filter(|text| **text != *header.description);
    let logging = spec
        .logging_enabled
        .filter(|enabled| *enabled != endpoint.logging_enabled);
    let changes = [
        unmarked.then(|| UpdateEndpoint::Owner(s.mark(0), header.foreign_properties.clone())),
        (adopts_name && *header.display_name != *name).then_some(UpdateEndpoint::DisplayName(name)),
        description.map(UpdateEndpoint::Description),
        project
            .filter(|project| header.project != Some(*project))
            .map(UpdateEndpoint::Project),
        logging.map(UpdateEndpoint::LoggingEnabled),
    ];
    changes.into_iter().flatten().collect()
}

/// The names of what changes, for a message.
pub fn names<'a>(changes: impl IntoIterator<Item = &'a UpdateEndpoint>) -> String {
    let names: Vec<_> = changes.into_iter().map(UpdateEndpoint::field).collect();
    names.join(", ")
}

/// The step that changes one thing of the endpoint.
pub fn step(endpoint: &Endpoint, change: UpdateEndpoint, urgent: bool) -> Action {
    Action::UpdateEndpoint {
        id: endpoint.header.id,
        change: Box::new(change),
        urgent,
    }
}

/// Forgets what was refused and is not wanted any more.
pub fn without_settled<'a>(
    changes: impl Iterator<Item = &'a UpdateEndpoint>,
    endpoint: &Endpoint,
    mut failures: Failures,
) -> Failures {
    let wanted: Vec<_> = changes
        .map(|change| step(endpoint, change.clone(), false).operation())
        .collect();
    failures.aside.retain(|failure| {
        let operation = failure.operation.as_str();
        [Action::DELETE, Action::EVALUATE].contains(&operation) || wanted.contains(&operation)
    });
    failures
}

/// Puts our mark on the endpoint, before anything else is changed. `Err` says that it has to wait for a failure.
pub fn mark(f: &Observed<'_>, endpoint: &Endpoint, mark: &UpdateEndpoint) -> Result<Verdict, Verdict> {
    let verdict = ask(f, endpoint, mark, &f.record.failures);
    if verdict.action.is_none() {
        return Err(verdict);
    }
    if is_fresh_look(&f.s) {
        return Ok(verdict);
    }
    let message = format!("looking whether endpoint {} has an owner by now", endpoint.header.id);
    // A look that shows nothing new wakes nobody.
    let again = after(f.s.now(), SignedDuration::from_secs(1));
    Ok(Verdict::working(Reason::Creating, message).watching().until(again))
}

/// Whether the lists were read since the object is known: another owner may have left its mark after the look before,
/// and a mark of ours would wipe it out.
fn is_fresh_look(s: &Snapshot<'_>) -> bool {
    let swept_at = s.around.connection.view().and_then(|view| view.endpoints.swept_at());
    // What a condition tells is a whole second, rounded.
    let since = match condition::find(s.written(), condition::RECONCILING) {
        Some(_) => after(
            predecessor::known_since(s.written(), s.now()),
            SignedDuration::from_secs(1),
        ),
        None => s.now(),
    };
    swept_at.is_some_and(|at| at >= since)
}

/// Changes the first thing whose time has come. Otherwise `rest` is all that there is to say, unless what is tried again
/// soon would make it untrue.
pub fn change(f: &Observed<'_>, k: &Known<'_>, mut failures: Failures, rest: Verdict) -> (Verdict, Failures) {
    let mut waits: Option<Verdict> = None;
    for change in &k.changes {
        failures = unapplied(f, k.endpoint(), change, failures);
        let verdict = ask(f, k.endpoint(), change, &failures);
        if verdict.action.is_some() {
            return (verdict, failures);
        }
        waits = Some(match waits {
            Some(before) => verdict.look_again.into_iter().fold(before, Verdict::until),
            None => verdict,
        });
    }
    let Some(waits) = waits else { return (rest, failures) };
    let at_rest = rest.phase == Phase::Done && matches!(k.next, NextModel::Stay);
    let verdict = if at_rest && waits.phase == Phase::Working {
        rest.look_again.into_iter().fold(waits, Verdict::until)
    } else {
        waits.look_again.into_iter().fold(rest, Verdict::until)
    };
    (verdict, failures)
}

/// With what it comes to that the service accepted a change and does not show it.
pub fn unapplied(f: &Observed<'_>, endpoint: &Endpoint, change: &UpdateEndpoint, failures: Failures) -> Failures {
    let s = &f.s;
    let action = step(endpoint, change.clone(), false);
    let is_accepted = Action::field(action.operation()).is_some_and(|word| aside::was_accepted(s, word));
    if !is_accepted || s.around.learned.failure.is_some() {
        return failures;
    }
    failures.with(s, &retry::not_applied(&action, change.field()))
}

/// Asks for one change, unless it has to wait for a failure.
fn ask(f: &Observed<'_>, endpoint: &Endpoint, change: &UpdateEndpoint, failures: &Failures) -> Verdict {
    let s = &f.s;
    let correction = Correction::of_endpoint(change);
    if let Some(held) = correction.hold(&f.status.drift, &contest::named(endpoint), s.asking(None)) {
        return held;
    }
    let verdict = Verdict::working(Reason::Updating, format!("changing {}", change.field())).watching();
    let action = step(endpoint, change.clone(), false);
    let last = failures.recall(action.operation());
    s.asking(None).admit(last, action, verdict)
}
