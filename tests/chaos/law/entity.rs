//! I1: the entities with our mark are those that are declared: no duplicates, no orphans.
use super::{Expected, Finding, deletion::i7_orphans_are_told, list, name_of};
use crate::evidence::{Evidence, Known};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const UID: &str = "customspeech.dev/uid";
const OBJECT: &str = "customspeech.dev/object";
const REVISION: &str = "customspeech.dev/revision";

/// For each object exactly the entities that its status names, and no entity of an object that is gone.
pub fn i1_as_declared(evidence: &Evidence, expected: &Expected) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (kind, list_name) in [("SpeechEndpoint", "endpoints"), ("SpeechModel", "models")] {
        let mut marked = marked(evidence, list_name);
        for object in evidence.objects.iter().filter(|object| object["kind"] == kind) {
            let found: BTreeSet<String> = marked
                .remove(&name_of(object))
                .unwrap_or_default()
                .into_iter()
                .map(|one| one.id)
                .collect();
            let wanted = wanted(object);
            if found != wanted {
                let what = format!("I1: the service holds {found:?} in its name, its status {wanted:?}");
                findings.push(Finding::new(name_of(object), what));
            }
        }
        let orphans = marked
            .into_values()
            .flatten()
            .filter(|one| !expected.retained.contains(&one.object))
            .filter(|one| !i7_orphans_are_told(evidence, &one.object, expected));
        findings.extend(orphans.map(|one| {
            let what = format!("I1: {} {} of {} is an orphan", list_name, one.id, one.resource);
            Finding::new(one.object, what)
        }));
        findings.extend(strangers(evidence, list_name, expected));
    }
    findings
}

/// No object has two entities made for one purpose, not even for a moment: two endpoints, or one revision twice.
pub fn i1_no_twins(evidence: &Evidence, known: &mut Known, expected: &Expected) -> Vec<Finding> {
    let mut findings = Vec::new();
    let creations = ["Endpoints_Create", "Models_Create"];
    for entry in evidence
        .journal
        .iter()
        .filter(|entry| creations.iter().any(|name| entry["operation"] == *name))
    {
        let properties = &entry["requestBody"]["customProperties"];
        let is_taken = entry["status"].as_u64().is_some_and(|status| status < 300);
        let (true, Some(uid)) = (is_taken, properties[UID].as_str()) else {
            continue;
        };
        let purpose = format!("{} for {uid}, revision {}", entry["operation"], properties[REVISION]);
        let count = known.made.entry(purpose).or_default();
        *count += 1;
        if *count > 1 && !expected.may_be_recreated {
            let object = properties[OBJECT].as_str().unwrap_or_default();
            let what = format!(
                "I1: {} took effect {count} times, at last at {}",
                entry["operation"], entry["at"]
            );
            findings.push(Finding::new(object, what));
        }
    }
    findings
}

/// An entity that carries the mark of an object.
struct Marked {
    resource: String,
    id: String,
    object: String,
}

/// By the object's name, not its uid: after the restore of a backup the marks are those of the objects before.
fn marked(evidence: &Evidence, kind: &str) -> BTreeMap<String, Vec<Marked>> {
    let mut all: BTreeMap<String, Vec<Marked>> = BTreeMap::new();
    for (resource, holds) in &evidence.remote {
        for entity in list(holds, kind) {
            let properties = &entity["customProperties"];
            if let (Some(object), Some(id)) = (properties[OBJECT].as_str(), entity["id"].as_str()) {
                all.entry(object.to_owned()).or_default().push(Marked {
                    resource: resource.clone(),
                    id: id.to_owned(),
                    object: object.to_owned(),
                });
            }
        }
    }
    all
}

/// The entities that an object says it has. Only endpoints, trained and copied models carry a mark.
fn wanted(object: &Value) -> BTreeSet<String> {
    let status = &object["status"];
    let observes = object["spec"]["managementPolicy"] == "Observe";
    let ids: Vec<&Value> = if object["kind"] == "SpeechEndpoint" {
        vec![&status["id"]]
    } else if object["spec"]["source"]["training"].is_object() || object["spec"]["source"]["copy"].is_object() {
        let own = [&status["current"]["id"], &status["candidate"]["id"]];
        own.into_iter()
            .chain(list(status, "history").map(|past| &past["id"]))
            .collect()
    } else {
        Vec::new()
    };
    ids.into_iter()
        .filter(|_| !observes)
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}

/// Entities without a mark that nobody but us can have made: a copy that was ordered twice bears none.
fn strangers(evidence: &Evidence, kind: &str, expected: &Expected) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (resource, holds) in &evidence.remote {
        let unmarked = list(holds, kind).filter(|entity| entity["customProperties"][UID].is_null());
        for id in unmarked.filter_map(|entity| entity["id"].as_str()) {
            let is_known = evidence.seeded.contains(id) || expected.strangers.contains(id);
            if !is_known {
                findings.push(Finding::new(resource, format!("I1: {kind} {id} belongs to nobody")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entity(id: &str, uid: &str) -> Value {
        json!({"id": id, "customProperties": {UID: uid, OBJECT: "storm/line"}})
    }

    fn found(endpoints: Value, objects: Vec<Value>) -> Vec<String> {
        let remote = [("storm".to_owned(), json!({"endpoints": endpoints, "models": []}))].into();
        let evidence = Evidence {
            remote,
            objects,
            ..Evidence::default()
        };
        let findings = i1_as_declared(&evidence, &Expected::default());
        findings.into_iter().map(|finding| finding.what).collect()
    }

    fn line() -> Value {
        json!({"kind": "SpeechEndpoint", "metadata": {"namespace": "storm", "name": "line", "uid": "u"}, "status": {"id": "a"}})
    }

    #[test]
    fn a_twin_an_orphan_a_loss_and_a_stranger_are_each_found() {
        assert_eq!(found(json!([entity("a", "u")]), vec![line()]), [""; 0]);
        assert!(found(json!([entity("a", "u"), entity("b", "u")]), vec![line()])[0].contains("\"b\""));
        assert!(found(json!([entity("b", "gone")]), vec![])[0].contains("orphan"));
        assert!(found(json!([]), vec![line()])[0].contains("holds {}"));
        assert!(found(json!([entity("a", "u"), {"id": "c"}]), vec![line()])[0].contains("nobody"));
    }

    #[test]
    fn a_second_creation_for_one_purpose_is_found_even_when_its_twin_is_gone() {
        let made = |uid: &str| json!({"operation": "Endpoints_Create", "status": 201, "requestBody": {"customProperties": {UID: uid}}});
        let count = |journal: Vec<Value>| {
            let evidence = Evidence {
                journal,
                ..Evidence::default()
            };
            i1_no_twins(&evidence, &mut Known::default(), &Expected::default()).len()
        };
        assert_eq!(
            (
                count(vec![made("a"), made("b")]),
                count(vec![made("a"), made("b"), made("a")])
            ),
            (0, 1)
        );
    }
}
