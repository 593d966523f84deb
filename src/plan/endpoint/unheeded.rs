//! Words that nothing follows from. They are told as soon as they can be known, not only when somebody needs them.
use super::{Snapshot, gate, timing};
use crate::{
    api::{
        Reason, SpeechEndpointStatus,
        annotation::{self, SWAP_NOW},
        condition::{Statement, Truth, UNHEEDED},
    },
    plan::{ConnectionState, List, label, text::after, window::Calendar},
    speech::EntityId,
};

/// The condition `Unheeded`: all that the spec or an annotation says in vain. Also notes that a request to swap was heeded, so
/// that what is left of it later is not taken for another.
pub fn statement(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) -> Option<Statement> {
    let all = [
        selector(s),
        project(s, status),
        dataset(s),
        windows(s),
        swap_now(s, status),
    ];
    let mut all = all.into_iter().flatten();
    let (reason, mut message) = all.next()?;
    for (_, words) in all {
        message.push_str("; ");
        message.push_str(&words);
    }
    Some(Statement {
        kind: UNHEEDED,
        truth: Truth::True,
        reason,
        message,
    })
}

type Told = (Reason, String);

fn selector(s: &Snapshot<'_>) -> Option<Told> {
    let selector = s.object.spec.model.selector.as_ref()?;
    Some((
        Reason::SelectorInvalid,
        label::trouble("spec.model.selector", selector)?,
    ))
}

/// An endpoint that stays in the project which the spec has named before. One that somebody else put into a project is left
/// there.
fn project(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) -> Option<Told> {
    if let Some(named) = &s.object.spec.project {
        status.project = named.parse::<EntityId>().ok().map(|id| id.to_string());
        return None;
    }
    let named = status.project.as_ref()?;
    let ConnectionState::Ready { view, .. } = s.around.connection else {
        return None;
    };
    let id = status.id.as_deref()?.parse::<EntityId>().ok()?;
    let stays = view.endpoints.get(id)?.entity.header.project;
    if stays.is_none_or(|project| project.to_string() != *named) {
        status.project = None;
        return None;
    }
    let message = format!(
        "spec.project names none, but the endpoint stays in project {named}: the service takes nothing out of a project. Name that \
         one or another"
    );
    Some((Reason::ProjectKept, message))
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

fn windows(s: &Snapshot<'_>) -> Option<Told> {
    // Windows that cannot be read are told by `Stalled`.
    let calendar = Calendar::parse(&s.object.spec.swap.windows).ok()?;
    let never = !calendar.is_always_open() && calendar.never_opens(s.now(), after(s.now(), timing::NEVER));
    let message = "spec.swap.windows never open, so no swap begins in them";
    never.then(|| (Reason::WindowNeverOpens, message.to_owned()))
}

/// A request to swap to a model that is not the candidate.
fn swap_now(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) -> Option<Told> {
    let Some(value) = annotation::value(s.object, SWAP_NOW) else {
        status.last_handled_swap_now = None;
        return None;
    };
    let active = status.active.as_ref()?;
    let Ok(asked) = value.parse::<EntityId>() else {
        let message = format!("annotation {SWAP_NOW}: {value:?} is no id; write the UUID of the candidate");
        return Some((Reason::NotTheCandidate, message));
    };
    let asked = asked.to_string();
    let candidate = status.candidate.as_ref().map(|candidate| &candidate.model);
    let target = status.target.as_ref().map(|target| &target.model);
    if [Some(&active.model), candidate, target].contains(&Some(&asked)) {
        status.last_handled_swap_now = Some(asked);
        return None;
    }
    if status.last_handled_swap_now.as_ref() == Some(&asked) {
        return None;
    }
    let instead = candidate.map_or("there is none now".to_owned(), |id| format!("the candidate is {id}"));
    let message = format!(
        "annotation {SWAP_NOW} names {asked}, which is not the candidate; {instead}, and nothing follows from it"
    );
    Some((Reason::NotTheCandidate, message))
}

/// Whether a dataset that the spec names exists, somebody waits to hear.
pub fn awaited(s: &Snapshot<'_>) -> Option<List> {
    let gate = &s.object.spec.swap.gate.as_ref()?.evaluation;
    gate::asks_for_dataset(s.around.connection.view()?, gate).then_some(List::Datasets)
}
