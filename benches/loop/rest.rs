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

/// A fleet is at rest when nothing was written for longer than the interval between two looks at the service.
const SILENCE: Duration = Duration::from_secs(65);
/// The longest wait for that.
const SETTLES: Duration = Duration::from_secs(600);

/// Waits until the operator has written nothing to the cluster for a while: what it learned from the last creations is in the
/// statuses of the connections by then.
pub async fn settle(stack: &Stack) -> Outcome<()> {
    eprintln!("waiting until nothing is written for {} s", SILENCE.as_secs());
    let deadline = tokio::time::Instant::now() + SETTLES;
    let mut since = Timestamp::now();
    tokio::time::sleep(SILENCE).await;
    while stack.writes(since)?.all() > 0 {
        if tokio::time::Instant::now() > deadline {
            return Err(format!("no rest after {SETTLES:?}").into());
        }
        since = Timestamp::now();
        tokio::time::sleep(SILENCE).await;
    }
    Ok(())
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
