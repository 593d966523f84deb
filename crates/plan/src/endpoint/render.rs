//! From a decision to what the pass is to do, to write and to tell.
use super::{
    contest,
    facts::Facts,
    forecast, gate,
    identity::Identity,
    quarantine,
    rules::{Ahead, Ruling},
    status, unheeded, write_ahead,
};
use crate::{Action, List, Plan, aside, drift, export, forecast as plans, notice, report, verdict::Phase};
use plans::Forecast;
use speech_api::{
    Reason, SpeechEndpointStatus,
    decision::{Decision, RuleName},
};

/// What lies ahead after a decision; none where what was told before stands.
fn ahead(f: &Facts<'_>, ruling: &Ruling) -> Option<Forecast> {
    let (verdict, record) = (&ruling.verdict, &ruling.record);
    let found = match (ruling.ahead, &f.known) {
        (Ahead::Stands, _) => return None,
        (Ahead::Obstructed, _) => forecast::obstructed(f, verdict),
        (Ahead::Served, Some(known)) => forecast::unserved(f, record, verdict, forecast::of(f, known, record, verdict)),
        (Ahead::Served | Ahead::Unserved, _) => forecast::unserved(f, record, verdict, Forecast::default()),
    };
    Some(forecast::with_ending(&f.s, record, found))
}

/// Puts the decision into the status.
pub fn render(f: Facts<'_>, ruling: Ruling, decision: Decision) -> Plan<SpeechEndpointStatus> {
    let forecast = ahead(&f, &ruling);
    let is_wanted = ruling.ahead != Ahead::Stands;
    let Ruling { verdict, record, .. } = if is_wanted {
        write_ahead::written_first(&f, ruling)
    } else {
        ruling
    };
    let gone = match f.identity {
        Identity::Missing(id) | Identity::Lost(id) => Some(id).filter(|_| is_wanted),
        Identity::Unseen | Identity::Known(_) | Identity::Left(_) | Identity::None => None,
    };
    let (s, mut status) = (f.observed.s, f.observed.status);
    let s = &s;
    let before = s.written();
    record.put(&mut status);
    let decided = verdict.reason;
    let verdict = status::with_expiry(s, &status, verdict);
    let has_expired = verdict.reason == Reason::BaseModelAnswers && decided != verdict.reason;
    let decision = if has_expired {
        decision.by(RuleName::Fitness)
    } else {
        decision
    };
    let verdict = export::trouble(s.around.learned.failure, status.last_failure.as_ref(), verdict, s.now());
    status.decision = decision.concluding(verdict.reason);
    let mut statements = report::statements(&verdict, status::meanwhile(s, &status));
    statements.extend(status::model_valid(s, &status, gone));
    status::count_fallback(s, &mut status);
    statements.extend(plans::at_risk(before, forecast.as_ref()));
    statements.extend(unheeded::statement(s, &mut status));
    let lacking = aside::without_projects(s.object.spec.project.as_deref(), &s.around.connection);
    statements.extend(aside::statement(&status.side_failures, lacking));
    let contested = contest::statement(s, &status);
    let contested_until = contested.as_ref().and_then(|_| drift::look_again(&status.drift));
    statements.extend(contested);
    let verdict = s.seal(&mut status, statements, verdict, forecast, contested_until);
    if verdict.action.is_none() && verdict.phase == Phase::Done {
        status.last_failure = None;
        if !gate::is_open(&status) {
            status
                .side_failures
                .retain(|failure| failure.operation != Action::EVALUATE);
        }
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
