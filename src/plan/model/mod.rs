//! What to do with a SpeechModel.
mod deletion;
mod follow;
mod renewal;
mod revision;
mod status;
#[cfg(test)]
mod tests;
mod training;

use super::{ConnectionState, Plan, Surroundings, Verdict, creation::Creation, export, notice, report};
use crate::{
    api::{
        FINALIZER, Reason, SpeechModel, SpeechModelStatus,
        annotation::{self, CreationIntent},
        condition,
        reference::{DeletionPolicy, ManagementPolicy},
    },
    speech::entity::OwnerTag,
    view::View,
};
use jiff::Timestamp;
use kube::ResourceExt;

/// All that a decision about a model depends on.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The object.
    pub object: &'a SpeechModel,
    /// The rest.
    pub around: Surroundings<'a>,
}

/// Decides about a model.
pub fn plan(s: &Snapshot<'_>) -> Plan<SpeechModelStatus> {
    let mut status = s.object.status.clone().unwrap_or_default();
    status::remember_failure(s, &mut status);
    let verdict = if s.object.metadata.deletion_timestamp.is_some() {
        deletion::decide(s, &status)
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
    if let Some(training) = &source.training {
        training::decide(s, view, training, has_projects, status)
    } else if let Some(base) = &source.base {
        follow::base(s, view, base, status)
    } else if let Some(existing) = &source.existing {
        follow::existing(s, view, &existing.id, status)
    } else {
        Err(Verdict::stalled(
            Reason::SpecInvalid,
            "spec.source needs exactly one of training, base, existing",
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
    let statements = report::statements(&verdict, status::meanwhile(s, &status));
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
        action: verdict.action,
        look_again: verdict.look_again,
        awaits_remote: verdict.awaits_remote,
        status,
        notices,
    }
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

    fn view(&self) -> Option<&'a View> {
        self.around.connection.view()
    }

    fn has_finalizer(&self) -> bool {
        self.object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
    }

    /// Whether remote models may be trained, changed and deleted.
    fn may_act(&self) -> bool {
        self.object.spec.management_policy == ManagementPolicy::Full && !self.object.spec.suspend
    }

    fn deletes_remote(&self) -> bool {
        self.may_act()
            && self.object.spec.deletion_policy == DeletionPolicy::Delete
            && self.object.spec.source.training.is_some()
    }

    /// Whether something asks for an attempt whatever failed before. The attempt that failed in this pass was it.
    fn is_fresh(&self) -> bool {
        let handled = self
            .old_status()
            .and_then(|status| status.last_handled_reconcile_at.as_deref());
        self.around.failure.is_none()
            && annotation::reconcile_requested(self.object).is_some_and(|asked| Some(asked) != handled)
    }

    fn creation(&self, closed_attempt: Option<i32>) -> Creation {
        Creation {
            intent: CreationIntent::of(self.object),
            closed_attempt,
            announced: self.around.announced.filter(|_| self.around.failure.is_none()),
            swept_at: self.view().and_then(|view| view.models.swept_at()),
            now: self.now(),
        }
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
            uid: self.uid().to_owned(),
            object: format!(
                "{}/{}",
                self.object.namespace().unwrap_or_default(),
                self.object.name_any()
            ),
            cluster: self.around.cluster.to_owned(),
            attempt,
            revision: Some(revision),
            inputs: Some(inputs.to_owned()),
        }
    }
}
