//! What must hold at any time, checked against the truth of the service and not against what the operator believes.
use super::{
    cluster::{self, Cluster, Key},
    fleet,
    mark::{ATTEMPT, CLUSTER, UID},
    report::{Report, Violation},
    users::needs_approval,
    world::RESOURCE,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{Reason, SpeechEndpoint, SpeechModel, condition, swap::OnDeadline};
use speech_emulator::Emulator;
use speech_plan::relations::means;
use speech_service::EntityId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use uuid::Uuid;

/// More are not collected: the first tell the most.
const MOST: usize = 20;
/// So often an object may be looked at in one moment.
const MOST_PASSES: u32 = 25;
/// So many requests of one step of one object may fail within an hour: waits double from five seconds to a quarter of an
/// hour, and begin anew with an edit or a restart whose failure was not written down.
const MOST_FAILURES: usize = 40;
/// What the operator may need to see and deploy a model that just appeared.
const HASTE: SignedDuration = SignedDuration::from_hours(24);

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Laws {
    /// What served each endpoint, and until when it was valid.
    served: BTreeMap<Uuid, (Uuid, Option<Timestamp>)>,
    /// The uids of objects that were let go with the word that something of theirs stays.
    orphaned: BTreeSet<String>,
    /// Endpoints that were to be served by an expired model.
    expired: BTreeSet<Uuid>,
    /// How often each object was looked at in this moment.
    passes: (Timestamp, BTreeMap<Key, u32>),
    /// The base models that were seen to stand in for what the specs ask for, by object.
    interim: BTreeSet<(Key, EntityId)>,
    /// When each step of an object failed within the last hour.
    failures: BTreeMap<(Key, &'static str), VecDeque<Timestamp>>,
}

impl Laws {
    /// Writes down what must never be.
    pub fn broken(report: &mut Report, at: Timestamp, place: impl ToString, what: impl Into<String>) {
        if report.violations.len() < MOST {
            report.violations.push(Violation {
                at,
                place: place.to_string(),
                what: what.into(),
            });
        }
    }

    /// Counts a pass: an object that is looked at again and again in one moment is in a hot loop.
    pub fn passed(&mut self, report: &mut Report, key: Key, now: Timestamp) {
        if self.passes.0 != now {
            self.passes = (now, BTreeMap::new());
        }
        let count = self.passes.1.entry(key).or_default();
        *count += 1;
        if *count == MOST_PASSES {
            Self::broken(
                report,
                now,
                fleet::name(key),
                format!("looked at {MOST_PASSES} times in one moment"),
            );
        }
    }

    /// Counts a request that failed: what is refused is asked for ever more rarely.
    pub fn failed(&mut self, report: &mut Report, key: Key, operation: &'static str, now: Timestamp) {
        let failures = self.failures.entry((key, operation)).or_default();
        failures.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(1));
        failures.push_back(now);
        if failures.len() > MOST_FAILURES {
            let what = format!("{operation} failed more than {MOST_FAILURES} times within an hour");
            Self::broken(report, now, fleet::name(key), what);
        }
    }

    /// Looks at all endpoints and models of the service.
    pub fn audit(&mut self, report: &mut Report, emulator: &Emulator, cluster: &Cluster, now: Timestamp) {
        for (index, object) in cluster.endpoints.iter().enumerate() {
            // Where the service shows a swap before it is done, the status has forgotten by then what stood in.
            if let Some(model) = object.as_ref().and_then(interim) {
                self.interim.insert((Key::Endpoint(index), model));
            }
        }
        let mut marks = BTreeSet::new();
        let mut twins = Vec::new();
        let mut mark = |properties: &BTreeMap<String, String>| {
            let (Some(uid), Some(attempt)) = (properties.get(UID), properties.get(ATTEMPT)) else {
                return;
            };
            if attempt != "0" && !marks.insert((uid.clone(), attempt.clone())) {
                twins.push(format!("two remote entities of {uid} by attempt {attempt}"));
            }
        };
        let mut changed = Vec::new();
        emulator.endpoints(RESOURCE, |endpoint| {
            mark(endpoint.custom_properties);
            let Some(serving) = endpoint.serving else { return };
            let before = self.served.get(&endpoint.id).copied();
            if before.is_none_or(|(model, _)| model != serving) {
                let uid = endpoint.custom_properties.get(UID).cloned().unwrap_or_default();
                changed.push((endpoint.id, uid, endpoint.since, before, (serving, endpoint.expires_at)));
            }
        });
        emulator.models(RESOURCE, |model| mark(model.custom_properties));
        twins
            .into_iter()
            .for_each(|twin| Self::broken(report, now, RESOURCE, twin));
        for (endpoint, uid, since, before, after) in changed {
            self.served.insert(endpoint, after);
            if let Some((model, deadline)) = before {
                let key = cluster.by_uid.get(&uid).copied();
                // What the spec lets stand in makes way for anything that was declared.
                let kept = !key.is_some_and(|key| self.interim.contains(&(key, EntityId::from_uuid(model))));
                let object = key.map(fleet::name).unwrap_or_default();
                Self::judge_swap(report, since, object, deadline, after.1, kept);
            }
        }
    }

    /// What serves never gets worse, while it has to be `kept`.
    fn judge_swap(
        report: &mut Report,
        now: Timestamp,
        place: String,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
        kept: bool,
    ) {
        let Some(deadline) = before else { return };
        report.swapped(now, deadline);
        if kept && deadline > now && after.is_none_or(|after| after < deadline) {
            let what = format!("what serves is valid until {after:?} after a swap, and was until {deadline}");
            Self::broken(report, now, place, what);
        }
    }

    /// Looks whether an expired model is to serve anywhere; to be called when models expire.
    /// `hampered` says of which endpoints, by id, and objects, by uid, the service did not do what they needed: those
    /// cannot move, and have to have said so.
    pub fn expire(
        &mut self,
        report: &mut Report,
        emulator: &Emulator,
        cluster: &Cluster,
        hampered: impl Fn(&str) -> bool,
        now: Timestamp,
    ) {
        let mut late = Vec::new();
        emulator.endpoints(RESOURCE, |endpoint| {
            if endpoint.expires_at.is_some_and(|at| at <= now) {
                late.push((
                    endpoint.id,
                    endpoint.custom_properties.get(UID).cloned().unwrap_or_default(),
                ));
            }
        });
        for (id, uid) in late {
            if !self.expired.insert(id) {
                continue;
            }
            let key = cluster.by_uid.get(&uid);
            let object = key.and_then(|key| match key {
                Key::Endpoint(index) => cluster.endpoints.get(*index).and_then(Option::as_ref),
                Key::Model(_) => None,
            });
            let is_hampered = hampered(&id.to_string())
                || object.is_some_and(|object| {
                    let meant = cluster.models.iter().flatten().filter(|model| means(object, model));
                    let mut owners = meant.filter_map(|model| model.metadata.uid.as_deref());
                    owners.any(&hampered)
                });
            if let Some(object) = object.filter(|object| !is_hampered && is_held(object)) {
                report.held += 1;
                report.told.push(Violation {
                    at: now,
                    place: key.map(|key| fleet::name(*key)).unwrap_or_default(),
                    what: Self::words(object),
                });
                continue;
            }
            if let (true, Some(key), Some(object)) = (is_hampered, key, object) {
                report.hampered += 1;
                let conditions = object.status.as_ref().map(|status| status.conditions.as_slice());
                let conditions = conditions.unwrap_or_default();
                if !condition::is_true(conditions, condition::AT_RISK) {
                    let what = format!("came to its expiry without having said so: {}", tell(conditions));
                    Self::broken(report, now, fleet::name(*key), what);
                }
                continue;
            }
            report.expired += 1;
            let Some(key) = key else { continue };
            report.told.push(Violation {
                at: now,
                place: fleet::name(*key),
                what: object.map(Self::words).unwrap_or_default(),
            });
            if object.is_some_and(|object| has_successor(emulator, cluster, object, now)) {
                let said = object
                    .and_then(|object| object.status.as_ref())
                    .map(|status| tell(&status.conditions));
                let what = "an expired model is to serve though a newer one could be had; it says";
                Self::broken(
                    report,
                    now,
                    fleet::name(*key),
                    format!("{what} {}", said.unwrap_or_default()),
                );
            }
        }
    }

    /// What an endpoint says, and what its spec asks for.
    fn words(object: &SpeechEndpoint) -> String {
        let status = object.status.as_ref();
        let conditions = status.map(|status| tell(&status.conditions)).unwrap_or_default();
        let swap = serde_json::to_string(&object.spec.swap).unwrap_or_default();
        format!("{conditions}; its spec has swap: {swap}")
    }

    /// What was deleted had to be: an endpoint only with its object, a model only when no status serves it any more.
    pub fn deleted(report: &mut Report, cluster: &Cluster, gone: &[(Uuid, String)], now: Timestamp) {
        for (id, owner) in gone {
            let id = EntityId::from_uuid(*id);
            let Some(key) = cluster.by_uid.get(owner) else { continue };
            let is_unasked = match *key {
                Key::Endpoint(index) => cluster
                    .endpoints
                    .get(index)
                    .and_then(Option::as_ref)
                    .is_some_and(|object| {
                        let status = object.status.as_ref();
                        let named =
                            status.is_some_and(|status| status.id == Some(id) || status.former_ids.contains(&id));
                        named && object.metadata.deletion_timestamp.is_none()
                    }),
                Key::Model(index) => cluster
                    .models
                    .get(index)
                    .and_then(Option::as_ref)
                    .is_some_and(|object| {
                        let current = object.status.as_ref().and_then(|status| status.current.as_ref());
                        current.is_some_and(|current| current.id == id) && object.metadata.deletion_timestamp.is_none()
                    }),
            };
            if is_unasked {
                Self::broken(
                    report,
                    now,
                    fleet::name(*key),
                    format!("{id} was deleted, and nobody asked for it"),
                );
            }
        }
    }

    /// No object may have more made than its bound.
    pub fn bounded(report: &mut Report, cluster: &Cluster, beyond: Vec<(String, String)>, now: Timestamp) {
        for (uid, what) in beyond {
            let place = cluster.by_uid.get(&uid).map(|key| fleet::name(*key)).unwrap_or(uid);
            Self::broken(report, now, place, what);
        }
    }

    /// An object was let go with the word that something of its own stays in the service.
    pub fn orphaned(&mut self, uid: &str) {
        self.orphaned.insert(uid.to_owned());
    }

    /// The uids of SpeechModels of which an endpoint uses a model that was said to stay: they are held as long as it does.
    fn held(&self, emulator: &Emulator) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        emulator.endpoints(RESOURCE, |endpoint| {
            let uid = endpoint.custom_properties.get(UID);
            if uid.is_some_and(|uid| self.orphaned.contains(uid)) {
                used.extend(endpoint.uses());
            }
        });
        let mut held = BTreeSet::new();
        emulator.models(RESOURCE, |model| {
            if used.contains(&model.id) {
                held.extend(model.custom_properties.get(UID).cloned());
            }
        });
        held
    }

    /// Nothing may be left once every object is gone, but for what was said to stay, and for models that it uses.
    pub fn close(&self, report: &mut Report, emulator: &Emulator, cluster: &Cluster, now: Timestamp) {
        let held = self.held(emulator);
        for key in cluster.keys() {
            let says = |object: &SpeechModel| {
                let conditions = object.status.as_ref().map(|status| status.conditions.as_slice());
                let ready = condition::find(conditions.unwrap_or_default(), condition::READY);
                ready.is_some_and(|ready| ready.reason == Reason::ModelInUse.as_str())
            };
            let model = match key {
                Key::Model(index) => cluster.models.get(index).and_then(Option::as_ref),
                Key::Endpoint(_) => None,
            };
            let uid = model.and_then(|model| model.metadata.uid.as_ref());
            if !(uid.is_some_and(|uid| held.contains(uid)) && model.is_some_and(says)) {
                Self::broken(report, now, fleet::name(key), "was deleted and never let go");
            }
        }
        let mut left = Vec::new();
        let ours = |properties: &BTreeMap<String, String>| {
            let uid = properties.get(UID);
            let told = uid.is_some_and(|uid| self.orphaned.contains(uid) || held.contains(uid));
            !told && properties.get(CLUSTER).is_some_and(|cluster| cluster == cluster::UID)
        };
        emulator.endpoints(RESOURCE, |endpoint| {
            left.extend(ours(endpoint.custom_properties).then(|| format!("endpoint {}", endpoint.id)));
        });
        emulator.models(RESOURCE, |model| {
            left.extend(ours(model.custom_properties).then(|| format!("model {}", model.id)));
        });
        let evaluations = emulator.evaluation_count(RESOURCE);
        left.extend((evaluations > 0).then(|| format!("{evaluations} evaluations")));
        for entity in left {
            Self::broken(report, now, RESOURCE, format!("{entity} is left without an object"));
        }
    }
}

