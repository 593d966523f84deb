//! Random objects in a small world, where everything relates to something.
use crate::controller::{
    store::{Indexed, Writer},
    testing::Parts,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Resource, runtime::reflector::ObjectRef};
use proptest::{prop_assert, test_runner::TestCaseError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_fuzz::Chance;
use speech_plan::testing::id;
use std::sync::Arc;

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Connection,
    Model,
    Endpoint,
    Export,
}

/// What the watches bring; an object follows from its number.
#[derive(Clone, Debug)]
pub enum Step {
    Apply(Kind, u64),
    Delete(Kind, u64),
    /// A whole list.
    List(Kind, Vec<u64>),
    /// A list that does not come to its end.
    BreakOff(Kind, Vec<u64>),
    /// No watch: our own write of a status that the watch has not confirmed.
    Write(u64),
}

pub fn take(parts: &mut Parts, step: &Step, number: usize) {
    let change = match step {
        Step::Write(object) => return write(parts, *object, number),
        Step::Apply(kind, object) => (kind, Change::Apply(*object)),
        Step::Delete(kind, object) => (kind, Change::Delete(*object)),
        Step::List(kind, objects) => (kind, Change::List(objects, true)),
        Step::BreakOff(kind, objects) => (kind, Change::List(objects, false)),
    };
    match change {
        (Kind::Connection, change) => bring(&mut parts.writers.connections, change, connection),
        (Kind::Model, change) => bring(&mut parts.writers.models, change, model),
        (Kind::Endpoint, change) => bring(&mut parts.writers.endpoints, change, endpoint),
        (Kind::Export, change) => bring(&mut parts.writers.exports, change, export),
    }
}

enum Change<'a> {
    Apply(u64),
    Delete(u64),
    List(&'a [u64], bool),
}

fn bring<K>(writer: &mut Writer<K>, change: Change<'_>, make: fn(u64) -> K)
where
    K: Indexed,
{
    match change {
        Change::Apply(object) => drop(writer.apply(make(object))),
        Change::Delete(object) => writer.delete(&make(object)),
        Change::List(objects, whole) => {
            writer.begin_list();
            objects.iter().for_each(|object| writer.list(make(*object)));
            if whole {
                writer.end_list();
            }
        }
    }
}

/// Writes another status to a model that is there.
fn write(parts: &Parts, object: u64, number: usize) {
    let other = model(object);
    if let Some(known) = parts.context.stores.models.get(&ObjectRef::from_obj(&other)) {
        let mut written = SpeechModel::clone(&known);
        written.status = other.status;
        written.metadata.resource_version = Some((2 + number).to_string());
        parts.context.written.models.wrote(Arc::new(written));
    }
}

pub fn empty(parts: &mut Parts) {
    for kind in [Kind::Connection, Kind::Model, Kind::Endpoint, Kind::Export] {
        take(parts, &Step::List(kind, Vec::new()), 0);
    }
    parts.context.written = Default::default();
}

pub fn check(parts: &Parts) -> Result<(), TestCaseError> {
    let stores = &parts.context.stores;
    prop_assert!(stores.connections.agrees_with_index(), "SpeechConnections");
    prop_assert!(stores.models.agrees_with_index(), "SpeechModels");
    prop_assert!(stores.endpoints.agrees_with_index(), "SpeechEndpoints");
    prop_assert!(stores.exports.agrees_with_index(), "ConfigMaps");
    Ok(())
}

pub const NAMESPACES: [&str; 2] = ["shop", "bank"];
pub const NAMES: [&str; 3] = ["red", "green", "blue"];
pub const UIDS: [&str; 4] = ["uid-1", "uid-2", "uid-3", "uid-4"];
pub const IDS: [u128; 4] = [1, 2, 3, 4];
const ADDRESSES: [&str; 3] = ["https://one.example", "https://ONE.example/", "https://two.example"];

pub fn one<'a>(chance: &mut Chance, of: &[&'a str]) -> &'a str {
    chance.pick(of).unwrap()
}

/// Half of the time.
fn maybe(chance: &mut Chance, value: impl FnOnce(&mut Chance) -> Value) -> Value {
    if chance.below(2) == 0 {
        value(chance)
    } else {
        Value::Null
    }
}

fn entity(chance: &mut Chance) -> Value {
    match chance.below(8) {
        0 => json!("no id"),
        1 => json!(format!("https://one.example/speechtotext/models/{}", id(2))),
        _ => json!(id(*chance.pick(&IDS).unwrap()).to_string()),
    }
}

/// In the own namespace or in another one.
fn reference(chance: &mut Chance) -> Value {
    json!({"name": one(chance, &NAMES), "namespace": maybe(chance, |chance| json!(one(chance, &NAMESPACES)))})
}

fn export_to(chance: &mut Chance) -> Value {
    json!({"configMap": {"name": one(chance, &NAMES)}})
}

