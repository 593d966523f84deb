//! I5: conditions are lawful: exact to kstatus at rest, and each change says something once.
use super::{Expected, Finding, list, name_of};
use crate::evidence::{Evidence, Known, Told};
use serde_json::Value;
use std::collections::BTreeMap;

/// Conditions that are present only while they are True.
const ONLY_WHILE_TRUE: [&str; 3] = ["Reconciling", "Stalled", "AtRisk"];

/// What every object must say at rest.
pub fn i5_lawful_at_rest(evidence: &Evidence) -> Vec<Finding> {
    let findings = evidence.objects.iter().filter_map(|object| {
        let what = unlawful(object)?;
        Some(Finding::new(
            name_of(object),
            format!("I5: {what}: {}", object["status"]["conditions"]),
        ))
    });
    findings.collect()
}

fn unlawful(object: &Value) -> Option<&'static str> {
    let status = &object["status"];
    let of = |kind: &str| {
        list(status, "conditions")
            .filter(move |one| one["type"] == kind)
            .collect::<Vec<_>>()
    };
    let is_deleted = !object["metadata"]["deletionTimestamp"].is_null();
    match of("Ready").as_slice() {
        [ready] if is_deleted || ready["observedGeneration"] == object["metadata"]["generation"] => {}
        [_] => return Some("Ready speaks of another generation"),
        _ => return Some("there is not one Ready"),
    }
    if !is_deleted && status["observedGeneration"] != object["metadata"]["generation"] {
        return Some("the status speaks of another generation");
    }
    let is_idle = |one: &&Value| one["status"] != "True";
    if ONLY_WHILE_TRUE.iter().any(|kind| of(kind).iter().any(is_idle)) {
        return Some("a condition stands though it is not True");
    }
    let is_true = |kind: &str| of(kind).iter().any(|one| one["status"] == "True");
    if is_true("Ready") && is_true("Stalled") {
        return Some("Ready and Stalled at once");
    }
    let lacks =
        |one: &Value| one["reason"].as_str().unwrap_or_default().is_empty() || !one["lastTransitionTime"].is_string();
    list(status, "conditions")
        .any(lacks)
        .then_some("a condition lacks its reason or its time")
}

/// What must hold between any two statuses that were written to one object: something differs, a condition's time moves
/// with its status and only then, and within one generation Ready does not go to and fro.
pub fn i5_lawful_changes(evidence: &Evidence, known: &mut Known, expected: &Expected) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in evidence.audit.iter().filter(|entry| entry.subresource == "status") {
        let name = format!("{} {}/{}", entry.resource, entry.namespace, entry.name);
        match entry.code {
            200..300 => {}
            400..499 => continue,
            _ => {
                // Whoever wrote has died or was cut off, as 504 says: nobody knows whether it took effect.
                known.told.remove(&name);
                continue;
            }
        }
        let now = told(&entry.body["status"]);
        let before = known.told.remove(&name).unwrap_or_default();
        let mut changes = 0;
        if let Some(last) = &before.status {
            if *last == entry.body["status"] {
                findings.push(Finding::new(
                    &name,
                    format!("I5: the same status was written twice: {last}"),
                ));
            }
            let was = told(last);
            for (kind, (truth, since)) in &now {
                let Some((old_truth, old_since)) = was.get(kind) else {
                    continue;
                };
                if (truth == old_truth) != (since == old_since) && truth == old_truth {
                    let what =
                        format!("I5: the time of {kind} moved from {old_since} to {since} and it stayed {truth}");
                    findings.push(Finding::new(&name, what));
                }
            }
            let is_same_generation = last["observedGeneration"] == entry.body["status"]["observedGeneration"];
            let has_changed = was.get("Ready").map(|ready| &ready.0) != now.get("Ready").map(|ready| &ready.0);
            changes = if is_same_generation {
                before.changes + usize::from(has_changed)
            } else {
                0
            };
        }
        if changes == expected.more_changes + 2 {
            let what = format!(
                "I5: Ready changed {changes} times within generation {}",
                entry.body["status"]["observedGeneration"]
            );
            findings.push(Finding::new(
                &name,
                format!("{what}, now {}", entry.body["status"]["conditions"]),
            ));
        }
        known.told.insert(
            name,
            Told {
                status: Some(entry.body["status"].clone()),
                changes,
            },
        );
    }
    findings
}

/// Truth and time of each condition.
fn told(status: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let conditions = list(status, "conditions");
    conditions
        .map(|one| {
            (
                text(&one["type"]),
                (text(&one["status"]), text(&one["lastTransitionTime"])),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::AuditEntry;
    use serde_json::json;

    fn write(truth: &str, reason: &str, second: u32) -> AuditEntry {
        let ready = json!({"type": "Ready", "status": truth, "reason": reason, "lastTransitionTime": format!("2026-01-01T00:00:{second:02}Z")});
        AuditEntry {
            resource: "speechendpoints".into(),
            subresource: "status".into(),
            code: 200,
            body: json!({"status": {"observedGeneration": 1, "conditions": [ready]}}),
            ..AuditEntry::default()
        }
    }

    fn found(audit: Vec<AuditEntry>) -> usize {
        let evidence = Evidence {
            audit,
            ..Evidence::default()
        };
        i5_lawful_changes(&evidence, &mut Known::default(), &Expected::default()).len()
    }

    #[test]
    fn a_repetition_a_wrong_time_and_flapping_are_each_found() {
        assert_eq!(
            found(vec![
                write("False", "Creating", 1),
                write("False", "Deploying", 1),
                write("True", "Serving", 2)
            ]),
            0
        );
        assert_eq!(found(vec![write("True", "Serving", 1), write("True", "Serving", 1)]), 1);
        assert_eq!(found(vec![write("True", "Serving", 1), write("True", "Other", 2)]), 1);
        assert_eq!(
            found(vec![
                write("False", "A", 1),
                write("True", "B", 2),
                write("False", "A", 3)
            ]),
            1
        );
    }

    #[test]
    fn a_write_that_nobody_knows_the_end_of_proves_nothing() {
        let uncertain = AuditEntry {
            code: 504,
            ..write("True", "B", 2)
        };
        assert_eq!(
            found(vec![write("False", "A", 1), uncertain, write("False", "A", 3)]),
            0
        );
    }

    #[test]
    fn what_kstatus_would_misread_is_found() {
        let object = |conditions: Value| json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "conditions": conditions}});
        let one = |kind: &str, truth: &str, generation: u32| {
            json!({
                "type": kind, "status": truth, "reason": "R", "lastTransitionTime": "t", "observedGeneration": generation,
            })
        };
        let count = |conditions: Value| {
            i5_lawful_at_rest(&Evidence {
                objects: vec![object(conditions)],
                ..Evidence::default()
            })
            .len()
        };
        assert_eq!(count(json!([one("Ready", "True", 2)])), 0);
        assert_eq!(count(json!([])), 1);
        assert_eq!(count(json!([one("Ready", "True", 1)])), 1);
        assert_eq!(
            count(json!([one("Ready", "True", 2), one("Reconciling", "False", 2)])),
            1
        );
        assert_eq!(count(json!([one("Ready", "True", 2), one("Stalled", "True", 2)])), 1);
    }
}
