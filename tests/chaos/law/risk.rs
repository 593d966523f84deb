//! I9: no endpoint comes to its expiry without having said so in time.
use super::{Expected, Finding, list, name_of};
use crate::evidence::Evidence;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How long the operator may take to see what a clock that jumps brings.
const REACTION: SignedDuration = SignedDuration::from_mins(10);

/// Every endpoint that still has the model which has expired, or is about to, says AtRisk, and has since its alarm was due:
/// `expected.alarm_ahead` before the expiry.
pub fn i9_told_in_time(evidence: &Evidence, expected: &Expected) -> Vec<Finding> {
    let (Some(now), Some(ahead)) = (evidence.now, expected.alarm_ahead) else {
        return Vec::new();
    };
    let findings = evidence.objects.iter().filter_map(|object| {
        let what = untold(object, now, ahead)?;
        Some(Finding::new(
            name_of(object),
            format!("I9: {what}: {}", object["status"]),
        ))
    });
    findings.collect()
}

fn untold(object: &Value, now: Timestamp, ahead: SignedDuration) -> Option<String> {
    let is_endpoint = object["kind"] == "SpeechEndpoint" && object["metadata"]["deletionTimestamp"].is_null();
    let active = &object["status"]["active"];
    // What is gone, or only observed, serves nobody of ours.
    let expires: Timestamp = active["expiresAt"].as_str().filter(|_| is_endpoint)?.parse().ok()?;
    let due = expires - ahead;
    if now < due + REACTION {
        return None;
    }
    let told = list(&object["status"], "conditions").find(|one| one["type"] == "AtRisk" && one["status"] == "True");
    let Some(told) = told else {
        return Some(format!("its model expires at {expires}, and at {now} nothing says so"));
    };
    let since: Timestamp = told["lastTransitionTime"].as_str()?.parse().ok()?;
    (since > due + REACTION)
        .then(|| format!("its model expires at {expires}, which it says since {since}, due at {due}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(now: &str, since: Option<&str>) -> usize {
        let conditions: Vec<Value> = since
            .map(|since| json!({"type": "AtRisk", "status": "True", "lastTransitionTime": since}))
            .into_iter()
            .collect();
        let object = json!({
            "kind": "SpeechEndpoint", "metadata": {"namespace": "a", "name": "b"},
            "status": {"active": {"expiresAt": "2026-02-01T00:00:00Z"}, "conditions": conditions},
        });
        let evidence = Evidence {
            objects: vec![object],
            now: Some(now.parse().unwrap()),
            ..Evidence::default()
        };
        let expected = Expected {
            alarm_ahead: Some(SignedDuration::from_hours(24 * 14)),
            ..Expected::default()
        };
        i9_told_in_time(&evidence, &expected).len()
    }

    #[test]
    fn an_expiry_that_nobody_told_or_that_was_told_late_is_found() {
        assert_eq!(found("2026-01-10T00:00:00Z", None), 0);
        assert_eq!(found("2026-01-19T00:00:00Z", None), 1);
        assert_eq!(found("2026-01-19T00:00:00Z", Some("2026-01-18T00:00:30Z")), 0);
        assert_eq!(found("2026-02-02T00:00:00Z", Some("2026-01-18T00:00:30Z")), 0);
        assert_eq!(found("2026-02-02T00:00:00Z", Some("2026-01-31T12:00:00Z")), 1);
    }
}
