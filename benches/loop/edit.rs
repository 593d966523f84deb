//! One edit after another: from the apiserver's answer to the arrival of the PATCH at the service.
use crate::{
    Outcome,
    fleet::{Fleet, NAMESPACE, PER_CONNECTION, endpoint},
    report::{Report, Row},
    stack::{Request, Stack},
};
use jiff::Timestamp;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;
use speech_api::SpeechEndpoint;
use std::{collections::HashMap, time::Duration};

/// The time between two edits; long against what is measured, so that they do not queue.
const PACE: Duration = Duration::from_millis(100);

/// What was found, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Edited {
    p50: f64,
    p90: f64,
    p99: f64,
    longest: f64,
}

/// Edits so many display names.
pub async fn measure(stack: &mut Stack, fleet: &Fleet, edits: usize) -> Outcome<Edited> {
    eprintln!("editing {edits} endpoints, one by one");
    let api: Api<SpeechEndpoint> = Api::namespaced(stack.client.clone(), NAMESPACE);
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

/// Goes round the connections, so that no request budget is used up.
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

impl Edited {
    /// Adds the row.
    pub fn report(&self, report: &mut Report) {
        report.add(Row {
            figure: format!("edit answered → PATCH arrives, {} edits, p50 / p99", report.scale.edits),
            plain: "6.1 / 7.3 ms",
            cert_manager: "–",
            goal: "≤ 2 / ≤ 6 ms",
            ours: format!("{:.2} / {:.2} ms", self.p50, self.p99),
            met: self.p50 <= 2.0 && self.p99 <= 6.0,
        });
        report.note(format!("edit, p90 {:.2} ms, longest {:.2} ms", self.p90, self.longest));
    }
}
