//! What the operator costs in counts, which no other work on the machine changes: 200 endpoints made, left at rest, and met
//! by a new process. `make bench` measures times, processor and memory, with the same code.

#[path = "../harness/mod.rs"]
mod harness;

// The parts of the benchmark that measure; the rest of it reports.
#[path = "../../benches/loop/cold.rs"]
#[allow(dead_code)]
mod cold;
#[path = "../../benches/loop/create.rs"]
#[allow(dead_code)]
mod create;
#[path = "../../benches/loop/document.rs"]
mod document;
#[path = "../../benches/loop/figure.rs"]
#[allow(dead_code)]
mod figure;
#[path = "../../benches/loop/fleet.rs"]
#[allow(dead_code)]
mod fleet;
#[path = "../../benches/loop/stack.rs"]
#[allow(dead_code)]
mod stack;
#[path = "../../benches/loop/subject.rs"]
#[allow(dead_code)]
mod subject;

mod table;

use fleet::Fleet;
use jiff::Timestamp;
use stack::{Clock, Stack};
use std::{
    collections::{BTreeMap, HashSet},
    error::Error,
    time::Duration,
};
use subject::Subject;

/// Whatever goes wrong ends the test.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ENDPOINTS: u16 = 200;

/// Finalizer with announcement, id, Ready: the plain operator needs as many. On a starved machine one in a hundred endpoints
/// was once seen to be told of a state in between.
const WRITES: f64 = 3.1;
/// One: a user who asks `kubectl describe` reads that it was created.
const EVENTS: f64 = 1.0;
/// The POST, and a share of the lists in which 50 endpoints wait for Succeeded, about one each second; the plain operator
/// needs as many without sharing.
const REQUESTS: f64 = 2.0;
/// One that creates; one for each write that the watch tells of, and for each state that a list tells of.
const PASSES: f64 = 6.0;
/// What the three writes send together: 3,090, and some room for words.
const BYTES: f64 = 3_400.0;
/// Endpoints and custom models of a connection each minute, base models every ten, so that ten minutes may see them twice: 22
/// lists for 50 endpoints.
const READS_AT_REST: f64 = 22.0 / 10.0 / 50.0;
/// What is known and healthy is looked at once for each list, and once when the watch tells of it.
const PASSES_AT_A_COLD_START: f64 = 3.0;
/// Nothing changes, so nothing is written, neither in the cluster nor in the service.
const NOTHING: f64 = 0.0;

/// So many minutes at rest: as long as the rarest list needs.
const MINUTES: u8 = 10;
/// So many sweeps may pass until the statuses of the connections have settled.
const SETTLES: usize = 15;
const SWEEP_DEADLINE: Duration = Duration::from_secs(60);

/// A count and what it may be at most.
struct Count {
    what: &'static str,
    found: f64,
    most: f64,
}

