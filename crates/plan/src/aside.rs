//! Changes that hold nothing else back: what is told while they are under way, and of those that the service refuses.
use super::{Action, ConnectionState, Snapshot, Verdict, retry, text::day_time};
use speech_api::{
    Reason, Subject, SubjectStatus,
    condition::{FIELDS_REFUSED, Statement, Truth},
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

/// What is said while the service has answered a change and no read has shown what came of it. A change that it accepted is
/// remembered until then: it is how an ignored one is known.
pub fn answered<K: Subject, R>(s: &Snapshot<'_, K, R>) -> Verdict {
    let accepted = accepted(s);
    let message = match accepted {
        Some(field) => format!("the service accepted the change of {field}; waiting until it reports it"),
        // `sideFailures` reports what failed.
        None => "waiting until the service reports what came of the last change".to_owned(),
    };
    Verdict::working(Reason::Updating, message).accepting(accepted)
}

/// The change that the service accepted, in this pass or in one before it, while no read has shown what came of it.
pub fn accepted<'a, K: Subject, R>(s: &Snapshot<'a, K, R>) -> Option<&'a str> {
    match s.around.learned.asked.and_then(Action::field) {
        Some(field) => s.around.learned.failure.is_none().then_some(field),
        None => of_this_spec(s)?.accepted_change(),
    }
}

/// Whether the written status says that the service accepted this very change.
pub fn was_accepted<K: Subject, R>(s: &Snapshot<'_, K, R>, field: &str) -> bool {
    of_this_spec(s).and_then(SubjectStatus::accepted_change) == Some(field)
}

/// The written status, where it is about the spec as it is.
fn of_this_spec<'a, K: Subject, R>(s: &Snapshot<'a, K, R>) -> Option<&'a K::Status> {
    s.old_status().filter(|old| old.observed_generation() == s.generation())
}