fn object<K: Resource<DynamicType = ()> + DeserializeOwned>(chance: &mut Chance, spec: Value, status: Value) -> K {
    let deleted = maybe(chance, |_| json!("2026-03-01T10:00:00Z"));
    let metadata = json!({
        "name": one(chance, &NAMES), "namespace": one(chance, &NAMESPACES), "uid": one(chance, &UIDS), "resourceVersion": "1",
        "deletionTimestamp": deleted, "labels": {"team": one(chance, &NAMES)},
    });
    let object = json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": K::kind(&()), "metadata": metadata,
        "spec": spec, "status": status,
    });
    serde_json::from_value(object).unwrap()
}

pub fn connection(number: u64) -> SpeechConnection {
    let chance = &mut Chance::new(number);
    let secret = maybe(chance, |chance| json!({"name": one(chance, &NAMES)}));
    let resource = maybe(chance, |chance| {
        json!(one(chance, &["/subscriptions/A", "/subscriptions/a"]))
    });
    let spec = json!({"endpoint": one(chance, &ADDRESSES), "auth": {"keySecretRef": secret}, "resourceId": resource});
    object(chance, spec, Value::Null)
}

pub fn export(number: u64) -> ConfigMap {
    let chance = &mut Chance::new(number);
    let owner = |chance: &mut Chance| {
        let uid = one(chance, &UIDS);
        json!([{"apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechModel", "name": "red", "uid": uid}])
    };
    let owners = maybe(chance, owner);
    let metadata =
        json!({"name": one(chance, &NAMES), "namespace": one(chance, &NAMESPACES), "ownerReferences": owners});
    serde_json::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap()
}

pub fn model(number: u64) -> SpeechModel {
    let chance = &mut Chance::new(number);
    let source = match chance.below(5) {
        0 => json!({"training": {"datasets": [entity(chance), entity(chance)]}}),
        1 => json!({"base": {}}),
        2 => json!({"existing": {"id": entity(chance)}}),
        3 => json!({"copy": {"modelRef": reference(chance)}}),
        _ => json!({"copy": {"connectionRef": reference(chance), "id": entity(chance)}}),
    };
    let spec = json!({
        "connectionRef": reference(chance), "locale": "en-US", "source": source, "exportTo": maybe(chance, export_to),
    });
    let current = |chance: &mut Chance| json!({"id": entity(chance), "self": "", "name": "", "createdAt": "", "supportsEndpoints": true});
    let candidate = |chance: &mut Chance| json!({"id": entity(chance), "revision": 1, "state": "", "startedAt": ""});
    let copying = |chance: &mut Chance| json!({"source": "", "attempt": 1, "operation": "", "model": maybe(chance, entity), "startedAt": ""});
    let history = match chance.below(2) {
        0 => json!([]),
        _ => json!([{"id": entity(chance), "revision": 1, "state": "Succeeded"}]),
    };
    let status = json!({
        "current": maybe(chance, current), "candidate": maybe(chance, candidate), "copying": maybe(chance, copying),
        "history": history,
    });
    let status = maybe(chance, |_| status);
    object(chance, spec, status)
}

pub fn endpoint(number: u64) -> SpeechEndpoint {
    let chance = &mut Chance::new(number);
    let choice = match chance.below(5) {
        0 => json!({"base": {}}),
        1 => json!({"id": entity(chance)}),
        2 => json!({"ref": {"name": one(chance, &NAMES)}}),
        3 => json!({"selector": {"matchLabels": {"team": one(chance, &NAMES)}}}),
        // No such object is accepted; still it is one that is found by either.
        _ => json!({"ref": {"name": "red"}, "selector": {"matchLabels": {"team": one(chance, &NAMES)}}}),
    };
    let gate = maybe(chance, |chance| json!({"evaluation": {"dataset": entity(chance)}}));
    let spec = json!({
        "connectionRef": reference(chance), "locale": "en-US", "model": choice, "swap": {"gate": gate},
        "adopt": maybe(chance, |chance| json!({"id": entity(chance)})), "exportTo": maybe(chance, export_to),
        "suspend": chance.below(2) == 0,
    });
    let active =
        |chance: &mut Chance| json!({"model": entity(chance), "base": chance.below(2) == 0, "name": "", "since": ""});
    let judgement = |chance: &mut Chance| {
        json!({
            "candidate": entity(chance), "active": entity(chance), "dataset": entity(chance),
            "evaluation": maybe(chance, entity), "verdict": one(chance, &["Pending", "Pass", "Error"]), "at": "",
        })
    };
    let status = json!({
        "id": maybe(chance, entity), "active": maybe(chance, active), "gate": maybe(chance, judgement),
    });
    let status = maybe(chance, |_| status);
    object(chance, spec, status)
}