fn count(what: &'static str, found: f64, most: f64) -> Count {
    Count { what, found, most }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_endpoints_cost_no_more_than_these_counts() -> Outcome<()> {
    let mut stack = Stack::start(Subject::Here, Clock::Emulated).await?;
    let mut fleet = Fleet::default();
    let mut counts = creation(&mut stack, &mut fleet).await?;
    counts.extend(rest(&stack, &fleet).await?);
    counts.extend(cold_start(&mut stack, &fleet).await?);
    let lines = counts.iter().map(|count| {
        let verdict = if count.found <= count.most { "" } else { "  TOO MANY" };
        format!("{}: {:.3}, at most {:.3}{verdict}", count.what, count.found, count.most)
    });
    let table = lines.collect::<Vec<_>>().join("\n");
    eprintln!("{table}");
    assert!(counts.iter().all(|count| count.found <= count.most), "\n{table}");
    Ok(())
}

async fn creation(stack: &mut Stack, fleet: &mut Fleet) -> Outcome<Vec<Count>> {
    let since = Timestamp::now();
    let created = create::measure(stack, fleet, ENDPOINTS.into()).await?;
    tell_more_than_usual(stack, since)?;
    let passes = stack.passes(None).await? / f64::from(ENDPOINTS);
    let bytes = bytes_written(stack).await? / f64::from(ENDPOINTS);
    Ok(vec![
        count(
            "Kubernetes writes per created endpoint, without events",
            created.writes,
            WRITES,
        ),
        count("events per created endpoint", created.events, EVENTS),
        count("remote requests per created endpoint", created.requests, REQUESTS),
        count("passes per created endpoint", passes, PASSES),
        count("bytes written to each created endpoint", bytes, BYTES),
    ])
}

/// Says which endpoints were written more often than others.
fn tell_more_than_usual(stack: &Stack, since: Timestamp) -> Outcome<()> {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in stack.writes_themselves(since)? {
        if entry.resource == "speechendpoints" {
            let told = format!("{} {} {}: {}", entry.time, entry.verb, entry.subresource, entry.code);
            by_name.entry(entry.name).or_default().push(told);
        }
    }
    by_name.retain(|_, writes| writes.len() > 3);
    if !by_name.is_empty() {
        eprintln!("written more often than three times: {by_name:#?}");
    }
    Ok(())
}

/// How much was sent to the API server to change endpoints, which only the operator does. The server counts it.
async fn bytes_written(stack: &Stack) -> Outcome<f64> {
    let request = http::Request::get("/metrics").body(Vec::new())?;
    let metrics = stack.client.request_text(request).await?;
    let sums: Vec<f64> = metrics
        .lines()
        .filter(|line| line.starts_with("apiserver_request_body_size_bytes_sum{"))
        .filter(|line| line.contains("\"speechendpoints") && !line.contains("verb=\"create\""))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse().ok())
        .collect();
    if sums.is_empty() {
        return Err("the API server does not tell the size of requests".into());
    }
    Ok(sums.iter().sum())
}

/// Moves the clock by a minute and waits until every connection was swept.
async fn sweep(stack: &Stack, fleet: &Fleet) -> Outcome<()> {
    let before = stack.last_request().await?;
    stack.emulator.control().advance("61s").await?;
    harness::eventually("every connection is swept", SWEEP_DEADLINE, async || {
        let requests = stack.requests(before).await.map_err(|error| error.to_string())?;
        let lists = |operation: &str| {
            let of_it = requests
                .iter()
                .filter(|request| request.operation.as_deref() == Some(operation));
            of_it
                .map(|request| request.resource.as_str())
                .collect::<HashSet<_>>()
                .len()
        };
        match [lists("Endpoints_List"), lists("Models_ListCustomModels")] {
            all if all == [fleet.connections; 2] => Ok(()),
            some => Err(format!("{some:?} are")),
        }
    })
    .await?;
    // A write may come after the list that caused it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

async fn rest(stack: &Stack, fleet: &Fleet) -> Outcome<Vec<Count>> {
    // What the sweeps count and the durations that were learned settle in the statuses of the connections.
    let mut silent = 0;
    for _ in 0..SETTLES {
        let since = Timestamp::now();
        sweep(stack, fleet).await?;
        silent = if stack.writes(since)?.all() == 0 { silent + 1 } else { 0 };
        if silent == 2 {
            break;
        }
    }
    let (since, last) = (Timestamp::now(), stack.last_request().await?);
    for _ in 0..MINUTES {
        sweep(stack, fleet).await?;
    }
    let requests = stack.requests(last).await?;
    let reads = u32::try_from(requests.iter().filter(|request| request.method == "GET").count())?;
    let remote_writes = u32::try_from(requests.len())? - reads;
    let per_object = f64::from(reads) / f64::from(MINUTES) / f64::from(ENDPOINTS);
    Ok(vec![
        count("reads at rest per object and minute", per_object, READS_AT_REST),
        count(
            "writes at rest to the cluster",
            stack.writes(since)?.all().into(),
            NOTHING,
        ),
        count("writes at rest to the service", remote_writes.into(), NOTHING),
    ])
}

async fn cold_start(stack: &mut Stack, fleet: &Fleet) -> Outcome<Vec<Count>> {
    let started = cold::measure(stack, fleet).await?;
    Ok(vec![
        count(
            "writes to the cluster at a cold start",
            started.cluster_writes.into(),
            NOTHING,
        ),
        count(
            "writes to the service at a cold start",
            started.remote_writes.into(),
            NOTHING,
        ),
        count(
            "passes per endpoint at a cold start",
            started.passes,
            PASSES_AT_A_COLD_START,
        ),
    ])
}
