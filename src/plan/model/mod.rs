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

pub use copy::source::{Found, Source, SourceState, are_alike, find_cycle, wanted_id};
pub use refusal::{Refusal, refusals};

use super::{
    Action, ConnectionState, List, Plan, Surroundings, Verdict,
    creation::Creation,
    export,
    former::{self, Former},
    notice, report, retry,
};
use crate::{
    api::{
        Reason, SpeechModel, SpeechModelSpec, SpeechModelStatus, annotation, condition, is_held,
        reference::{DeletionPolicy, ManagementPolicy},
    },
    speech::entity::OwnerTag,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

/// All that a decision about a model depends on.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The object.
    pub object: &'a SpeechModel,
    /// Where a copy is taken from; absent for the other kinds of source.
    pub source: Option<&'a Source>,
    /// What the gates of endpoints refused that this object stands for.
    pub refusals: &'a [Refusal],
    /// The rest.
    pub around: Surroundings<'a>,
}

/// Decides about a model.
pub fn plan(s: &Snapshot<'_>) -> Plan<SpeechModelStatus> {
    let mut status = s.object.status.clone().unwrap_or_default();
    status::remember_failure(s, &mut status);
    let verdict = if s.object.metadata.deletion_timestamp.is_some() {
        deletion::decide(s, &mut status)
    } else {
        decide(s, &mut status).unwrap_or_else(|verdict| verdict)
    };
    finish(s, status, verdict)
}

/// The ordered rules for a model that is wanted.
fn decide(s: &Snapshot<'_>, status: &mut SpeechModelStatus) -> Result<Verdict, Verdict> {
    if let Some(obstacle) = s.around.connection.obstacle(&s.object.spec.connection_ref.name) {
        return Err(obstacle);
    }
    let ConnectionState::Ready { view, has_projects } = s.around.connection else {
        return Err(Verdict::working(Reason::Connecting, "waiting for the connection"));
    };
    if !view.is_complete() {
        return Err(Verdict::working(
            Reason::Connecting,
            "waiting for the first look at the Speech resource",
        ));
    }
    let source = &s.object.spec.source;
    if source.training.is_some() || source.copy.is_some() {
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
        training::decide(s, view, training, has_projects, status)
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
    let before = s
        .object
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice())
        .unwrap_or_default();
    let verdict = status::with_expiry(s, &status, verdict);
    let verdict = export::trouble(s.around.failure, status.last_failure.as_ref(), verdict, s.now());
    let outlook = outlook::of(s, &status);
    let mut statements = report::statements(&verdict, status::meanwhile(s, &status));
    statements.extend(super::outlook::at_risk(before, outlook.as_ref()));
    let look_again = outlook.as_ref().and_then(|outlook| outlook.look_again);
    let verdict = look_again.into_iter().fold(verdict, Verdict::until);
    if let Some(outlook) = outlook {
        status.plan = outlook.steps;
    }
    let generation = s.generation();
    status.conditions = condition::stamp(before, statements, generation, s.around.now);
    status.observed_generation = generation;
    status.last_handled_reconcile_at = annotation::reconcile_requested(s.object).map(str::to_owned);
    if verdict.action.is_none() && verdict.phase == super::verdict::Phase::Done {
        status.last_failure = None;
    }
    let mut notices = notice::of_conditions(before, &status.conditions);
    notices.extend(status::revision_notice(s, &status));
    notices.extend(status::drift_notice(s, verdict.action.as_ref()));
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
        status,
        notices,
    }
}

fn may_act(spec: &SpeechModelSpec) -> bool {
    spec.management_policy == ManagementPolicy::Full && !spec.suspend
}

/// Whether deleting the object deletes remote models: those that were trained or copied for it.
pub fn deletes_remote(spec: &SpeechModelSpec) -> bool {
    let makes = spec.source.training.is_some() || spec.source.copy.is_some();
    makes && may_act(spec) && spec.deletion_policy == DeletionPolicy::Delete
}

impl<'a> Snapshot<'a> {
    fn generation(&self) -> i64 {
        self.object.metadata.generation.unwrap_or_default()
    }

    fn uid(&self) -> &'a str {
        self.object.metadata.uid.as_deref().unwrap_or_default()
    }

    fn now(&self) -> Timestamp {
        self.around.now
    }

    fn old_status(&self) -> Option<&'a SpeechModelStatus> {
        self.object.status.as_ref()
    }

    fn has_finalizer(&self) -> bool {
        is_held(self.object)
    }

    /// Whether remote models may be trained, copied, changed and deleted.
    fn may_act(&self) -> bool {
        may_act(&self.object.spec)
    }

    fn deletes_remote(&self) -> bool {
        deletes_remote(&self.object.spec)
    }

    /// Whether something asks for an attempt whatever failed before. The attempt that failed in this pass was it.
    fn is_fresh(&self) -> bool {
        let handled = self
            .old_status()
            .and_then(|status| status.last_handled_reconcile_at.as_deref());
        self.around.failure.is_none() && annotation::reconcile_requested_anew(self.object, handled)
    }

    /// Lets a step through, or says why not yet.
    fn gate(&self, status: &SpeechModelStatus, action: Action, verdict: Verdict) -> Verdict {
        retry::gate(
            status.last_failure.as_ref(),
            action,
            verdict,
            self.generation(),
            self.is_fresh(),
            self.now(),
        )
    }

    fn creation(&self, closed_attempt: Option<i32>) -> Creation {
        let swept_at = self.around.connection.view().and_then(|view| view.models.swept_at());
        Creation::of(self.object, &self.around, closed_attempt, swept_at).lacking(self.is_unlisted())
    }

    /// Whether the status names a revision that the view does not have, though nobody here deleted it.
    fn is_unlisted(&self) -> bool {
        let (Some(status), Some(view)) = (self.old_status(), self.around.connection.view()) else {
            return false;
        };
        let mut ids = status.ids().filter_map(|id| id.parse().ok());
        self.object.spec.source.training.is_some() && ids.any(|id| view.models.is_unseen(id))
    }

    /// The conditions as written.
    fn written(&self) -> &'a [Condition] {
        self.old_status().map_or(&[], |status| status.conditions.as_slice())
    }

    fn former(&self) -> Former<'a> {
        Former::of(self.object, &self.object.spec.locale, &self.around)
    }

    fn display_name(&self) -> String {
        self.object
            .spec
            .display_name
            .clone()
            .unwrap_or_else(|| self.object.name_any())
    }

    fn tag(&self, attempt: u32, revision: u32, inputs: &str) -> OwnerTag {
        OwnerTag {
            attempt,
            revision: Some(revision),
            inputs: Some(inputs.to_owned()),
            ..self.around.mark(self.object)
        }
    }
}
