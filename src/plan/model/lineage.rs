//! What trained and copied models share: a line of numbered revisions that is described, kept and cut.
use super::{
    Snapshot,
    revision::{self, Revision},
    status,
};
use crate::{
    api::{
        Reason, SpeechModelStatus, condition,
        model::{CandidateModel, PastModel},
    },
    plan::{
        Action, Verdict,
        creation::Creation,
        retry,
        text::{after, rfc3339},
    },
    speech::{entity::CustomModel, request::UpdateModel},
    view::{Entry, View},
};
use jiff::{SignedDuration, Timestamp};

/// How many past revisions a status names, whatever the limit of the history and whatever the service holds.
const MOST_PAST: usize = 50;

/// The revisions of an object.
#[derive(Debug)]
pub struct Lineage<'a> {
    /// Every model with our mark, oldest first.
    pub all: Vec<Revision<'a>>,
    /// One for each number, oldest first.
    pub revisions: Vec<Revision<'a>>,
    /// The highest number that was ever used.
    pub highest: u32,
}

impl<'a> Lineage<'a> {
    /// Finds the revisions in the view.
    pub fn read(s: &Snapshot<'a>, view: &'a View) -> Self {
        let all = revision::all(s, view);
        let revisions = revision::line(&all, s.old_status());
        let highest = highest_number(s, &revisions);
        Self {
            all,
            revisions,
            highest,
        }
    }

