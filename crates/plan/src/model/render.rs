//! From a decision to a plan: the only place where the status of a model is put together.
use super::{
    copy,
    facts::Facts,
    forecast,
    record::Ruling,
    status::{self, describe},
    training, unheeded,
};
use crate::{List, Plan, aside, drift, export, notice, report};
use speech_api::{SpeechModelStatus, Subject, decision::Decision};

/// Puts a decision into the status, and says what else follows from it.
pub fn render(f: &Facts<'_>, ruling: Ruling, decision: Decision) -> Plan<SpeechModelStatus> {
    let s = f.s;
    let forecast = forecast::of(f, &ruling).map(|forecast| forecast::with_ending(f, &ruling, forecast));
    let meanwhile = status::meanwhile(f, &ruling);
    let took = copy::took(f, &ruling).into_iter().chain(training::took(f, &ruling));
    let took = took.collect();
    let turned = status::revision_notice(f, ruling.current(f));
    let current = ruling.current(f).map(|current| current.id);
    let Ruling { verdict, record } = ruling;
    let mut status = f.base.clone();
    if record.seen {
        describe(f, &mut status);
    }
    record.write(&mut status);
    status.decision = decision;
    let mut statements = report::statements(&verdict, meanwhile);
    statements.extend(crate::forecast::at_risk(s.written(), forecast.as_ref()));
    statements.extend(unheeded::statement(f, current, &mut status));
    let project = s.object.spec.project.as_deref().filter(|_| s.object.makes_remote());
    let lacking = aside::without_projects(project, &s.around.connection);
    statements.extend(aside::statement(&status.side_failures, lacking));
    let contested = status::contested(f);
    let contested_until = contested.as_ref().and_then(|_| drift::look_again(&status.drift));
    statements.extend(contested);
    let verdict = s.seal(&mut status, statements, verdict, forecast, contested_until);
    let mut notices = notice::of_conditions(s.written(), &status.conditions);
    notices.extend(turned);
    notices.extend(status::vanished_notices(f, &status));
    let corrects = status::correction(s, verdict.action.as_ref());
    let put_back = verdict.action.as_ref().filter(|_| corrects.is_some());
    notices.extend(status::drift_notice(put_back));
    Plan {
        export: export::of_model(s.object, &status),
        awaits: verdict.awaited(List::Models),
        action: verdict.action,
        look_again: verdict.look_again,
        wants: verdict.wants.map(|want| *want),
        took,
        corrects,
        status,
        notices,
    }
}
