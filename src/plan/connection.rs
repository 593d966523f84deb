//! What to say of a SpeechConnection, and who may use one.
use super::{
    Notice, ORPHAN_AFTER, Verdict,
    evaluation::Unneeded,
    lead_time::Durations,
    notice, orphan, report,
    skew::Skew,
    text::{after, day_time},
};
use crate::{
    api::{
        Reason, SpeechConnection, SpeechConnectionStatus, annotation,
        condition::{self, Statement, THROTTLED, Truth},
        connection::{AllowedNamespaces, NamespacesFrom},
        is_held,
    },
    speech::EntityId,
};
use jiff::{SignedDuration, Timestamp};
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
    /// Who still needs it.
    pub dependents: Dependents,
    /// Until when deletions may use the last key though its Secret is gone or unusable (UTC); absent otherwise.
    pub last_key_until: Option<Timestamp>,
    /// How long work was seen to take.
    pub durations: &'a Durations,
    /// How the service's clock and ours differ.
    pub skew: Skew,
    /// Whether the service throttles us.
    pub throttled: bool,
    /// What the gates have left behind.
    pub unneeded: Unneeded,
    /// Before when nothing is deleted again, because a deletion failed (UTC).
    pub collect_from: Option<Timestamp>,
    /// The present (UTC).
    pub now: Timestamp,
}

/// The SpeechModels and SpeechEndpoints that refer to a connection and still need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dependents {
    /// How many.
    pub count: usize,
    /// The longest `forceOrphanAfter` of those that are being deleted.
    pub patience: SignedDuration,
}

impl Dependents {
    /// Those who need a connection of the namespace `home`; `ending` says whether that namespace is being terminated.
    ///
    /// One that is being deleted and leaves the remote side alone needs nothing any more. The connection of a namespace
    /// that ends cannot be kept, so it waits only for those that leave as well: the others could not use it for long.
    pub fn of<'a>(needs: impl Iterator<Item = Need<'a>>, home: &str, ending: bool) -> Self {
        let mut all = Self::default();
        for need in needs {
            let leaves = need.deleted || (ending && need.namespace == home);
            let needed = if leaves { need.deletes_remote } else { !ending };
            if needed {
                all.count += 1;
                all.patience = all.patience.max(orphan::limit(need.force_orphan_after));
            }
        }
        all
    }
}

/// What an object needs its connection for.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// The object's namespace.
    pub namespace: &'a str,
    /// Whether the object is being deleted.
    pub deleted: bool,
    /// Whether its deletion deletes something remote.
    pub deletes_remote: bool,
    /// For how long its deletion may be held up.
    pub force_orphan_after: &'a str,
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
    let patience = s.dependents.patience.max(ORPHAN_AFTER);
    let deleted = s.object.metadata.deletion_timestamp.as_ref();
    let until = deleted.map(|time| after(time.0, patience));
    let (collect, later) = collect(s, deleting);
    let expendable = (s.dependents.count == 0 && collect.is_none()) || until.is_some_and(|until| until <= s.now);
    let step = match (held, deleting) {
        (true, true) if expendable => Some(Step::Release),
        (false, false) if s.dependents.count > 0 => Some(Step::Hold),
        (true, true) | (true, false) | (false, true) | (false, false) => None,
    };
    let verdict = verdict(s, deleting);
    // A restart of the operator is no news of the connection: what an earlier look told stands until the next one ends.
    let told = *s.contact == Contact::Pending && !deleting && old.observed_generation == generation;
    let conditions = if told && !old.conditions.is_empty() {
        old.conditions.clone()
    } else {
        let mut statements = report::statements(&verdict, None);
        statements.extend(s.skew.statement());
        statements.extend(s.throttled.then(throttled));
        condition::stamp(&old.conditions, statements, generation, s.now)
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
    let look_again = [until, later, s.last_key_until].into_iter().flatten().min();
    Plan {
        step,
        collect,
        status,
        look_again,
        notices,
    }
}

fn throttled() -> Statement {
    Statement {
        kind: THROTTLED,
        truth: Truth::True,
        reason: Reason::Throttled,
        message: "the service answers many requests with 429: the operator sends fewer, what has a deadline first"
            .into(),
    }
}

/// What to delete of what nobody needs any more, and when to look again for it.
fn collect(s: &Snapshot<'_>, deleting: bool) -> (Option<EntityId>, Option<Timestamp>) {
    if !matches!(s.contact, Contact::Established(_)) {
        return (None, None);
    }
    // Whether something is old is not known while the clocks differ widely. A connection that goes is the deadline.
    if s.skew.holds() && !deleting {
        return (None, None);
    }
    match s.collect_from.filter(|from| *from > s.now) {
        // A connection that is being deleted does not stay for what cannot be deleted.
        Some(from) if s.unneeded.id.is_some() => (None, (!deleting).then_some(from)),
        Some(_) | None => (s.unneeded.id, s.unneeded.look_again.filter(|_| !deleting)),
    }
}

fn verdict(s: &Snapshot<'_>, deleting: bool) -> Verdict {
    if deleting && s.dependents.count > 0 {
        let since = s
            .object
            .metadata
            .deletion_timestamp
            .as_ref()
            .map_or(s.now, |time| time.0);
        let message = format!(
            "deleted at {}; kept while {} objects still need it, at most until {}",
            day_time(since),
            s.dependents.count,
            day_time(after(since, s.dependents.patience.max(ORPHAN_AFTER)))
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
        } => Verdict::stalled(*reason, format!("{message}{}", last_key(s))),
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

/// A key that was withdrawn is used for nothing but deletions, and nobody has to guess that.
fn last_key(s: &Snapshot<'_>) -> String {
    s.last_key_until.map_or_else(String::new, |until| {
        format!("; deletions may use the last key until {}", day_time(until))
    })
}

/// Whether a selector meets labels; one that cannot be read meets none.
pub fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let parsed: Result<Selector, ParseExpressionError> = selector.clone().try_into();
    parsed.is_ok_and(|selector| kube::core::SelectorExt::matches(&selector, labels))
}

#[cfg(test)]
mod tests;
