//! What a SpeechEndpoint says in vain.
use super::{Snapshot, gate, observed::Windows, quarantine, timing};
use crate::{
    ConnectionState, List, label,
    text::after,
    unheeded::{self, Told},
};
use speech_api::{
    Reason, SpeechEndpointStatus,
    annotation::{self, CLEAR_QUARANTINE, SWAP_NOW},
    condition::Statement,
};
use speech_service::EntityId;

/// The condition `Unheeded`: all that the spec or an annotation says in vain. Also notes that a request to swap was heeded, so
/// that what is left of it later is not taken for another.
pub fn statement(s: &Snapshot<'_>, windows: &Windows, status: &mut SpeechEndpointStatus) -> Option<Statement> {
    unheeded::statement([
        selector(s),
        project(s, status),
        dataset(s),
        never_open(s, windows),
        swap_now(s, status),
        clear_quarantine(s),
    ])
}

fn selector(s: &Snapshot<'_>) -> Option<Told> {
    let selector = s.object.spec.model.selector.as_ref()?;
    Some((
        Reason::SelectorInvalid,
        label::trouble("spec.model.selector", selector)?,
    ))
}

fn project(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) -> Option<Told> {
    let entry = status
        .id
        .zip(s.around.connection.view())
        .and_then(|(id, view)| view.endpoints.get(id));
    let stays = entry.map(|entry| entry.entity.header.project);
    unheeded::project("endpoint", s.object.spec.project.as_deref(), &mut status.project, stays)
}

/// A dataset that no gate can pass with, before there is a candidate.
fn dataset(s: &Snapshot<'_>) -> Option<Told> {
    let gate = &s.object.spec.swap.gate.as_ref()?.evaluation;
    let ConnectionState::Ready { view, .. } = s.around.connection else {
        return None;
    };
    let id = gate.dataset.parse::<EntityId>().ok()?;
    let unfit = gate::fit(view, id, &s.object.spec.locale).err()?;
    if unfit.passes {
        return None;
    }
    let message = format!(
        "spec.swap.gate.evaluation.dataset: no model passes the gate; it needs {}",
        unfit.words
    );
    Some((unfit.reason, message))
}

/// Windows that cannot be read are reported by `Stalled`.
fn never_open(s: &Snapshot<'_>, Windows { calendar, trouble }: &Windows) -> Option<Told> {
    let never =
        trouble.is_none() && !calendar.is_always_open() && calendar.never_opens(s.now(), after(s.now(), timing::NEVER));
    let message = "spec.swap.windows never open, so no swap begins in them";
    never.then(|| (Reason::WindowNeverOpens, message.to_owned()))
}

/// A request to swap to a model that is not the candidate.
fn swap_now(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) -> Option<Told> {
    let Some(value) = annotation::value(s.object, SWAP_NOW) else {
        status.last_handled_swap_now = None;
        return None;
    };
    let active = status.active.as_ref()?.model;
    let Ok(asked) = value.parse::<EntityId>() else {
        let message = format!("annotation {SWAP_NOW}: {value:?} is no id; write the UUID of the candidate");
        return Some((Reason::NotTheCandidate, message));
    };
    let candidate = status.candidate.as_ref().map(|candidate| candidate.model);
    let target = status.target.as_ref().map(|target| target.model);
    if [Some(active), candidate, target].contains(&Some(asked)) {
        status.last_handled_swap_now = Some(asked.to_string());
        return None;
    }
    if status.last_handled_swap_now == Some(asked.to_string()) {
        return None;
    }
    let instead = candidate.map_or("there is none now".to_owned(), |id| format!("the candidate is {id}"));
    let message = format!(
        "annotation {SWAP_NOW} names {asked}, which is not the candidate; {instead}, and nothing follows from it"
    );
    Some((Reason::NotTheCandidate, message))
}

/// A request to clear the quarantine that names no model.
fn clear_quarantine(s: &Snapshot<'_>) -> Option<Told> {
    let value = annotation::value(s.object, CLEAR_QUARANTINE)?;
    let word = quarantine::words(value).find(|word| !quarantine::is_all(word) && word.parse::<EntityId>().is_err())?;
    let message =
        format!("annotation {CLEAR_QUARANTINE}: {word:?} is no id; write the UUIDs of models in quarantine, or all");
    Some((Reason::AnnotationInvalid, message))
}

/// Whether a dataset that the spec names exists, somebody waits to hear.
pub fn awaited(s: &Snapshot<'_>) -> Option<List> {
    let gate = &s.object.spec.swap.gate.as_ref()?.evaluation;
    gate::asks_for_dataset(s.around.connection.view()?, gate).then_some(List::Datasets)
}
