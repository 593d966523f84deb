//! I4: no window of the budget's length holds more requests than the budget.
use super::Finding;
use crate::evidence::Evidence;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The budget counts when requests leave; on a busy machine some arrive a little later than others.
const SLACK: f64 = 0.9;

/// Each process has a budget of its own: a window in which its pod was started anew may hold both budgets.
pub fn i4_within_budget(evidence: &Evidence) -> Vec<Finding> {
    let mut pods: BTreeMap<(&str, &str), Vec<Timestamp>> = BTreeMap::new();
    for entry in evidence
        .journal
        .iter()
        .filter(|entry| entry["operation"] != "Recognize")
    {
        let agent = entry["userAgent"].as_str().unwrap_or_default();
        if let (Some(resource), Some(Ok(at))) = (entry["resource"].as_str(), entry["at"].as_str().map(str::parse)) {
            pods.entry((resource, pod(agent))).or_default().push(at);
        }
    }
    let budgets = budgets(evidence);
    let mut findings = Vec::new();
    for ((resource, pod), mut times) in pods {
        let Some(&(limit, per)) = budgets.get(resource) else {
            continue;
        };
        times.sort();
        let starts: Vec<Timestamp> = evidence
            .starts
            .iter()
            .filter(|start| start.0 == pod)
            .map(|start| start.1)
            .collect();
        findings.extend(
            busiest(&times, &starts, limit, per).map(|what| Finding::new(format!("{resource} by {pod}"), what)),
        );
    }
    findings
}

/// The name of the pod in a User-Agent such as `speech-operator/0.1.0 (speech-operator-0)`.
fn pod(agent: &str) -> &str {
    agent
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or("", |(pod, _)| pod)
}

/// What is wrong with the window that holds most beyond its limit.
fn busiest(times: &[Timestamp], starts: &[Timestamp], limit: usize, per: SignedDuration) -> Option<String> {
    let mut first = 0;
    let mut worst: Option<(usize, usize, Timestamp)> = None;
    for (last, at) in times.iter().enumerate() {
        while at.duration_since(times[first]) >= per.mul_f64(SLACK) {
            first += 1;
        }
        let is_near = |start: &&Timestamp| **start > times[first] - per && **start <= *at;
        let allowed = limit * starts.iter().filter(is_near).count().max(1);
        let count = last + 1 - first;
        if count > allowed && worst.is_none_or(|(most, _, _)| count > most) {
            worst = Some((count, allowed, times[first]));
        }
    }
    worst.map(|(count, allowed, at)| format!("I4: {count} requests within {per:#} from {at}, {allowed} allowed"))
}

/// Requests and window of each Speech resource: the sum of what its connections may use.
fn budgets(evidence: &Evidence) -> BTreeMap<String, (usize, SignedDuration)> {
    let mut budgets = BTreeMap::new();
    for object in evidence
        .objects
        .iter()
        .filter(|object| object["kind"] == "SpeechConnection")
    {
        let budget = &object["spec"]["requestBudget"];
        let requests = budget["requests"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(80);
        let per = budget["per"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or(SignedDuration::from_secs(10));
        let endpoint = object["spec"]["endpoint"]
            .as_str()
            .unwrap_or_default()
            .trim_end_matches('/');
        if let Some((_, resource)) = endpoint.rsplit_once('/') {
            let entry = budgets.entry(resource.to_owned()).or_insert((0, per));
            *entry = (entry.0 + requests, entry.1.min(per));
        }
    }
    budgets
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(seconds: &[u32], starts: &[&str]) -> usize {
        let connection = json!({"kind": "SpeechConnection", "spec": {
            "endpoint": "http://127.0.0.1:1/storm", "requestBudget": {"requests": 3, "per": "10s"},
        }});
        let journal = seconds
            .iter()
            .map(|second| json!({"resource": "storm", "userAgent": "speech-operator/1 (a)", "at": format!("2026-01-01T00:00:{second:02}Z")}));
        let evidence = Evidence {
            objects: vec![connection],
            journal: journal.collect(),
            starts: starts
                .iter()
                .map(|text| ("a".to_owned(), text.parse().unwrap()))
                .collect(),
            ..Evidence::default()
        };
        i4_within_budget(&evidence).len()
    }

    #[test]
    fn a_window_that_holds_one_request_too_many_is_found_unless_another_process_began_in_it() {
        assert_eq!(check(&[0, 1, 2, 12, 13, 14], &[]), 0);
        assert_eq!(check(&[0, 1, 2, 3], &[]), 1);
        assert_eq!(
            check(&[0, 1, 2, 3], &["2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z"]),
            0
        );
    }
}
