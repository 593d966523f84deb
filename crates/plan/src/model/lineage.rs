//! What trained and copied models share: a line of numbered revisions that is described, kept and cut.
use super::{
    Snapshot,
    revision::{self, Revision},
    status,
};
use crate::{
    Action, Verdict, aside,
    creation::{Creation, Next},
    drift::Correction,
    model_choice, retry,
    text::{after, rfc3339},
    verdict::Phase,
    view::{Entry, View},
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    Reason, SpeechModelStatus,
    model::{CandidateModel, PastModel},
};
use speech_service::{EntityId, entity::CustomModel, request::UpdateModel};

/// How many past revisions a status names, whatever the limit of the history and whatever the service holds.
const MOST_PAST: usize = 50;

/// The revisions of an object.
#[derive(Debug)]
pub struct Lineage<'a> {
    /// Every model with our mark, oldest first.
    pub all: Vec<Revision<'a>>,
    /// One for each number, oldest first.
    pub revisions: Vec<Revision<'a>>,
    /// The highest number that is known to have been given.
    pub highest: u32,
    /// Whether the spec asks for models that are good for batch transcription only.
    for_batch: bool,
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
            for_batch: is_for_batch(s, view),
        }
    }

    /// The number of the next revision: higher than all that were given, and than those that a request may have given of
    /// which nothing was seen.
    pub fn next_number(&self, creation: &Creation) -> u32 {
        let announced = creation.unsent().and_then(|intent| intent.revision);
        announced.unwrap_or_else(|| self.highest.max(creation.perhaps_given()).saturating_add(1))
    }

    /// The revision with the highest number.
    pub fn newest(&self) -> Option<Revision<'a>> {
        self.revisions.last().copied()
    }

    /// The revision that endpoints should serve: the newest good one that they can serve. Where the spec itself asks for
    /// models that nobody can deploy, or none can be, the newest good one.
    pub fn best(&self) -> Option<&Revision<'a>> {
        let good = || self.revisions.iter().rev().filter(|revision| revision.succeeded());
        let deployable = good().find(|revision| self.for_batch || revision.is_deployable());
        deployable.or_else(|| good().next())
    }

    /// The newest revision, where it was made well and cannot be deployed though it should: it renews nothing.
    pub fn undeployable(&self) -> Option<Revision<'a>> {
        let newest = self.newest()?;
        (newest.succeeded() && !newest.is_deployable() && !self.for_batch).then_some(newest)
    }

    /// Writes down the revisions: the best one is current, a newer one under way is the candidate, the others are history.
    pub fn describe(&self, view: &View, status: &mut SpeechModelStatus) {
        let number = |revision: &Revision<'_>| i32::try_from(revision.number).unwrap_or(i32::MAX);
        let current = self.best();
        let candidate = self.revisions.last().filter(|newest| !newest.succeeded());
        status.current = current.map(|revision| status::current(view, &revision.model().into()));
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
        let highest = i32::try_from(self.highest).unwrap_or(i32::MAX);
        status.highest_revision = (highest > highest_named(status)).then_some(highest);
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
        let twins = self.own_twins(s);
        let twin = twins.iter().find(|twin| s.may_act() && !twin.in_use(view))?;
        let verdict = Verdict::working(
            Reason::Updating,
            format!("deleting model {}, which an earlier request made as well", twin.id()),
        );
        let verdict = s.gate(status, Action::DeleteModel(twin.id()), verdict);
        // One that cannot be deleted now keeps nothing else back.
        verdict.action.is_some().then_some(verdict)
    }

    /// The twins that may be deleted: the whole mark has to be ours and not only the uid, as for endpoints.
    fn own_twins(&self, s: &Snapshot<'_>) -> Vec<Revision<'_>> {
        let ours = s.around.mark(s.object);
        let mut twins = revision::twins(&self.all, &self.revisions);
        twins.retain(|twin| twin.tag.object == ours.object && twin.tag.cluster == ours.cluster);
        twins
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
        let changes = if s.may_act() {
            differences(s, newest.model())
        } else {
            Vec::new()
        };
        let wanted: Vec<_> = changes
            .iter()
            .map(|change| step(newest.entry, change.clone()).operation())
            .collect();
        let has_twin = !self.own_twins(s).is_empty();
        let deletes = has_twin || self.surplus(s, view, status).is_some();
        status.side_failures.retain(|failure| {
            wanted.contains(&failure.operation.as_str()) || failure.operation == Action::DELETE && deletes
        });
        let mut soon: Option<Verdict> = None;
        for change in changes {
            match rename(s, newest.entry, change, status) {
                Ok(verdict) => return verdict,
                // What is refused is told beside; what is tried again soon is under way.
                Err(verdict) if verdict.phase == Phase::Working => soon = soon.or(Some(verdict)),
                Err(_) => {}
            }
        }
        self.discard(s, view, status)
            .or(soon)
            .unwrap_or_else(|| Verdict::done(Reason::Synced, self.is_current(&newest)))
    }

    fn is_current(&self, newest: &Revision<'_>) -> String {
        let current = self.best().unwrap_or(newest);
        let undeployable = |newest: Revision<'_>| {
            let other = if newest.id() == current.id() {
                String::new()
            } else {
                format!("; revision {} is newer", newest.number)
            };
            format!("{other} and cannot be deployed to endpoints")
        };
        let words = self.undeployable().map_or_else(String::new, undeployable);
        format!("revision {} ({}) is current{words}", current.number, current.id())
    }

    /// Deletes the oldest revision beyond the limit that no endpoint uses. The current one and the newest are never touched.
    pub fn discard(&self, s: &Snapshot<'_>, view: &View, status: &SpeechModelStatus) -> Option<Verdict> {
        // An endpoint that moves tells where to, while what it leaves still answers and may have to be returned to.
        if !s.may_act() || view.is_moving(&s.object.spec.locale) {
            return None;
        }
        let victim = self.surplus(s, view, status)?;
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

    /// The oldest revision beyond the limit that no endpoint uses.
    fn surplus(&self, s: &Snapshot<'_>, view: &View, status: &SpeechModelStatus) -> Option<&Revision<'_>> {
        let current = status.current.as_ref().map(|current| current.id.as_str());
        let newest = self.revisions.last().map(Revision::id);
        let limit = usize::try_from(s.object.spec.revision_history_limit).unwrap_or(0);
        let old: Vec<_> = self
            .revisions
            .iter()
            .filter(|revision| Some(revision.id()) != newest && current != Some(revision.id().to_string().as_str()))
            .collect();
        let surplus = old.len().saturating_sub(limit);
        old.into_iter().take(surplus).find(|revision| !revision.in_use(view))
    }
}

/// Whether the spec pins a base model whose models cannot be deployed, and no endpoint is to serve them.
fn is_for_batch(s: &Snapshot<'_>, view: &View) -> bool {
    let pinned = s
        .object
        .spec
        .source
        .training
        .as_ref()
        .and_then(|spec| spec.base_model.as_ref());
    let pinned = pinned
        .and_then(|base| base.id.parse().ok())
        .and_then(|id| view.base_models.get(id));
    s.related.follower.is_none() && pinned.is_some_and(|base| !model_choice::makes_deployable(&base.entity))
}

/// Numbers are never used twice, also not after revisions were deleted.
fn highest_number(s: &Snapshot<'_>, revisions: &[Revision<'_>]) -> u32 {
    let recorded = s.old_status().map_or(0, highest_recorded);
    let found = revisions.iter().map(|revision| revision.number).max();
    found.unwrap_or(0).max(u32::try_from(recorded).unwrap_or(0))
}

