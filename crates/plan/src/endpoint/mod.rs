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
mod target;
#[cfg(test)]
mod tests;
mod timing;
mod unheeded;

use super::{
    List, Plan, Verdict, aside,
    creation::{Creation, Tallies},
    drift, export, notice,
    outlook::Outlook,
    report,
};
use identity::Identity;
use jiff::Timestamp;
use speech_api::{SpeechEndpoint, SpeechEndpointStatus, SpeechModel, endpoint::Recreate};
use speech_service::EntityId;

/// All that a decision about an endpoint depends on.
pub type Snapshot<'a> = super::Snapshot<'a, SpeechEndpoint, Related<'a>>;

/// What an endpoint refers to, and who else wants it.
#[derive(Clone, Copy, Debug)]
pub struct Related<'a> {
    /// The SpeechModels that `model.ref` or `model.selector` means, as far as they exist.
    pub models: &'a [&'a SpeechModel],
    /// The name of another SpeechEndpoint that holds the same remote endpoint and came first.
    pub holder: Option<&'a str>,
    /// Whether the remote endpoint carries the mark of an object of this cluster that is gone.
    pub abandoned: bool,
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
    let before = s.written();
    let verdict = status::with_expiry(s, &status, verdict);
    let verdict = export::trouble(s.around.learned.failure, status.last_failure.as_ref(), verdict, s.now());
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
    let verdict = s.seal(&mut status, statements, verdict, outlook, contested_until);
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

impl Snapshot<'_> {
    /// Whether an endpoint that somebody deleted is made anew. The schema refuses that of an adopted one.
    fn recreates(&self) -> bool {
        self.may_act() && self.object.spec.adopt.is_none() && self.object.spec.recreate == Recreate::WhenDeleted
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
}
