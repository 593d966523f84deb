//! I2: no endpoint is moved to a model that has expired, has failed, or expires earlier than the one that it had.
use super::{Expected, Finding, id_in};
use crate::evidence::{Evidence, Known};
use jiff::Timestamp;
use serde_json::Value;

/// Every PATCH of an endpoint's model in the journal that the service took.
pub fn i2_nothing_worse(evidence: &Evidence, known: &mut Known, expected: &Expected) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in evidence
        .journal
        .iter()
        .filter(|entry| entry["operation"] == "Endpoints_Update")
    {
        let is_taken = entry["status"].as_u64().is_some_and(|status| status < 300);
        let (Some(endpoint), Some(to)) = (id_in(&entry["path"]), id_in(&entry["requestBody"]["model"]["self"])) else {
            continue;
        };
        if !is_taken {
            continue;
        }
        let from = known.serving.insert(endpoint.clone(), to.clone());
        let found = worse(known, from.as_deref(), &to, &entry["clock"], expected);
        findings.extend(found.map(|what| Finding::new(format!("endpoint {endpoint}"), format!("I2: {what}"))));
    }
    findings
}

fn worse(known: &Known, from: Option<&str>, to: &str, at: &Value, expected: &Expected) -> Option<String> {
    let at: Timestamp = at.as_str()?.parse().ok()?;
    let next = known.model(to)?;
    if next.has_failed {
        return Some(format!("moved to {to}, which has failed"));
    }
    if next.expires <= at {
        return Some(format!("moved to {to} at {at}, which had expired at {}", next.expires));
    }
    let before = known.model(from?)?;
    let is_earlier = next.expires < before.expires && !expected.may_go_back;
    is_earlier.then(|| {
        format!(
            "moved from {from:?}, valid until {}, to {to}, valid until {}",
            before.expires, next.expires
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn moves(to: &[&str]) -> Vec<Finding> {
        let model =
            |id: &str, until: &str, status: &str| json!({"id": id, "transcriptionDateTime": until, "status": status});
        let mut known = Known::default();
        known.learn_from(&json!({"models": [
            model("good", "2027-01-01T00:00:00Z", "Succeeded"), model("better", "2028-01-01T00:00:00Z", "Succeeded"),
            model("old", "2026-01-01T00:00:00Z", "Succeeded"), model("broken", "2029-01-01T00:00:00Z", "Failed"),
        ]}));
        let journal = to.iter().map(|to| json!({
            "operation": "Endpoints_Update", "status": 200, "path": "/speechtotext/endpoints/e", "clock": "2026-06-01T00:00:00Z",
            "requestBody": {"model": {"self": format!("https://host/models/{to}?api-version=1")}},
        }));
        let evidence = Evidence {
            journal: journal.collect(),
            ..Evidence::default()
        };
        i2_nothing_worse(&evidence, &mut known, &Expected::default())
    }

    #[test]
    fn a_move_to_an_expired_a_failed_or_an_earlier_model_is_found() {
        assert_eq!(moves(&["good", "better"]), []);
        assert!(moves(&["old"])[0].what.contains("expired"));
        assert!(moves(&["broken"])[0].what.contains("failed"));
        assert!(moves(&["better", "good"])[0].what.contains("valid until"));
    }
}