    /// The revision with the highest number.
    pub fn newest(&self) -> Option<Revision<'a>> {
        self.revisions.last().copied()
    }

    /// Writes down the revisions: the newest good one is current, a newer one is the candidate, the others are history.
    pub fn describe(&self, view: &View, status: &mut SpeechModelStatus) {
        let number = |revision: &Revision<'_>| i32::try_from(revision.number).unwrap_or(i32::MAX);
        let current = self.revisions.iter().rev().find(|revision| revision.succeeded());
        let candidate = self.revisions.last().filter(|newest| !newest.succeeded());
        status.current = current.map(|revision| status::current(view, &revision.model().facts()));
        status.candidate = candidate.map(|revision| CandidateModel {
            revision: number(revision),
            id: revision.id().to_string(),
            state: revision.model().header.status.as_str().to_owned(),
            started_at: rfc3339(revision.model().header.created_at),
        });
        let apart = [current, candidate].map(|revision| revision.map(Revision::id));
        status.history = self
            .revisions
            .iter()
            .rev()
            .filter(|revision| !apart.contains(&Some(revision.id())))
            .map(|revision| PastModel {
                revision: number(revision),
                id: revision.id().to_string(),
                state: revision.model().header.status.as_str().to_owned(),
                expires_at: revision.model().expires_at.map(rfc3339),
            })
            .take(MOST_PAST)
            .collect();
        self.close_attempts(status);
    }

    /// An attempt that made a model is over.
    pub fn close_attempts(&self, status: &mut SpeechModelStatus) {
        let attempt = self
            .all
            .iter()
            .map(|revision| revision.tag.attempt)
            .max()
            .and_then(|attempt| i32::try_from(attempt).ok());
        status.closed_attempt = attempt.max(status.closed_attempt);
    }

    /// Puts the finalizer on before anything else when revisions were found for an object without it.
    pub fn take_over(&self, s: &Snapshot<'_>, verdict: Verdict) -> Option<Verdict> {
        let found = s.may_act() && !s.has_finalizer() && !self.revisions.is_empty();
        found.then(|| verdict.with(Action::Claim(None)))
    }

    /// Deletes a model that an earlier request made as well, once nothing uses it.
    pub fn delete_twin(&self, s: &Snapshot<'_>, view: &View, status: &SpeechModelStatus) -> Option<Verdict> {
        let twins = revision::twins(&self.all, &self.revisions);
        let twin = twins.iter().find(|twin| s.may_act() && !twin.in_use(view))?;
        let verdict = Verdict::working(
            Reason::Updating,
            format!("deleting model {}, which an earlier request made as well", twin.id()),
        );
        Some(s.gate(status, Action::DeleteModel(twin.id()), verdict))
    }

    /// When to repeat a newest revision that failed: after a growing delay, which follows from the failed revisions
    /// themselves.
    pub fn repeat_at(&self, s: &Snapshot<'_>, newest: &Revision<'_>, inputs: &str) -> Timestamp {
        // Counted by numbers, because the history limit deletes the older ones.
        let other = self
            .revisions
            .iter()
            .rev()
            .find(|revision| !revision.failed() || revision.tag.inputs.as_deref() != Some(inputs));
        let in_a_row = newest.number.saturating_sub(other.map_or(0, |other| other.number));
        after(
            s.around
                .agenda
                .skew
                .later_of_service(newest.model().header.last_action_at),
            retry::work_delay(i32::try_from(in_a_row).unwrap_or(i32::MAX)),
        )
    }

    /// The newest revision is what is declared: keep its names, discard what is too old.
    pub fn keep(&self, s: &Snapshot<'_>, view: &View, status: &mut SpeechModelStatus) -> Verdict {
        let Some(newest) = self.newest() else {
            return Verdict::done(Reason::Synced, "");
        };
        let names = changed_names(s, newest.model());
        if names != UpdateModel::default() && s.may_act() {
            let verdict = Verdict::working(Reason::Updating, "changing the name or description").watching();
            return change(s, newest.entry, names, verdict, "the name or description", status);
        }
        self.discard(s, view, status).unwrap_or_else(|| {
            Verdict::done(
                Reason::Synced,
                format!("revision {} ({}) is current", newest.number, newest.id()),
            )
        })
    }

    /// Deletes the oldest revision beyond the limit that no endpoint uses. The current one and the newest are never touched.
    pub fn discard(&self, s: &Snapshot<'_>, view: &View, status: &SpeechModelStatus) -> Option<Verdict> {
        if !s.may_act() {
            return None;
        }
        let current = status.current.as_ref().map(|current| current.id.as_str());
        let newest = self.revisions.last().map(Revision::id);
        // An endpoint that moves tells where to, while what it leaves still answers and may have to be returned to.
        if view.is_moving(&s.object.spec.locale) {
            return None;
        }
        let limit = usize::try_from(s.object.spec.revision_history_limit).unwrap_or(0);
        let old: Vec<_> = self
            .revisions
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
        Some(s.gate(status, Action::DeleteModel(victim.id()), verdict))
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

/// The declared names that a model does not bear.
pub fn changed_names(s: &Snapshot<'_>, model: &CustomModel) -> UpdateModel {
    let name = s.display_name();
    let description = s.object.spec.description.clone();
    UpdateModel {
        display_name: (*model.header.display_name != *name).then_some(name),
        description: description.filter(|text| **text != *model.header.description),
        owner: None,
    }
}

/// Changes a model, ever more rarely when the service accepts the change and does not show it.
pub fn change(
    s: &Snapshot<'_>,
    entry: &Entry<CustomModel>,
    change: UpdateModel,
    verdict: Verdict,
    what: &str,
    status: &mut SpeechModelStatus,
) -> Verdict {
    let asked = s.old_status().is_some_and(|old| {
        retry::was_asked(&old.conditions, old.observed_generation, s.generation(), verdict.reason)
            && condition::find(&old.conditions, condition::RECONCILING)
                .is_some_and(|told| told.message == verdict.message)
    });
    if asked && entry.confirmed && s.around.failure.is_none() {
        let failure = retry::not_applied(what);
        let last = retry::remember(status.last_failure.as_ref(), &failure, s.generation(), s.now());
        status.last_failure = Some(last);
    }
    let action = Action::UpdateModel {
        id: entry.entity.header.id,
        change: Box::new(change),
    };
    let gated = s.gate(status, action, verdict);
    // The answer to a change may show the old state; only a read tells whether it is still lacking.
    let action = gated.action.filter(|_| entry.confirmed);
    Verdict { action, ..gated }
}

/// Orders another revision: the announcement, then the request that `post` makes from the number of the attempt.
pub fn order(
    s: &Snapshot<'_>,
    status: &SpeechModelStatus,
    creation: &Creation,
    verdict: Verdict,
    post: impl Fn(u32) -> Action,
) -> Result<Verdict, Verdict> {
    let action = creation.next(&post)?;
    if action.is_remote() {
        return Ok(verdict.with(action));
    }
    // The announcement stands for the request: a failed request holds back the next announcement.
    let gated = s.gate(status, post(0), verdict.clone());
    Ok(if gated.action.is_some() {
        verdict.with(action)
    } else {
        gated
    })
}

/// What is said of an object that must not act.
pub fn hands_off(s: &Snapshot<'_>, would: &str) -> Verdict {
    let (reason, word) = if s.object.spec.suspend {
        (Reason::Suspended, "suspended")
    } else {
        (Reason::Observed, "observed only")
    };
    Verdict::stalled(reason, format!("{word}; would {would}"))
}
