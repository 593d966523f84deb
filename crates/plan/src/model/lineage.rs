//! What trained and copied models share: a line of numbered revisions that is kept and cut.
use super::{
    Snapshot,
    facts::{Facts, Made, Next, Told},
    record::Failures,
    revision::{self, Revision},
};
use crate::{
    Action, Verdict, aside,
    creation::{self, Creation},
    drift::Correction,
    model_choice, retry,
    text::after,
    verdict::Phase,
    view::{Entry, View},
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{Reason, SpeechModelStatus};
use speech_service::{EntityId, entity::CustomModel, request::UpdateModel};

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
    pub fn read(s: &Snapshot<'a>, view: &'a View, told: &Told) -> Self {
        let all = revision::all(s, view, told);
        let revisions = revision::line(&all, told);
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

    /// The highest attempt that made a model, and so is over.
    pub fn closed_attempt(&self) -> Option<i32> {
        let attempts = self.all.iter().map(|revision| revision.tag.attempt);
        attempts.max().and_then(|attempt| i32::try_from(attempt).ok())
    }

    /// The newest revision, while the service is at work on it.
    pub fn under_way(&self) -> Option<Revision<'a>> {
        self.newest().filter(|newest| !newest.failed() && !newest.succeeded())
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

    /// What follows a newest revision that failed.
    pub fn repeat(&self, s: &Snapshot<'_>, newest: &Revision<'_>, inputs: &str) -> Next {
        let at = self.repeat_at(s, newest, inputs);
        match at <= s.now() || s.is_fresh() {
            true => Next::Order { requested: false },
            false => Next::Repeat { at },
        }
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

    /// The oldest revision beyond the limit that no endpoint uses.
    fn surplus(&self, s: &Snapshot<'_>, view: &View) -> Option<&Revision<'_>> {
        let kept = [self.best(), self.revisions.last()].map(|revision| revision.map(Revision::id));
        let limit = usize::try_from(s.object.spec.revision_history_limit).unwrap_or(0);
        let old: Vec<_> = self
            .revisions
            .iter()
            .filter(|revision| !kept.contains(&Some(revision.id())))
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
pub fn highest_named(status: &SpeechModelStatus) -> i32 {
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

/// Deletes a model that an earlier request made as well, once nothing uses it.
pub fn delete_twin(f: &Facts<'_>, made: &Made<'_>, failures: &Failures) -> Option<Verdict> {
    let twins = made.lineage.own_twins(f.s);
    let twin = twins.iter().find(|twin| f.s.may_act() && !twin.in_use(made.view))?;
    let verdict = Verdict::working(
        Reason::Updating,
        format!("deleting model {}, which an earlier request made as well", twin.id()),
    );
    let verdict = f.gate(failures, Action::DeleteModel(twin.id()), verdict);
    // One that cannot be deleted now keeps nothing else back.
    verdict.action.is_some().then_some(verdict)
}

/// The newest revision is what is declared: keep its names, discard what is too old.
pub fn keep(f: &Facts<'_>, made: &Made<'_>, failures: Failures) -> (Verdict, Failures) {
    let (s, lineage) = (f.s, &made.lineage);
    let Some(newest) = lineage.newest() else {
        return (Verdict::done(Reason::Synced, ""), failures);
    };
    let changes = if s.may_act() {
        differences(s, newest.model())
    } else {
        Vec::new()
    };
    let mut failures = without_settled(f, made, &newest, &changes, failures);
    let mut soon: Option<Verdict> = None;
    for change in changes {
        failures = with_ignored(f, newest.entry, &change, change.field(), failures);
        match rename(f, newest.entry, change, &failures) {
            Ok(verdict) => return (verdict, failures),
            // What is refused is told beside; what is tried again soon is under way.
            Err(verdict) if verdict.phase == Phase::Working => soon = soon.or(Some(verdict)),
            Err(_) => {}
        }
    }
    let verdict = discard(f, made, &failures).or(soon);
    let verdict = verdict.unwrap_or_else(|| Verdict::done(Reason::Synced, lineage.is_current(&newest)));
    (verdict, failures)
}

/// Without the failures of steps that nothing asks for any more.
fn without_settled(
    f: &Facts<'_>,
    made: &Made<'_>,
    newest: &Revision<'_>,
    changes: &[UpdateModel],
    mut failures: Failures,
) -> Failures {
    let wanted: Vec<_> = changes
        .iter()
        .map(|change| step(newest.entry, change.clone()).operation())
        .collect();
    let has_twin = !made.lineage.own_twins(f.s).is_empty();
    let deletes = has_twin || made.lineage.surplus(f.s, made.view).is_some();
    failures.aside.retain(|failure| {
        wanted.contains(&failure.operation.as_str()) || failure.operation == Action::DELETE && deletes
    });
    failures
}

/// Deletes the oldest revision beyond the limit that no endpoint uses. The current one and the newest are never touched.
pub fn discard(f: &Facts<'_>, made: &Made<'_>, failures: &Failures) -> Option<Verdict> {
    // An endpoint that moves tells where to, while what it leaves still answers and may have to be returned to.
    if !f.s.may_act() || made.view.is_moving(&f.s.object.spec.locale) {
        return None;
    }
    let victim = made.lineage.surplus(f.s, made.view)?;
    let verdict = Verdict::working(
        Reason::Updating,
        format!("deleting revision {}, beyond revisionHistoryLimit", victim.number),
    );
    // Endpoints follow the written status: it has to name the new revision before the old one goes.
    if f.told.current.as_ref().and_then(|current| current.id) == Some(victim.id()) {
        return Some(verdict.until(after(f.s.now(), SignedDuration::from_secs(1))));
    }
    Some(f.gate(failures, Action::DeleteModel(victim.id()), verdict))
}

/// With a failure where the service accepted this very change and a read shows that it did not make it. `what` names it.
fn with_ignored(
    f: &Facts<'_>,
    entry: &Entry<CustomModel>,
    change: &UpdateModel,
    what: &str,
    failures: Failures,
) -> Failures {
    let action = step(entry, change.clone());
    let accepted = Action::field(action.operation()).is_some_and(|field| aside::was_accepted(f.s, field));
    if !accepted || !entry.confirmed || f.s.around.learned.failure.is_some() {
        return failures;
    }
    failures.with(f, &retry::not_applied(&action, what))
}

/// Changes one thing of a model; `Err` says that it has to wait for a failure.
fn rename(
    f: &Facts<'_>,
    entry: &Entry<CustomModel>,
    change: UpdateModel,
    failures: &Failures,
) -> Result<Verdict, Verdict> {
    let s = f.s;
    let what = format!("model {}", entry.entity.header.id);
    if let Some(held) = Correction::of_model(&change).gate(&f.base.drift, &what, s.asking(None)) {
        return Err(held);
    }
    let verdict = Verdict::working(Reason::Updating, format!("changing {}", change.field())).watching();
    let gated = f.gate(failures, step(entry, change), verdict);
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
    f: &Facts<'_>,
    entry: &Entry<CustomModel>,
    mark: UpdateModel,
    verdict: Verdict,
    failures: Failures,
) -> (Verdict, Failures) {
    let failures = with_ignored(f, entry, &mark, "the mark of a copy", failures);
    let gated = f.gate(&failures, step(entry, mark), verdict);
    let waits = !entry.confirmed || f.s.around.learned.asked.is_some();
    let accepted = aside::accepted(f.s).filter(|field| *field == Action::MARK_FIELD && waits && gated.action.is_some());
    let gated = gated.accepting(accepted);
    // The answer to a change may show the old state; only a read tells whether it is still lacking.
    let action = gated.action.clone().filter(|_| entry.confirmed);
    (Verdict { action, ..gated }, failures)
}

/// Orders another revision: the announcement, then the request that `post` makes from the number of the attempt.
pub fn order(
    f: &Facts<'_>,
    failures: &Failures,
    creation: &Creation,
    verdict: Verdict,
    post: impl Fn(u32) -> Action,
) -> Result<Verdict, Verdict> {
    let announcement = match creation.next(&post)? {
        creation::Next::Post(action) => return Ok(verdict.with(action)),
        creation::Next::Announce(announcement) => announcement,
    };
    // The announcement stands for the request: a failed request holds back the next announcement.
    let gated = f.gate(failures, post(0), verdict);
    Ok(announcement.through(gated, failures.last.as_ref()))
}