/// The highest number that a status knows to have been used.
pub fn highest_recorded(status: &SpeechModelStatus) -> i32 {
    highest_named(status).max(status.highest_revision.unwrap_or(0))
}

/// The highest number among the revisions that a status names.
fn highest_named(status: &SpeechModelStatus) -> i32 {
    let current = status.current.as_ref().and_then(|current| current.revision);
    let candidate = status.candidate.as_ref().map(|candidate| candidate.revision);
    let past = status.history.iter().map(|past| past.revision).max();
    [current, candidate, past].into_iter().flatten().max().unwrap_or(0)
}

/// What of names and project a model lacks.
fn differences(s: &Snapshot<'_>, model: &CustomModel) -> Vec<UpdateModel> {
    let (header, spec) = (&model.header, &s.object.spec);
    let name = s.display_name();
    let description = spec.description.clone().filter(|text| **text != *header.description);
    let project: Option<EntityId> = spec.project.as_deref().and_then(|project| project.parse().ok());
    let project = project.filter(|project| s.has_projects() && header.project != Some(*project));
    let changes = [
        (*header.display_name != *name).then_some(UpdateModel::DisplayName(name)),
        description.map(UpdateModel::Description),
        project.map(UpdateModel::Project),
    ];
    changes.into_iter().flatten().collect()
}

