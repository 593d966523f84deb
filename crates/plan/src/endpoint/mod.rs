//! What to do with a SpeechEndpoint.
mod asked;
mod choice;
mod contest;
mod course;
mod deletion;
mod fields;
mod gate;
mod identity;
mod memory;
mod outlook;
mod quarantine;
mod settle;
mod status;
mod steps;
mod successor;
#[cfg(test)]
mod tests;
mod timing;
mod unheeded;

use super::{
    List, Plan, Surroundings, Verdict, aside,
    creation::{Creation, Tallies},
    drift, export,
    former::Former,
    hands, notice,
    outlook::Outlook,
    report, retry,
};
use identity::Identity;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use speech_api::{
    Reason, SpeechEndpoint, SpeechEndpointSpec, SpeechEndpointStatus, SpeechModel, annotation, condition,
    endpoint::Recreate,
    is_held,
    reference::{DeletionPolicy, LastFailure, ManagementPolicy},
};
use speech_service::{EntityId, entity::OwnerTag};

/// All that a decision about an endpoint depends on.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    pub object: &'a SpeechEndpoint,
    /// The SpeechModels that `model.ref` or `model.selector` means, as far as they exist.
    pub models: &'a [&'a SpeechModel],
    /// The name of another SpeechEndpoint that holds the same remote endpoint and came first.
    pub holder: Option<&'a str>,
    /// Whether the remote endpoint carries the mark of an object of this cluster that is gone.
    pub abandoned: bool,
    /// The rest.
    pub around: Surroundings<'a>,
}

/// Decides about an endpoint.
pub fn plan(s: &Snapshot<'_>) -> Plan<SpeechEndpointStatus> {
    let mut status = s.object.status.clone().unwrap_or_default();
    status::remember_failure(s, &mut status);
    contest::count(s, &mut status);
    if s.object.metadata.deletion_timestamp.is_some() {
        let verdict = deletion::decide(s, &status);
        return finish(s, status, verdict, None, None);
    }
    let identity = identity::find(s);
    quarantine::clear_on_request(s, &mut status);
    status::describe(s, &identity, &mut status);
    gate::note(s, &mut status);
    let gone = match identity {
        Identity::Missing(id) | Identity::Lost(id) => Some(id),
        Identity::Unseen | Identity::Known(_) | Identity::Left(_) | Identity::None => None,
    };
    let (verdict, outlook) = steps::decide(s, &identity, &mut status);
    let verdict = memory::written_first(s, &mut status, verdict);
    finish(s, status, verdict, Some(outlook), gone)
}

