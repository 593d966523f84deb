//! I7: nothing is deleted in the service that no object asked for, and a deletion that was held ends in Deleted or Orphaned.
use super::{Expected, Finding, id_in, list, name_of};
use crate::evidence::{Evidence, Known};
use std::collections::BTreeSet;

/// Every deletion that took effect was asked for: what a status has ever named goes only with its object, or, of models,
/// when it is named no more; what was there at first goes only when an object named it before.
pub fn i7_nothing_unasked(evidence: &Evidence, known: &mut Known) -> Vec<Finding> {
    note_names(evidence, known);
    let living: BTreeSet<String> = evidence
        .objects
        .iter()
        .filter(|object| object["metadata"]["deletionTimestamp"].is_null())
        .map(name_of)
        .collect();
    let mut findings = Vec::new();
    for entry in &evidence.journal {
        let what = match entry["operation"].as_str() {
            Some("Endpoints_Delete") => "endpoint",
            Some("Models_Delete") => "model",
            _ => continue,
        };
        // A fault that answers in place of the service has no effect; one that loses the answer has.
        let is_answered_for = entry["fault"]["action"] == "status";
        let took_effect = entry["status"].as_u64().is_some_and(|status| status < 300) && !is_answered_for;
        let (true, Some(id)) = (took_effect, id_in(&entry["path"])) else {
            continue;
        };
        let owners = known.named.get(&id);
        let holder = owners.and_then(|owners| owners.iter().find(|owner| living.contains(*owner)));
        if let Some(holder) = holder.filter(|_| what == "endpoint" || is_named_now(evidence, &id)) {
            let told = format!("I7: {what} {id} was deleted at {}, and {holder} lives", entry["at"]);
            findings.push(Finding::new(holder, told));
        } else if owners.is_none() && evidence.seeded.contains(&id) {
            let told = format!(
                "I7: {what} {id} was deleted at {}, and no object ever named it",
                entry["at"]
            );
            findings.push(Finding::new(entry["resource"].as_str().unwrap_or_default(), told));
        }
    }
    findings
}

/// Which objects have named which endpoint or model as their own.
fn note_names(evidence: &Evidence, known: &mut Known) {
    let written = evidence.audit.iter().filter(|entry| entry.code < 300);
    let written = written.map(|entry| (format!("{}/{}", entry.namespace, entry.name), &entry.body["status"]));
    let standing = evidence
        .objects
        .iter()
        .map(|object| (name_of(object), &object["status"]));
    for (name, status) in written.chain(standing) {
        let ids = [&status["id"], &status["current"]["id"], &status["candidate"]["id"]].into_iter();
        for id in ids.chain(list(status, "formerIds")).filter_map(|id| id.as_str()) {
            known.named.entry(id.to_owned()).or_default().insert(name.clone());
        }
    }
}

fn is_named_now(evidence: &Evidence, id: &str) -> bool {
    let named = |object: &serde_json::Value| object["status"]["current"]["id"] == id || object["status"]["id"] == id;
    evidence.objects.iter().any(named)
}

/// What is left of objects that are gone was told: by an event, before the object went.
pub fn i7_orphans_are_told(evidence: &Evidence, object: &str, expected: &Expected) -> bool {
    expected.may_be_orphaned && evidence.orphaned.contains(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(objects: Vec<Value>, fault: Value, seeded: &[&str]) -> usize {
        let entry = json!({"operation": "Endpoints_Delete", "status": 204, "path": "/speechtotext/endpoints/e", "fault": fault});
        let evidence = Evidence {
            objects,
            journal: vec![entry],
            seeded: seeded.iter().map(|id| (*id).to_owned()).collect(),
            ..Evidence::default()
        };
        i7_nothing_unasked(&evidence, &mut Known::default()).len()
    }

    #[test]
    fn what_a_living_object_named_and_what_nobody_named_are_found_when_they_are_deleted() {
        let object = |deleted: Value, ids: Value| {
            let mut status = json!({"id": "other"});
            status["formerIds"] = ids;
            json!({"kind": "SpeechEndpoint", "metadata": {"namespace": "a", "name": "b", "deletionTimestamp": deleted}, "status": status})
        };
        assert_eq!(found(vec![object(Value::Null, json!(["e"]))], Value::Null, &[]), 1);
        assert_eq!(found(vec![object(json!("now"), json!(["e"]))], Value::Null, &[]), 0);
        assert_eq!(
            found(
                vec![object(Value::Null, json!(["e"]))],
                json!({"id": 1, "action": "status"}),
                &[]
            ),
            0
        );
        assert_eq!(found(vec![], Value::Null, &["e"]), 1);
        assert_eq!(found(vec![], Value::Null, &[]), 0);
    }
}
