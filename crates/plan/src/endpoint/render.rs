//! From a decision to what the pass is to do, to write and to tell.
use super::{
    contest, decide::Decided, facts::Facts, gate, identity::Identity, observed::Observed, quarantine, record::Record,
    status, unheeded,
};
use crate::{Action, List, Plan, aside, drift, export, forecast::at_risk, notice, report, verdict::Phase};
use speech_api::SpeechEndpointStatus;

/// Puts the decision into the status.
pub fn render(f: Facts<'_>, decided: Decided) -> Plan<SpeechEndpointStatus> {
    let Decided {
        verdict,
        upcoming,
        failures,
        decision,
        forecast,
    } = decided;
    let gone = match f.identity {
        Identity::Missing(id) | Identity::Lost(id) => Some(id).filter(|_| forecast.is_some()),
        Identity::Unseen | Identity::Known(_) | Identity::Left(_) | Identity::None => None,
    };
    let Observed {
        s,
        mut status,
        record,
        windows,
        ..
    } = f.observed;
    let s = &s;
    let before = s.written();
    Record { failures, ..record }.put(&mut status);
    upcoming.put(&mut status);
    status.decision = decision;
    let mut statements = report::statements(&verdict, status::meanwhile(s, &status));
    statements.extend(status::model_valid(s, &status, gone));
    status::count_fallback(s, &mut status);
    statements.extend(at_risk(before, forecast.as_ref()));
    statements.extend(unheeded::statement(s, windows, &mut status));
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
