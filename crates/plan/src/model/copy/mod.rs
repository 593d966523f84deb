//! Models that are copied from another Speech resource: one revision for each model of the source.
mod attempt;
pub mod source;

use super::{
    Snapshot,
    lineage::{self, Lineage},
    revision::Revision,
};
use crate::{
    Action, CopyModel, Verdict,
    creation::{Creation, withdrawn},
    lead_time::{Took, Work},
    text::{after, day_time, parse},
    verdict::Phase,
    view::View,
};
pub use attempt::settle;
use jiff::SignedDuration;
use source::Found;
use speech_api::{Reason, SpeechModelStatus, annotation::CreationIntent, model::CopySource};
use speech_service::EntityId;

/// Decides about a model that is copied.
pub fn decide(
    s: &Snapshot<'_>,
    view: &View,
    copy: &CopySource,
    status: &mut SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let lineage = Lineage::read(s, view);
    lineage.describe(view, status);
    status.plan = Vec::new();
    let decided = chain(s, view, copy, &lineage, status);
    let (Ok(verdict) | Err(verdict)) = &decided;
    // What was announced in this pass and led to no request never will: whoever comes later need not look for it.
    let sends = matches!(verdict.action, Some(Action::CopyModel(_)));
    if let Some(intent) = creation(s, status, None).unsent().filter(|_| !sends) {
        status.creations = withdrawn(status.creations.as_ref());
        close(intent, status);
    }
    decided
}

/// The time that a copy took whose end this plan sees: from the order until it bears our mark.
pub fn took(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Option<Took> {
    let copying = s.old_status()?.copying.as_ref()?;
    let made = status.current.as_ref().filter(|_| status.copying.is_none())?;
    let began = parse(Some(&copying.started_at))?;
    (copying.model.as_ref() == Some(&made.id)).then(|| Took {
        work: Work::Copying,
        time: s.now().duration_since(began),
    })
}

/// The ordered rules.
fn chain(
    s: &Snapshot<'_>,
    view: &View,
    copy: &CopySource,
    lineage: &Lineage<'_>,
    status: &mut SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let taking_over = Verdict::working(Reason::Copying, "taking over the copied revisions");
    if let Some(verdict) = lineage.take_over(s, taking_over) {
        return Ok(verdict);
    }
    if let Some(verdict) = lineage.delete_twin(s, view, status) {
        return Ok(verdict);
    }
    let newest = lineage.newest();
    if let Some(running) = newest.filter(|newest| !newest.failed() && !newest.succeeded()) {
        let message = format!(
            "revision {} ({}) is {}",
            running.number,
            running.id(),
            running.model().header.status.as_str()
        );
        return Err(Verdict::working(Reason::Copying, message).watching());
    }
    if s.may_act()
        && let Some(verdict) = settle(s, view, lineage, status)
    {
        return Err(verdict);
    }
    let (id, found) = source::wanted(s, copy)?;
    let inputs = id.to_string();
    let same = |revision: &Revision<'_>| revision.tag.inputs.as_deref() == Some(inputs.as_str());
    match newest {
        Some(newest) if same(&newest) && newest.failed() => {
            let again = lineage.repeat_at(s, &newest, &inputs);
            if again <= s.now() || s.is_fresh() {
                return order(s, lineage, id, found, status);
            }
            let cause = newest.cause();
            let message = format!("the copy of {id} failed: {cause}; copied again at {}", day_time(again));
            Err(Verdict::working(Reason::CopyFailed, message).until(again))
        }
        Some(newest) if same(&newest) => Ok(lineage.keep(s, view, status)),
        Some(_) | None => order(s, lineage, id, found, status),
    }
}

/// Has the next revision copied.
fn order(
    s: &Snapshot<'_>,
    lineage: &Lineage<'_>,
    id: EntityId,
    found: &Found,
    status: &SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let number = lineage.highest.saturating_add(1);
    if !s.may_act() {
        return Err(s.untouched(&format!("copy model {id} as revision {number}")));
    }
    let resource_id = source::copyable(s, found, id)?;
    let soon = |seconds| after(s.now(), SignedDuration::from_secs(seconds));
    if let Some(rival) = &found.rival {
        let message = format!("waiting for {rival}, which has the same model copied into the same Speech resource");
        return Err(Verdict::working(Reason::AwaitingCreation, message).until(soon(5)));
    }
    let message = format!(
        "copying model {id} of SpeechConnection {} as revision {number}",
        found.connection
    );
    let verdict = Verdict::working(Reason::Copying, message);
    let creation = creation(s, status, Some(id));
    if creation
        .unsent()
        .is_some_and(|intent| intent.copy_of != Some(id.uuid()))
    {
        return Err(verdict.until(soon(1)));
    }
    let ordered = lineage::order(s, status, &creation, verdict, |attempt| {
        Action::CopyModel(Box::new(CopyModel {
            attempt,
            source: id,
            resource_id: resource_id.to_owned(),
        }))
    })?;
    Ok(told_as_copy(ordered, status))
}

/// What holds a copy back has its own words: a refusal is for a person to heal, though it is tried again.
fn told_as_copy(verdict: Verdict, status: &SpeechModelStatus) -> Verdict {
    let Some(last) = status
        .last_failure
        .as_ref()
        .filter(|_| verdict.reason == Reason::Retrying)
    else {
        return verdict;
    };
    if last.terminal {
        return Verdict {
            phase: Phase::Stalled,
            reason: Reason::CopyRefused,
            ..verdict
        };
    }
    Verdict {
        reason: Reason::CopyFailed,
        ..verdict
    }
}

fn creation(s: &Snapshot<'_>, status: &SpeechModelStatus, of: Option<EntityId>) -> Creation {
    s.creation(status).copying(of)
}

/// Nothing can come of an attempt any more.
fn close(intent: CreationIntent, status: &mut SpeechModelStatus) {
    status.copying = None;
    status.closed_attempt = i32::try_from(intent.attempt).ok().max(status.closed_attempt);
}