/// Whether a model that the endpoint's spec asks for could have served before its own expired. What the spec itself holds
/// back, and nobody let go, could not.
fn has_successor(emulator: &Emulator, cluster: &Cluster, object: &SpeechEndpoint, now: Timestamp) -> bool {
    let swap = &object.spec.swap;
    let hopeless = !swap.windows.is_empty() && swap.deadline_override == "0s";
    if hopeless || swap.gate.is_some() || needs_approval(object) || object.spec.suspend {
        return false;
    }
    if object.spec.model.base.is_some() {
        return true;
    }
    let meant = cluster.models.iter().flatten().filter(|model| means(object, model));
    let owners: Vec<_> = meant.filter_map(|model| model.metadata.uid.clone()).collect();
    let quarantine = object.status.as_ref().map(|status| status.quarantine.as_slice());
    let in_time = now.saturating_sub(HASTE).unwrap_or(now);
    let mut found = false;
    emulator.models(RESOURCE, |model| {
        let owned = model.custom_properties.get(UID).is_some_and(|uid| owners.contains(uid));
        let id = EntityId::from_uuid(model.id);
        let barred = quarantine.unwrap_or_default().iter().any(|entry| entry.model == id);
        let usable = model.usable_since.is_some_and(|since| since <= in_time);
        found |= owned && !barred && usable && model.expires_at > now;
    });
    found
}

