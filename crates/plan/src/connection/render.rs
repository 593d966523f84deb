//! From the decision about a connection to its status, its next step and when to look again.
use super::{
    Contact, Plan, Snapshot, Step, collection,
    facts::{Deletion, Facts},
};
use crate::{Verdict, guard, label, notice, report};
use jiff::Timestamp;
use speech_api::{
    Reason, SpeechConnectionStatus, annotation,
    condition::{self, OBSERVE_ONLY, RETIRING_VERSION, Statement, THROTTLED, Truth},
    connection::ApiVersionName,
    decision::Decision,
};

/// What to do, what to show and what to tell.
pub fn render(s: &Snapshot<'_>, facts: &Facts, (verdict, decision): (Verdict, Decision)) -> Plan {
    let (collect, later) = collection::choose(s, facts.deletion != Deletion::Wanted);
    let status = status(s, facts, &verdict, decision);
    let old = s.object.status.as_ref().map_or(&[][..], |status| &status.conditions);
    let until = facts.deletion.until().filter(|until| facts.held && *until > s.now);
    Plan {
        step: step(s, facts, collect.is_some()),
        // Another resource may have been accepted by now.
        looks_now: facts.asked_anew || !facts.recognised,
        collect,
        notices: notice::of_conditions(old, &status.conditions),
        status,
        look_again: [until, later, facts.last_key_until].into_iter().flatten().min(),
    }
}

/// A connection is held while it is needed, and let go when nobody needs it any more.
fn step(s: &Snapshot<'_>, facts: &Facts, collects: bool) -> Option<Step> {
    let is_over = |until: Timestamp| until <= s.now;
    match (facts.held, facts.deletion) {
        (false, Deletion::Wanted) if facts.dependents > 0 && s.hands.are_free() => Some(Step::Hold),
        (true, Deletion::Leaving { until, .. }) if (facts.dependents == 0 && !collects) || is_over(until) => {
            Some(Step::Release)
        }
        (_, Deletion::Wanted | Deletion::Leaving { .. } | Deletion::InUse { .. }) => None,
    }
}

fn status(s: &Snapshot<'_>, facts: &Facts, verdict: &Verdict, decision: Decision) -> SpeechConnectionStatus {
    let mut status = s.object.status.clone().unwrap_or_default();
    status.observed_generation = facts.generation;
    status.last_handled_reconcile_at = annotation::reconcile_requested(s.object).map(str::to_owned);
    if !facts.told_before {
        status.conditions = condition::stamp(&status.conditions, statements(s, verdict), facts.generation, s.now);
        status.decision = decision;
    }
    if let Some(counts) = s.contact.counts() {
        let number = |n: usize| i32::try_from(n).ok();
        (status.endpoints, status.models, status.base_models) = (
            number(counts.endpoints),
            number(counts.models),
            number(counts.base_models),
        );
    }
    if let (Contact::Established(_), Some(resource)) = (s.contact, s.resource) {
        status.resource = Some(resource.clone());
    }
    let mut durations = s.durations.clone();
    durations.learn_from_status(&status.durations);
    status.durations = durations.to_status();
    status
}

fn statements(s: &Snapshot<'_>, verdict: &Verdict) -> Vec<Statement> {
    let spec = &s.object.spec;
    let held = s
        .held
        .map(|held| guard::statement(held, s.object, &spec.deletion_guard));
    let selector = spec.allowed_namespaces.selector.as_ref();
    let unheeded = selector.and_then(|selector| label::unheeded("spec.allowedNamespaces.selector", selector));
    let mut statements = report::statements(verdict, None);
    statements.extend(s.skew.statement());
    statements.extend(s.throttled.then(throttled));
    statements.extend(retiring(spec.api_version));
    statements.extend(s.sharing.statement());
    statements.extend((!s.hands.are_free()).then(observing));
    statements.extend(held);
    statements.extend(unheeded);
    statements
}

fn observing() -> Statement {
    Statement {
        kind: OBSERVE_ONLY,
        truth: Truth::True,
        reason: Reason::ObserveOnly,
        message: "the operator runs with --observe-only: it reads the Speech resource and changes nothing there; what it would do stands at the SpeechModels and SpeechEndpoints"
            .into(),
    }
}

fn throttled() -> Statement {
    Statement {
        kind: THROTTLED,
        truth: Truth::True,
        reason: Reason::Throttled,
        message: "the service refuses requests because there are too many (429, or 403 for a quota of calls): the operator sends fewer and keeps the pauses that are asked for, what has a deadline first"
            .into(),
    }
}

/// The version does not become older than it is: one word of it suffices, whatever the date.
fn retiring(version: ApiVersionName) -> Option<Statement> {
    match version {
        ApiVersionName::V2025_10_15 | ApiVersionName::V2024_11_15 => None,
        ApiVersionName::V3_2 => Some(Statement {
            kind: RETIRING_VERSION,
            truth: Truth::True,
            reason: Reason::VersionRetires,
            message: "API version v3.2 was announced to retire on 31 March 2026 and may end any day: set spec.apiVersion to 2025-10-15 (log files of endpoints cannot be listed there)".into(),
        }),
    }
}
