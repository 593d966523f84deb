//! What to say of a SpeechConnection, and who may use one.
use super::{
    Hands, Notice, ORPHAN_AFTER, Verdict,
    evaluation::Unneeded,
    guard::{self, Held},
    label,
    lead_time::Durations,
    notice, orphan, report,
    skew::Skew,
    text::{after, day_time},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{ParseExpressionError, Selector};
use speech_api::{
    Reason, SpeechConnection, SpeechConnectionStatus, annotation,
    condition::{self, OBSERVE_ONLY, RETIRING_VERSION, SHARED_RESOURCE, Statement, THROTTLED, Truth},
    connection::{AllowedNamespaces, ApiVersionName, KnownResource, NamespacesFrom},
    is_held,
};
use speech_service::EntityId;
use std::collections::BTreeMap;

/// All that a statement about a connection depends on.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
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
    /// Which connections lead to the same Speech resource.
    pub sharing: &'a Sharing,
    /// What the gates have left behind.
    pub unneeded: Unneeded,
    /// Before when nothing is deleted again, because a deletion failed (UTC).
    pub collect_from: Option<Timestamp>,
    /// The deletions that wait for a word.
    pub held: Option<Held>,
    /// By what the Speech resource is known.
    pub resource: Option<&'a KnownResource>,
    /// Whether this process changes anything in the Speech service.
    pub hands: Hands,
    /// The present (UTC).
    pub now: Timestamp,
}

/// The SpeechModels and SpeechEndpoints that refer to a connection and still need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dependents {
    /// How many.
    pub count: usize,
    /// How many of them live: a connection is not taken away from them.
    pub living: usize,
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
                all.living += usize::from(!leaves);
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
    pub endpoints: usize,
    /// Custom models.
    pub models: usize,
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
    // Kept for those that leave, but not for ever; for those that live as long as they do, like a volume.
    let patience = s.dependents.patience.max(ORPHAN_AFTER);
    let deleted = s.object.metadata.deletion_timestamp.as_ref();
    let until = deleted.map(|time| after(time.0, patience));
    let until = until.filter(|_| s.dependents.living == 0);
    let (collect, later) = collect(s, deleting);
    let expendable = (s.dependents.count == 0 && collect.is_none()) || until.is_some_and(|until| until <= s.now);
    let step = match (held, deleting) {
        (true, true) if expendable => Some(Step::Release),
        (false, false) if s.dependents.count > 0 && s.hands.are_free() => Some(Step::Hold),
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
        statements.extend(retiring(s.object.spec.api_version));
        statements.extend(shared(s.sharing));
        statements.extend((!s.hands.are_free()).then(observing));
        let held = s
            .held
            .map(|held| guard::statement(held, s.object, &s.object.spec.deletion_guard));
        statements.extend(held);
        let selector = s.object.spec.allowed_namespaces.selector.as_ref();
        statements.extend(selector.and_then(|selector| label::unheeded("spec.allowedNamespaces.selector", selector)));
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
    if let (Contact::Established(_), Some(resource)) = (s.contact, s.resource) {
        status.resource = Some(resource.clone());
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

/// Which other connections lead to the same Speech resource, as far as the reader may know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Those of the same namespace, by name, in order.
    pub named: Vec<String>,
    /// Whether there are others elsewhere.
    pub elsewhere: bool,
}

fn shared(sharing: &Sharing) -> Option<Statement> {
    let mut others: Vec<_> = sharing.named.iter().map(String::as_str).collect();
    others.extend(sharing.elsewhere.then_some("a connection of another namespace"));
    (!others.is_empty()).then(|| Statement {
        kind: SHARED_RESOURCE,
        truth: Truth::True,
        reason: Reason::ResourceIsShared,
        message: format!(
            "the same Speech resource is reached by {}: both draw on one request budget, the smaller; maxConcurrentSwaps and maxConcurrentTrainings count for each connection by itself",
            others.join(", ")
        ),
    })
}

/// What to delete of what nobody needs any more, and when to look again for it.
fn collect(s: &Snapshot<'_>, deleting: bool) -> (Option<EntityId>, Option<Timestamp>) {
    if !matches!(s.contact, Contact::Established(_)) || !s.hands.are_free() {
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
        let until = day_time(after(since, s.dependents.patience.max(ORPHAN_AFTER)));
        let message = match s.dependents.living {
            0 => format!(
                "deleted at {}; kept while {} objects that are being deleted need it, at most until {until}",
                day_time(since),
                s.dependents.count,
            ),
            living => format!(
                "deleted at {}; kept as long as objects use it that are not being deleted ({living}). Delete those as well; what is \
                 to go on needs a connection of another name, and an object that adopts its entity",
                day_time(since),
            ),
        };
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
        format!("; pending deletions may use the previous key until {}", day_time(until))
    })
}

/// Whether a selector meets labels; one that cannot be read meets none.
pub fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let parsed: Result<Selector, ParseExpressionError> = selector.clone().try_into();
    parsed.is_ok_and(|selector| kube::core::SelectorExt::matches(&selector, labels))
}

#[cfg(test)]
mod tests;