/// Whether an endpoint comes to its expiry because its own spec holds it, and says so.
fn is_held(object: &SpeechEndpoint) -> bool {
    let swap = &object.spec.swap;
    let conditions = object.status.as_ref().map(|status| status.conditions.as_slice());
    let Some(risk) = condition::at_risk(conditions.unwrap_or_default()) else {
        return false;
    };
    let says = |reasons: &[Reason]| reasons.iter().any(|reason| reason.as_str() == risk.reason);
    let by_gate = [
        Reason::Evaluating,
        Reason::GateFailed,
        Reason::GateInconclusive,
        Reason::GateError,
    ];
    let by_person = [Reason::ApprovalAwaited, Reason::ApprovalOfOther];
    let by_window = [Reason::WindowNeverOpens, Reason::WindowClosed];
    let gate = swap.gate.as_ref().map(|gate| gate.on_deadline);
    (gate == Some(OnDeadline::Hold) && says(&by_gate))
        || (needs_approval(object) && says(&by_person))
        || (swap.deadline_override == "0s" && says(&by_window))
}

/// The base model that only stands in for what the spec asks for: the spec has to allow that, and the object to say so.
fn interim(object: &SpeechEndpoint) -> Option<EntityId> {
    let gate = object.spec.swap.gate.as_ref()?;
    let active = object.status.as_ref()?.active.as_ref()?;
    let is_interim = gate.on_deadline == OnDeadline::NewestBase && active.interim && active.base;
    is_interim.then_some(active.model)
}

/// Conditions in one line.
fn tell(conditions: &[Condition]) -> String {
    let one = |told: &Condition| format!("{}={} {}: {}", told.type_, told.status, told.reason, told.message);
    conditions.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What is wrong with how an object presents itself after a pass, if anything.
pub fn presentation(conditions: &[Condition], look_again: Option<Timestamp>, awaits: bool) -> Option<String> {
    let find = |kind| condition::find(conditions, kind);
    let ready = condition::is_true(conditions, condition::READY);
    let (reconciling, stalled) = (find(condition::RECONCILING), find(condition::STALLED));
    if !ready && reconciling.is_none() && stalled.is_none() {
        return Some("is not ready, and says neither what is under way nor who can help".to_owned());
    }
    // What depends on another object or on the connection is woken by it.
    const WOKEN: [&str; 5] = [
        "ModelNotReady",
        "ConnectionNotReady",
        "Connecting",
        "AwaitingTurn",
        "ModelInUse",
    ];
    let stuck = reconciling.filter(|told| look_again.is_none() && !awaits && !WOKEN.contains(&told.reason.as_str()));
    stuck.map(|told| {
        format!(
            "is at work ({}: {}), but nothing will wake it",
            told.reason, told.message
        )
    })
}
