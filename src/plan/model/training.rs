//! Models that we train: one revision after the other, never two at once.
use super::{
    Snapshot,
    renewal::{self, Due},
    revision::{self, Inputs, Revision},
    status,
};
use crate::{
    api::{
        Reason, SpeechModelStatus, condition,
        model::{CandidateModel, PastModel, RenewalTrigger, Training},
    },
    plan::{
        Action, Verdict, model_choice, retry,
        text::{after, day_time, rfc3339},
    },
    speech::{
        entity::BaseModel,
        request::{CreateModel, UpdateModel},
    },
    view::View,
};
use jiff::SignedDuration;

/// The delay after a failed training; doubled each time. Trainings are billed, so it begins long.
const FIRST_RETRAINING: SignedDuration = SignedDuration::from_mins(10);
/// The longest such delay.
const LONGEST_RETRAINING: SignedDuration = SignedDuration::from_hours(24);

/// Decides about a model that is trained.
pub fn decide(
    s: &Snapshot<'_>,
    view: &View,
    training: &Training,
    has_projects: bool,
    status: &mut SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let all = revision::all(s, view);
    let revisions = revision::line(&all, s.old_status());
    let highest = highest_number(s, &revisions);
    describe(view, &revisions, status);
    close_attempts(&all, status);
    let inputs = Inputs::parse(training, s.object.spec.project.as_deref())?;
    if inputs.project.is_some() && !has_projects {
        return Err(Verdict::stalled(
            Reason::SpecInvalid,
            "spec.project: the connection's API version 2024-11-15 has no projects; remove it or use another apiVersion",
        ));
    }
    if s.may_act() && !s.has_finalizer() && !revisions.is_empty() {
        return Ok(Verdict::working(Reason::Training, "taking over the trained revisions").with(Action::Claim(None)));
    }
    if let Some(verdict) = delete_twin(s, view, &revision::twins(&all, &revisions), status) {
        return Ok(verdict);
    }
    let newest = revisions.last().copied();
    if let Some(running) = newest.filter(|newest| !newest.failed() && !newest.succeeded()) {
        return Err(under_way(&running));
    }
    let print = inputs.fingerprint();
    let same = |revision: &Revision<'_>| revision.tag.inputs.as_deref() == Some(print.as_str());
    let spec = s.object.spec.renewal.clone().unwrap_or_default();
    status.plan = Vec::new();
    match newest {
        Some(newest) if same(&newest) && newest.failed() => {
            failed(s, view, &revisions, &inputs, &print, highest, status)
        }
        Some(newest) if same(&newest) || !spec.on.contains(&RenewalTrigger::SpecChange) => {
            match renewal::due(s, view, &spec, &inputs, newest.model()) {
                Due::Now if s.may_act() => train(s, view, &inputs, &print, highest, status),
                Due::At(at) if s.may_act() => {
                    status.plan = vec![renewal::next_training(at)];
                    Ok(keep(s, view, &revisions, status).until(at))
                }
                Due::Now | Due::At(_) | Due::Never => Ok(keep(s, view, &revisions, status)),
            }
        }
        Some(_) | None => train(s, view, &inputs, &print, highest, status),
    }
}

/// Numbers are never used twice, also not after revisions were deleted.
fn highest_number(s: &Snapshot<'_>, revisions: &[Revision<'_>]) -> u32 {
    let recorded = s.old_status().map_or(0, |status| {
        let current = status.current.as_ref().and_then(|current| current.revision);
        let candidate = status.candidate.as_ref().map(|candidate| candidate.revision);
        let past = status.history.iter().map(|past| past.revision).max();
        [current, candidate, past].into_iter().flatten().max().unwrap_or(0)
    });
    revisions
        .iter()
        .map(|revision| revision.number)
        .max()
        .unwrap_or(0)
        .max(u32::try_from(recorded).unwrap_or(0))
}

