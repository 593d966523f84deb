//! I3: the id of an endpoint never changes.
use super::{Expected, Finding, list, name_of};
use crate::evidence::{Evidence, Known};

/// The ids in the statuses, as they were written and as they stand now.
pub fn i3_ids_stay(evidence: &Evidence, known: &mut Known, expected: &Expected) -> Vec<Finding> {
    let written = evidence
        .audit
        .iter()
        .filter(|entry| entry.resource == "speechendpoints" && entry.code < 300);
    let written = written.map(|entry| (format!("{}/{}", entry.namespace, entry.name), &entry.body["status"]));
    let standing = evidence
        .objects
        .iter()
        .filter(|object| object["kind"] == "SpeechEndpoint");
    let standing = standing.map(|object| (name_of(object), &object["status"]));
    let mut findings = Vec::new();
    for (name, status) in written.chain(standing) {
        let Some(id) = status["id"].as_str() else { continue };
        let before = known.ids.insert(name.clone(), id.to_owned());
        let is_told =
            expected.may_be_recreated && list(status, "formerIds").any(|former| former.as_str() == before.as_deref());
        if let Some(before) = before.filter(|before| before != id && !is_told) {
            findings.push(Finding::new(
                name,
                format!("I3: the id of the endpoint went from {before} to {id}"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn look(known: &mut Known, id: &str) -> usize {
        let line =
            json!({"kind": "SpeechEndpoint", "metadata": {"namespace": "storm", "name": "line"}, "status": {"id": id}});
        let evidence = Evidence {
            objects: vec![line],
            ..Evidence::default()
        };
        i3_ids_stay(&evidence, known, &Expected::default()).len()
    }

    #[test]
    fn an_id_that_changes_between_two_looks_is_found() {
        let mut known = Known::default();
        assert_eq!(
            (look(&mut known, "a"), look(&mut known, "a"), look(&mut known, "b")),
            (0, 0, 1)
        );
    }
}
