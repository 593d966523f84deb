//! What must hold at any time, checked against the truth of the service and not against what the operator believes.
use super::{
    cluster::{self, Cluster, Key},
    fleet,
    people::needs_approval,
    report::{Report, Violation},
    world::RESOURCE,
};
use crate::{
    api::{SpeechEndpoint, condition, swap::OnDeadline},
    controller::observe::means,
    emulator::Emulator,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// More are not collected: the first tell the most.
const MOST: usize = 20;
/// So often an object may be looked at in one moment.
const MOST_PASSES: u32 = 25;
/// What the operator may need to see and deploy a model that just appeared.
const HASTE: SignedDuration = SignedDuration::from_hours(24);

const UID: &str = "customspeech.dev/uid";
const ATTEMPT: &str = "customspeech.dev/attempt";
const CLUSTER: &str = "customspeech.dev/cluster";

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Laws {
    /// What served each endpoint, and until when it was valid.
    served: BTreeMap<Uuid, (Uuid, Option<Timestamp>)>,
    /// Endpoints that were to be served by an expired model.
    expired: BTreeSet<Uuid>,
    /// How often each object was looked at in this moment.
    passes: (Timestamp, BTreeMap<Key, u32>),
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

    /// Looks at all endpoints and models of the service.
    pub fn audit(&mut self, report: &mut Report, emulator: &Emulator, cluster: &Cluster, now: Timestamp) {
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
                let kept = !key.is_some_and(|key| stood_in(cluster, key, model));
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
    pub fn expire(&mut self, report: &mut Report, emulator: &Emulator, cluster: &Cluster, now: Timestamp) {
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
            report.expired += 1;
            let Some(key) = cluster.by_uid.get(&uid) else { continue };
            let Key::Endpoint(index) = *key else { continue };
            let object = cluster.endpoints.get(index).and_then(Option::as_ref);
            let words = object.map(|object| {
                let status = object.status.as_ref();
                let conditions = status.map(|status| tell(&status.conditions)).unwrap_or_default();
                let swap = serde_json::to_string(&object.spec.swap).unwrap_or_default();
                format!("{conditions}; its spec has swap: {swap}")
            });
            report.told.push(Violation {
                at: now,
                place: fleet::name(*key),
                what: words.unwrap_or_default(),
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

    /// Nothing may be left once every object is gone.
    pub fn close(report: &mut Report, emulator: &Emulator, cluster: &Cluster, now: Timestamp) {
        for key in cluster.keys() {
            Self::broken(report, now, fleet::name(key), "was deleted and never let go");
        }
        let mut left = Vec::new();
        let ours = |properties: &BTreeMap<String, String>| {
            properties.get(CLUSTER).is_some_and(|cluster| cluster == cluster::UID)
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
        let id = model.id.to_string();
        let barred = quarantine.unwrap_or_default().iter().any(|entry| entry.model == id);
        let usable = model.usable_since.is_some_and(|since| since <= in_time);
        found |= owned && !barred && usable && model.expires_at > now;
    });
    found
}

/// Whether a model only stood in for what the spec asks for: the spec has to allow that, and the object to have said so
/// while it served.
fn stood_in(cluster: &Cluster, key: Key, model: Uuid) -> bool {
    let Key::Endpoint(index) = key else { return false };
    let object = cluster.endpoints.get(index).and_then(Option::as_ref);
    object.is_some_and(|object| {
        let gate = object.spec.swap.gate.as_ref();
        let active = object.status.as_ref().and_then(|status| status.active.as_ref());
        gate.is_some_and(|gate| gate.on_deadline == OnDeadline::NewestBase)
            && active.is_some_and(|active| active.interim && active.base && active.model == model.to_string())
    })
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
