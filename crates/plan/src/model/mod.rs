//! What to do with a SpeechModel.
mod copy;
mod dataset;
mod deletion;
mod follow;
mod lineage;
mod outlook;
mod refusal;
mod renewal;
mod revision;
mod status;
#[cfg(test)]
mod tests;
mod training;
mod turn;
mod unheeded;

pub use copy::source::{Found, Source, SourceState, are_alike, find_cycle, wanted_id};
pub use refusal::{Refusal, refusals};

use super::{
    Action, ConnectionState, List, Plan, Verdict, aside,
    creation::{Creation, Tallies},
    drift, export, former, notice, report, retry,
    text::{before, parse},
};
use speech_api::{Reason, SpeechModel, SpeechModelStatus, Subject};
use speech_service::entity::OwnerTag;

/// All that a decision about a model depends on.
pub type Snapshot<'a> = super::Snapshot<'a, SpeechModel, Related<'a>>;

/// What a model refers to, and who refers to it.
#[derive(Clone, Copy, Debug)]
pub struct Related<'a> {
    /// Where a copy is taken from; absent for the other kinds of source.
    pub source: Option<&'a Source>,
    /// What the gates of endpoints refused that this object stands for.
    pub refusals: &'a [Refusal],
    /// A SpeechEndpoint that serves this object's revisions, where the spec pins a base model; absent if there is none.
    pub follower: Option<&'a str>,
}

/// Decides about a model.
pub fn plan(s: &Snapshot<'_>) -> Plan<SpeechModelStatus> {
    let mut status = s.object.status.clone().unwrap_or_default();
    status::remember_failure(s, &mut status);
    drift::forget(&mut status.drift, s.generation(), s.now());
    if s.around.learned.failure.is_none() {
        let corrected = s.around.learned.corrected;
        drift::count(
            &mut status.drift,
            s.around.learned.asked,
            corrected,
            s.generation(),
            s.now(),
        );
    }
    let verdict = if s.object.metadata.deletion_timestamp.is_some() {
        deletion::decide(s, &mut status)
    } else {
        decide(s, &mut status).unwrap_or_else(|verdict| verdict)
    };
    finish(s, status, verdict)
}

/// The ordered rules for a model that is wanted.
fn decide(s: &Snapshot<'_>, status: &mut SpeechModelStatus) -> Result<Verdict, Verdict> {
    if let Some(obstacle) = s.around.connection.obstacle(s.connection_name()) {
        return Err(obstacle);
    }
    let ConnectionState::Ready { view, .. } = s.around.connection else {
        return Err(Verdict::working(Reason::Connecting, "waiting for the connection"));
    };
    if !view.is_complete() {
        return Err(Verdict::working(
            Reason::Connecting,
            "waiting for the first look at the Speech resource",
        ));
    }
    let source = &s.object.spec.source;
    if s.object.makes_remote() {
        let left = revision::left(s, view);
        if let Some(newest) = left
            .last()
            .filter(|_| !former::is_certain(s.written(), view.models.swept_at(), s.now()))
        {
            return Err(former::wait(&format!("model {}", newest.id()), s.written(), s.now()));
        }
        let listed = view.models.iter().map(|entry| &entry.entity.header);
        let restored = s.former().elsewhere(listed);
        if let Some(restored) = restored.filter(|_| revision::all(s, view).is_empty()) {
            return Err(restored);
        }
    }
    if let Some(training) = &source.training {
        training::decide(s, view, training, status)
    } else if let Some(base) = &source.base {
        follow::base(s, view, base, status)
    } else if let Some(existing) = &source.existing {
        follow::existing(s, view, &existing.id, status)
    } else if let Some(copy) = &source.copy {
        copy::decide(s, view, copy, status)
    } else {
        Err(Verdict::stalled(
            Reason::SpecInvalid,
            "spec.source needs exactly one of training, base, existing, copy",
        ))
    }
}