fn step(entry: &Entry<CustomModel>, change: UpdateModel) -> Action {
    Action::UpdateModel {
        id: entry.entity.header.id,
        change: Box::new(change),
    }
}

/// Changes one thing of a model; `Err` says that it has to wait for a failure.
fn rename(
    s: &Snapshot<'_>,
    entry: &Entry<CustomModel>,
    change: UpdateModel,
    status: &mut SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let field = change.field();
    let correction = Correction::of_model(&change);
    let action = step(entry, change);
    if aside::was_accepted(s, field) && entry.confirmed && s.around.learned.failure.is_none() {
        let failure = retry::not_applied(&action, field);
        retry::Memory::of(status).keep(&failure, s.generation(), false, s.now());
    }
    let what = format!("model {}", entry.entity.header.id);
    if let Some(held) = correction.gate(&status.drift, &what, s.asking(None)) {
        return Err(held);
    }
    let verdict = Verdict::working(Reason::Updating, format!("changing {field}")).watching();
    let gated = s.gate(status, action, verdict);
    if gated.action.is_none() {
        return Err(gated);
    }
    if entry.confirmed {
        return Ok(gated);
    }
    // The answer to a change may show the old state; only a read tells whether it is still lacking.
    Ok(aside::answered(s).watching())
}

/// Puts our mark on a model, ever more rarely when the service accepts it and does not show it.
pub fn mark(
    s: &Snapshot<'_>,
    entry: &Entry<CustomModel>,
    mark: UpdateModel,
    verdict: Verdict,
    status: &mut SpeechModelStatus,
) -> Verdict {
    let action = step(entry, mark);
    if aside::was_accepted(s, Action::MARK_FIELD) && entry.confirmed && s.around.learned.failure.is_none() {
        let failure = retry::not_applied(&action, "the mark of a copy");
        retry::Memory::of(status).keep(&failure, s.generation(), false, s.now());
    }
    let gated = s.gate(status, action, verdict);
    // The answer to a change may show the old state; only a read tells whether it is still lacking.
    let waits = !entry.confirmed || s.around.learned.asked.is_some();
    let accepted = aside::accepted(s).filter(|field| *field == Action::MARK_FIELD && waits && gated.action.is_some());
    let gated = gated.accepting(accepted);
    let action = gated.action.clone().filter(|_| entry.confirmed);
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
    let announcement = match creation.next(&post)? {
        Next::Post(action) => return Ok(verdict.with(action)),
        Next::Announce(announcement) => announcement,
    };
    // The announcement stands for the request: a failed request holds back the next announcement.
    let gated = s.gate(status, post(0), verdict);
    Ok(announcement.through(gated, status.last_failure.as_ref()))
}
