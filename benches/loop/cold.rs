//! A new process that meets a fleet which is known and healthy.
use crate::{
    Outcome,
    fleet::Fleet,
    stack::{Request, Stack},
};
use jiff::Timestamp;
use serde::Serialize;
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

/// The longest time that a start may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// Between two looks at the journal. A look costs the emulator little and the operator nothing.
const LOOK: Duration = Duration::from_millis(100);
/// Without work for so long, the operator is done.
const QUIET: Duration = Duration::from_secs(1);
/// The operations that read a Speech resource whole.
const LISTS: [&str; 3] = ["Endpoints_List", "Models_ListCustomModels", "Models_ListBaseModels"];

/// What was found.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// Until every list of every connection was read, in seconds.
    pub lists: f64,
    /// Until every endpoint was looked at after that, in seconds.
    pub observed: f64,
    pub cluster_writes: u32,
    pub remote_writes: u32,
    /// Passes over endpoints, of each.
    pub passes: f64,
    pub cpu: f64,
    pub peak_mib: f64,
}

/// Restarts the operator.
pub async fn measure(stack: &mut Stack, fleet: &Fleet) -> Outcome<Started> {
    tokio::time::sleep(Duration::from_secs(5)).await; // what went before has ended by then
    eprintln!("restarting the operator with {} endpoints", fleet.endpoints);
    let (since, last) = (Timestamp::now(), stack.last_request().await?);
    stack.restart_operator().await?;
    let began = Instant::now();
    let lists = until_lists_are_read(stack, fleet, last, began).await?;
    let observed = until_quiet(stack, began).await?;
    let (cpu, peak_mib) = (stack.cpu()?, stack.peak_mib()?);
    let endpoints = f64::from(u32::try_from(fleet.endpoints)?);
    let passes = stack.passes(Some("success")).await?;
    if passes < endpoints {
        return Err(format!("{passes} passes over {endpoints} endpoints").into());
    }
    tokio::time::sleep(Duration::from_secs(5)).await; // a late write would count
    let writes = stack.writes(since)?;
    let requests = stack.requests(last).await?;
    let started = Started {
        lists: lists.as_secs_f64(),
        observed: observed.as_secs_f64(),
        cluster_writes: writes.all(),
        remote_writes: u32::try_from(requests.iter().filter(|request| request.method != "GET").count())?,
        passes: passes / endpoints,
        cpu,
        peak_mib,
    };
    eprintln!("  {started:?}");
    Ok(started)
}

/// Waits until each list of each connection was read; tells how long that took.
async fn until_lists_are_read(stack: &mut Stack, fleet: &Fleet, last: u64, began: Instant) -> Outcome<Duration> {
    let wanted = fleet.connections * LISTS.len();
    let (mut last, mut read) = (last, HashSet::new());
    while began.elapsed() < DEADLINE {
        let requests = stack.requests(last).await?;
        last = requests.last().map_or(last, |request| request.seq);
        read.extend(requests.iter().filter_map(list_read));
        if read.len() == wanted {
            return Ok(began.elapsed());
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(format!("{} of {wanted} lists were read in {DEADLINE:?}", read.len()).into())
}

/// Which list a request has read.
fn list_read(request: &Request) -> Option<(String, &'static str)> {
    let operation = request.operation.as_deref()?;
    let list = LISTS.iter().find(|list| **list == operation && request.status == 200)?;
    Some((request.resource.clone(), list))
}

/// Waits until the operator has used no processor time for a second: its queues are empty. Tells when it last did. To ask
/// the operator itself would cost it time.
async fn until_quiet(stack: &mut Stack, began: Instant) -> Outcome<Duration> {
    let (mut used, mut since) = (stack.cpu()?, began.elapsed());
    while began.elapsed() < DEADLINE {
        tokio::time::sleep(LOOK / 10).await;
        let now = stack.cpu()?;
        if now > used {
            (used, since) = (now, began.elapsed());
        }
        if began.elapsed() - since >= QUIET {
            return Ok(since);
        }
    }
    Err(format!("the operator is still busy after {DEADLINE:?}").into())
}