/// Puts the verdict into the status.
fn finish(s: &Snapshot<'_>, mut status: SpeechModelStatus, verdict: Verdict) -> Plan<SpeechModelStatus> {
    let before = s.written();
    let verdict = status::with_expiry(s, &status, verdict);
    let verdict = export::trouble(s.around.learned.failure, status.last_failure.as_ref(), verdict, s.now());
    // Before anything follows from it: the next look would not know of a failure that is forgotten now.
    if verdict.action.is_none() && verdict.phase == super::verdict::Phase::Done {
        status.last_failure = None;
    }
    let outlook = outlook::of(s, &status, &verdict).map(|outlook| outlook::with_ending(s, &status, outlook));
    let mut statements = report::statements(&verdict, status::meanwhile(s, &status));
    statements.extend(super::outlook::at_risk(before, outlook.as_ref()));
    statements.extend(unheeded::statement(s, &mut status));
    let project = s.object.spec.project.as_deref().filter(|_| s.object.makes_remote());
    let lacking = aside::without_projects(project, &s.around.connection);
    statements.extend(aside::statement(&status.side_failures, lacking));
    let contested = status::contested(s, &status);
    let contested_until = contested.as_ref().and_then(|_| drift::look_again(&status.drift));
    statements.extend(contested);
    let verdict = s.seal(&mut status, statements, verdict, outlook, contested_until);
    let mut notices = notice::of_conditions(before, &status.conditions);
    notices.extend(status::revision_notice(s, &status));
    notices.extend(status::vanished_notices(s, &status));
    let corrects = status::correction(s, verdict.action.as_ref());
    notices.extend(status::drift_notice(
        verdict.action.as_ref().filter(|_| corrects.is_some()),
    ));
    Plan {
        export: export::of_model(s.object, &status),
        awaits: verdict.awaited(List::Models),
        action: verdict.action,
        look_again: verdict.look_again,
        wants: verdict.wants.map(|want| *want),
        took: copy::took(s, &status)
            .into_iter()
            .chain(training::took(s, &status))
            .collect(),
        corrects,
        status,
        notices,
    }
}

impl Snapshot<'_> {
    /// Lets a step through, or says why not yet.
    fn gate(&self, status: &SpeechModelStatus, action: Action, verdict: Verdict) -> Verdict {
        let makes = matches!(action, Action::TrainModel(_) | Action::CopyModel(_));
        let asking = self.asking(makes.then(|| self.need(status)).flatten());
        let known = retry::recall(status, action.operation());
        asking.gate(known, action, verdict)
    }

    /// The dates for which another revision is needed.
    fn need(&self, status: &SpeechModelStatus) -> Option<retry::Need> {
        let by = parse(status.current.as_ref()?.expires_at.as_deref())?;
        let latest = before(by, renewal::lead(self).needed);
        Some(retry::Need { latest, by })
    }

    /// Whether the connection's API version has projects.
    fn has_projects(&self) -> bool {
        matches!(
            self.around.connection,
            ConnectionState::Ready { has_projects: true, .. }
        )
    }

    fn creation(&self, status: &SpeechModelStatus) -> Creation {
        let swept_at = self.around.connection.view().and_then(|view| view.models.swept_at());
        let tallies = Tallies::of(status.creations.as_ref(), None);
        Creation::of(self.object, &self.around, status.closed_attempt, swept_at, tallies).lacking(self.is_unlisted())
    }

    /// Whether the status names a revision that the view does not have, though nobody here deleted it.
    fn is_unlisted(&self) -> bool {
        let (Some(status), Some(view)) = (self.old_status(), self.around.connection.view()) else {
            return false;
        };
        let mut ids = status.ids().filter_map(|id| id.parse().ok());
        self.object.spec.source.training.is_some() && ids.any(|id| view.models.is_unseen(id))
    }

    fn tag(&self, attempt: u32, revision: u32, inputs: &str) -> OwnerTag {
        OwnerTag {
            revision: Some(revision),
            inputs: Some(inputs.to_owned()),
            ..self.mark(attempt)
        }
    }
}
