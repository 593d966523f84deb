//! Changes that hold nothing else back: what is told while they are under way, and of those that the service refuses.
use super::{Action, ConnectionState, Surroundings, retry, text::day_time};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{
    Reason,
    condition::{self, FIELDS_REFUSED, Statement, Truth},
    reference::LastFailure,
};

/// The condition `FieldsRefused`: each refused field with the service's words, and when it is asked for again; and what the
/// API version does not have.
pub fn statement(failures: &[LastFailure], lacking: Option<&str>) -> Option<Statement> {
    let mut told: Vec<String> = failures.iter().filter_map(words).collect();
    told.sort();
    let reason = if told.is_empty() {
        Reason::SpecInvalid
    } else {
        Reason::Refused
    };
    told.extend(lacking.map(str::to_owned));
    (!told.is_empty()).then(|| Statement {
        kind: FIELDS_REFUSED,
        truth: Truth::True,
        reason,
        message: told.join("; "),
    })
}

/// What a project is told where the API version has none. It holds nothing back.
pub fn without_projects(project: Option<&str>, connection: &ConnectionState<'_>) -> Option<&'static str> {
    let has_none = matches!(
        connection,
        ConnectionState::Ready {
            has_projects: false,
            ..
        }
    );
    (project.is_some() && has_none).then_some(
        "spec.project is not applied: the connection's API version 2024-11-15 has no projects; remove it or use another apiVersion",
    )
}

fn words(failure: &LastFailure) -> Option<String> {
    let field = Action::field(&failure.operation).filter(|_| failure.terminal)?;
    let at = retry::refused_until(failure, None)?;
    Some(format!(
        "the service refuses {field}: {}; asked {} times, again at {}, and at once when the spec changes",
        retry::words(failure),
        failure.count,
        day_time(at)
    ))
}

/// What is said while the service has answered a change and no read has shown what came of it. What was said in the pass
/// of the request stands until then: it is how an ignored change is known.
pub fn answered(around: &Surroundings<'_>, before: &[Condition], observed: i64, generation: i64) -> String {
    let told = condition::find(before, condition::RECONCILING)
        .filter(|told| observed == generation && told.reason == Reason::Updating.as_str());
    match (around.learned.asked.and_then(Action::field), told) {
        (Some(field), _) if around.learned.failure.is_none() => accepted(field),
        (Some(field), _) => format!("the change of {field} failed; waiting until the service reports what there is"),
        (None, Some(told)) => told.message.clone(),
        (None, None) => "waiting until the service reports what came of the last change".to_owned(),
    }
}

fn accepted(field: &str) -> String {
    format!("the service accepted the change of {field}; waiting until it reports it")
}

/// Whether the written status says that the service accepted this very change.
pub fn was_accepted(before: &[Condition], observed: i64, generation: i64, field: &str) -> bool {
    retry::was_asked(before, observed, generation, Reason::Updating)
        && condition::find(before, condition::RECONCILING).is_some_and(|told| told.message == accepted(field))
}
