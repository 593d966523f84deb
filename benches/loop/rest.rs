//! A fleet that needs nothing.
use crate::{Outcome, fleet::Fleet, stack::Stack};
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// What the operator did meanwhile.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rested {
    pub cluster_writes: u32,
    pub remote_writes: u32,
    /// Per object and minute.
    pub remote_reads: f64,
    /// Seconds per minute.
    pub cpu: f64,
}

/// Watches the fleet for so long.
pub async fn measure(stack: &mut Stack, fleet: &Fleet, time: Duration) -> Outcome<Rested> {
    tokio::time::sleep(Duration::from_secs(5)).await; // what went before has ended by then
    eprintln!(
        "watching {} endpoints at rest for {} s",
        fleet.endpoints,
        time.as_secs()
    );
    let (since, last, cpu) = (Timestamp::now(), stack.last_request().await?, stack.cpu()?);
    tokio::time::sleep(time).await;
    let cpu = stack.cpu()? - cpu;
    let writes = stack.writes(since)?;
    let requests = stack.requests(last).await?;
    let reads = requests.iter().filter(|request| request.method == "GET").count();
    let minutes = time.as_secs_f64() / 60.0;
    let count = |many: usize| u32::try_from(many).map(f64::from);
    let rested = Rested {
        cluster_writes: writes.all(),
        remote_writes: u32::try_from(requests.len() - reads)?,
        remote_reads: count(reads)? / count(fleet.endpoints)? / minutes,
        cpu: cpu / minutes,
    };
    eprintln!("  {rested:?}");
    Ok(rested)
}
