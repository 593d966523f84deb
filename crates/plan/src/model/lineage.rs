//! What trained and copied models share: a line of numbered revisions.
use super::{
    Snapshot,
    revision::{self, Revision},
    told::Told,
};
use crate::{creation::Creation, model_choice, retry, text::after, view::View};
use jiff::Timestamp;
use speech_api::SpeechModelStatus;

/// What comes next for a line of revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextRevision {
    /// Nothing before this date, if any.
    Keep { until: Option<Timestamp> },
    /// The newest revision failed; the same again at this date.
    Repeat { at: Timestamp },
    /// Another revision now; perhaps because a person asked for it.
    Order { requested: bool },
}

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
    pub fn own_twins(&self, s: &Snapshot<'_>) -> Vec<Revision<'_>> {
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
    pub fn repeat(&self, s: &Snapshot<'_>, newest: &Revision<'_>, inputs: &str) -> NextRevision {
        let at = self.repeat_at(s, newest, inputs);
        match at <= s.now() || s.is_fresh() {
            true => NextRevision::Order { requested: false },
            false => NextRevision::Repeat { at },
        }
    }

    /// What is said of the current revision.
    pub fn is_current(&self, newest: &Revision<'_>) -> String {
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
    pub fn surplus(&self, s: &Snapshot<'_>, view: &View) -> Option<&Revision<'_>> {
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
