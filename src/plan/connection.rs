//! What to say of a SpeechConnection, and who may use one.
use super::{
    Notice, ORPHAN_AFTER, Verdict,
    evaluation::Unneeded,
    lead_time::Durations,
    notice, report,
    text::{after, day_time},
};
use crate::{
    api::{
        Reason, SpeechConnection, SpeechConnectionStatus, annotation, condition,
        connection::{AllowedNamespaces, NamespacesFrom},
        is_held,
    },
    speech::EntityId,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{ParseExpressionError, Selector};
use std::collections::BTreeMap;

/// All that a statement about a connection depends on.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The object.
    pub object: &'a SpeechConnection,
    /// What came of the last contact.
    pub contact: &'a Contact,
    /// How many SpeechModels and SpeechEndpoints refer to it and still need it.
    pub dependents: usize,
    /// How long work was seen to take.
    pub durations: &'a Durations,
    /// What the gates have left behind.
    pub unneeded: Unneeded,
    /// Before when nothing is deleted again, because a deletion failed (UTC).
    pub collect_from: Option<Timestamp>,
    /// The present (UTC).
    pub now: Timestamp,
}

/// What came of the last contact with the Speech resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// The first look has not ended.
    Pending,
    /// The lists were read.
    Established(Counts),
    /// Something is wrong.
    Broken {
        /// What.
        reason: Reason,
        /// The same for a person, without any secret.
        message: String,
        /// Whether it may heal without anyone doing anything.
        transient: bool,
        /// The last counts, if there ever were some.
        counts: Option<Counts>,
    },
}

/// How many entities the Speech resource holds, whoever made them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Endpoints.
    pub endpoints: usize,
    /// Custom models.
    pub models: usize,
    /// Base models.
    pub base_models: usize,
}

/// A step for a connection: it is kept while it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put the finalizer on.
    Hold,
    /// Take the finalizer off.
    Release,
}

/// What to do with a connection and what to show.
#[derive(Debug)]
pub struct Plan {
    /// The next step.
    pub step: Option<Step>,
    /// An evaluation to delete, because nobody needs it any more.
    pub collect: Option<EntityId>,
    /// The status to show.
    pub status: SpeechConnectionStatus,
    /// When time alone may change the decision (UTC).
    pub look_again: Option<Timestamp>,
    /// What to tell as events.
    pub notices: Vec<Notice>,
}

/// Decides about a connection.
pub fn plan(s: &Snapshot<'_>) -> Plan {
    let old = s.object.status.clone().unwrap_or_default();
    let generation = s.object.metadata.generation.unwrap_or_default();
    let held = is_held(s.object);
    let deleting = s.object.metadata.deletion_timestamp.is_some();
    // Kept while it is needed, but not for ever: its namespace must be able to go.
    let until = s
        .object
        .metadata
        .deletion_timestamp
        .as_ref()
        .map(|time| after(time.0, ORPHAN_AFTER));
    let (collect, later) = collect(s, deleting);
    let expendable = (s.dependents == 0 && collect.is_none()) || until.is_some_and(|until| until <= s.now);
    let step = match (held, deleting) {
        (true, true) if expendable => Some(Step::Release),
        (false, false) if s.dependents > 0 => Some(Step::Hold),
        (true, true) | (true, false) | (false, true) | (false, false) => None,
    };
    let verdict = verdict(s, deleting);
    // A restart of the operator is no news of the connection: what an earlier look told stands until the next one ends.
    let told = *s.contact == Contact::Pending && !deleting && old.observed_generation == generation;
    let conditions = if told && !old.conditions.is_empty() {
        old.conditions.clone()
    } else {
        condition::stamp(&old.conditions, report::statements(&verdict, None), generation, s.now)
    };
    let mut status = SpeechConnectionStatus {
        observed_generation: generation,
        conditions,
        last_handled_reconcile_at: annotation::reconcile_requested(s.object).map(str::to_owned),
        ..old.clone()
    };
    if let Contact::Established(counts)
    | Contact::Broken {
        counts: Some(counts), ..
    } = s.contact
    {
        let number = |n: usize| i32::try_from(n).ok();
        (status.endpoints, status.models, status.base_models) = (
            number(counts.endpoints),
            number(counts.models),
            number(counts.base_models),
        );
    }
    let mut durations = s.durations.clone();
    durations.learn_from_status(&old.durations);
    status.durations = durations.to_status();
    let notices = notice::of_conditions(&old.conditions, &status.conditions);
    let until = until.filter(|until| held && *until > s.now);
    let look_again = [until, later].into_iter().flatten().min();
    Plan {
        step,
        collect,
        status,
        look_again,
        notices,
    }
}

/// What to delete of what nobody needs any more, and when to look again for it.
fn collect(s: &Snapshot<'_>, deleting: bool) -> (Option<EntityId>, Option<Timestamp>) {
    if !matches!(s.contact, Contact::Established(_)) {
        return (None, None);
    }
    match s.collect_from.filter(|from| *from > s.now) {
        // A connection that is being deleted does not stay for what cannot be deleted.
        Some(from) if s.unneeded.id.is_some() => (None, (!deleting).then_some(from)),
        Some(_) | None => (s.unneeded.id, s.unneeded.look_again.filter(|_| !deleting)),
    }
}

fn verdict(s: &Snapshot<'_>, deleting: bool) -> Verdict {
    if deleting && s.dependents > 0 {
        let since = s
            .object
            .metadata
            .deletion_timestamp
            .as_ref()
            .map_or(s.now, |time| time.0);
        let message = format!(
            "deleted at {}; kept while {} objects still need it",
            day_time(since),
            s.dependents
        );
        return Verdict::working(Reason::ConnectionInUse, message);
    }
    match s.contact {
        Contact::Pending => Verdict::working(Reason::Connecting, "reading the lists of the Speech resource"),
        Contact::Established(_) => Verdict::done(Reason::Connected, "the Speech resource answers and accepts the key"),
        Contact::Broken {
            reason,
            message,
            transient: true,
            ..
        } => Verdict::working(*reason, message.clone()),
        Contact::Broken {
            reason,
            message,
            transient: false,
            ..
        } => Verdict::stalled(*reason, message.clone()),
    }
}

/// Whether objects of a namespace may use a connection of another one. A namespace whose `labels` are not known is let in
/// by no selector, not even by one that names what it must lack.
pub fn allows(
    allowed: &AllowedNamespaces,
    home: &str,
    namespace: &str,
    labels: Option<&BTreeMap<String, String>>,
) -> bool {
    match allowed.from {
        NamespacesFrom::Same => home == namespace,
        NamespacesFrom::All => true,
        NamespacesFrom::Selector => {
            home == namespace
                || allowed
                    .selector
                    .as_ref()
                    .zip(labels)
                    .is_some_and(|(selector, labels)| selects(selector, labels))
        }
    }
}

/// Whether a selector meets labels; one that cannot be read meets none.
pub fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let parsed: Result<Selector, ParseExpressionError> = selector.clone().try_into();
    parsed.is_ok_and(|selector| kube::core::SelectorExt::matches(&selector, labels))
}

#[cfg(test)]
mod tests;