/// Puts the verdict into the status.
fn finish(
    s: &Snapshot<'_>,
    mut status: SpeechEndpointStatus,
    verdict: Verdict,
    outlook: Option<Outlook>,
    gone: Option<EntityId>,
) -> Plan<SpeechEndpointStatus> {
    let before = s
        .object
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice())
        .unwrap_or_default();
    let verdict = status::with_expiry(s, &status, verdict);
    let verdict = export::trouble(s.around.failure, status.last_failure.as_ref(), verdict, s.now());
    let mut statements = report::statements(&verdict, status::meanwhile(s, &status));
    statements.extend(status::model_valid(s, &status, gone));
    status::count_fallback(s, &mut status);
    statements.extend(super::outlook::at_risk(before, outlook.as_ref()));
    statements.extend(unheeded::statement(s, &mut status));
    let lacking = aside::without_projects(s.object.spec.project.as_deref(), &s.around.connection);
    statements.extend(aside::statement(&status.side_failures, lacking));
    let contested = contest::statement(s, &status);
    let contested_until = contested.as_ref().and_then(|_| drift::look_again(&status.drift));
    statements.extend(contested);
    let aside = status.side_failures.iter().filter_map(retry::again_at);
    let look_again = outlook.as_ref().and_then(|outlook| outlook.look_again);
    let aside = aside.filter(|at| *at > s.now()).chain(contested_until);
    let look_again = look_again.into_iter().chain(aside);
    let verdict = look_again.fold(verdict, Verdict::until);
    if let Some(outlook) = outlook {
        status.plan = outlook.steps;
    }
    let generation = s.generation();
    status.conditions = condition::stamp(before, statements, generation, s.around.now);
    status.observed_generation = generation;
    status.last_handled_reconcile_at = annotation::reconcile_requested(s.object).map(str::to_owned);
    let is_done = verdict.action.is_none() && verdict.phase == super::verdict::Phase::Done;
    if is_done && !gate::waits_after_failure(&status) {
        status.last_failure = None;
    }
    let mut notices = notice::of_conditions(before, &status.conditions);
    notices.extend(status::swap_notice(s, &status));
    let correction = contest::correction(s, &status, verdict.action.as_ref());
    notices.extend(contest::told(verdict.action.as_ref(), correction.as_ref()));
    notices.extend(status::recreation_notice(s, &status));
    notices.extend(quarantine::notices(s, &status));
    Plan {
        export: export::of_endpoint(s.object, &status),
        awaits: verdict.awaited(List::Endpoints).or_else(|| unheeded::awaited(s)),
        action: verdict.action,
        look_again: verdict.look_again,
        wants: verdict.wants.map(|want| *want),
        took: gate::took(s, &status)
            .into_iter()
            .chain(status::deployed(s, &status))
            .collect(),
        corrects: correction.map(|(correction, _)| correction),
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

    fn old_status(&self) -> Option<&'a SpeechEndpointStatus> {
        self.object.status.as_ref()
    }

    fn has_finalizer(&self) -> bool {
        is_held(self.object)
    }

    /// Whether the remote endpoint may be changed.
    fn may_act(&self) -> bool {
        may_act(&self.object.spec) && self.around.hands.are_free()
    }

    /// Whether an endpoint that somebody deleted is made anew. The schema refuses that of an adopted one.
    fn recreates(&self) -> bool {
        self.may_act() && self.object.spec.adopt.is_none() && self.object.spec.recreate == Recreate::WhenDeleted
    }

    /// Whether deleting the object deletes the remote endpoint.
    fn deletes_remote(&self) -> bool {
        deletes_remote(self.object) && self.around.hands.are_free()
    }

    /// Whether something asks for an attempt whatever failed before. The attempt that failed in this pass was it.
    fn is_fresh(&self) -> bool {
        let handled = self
            .old_status()
            .and_then(|status| status.last_handled_reconcile_at.as_deref());
        self.around.failure.is_none() && annotation::reconcile_requested_anew(self.object, handled)
    }

    /// Asks for a step, for the dates for which it is needed.
    fn asking(&self, need: Option<retry::Need>) -> retry::Asking {
        retry::Asking {
            generation: self.generation(),
            fresh: self.is_fresh(),
            need,
            now: self.now(),
        }
    }

    fn creation(&self, status: &SpeechEndpointStatus) -> Creation {
        let swept_at = self.around.connection.view().and_then(|view| view.endpoints.swept_at());
        self.creation_in(status, swept_at).lacking(self.is_unlisted())
    }

    /// A creation whose result stands in a list that was read at this time.
    fn creation_in(&self, status: &SpeechEndpointStatus, swept_at: Option<Timestamp>) -> Creation {
        let tallies = Tallies::of(status.creations.as_ref(), status.evaluations.as_ref());
        Creation::of(self.object, &self.around, status.closed_attempt, swept_at, tallies)
    }

    /// Whether the status names an endpoint that the view does not have, though nobody here deleted it.
    fn is_unlisted(&self) -> bool {
        let id = self.old_status().and_then(|status| status.id.as_deref()?.parse().ok());
        let view = self.around.connection.view();
        id.zip(view).is_some_and(|(id, view)| view.endpoints.is_unseen(id))
    }

    /// The name in the portal.
    fn display_name(&self) -> String {
        self.object
            .spec
            .display_name
            .clone()
            .unwrap_or_else(|| self.object.name_any())
    }

    fn tag(&self, attempt: u32) -> OwnerTag {
        OwnerTag {
            attempt,
            ..self.around.mark(self.object)
        }
    }

    /// The conditions as written.
    fn written(&self) -> &'a [Condition] {
        self.old_status().map_or(&[], |status| status.conditions.as_slice())
    }

    fn former(&self) -> Former<'a> {
        Former::of(self.object, &self.object.spec.locale, &self.around)
    }

    fn connection_name(&self) -> &'a str {
        &self.object.spec.connection_ref.name
    }
}

/// Where failures are remembered.
fn memory(status: &mut SpeechEndpointStatus) -> retry::Memory<'_> {
    retry::Memory {
        last: &mut status.last_failure,
        aside: &mut status.side_failures,
    }
}

/// What is remembered of a step.
fn recall<'a>(status: &'a SpeechEndpointStatus, operation: &str) -> Option<&'a LastFailure> {
    retry::recall(status.last_failure.as_ref(), &status.side_failures, operation)
}

fn may_act(spec: &SpeechEndpointSpec) -> bool {
    spec.management_policy == ManagementPolicy::Full && !spec.suspend
}

/// Whether deleting the object deletes the remote endpoint.
pub fn deletes_remote(object: &SpeechEndpoint) -> bool {
    let spec = &object.spec;
    may_act(spec) && spec.deletion_policy == DeletionPolicy::Delete && !annotation::retains(object)
}

/// The obstacle of an object that is changed by nobody now.
fn untouched(s: &Snapshot<'_>, would: &str) -> Verdict {
    let (reason, word) = why_not(s);
    Verdict::stalled(reason, format!("{word}; would {would}"))
}

/// Why nobody changes it.
fn why_not(s: &Snapshot<'_>) -> (Reason, &'static str) {
    hands::why_not(s.object.spec.suspend, s.object.spec.management_policy)
}
