//! Endpoints applied at once, until all are Ready.
use crate::{Outcome, fleet::Fleet, stack::Stack};
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// What creating a fleet cost, per endpoint where nothing else is said.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    pub per_second: f64,
    pub writes: f64,
    pub events: f64,
    pub requests: f64,
    pub cpu_ms: f64,
    /// Until the apiserver had taken the last of them, in seconds.
    pub applied: f64,
    /// Until the last of them was Ready, in seconds.
    pub took: f64,
    /// Processor time of operator, emulator, apiserver and etcd, in seconds.
    pub cpu: [f64; 4],
    /// Processor time of apiserver and etcd together, in seconds.
    pub plane_cpu: f64,
    /// The highest memory of the operator so far.
    pub peak_mib: f64,
}

/// Lets the fleet grow to so many endpoints.
pub async fn measure(stack: &mut Stack, fleet: &mut Fleet, endpoints: usize) -> Outcome<Created> {
    fleet.connect(stack, endpoints).await?;
    // The last events of the connections are not those of the endpoints.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let added = endpoints.saturating_sub(fleet.endpoints);
    eprintln!("creating {added} endpoints over {} connections", fleet.connections);
    let (since, last, before) = (Timestamp::now(), stack.last_request().await?, stack.cpu_of_all()?);
    let (applied, took) = fleet.grow(stack, endpoints).await?;
    // What follows a creation belongs to it: the last events, and looks at what was awaited.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = stack.cpu_of_all()?;
    let cpu: [f64; 4] =
        std::array::from_fn(|process| after.get(process).unwrap_or(&0.0) - before.get(process).unwrap_or(&0.0));
    let [operator, _, apiserver, etcd] = cpu;
    let writes = stack.writes(since)?;
    let per_endpoint = |count: u32| f64::from(count) / f64::from(u32::try_from(added).unwrap_or(u32::MAX));
    let requests = u32::try_from(stack.requests(last).await?.len())?;
    let created = Created {
        per_second: 1.0 / (took.as_secs_f64() * per_endpoint(1)),
        writes: per_endpoint(writes.objects),
        events: per_endpoint(writes.events),
        requests: per_endpoint(requests),
        cpu_ms: operator * 1_000.0 * per_endpoint(1),
        applied: applied.as_secs_f64(),
        took: took.as_secs_f64(),
        cpu,
        plane_cpu: apiserver + etcd,
        peak_mib: stack.peak_mib()?,
    };
    eprintln!("  {created:?}");
    Ok(created)
}
