//! One edit after another: from the apiserver's answer to the arrival of the PATCH at the service.
use crate::{
    Outcome,
    fleet::{Fleet, PER_CONNECTION, endpoint},
    stack::{Request, Stack},
};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use serde_json::json;
use std::{collections::HashMap, time::Duration};

/// The time between two edits; long against what is measured, so that they do not queue.
const PACE: Duration = Duration::from_millis(100);

/// What was found, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Edited {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub longest: f64,
}

/// Edits so many display names.
pub async fn measure(stack: &Stack, fleet: &Fleet, edits: usize) -> Outcome<Edited> {
    eprintln!("editing {edits} endpoints, one by one");
    let api = stack.subject.endpoints(&stack.client);
    let last = stack.last_request().await?;
    let mut answered = HashMap::new();
    for edit in 0..edits {
        let name = endpoint(target(fleet, edit));
        let display_name = format!("edit {edit}");
        let patch = json!({ "spec": { "displayName": display_name } });
        api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        answered.insert(display_name, Timestamp::now());
        tokio::time::sleep(PACE).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let requests = stack.requests(last).await?;
    let mut latencies: Vec<f64> = requests
        .iter()
        .filter_map(|request| latency(request, &answered))
        .collect();
    if latencies.len() != edits {
        return Err(format!("{edits} edits brought {} PATCHes", latencies.len()).into());
    }
    latencies.sort_by(f64::total_cmp);
    let edited = Edited {
        p50: percentile(&latencies, 50),
        p90: percentile(&latencies, 90),
        p99: percentile(&latencies, 99),
        longest: percentile(&latencies, 100),
    };
    eprintln!("  {edited:?}, shortest {:.2}", percentile(&latencies, 0));
    Ok(edited)
}

/// Goes round the connections.
fn target(fleet: &Fleet, edit: usize) -> usize {
    let connections = fleet.connections.max(1);
    ((edit % connections) * PER_CONNECTION + edit / connections) % fleet.endpoints.max(1)
}

fn latency(request: &Request, answered: &HashMap<String, Timestamp>) -> Option<f64> {
    let name = request.request_body.as_ref()?.get("displayName")?.as_str()?;
    let at = answered.get(name).filter(|_| request.method == "PATCH")?;
    Some((request.at.as_duration() - at.as_duration()).as_secs_f64() * 1_000.0)
}

/// The smallest value that so many percent of all do not exceed.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}