/// Writes down the revisions: the newest good one is current, a newer one is the candidate, the others are history.
fn describe(view: &View, revisions: &[Revision<'_>], status: &mut SpeechModelStatus) {
    let number = |revision: &Revision<'_>| i32::try_from(revision.number).unwrap_or(i32::MAX);
    let current = revisions.iter().rev().find(|revision| revision.succeeded());
    let candidate = revisions.last().filter(|newest| !newest.succeeded());
    status.current = current.map(|revision| status::current(view, &revision.model().facts()));
    status.candidate = candidate.map(|revision| CandidateModel {
        revision: number(revision),
        id: revision.id().to_string(),
        state: revision.model().header.status.as_str().to_owned(),
        started_at: rfc3339(revision.model().header.created_at),
    });
    let apart = [current, candidate].map(|revision| revision.map(Revision::id));
    status.history = revisions
        .iter()
        .rev()
        .filter(|revision| !apart.contains(&Some(revision.id())))
        .map(|revision| PastModel {
            revision: number(revision),
            id: revision.id().to_string(),
            state: revision.model().header.status.as_str().to_owned(),
            expires_at: revision.model().expires_at.map(rfc3339),
        })
        .collect();
}

/// An attempt that made a model is over.
fn close_attempts(all: &[Revision<'_>], status: &mut SpeechModelStatus) {
    let attempt = all
        .iter()
        .map(|revision| revision.tag.attempt)
        .max()
        .and_then(|attempt| i32::try_from(attempt).ok());
    status.closed_attempt = attempt.max(status.closed_attempt);
}

/// Deletes a model that an earlier request made as well, once nothing uses it.
fn delete_twin(s: &Snapshot<'_>, view: &View, twins: &[Revision<'_>], status: &SpeechModelStatus) -> Option<Verdict> {
    let twin = twins.iter().find(|twin| s.may_act() && !twin.in_use(view))?;
    let verdict = Verdict::working(
        Reason::Updating,
        format!("deleting model {}, which an earlier request made as well", twin.id()),
    );
    Some(retry::gate(
        status.last_failure.as_ref(),
        Action::DeleteModel(twin.id()),
        verdict,
        s.generation(),
        s.is_fresh(),
        s.now(),
    ))
}

fn under_way(revision: &Revision<'_>) -> Verdict {
    let since = day_time(revision.model().header.created_at);
    Verdict::working(
        Reason::Training,
        format!(
            "revision {} is being trained since {since}; minutes for text, up to days for audio",
            revision.number
        ),
    )
    .watching()
}

/// Trains the next revision.
fn train(
    s: &Snapshot<'_>,
    view: &View,
    inputs: &Inputs,
    print: &str,
    highest: u32,
    status: &SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let number = highest.saturating_add(1);
    if !s.may_act() {
        let (reason, word) = if s.object.spec.suspend {
            (Reason::Suspended, "suspended")
        } else {
            (Reason::Observed, "observed only")
        };
        return Err(Verdict::stalled(
            reason,
            format!("{word}; would train revision {number}"),
        ));
    }
    let creation = s.creation(status.closed_attempt);
    let base = match (
        model_choice::trainable(view, inputs.base_model, &s.object.spec.locale, s.now()),
        creation.open(),
    ) {
        (Ok(base), _) => base,
        // A wish that cannot be met now does not end the search for what an earlier request may have made.
        (Err(_), Some(intent)) if !creation.is_void(intent) => return Err(creation.wait(intent)),
        (Err(verdict), _) => return Err(verdict),
    };
    let verdict = Verdict::working(
        Reason::Training,
        format!(
            "training revision {number} from base model {}",
            base.header.display_name
        ),
    )
    .watching();
    let post = |attempt| Action::TrainModel(Box::new(request(s, inputs, print, base, number, attempt)));
    let action = creation.next(post)?;
    if action.is_remote() {
        return Ok(verdict.with(action));
    }
    // The announcement stands for the request: a failed request holds back the next announcement.
    let gated = retry::gate(
        status.last_failure.as_ref(),
        post(0),
        verdict.clone(),
        s.generation(),
        s.is_fresh(),
        s.now(),
    );
    Ok(if gated.action.is_some() {
        verdict.with(action)
    } else {
        gated
    })
}

fn request(s: &Snapshot<'_>, inputs: &Inputs, print: &str, base: &BaseModel, number: u32, attempt: u32) -> CreateModel {
    CreateModel {
        display_name: s.display_name(),
        description: s.object.spec.description.clone(),
        locale: s.object.spec.locale.clone(),
        base_model: base.header.id,
        datasets: inputs.datasets.clone(),
        weight_percent: inputs.weight_percent,
        project: inputs.project,
        owner: s.tag(attempt, number, print),
    }
}

/// The newest revision failed: again after a growing delay, which follows from the failed revisions themselves.
fn failed(
    s: &Snapshot<'_>,
    view: &View,
    revisions: &[Revision<'_>],
    inputs: &Inputs,
    print: &str,
    highest: u32,
    status: &SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let Some(newest) = revisions.last() else {
        return train(s, view, inputs, print, highest, status);
    };
    // Counted by numbers, because the history limit deletes the older ones.
    let other = revisions
        .iter()
        .rev()
        .find(|revision| !revision.failed() || revision.tag.inputs.as_deref() != Some(print));
    let in_a_row = newest.number.saturating_sub(other.map_or(0, |other| other.number));
    let again = after(newest.model().header.last_action_at, retraining_delay(in_a_row));
    if again <= s.now() || s.is_fresh() {
        return train(s, view, inputs, print, highest, status);
    }
    if let Some(verdict) = discard(s, view, revisions, status) {
        return Ok(verdict);
    }
    let words = newest.model().header.error.as_ref().map_or_else(
        || "no reason given".to_owned(),
        |error| format!("{} ({})", error.message, error.code),
    );
    let message = format!(
        "training of revision {} failed: {words}; trained again at {}",
        newest.number,
        day_time(again)
    );
    Err(Verdict::working(Reason::TrainingFailed, message).until(again))
}

/// How long to wait after so many failed trainings in a row.
pub(super) fn retraining_delay(in_a_row: u32) -> SignedDuration {
    let doublings = in_a_row.saturating_sub(1).min(16);
    (FIRST_RETRAINING * 2_i32.saturating_pow(doublings)).min(LONGEST_RETRAINING)
}

/// The newest revision is what is declared: keep its names, discard what is too old.
fn keep(s: &Snapshot<'_>, view: &View, revisions: &[Revision<'_>], status: &mut SpeechModelStatus) -> Verdict {
    let Some(newest) = revisions.last() else {
        return Verdict::done(Reason::Synced, "");
    };
    let header = &newest.model().header;
    let name = s.display_name();
    let change = UpdateModel {
        display_name: (*header.display_name != *name).then_some(name),
        description: s
            .object
            .spec
            .description
            .clone()
            .filter(|text| **text != *header.description),
    };
    if change != UpdateModel::default() && s.may_act() {
        let verdict = Verdict::working(Reason::Updating, "changing the name or description").watching();
        let asked = s.old_status().is_some_and(|old| {
            retry::was_asked(&old.conditions, old.observed_generation, s.generation(), verdict.reason)
                && condition::find(&old.conditions, condition::RECONCILING)
                    .is_some_and(|told| told.message == verdict.message)
        });
        if asked && newest.entry.confirmed && s.around.failure.is_none() {
            let failure = retry::not_applied("the name or description");
            let last = retry::remember(status.last_failure.as_ref(), &failure, s.generation(), s.now());
            status.last_failure = Some(last);
        }
        let action = Action::UpdateModel {
            id: newest.id(),
            change: Box::new(change),
        };
        let gated = retry::gate(
            status.last_failure.as_ref(),
            action,
            verdict,
            s.generation(),
            s.is_fresh(),
            s.now(),
        );
        // The answer to a change may show the old names; only a read tells whether they are still lacking.
        let action = gated.action.filter(|_| newest.entry.confirmed);
        return Verdict { action, ..gated };
    }
    discard(s, view, revisions, status).unwrap_or_else(|| {
        Verdict::done(
            Reason::Synced,
            format!("revision {} ({}) is current", newest.number, newest.id()),
        )
    })
}

/// Deletes the oldest revision beyond the limit that no endpoint uses. The current one and the newest are never touched.
fn discard(s: &Snapshot<'_>, view: &View, revisions: &[Revision<'_>], status: &SpeechModelStatus) -> Option<Verdict> {
    if !s.may_act() {
        return None;
    }
    let current = status.current.as_ref().map(|current| current.id.as_str());
    let newest = revisions.last().map(Revision::id);
    // An endpoint that moves tells where to, while what it leaves still answers and may have to be returned to.
    if view.is_moving(&s.object.spec.locale) {
        return None;
    }
    let limit = usize::try_from(s.object.spec.revision_history_limit).unwrap_or(0);
    let old: Vec<_> = revisions
        .iter()
        .filter(|revision| Some(revision.id()) != newest && current != Some(revision.id().to_string().as_str()))
        .collect();
    let surplus = old.len().saturating_sub(limit);
    let victim = old.into_iter().take(surplus).find(|revision| !revision.in_use(view))?;
    let verdict = Verdict::working(
        Reason::Updating,
        format!("deleting revision {}, beyond revisionHistoryLimit", victim.number),
    );
    // Endpoints follow the written status: it has to name the new revision before the old one goes.
    let written = s.old_status().and_then(|old| old.current.as_ref());
    if written.is_some_and(|current| current.id == victim.id().to_string()) {
        return Some(verdict.until(after(s.now(), SignedDuration::from_secs(1))));
    }
    Some(retry::gate(
        status.last_failure.as_ref(),
        Action::DeleteModel(victim.id()),
        verdict,
        s.generation(),
        s.is_fresh(),
        s.now(),
    ))
}
