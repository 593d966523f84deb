//! Measures the operator as a process on a real control plane, with the emulator as the Speech service.
//!
//! `cargo bench` measures everything, `cargo bench -- edit rest` only what is named; `BENCH_QUICK=1` takes small numbers,
//! to see whether it works. How each figure is taken stands in docs/benchmarks.md.
mod cold;
mod create;
mod edit;
mod fleet;
mod page;
mod report;
mod rest;
mod stack;

#[path = "../../tests/harness/mod.rs"]
mod harness;

use fleet::Fleet;
use report::Report;
use stack::Stack;
use std::{error::Error, process::ExitCode, time::Duration};

/// Whatever goes wrong ends the run.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What can be named on the command line.
const SCENARIOS: [&str; 6] = ["create", "edit", "rest", "page", "memory", "cold"];

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Endpoints of the fleet that is created, edited and left at rest.
    pub fleet: usize,
    pub edits: usize,
    /// How long the fleet is watched at rest.
    pub rest: Duration,
    /// Sizes at which the peak of the memory is read; the last is also the size of the cold start.
    pub sizes: [usize; 3],
}

impl Scale {
    fn of_environment() -> Self {
        let asks = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let quick = asks("BENCH_QUICK").is_some();
        let seconds = asks("BENCH_REST_SECONDS").and_then(|text| text.parse().ok());
        let (fleet, edits, rest, sizes) = if quick {
            (200, 40, 60, [100, 500, 1_000])
        } else {
            (1_000, 200, 300, [1_000, 5_000, 10_000])
        };
        let rest = Duration::from_secs(seconds.unwrap_or(rest));
        Self {
            fleet,
            edits,
            rest,
            sizes,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome<()> {
    // Cargo adds --bench.
    let named: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let Some(unknown) = named.iter().find(|name| !SCENARIOS.contains(&name.as_str())) {
        return Err(format!("there is no scenario {unknown}; there are {}", SCENARIOS.join(", ")).into());
    }
    let wants = |names: &[&str]| named.is_empty() || named.iter().any(|name| names.contains(&name.as_str()));
    let scale = Scale::of_environment();
    let mut report = Report::new(scale);
    if wants(&["create", "edit", "rest", "page"]) {
        measure_fleet(scale, &wants, &mut report).await?;
    }
    if wants(&["memory", "cold"]) {
        measure_size(scale, &wants, &mut report).await?;
    }
    report.finish()
}

/// One fleet: how it comes to be, how it answers, how it rests.
async fn measure_fleet(scale: Scale, wants: &dyn Fn(&[&str]) -> bool, report: &mut Report) -> Outcome<()> {
    let mut stack = Stack::start().await?;
    let mut fleet = Fleet::default();
    let created = create::measure(&mut stack, &mut fleet, scale.fleet).await?;
    if wants(&["create"]) {
        created.report(report);
    }
    if wants(&["edit"]) {
        edit::measure(&mut stack, &fleet, scale.edits).await?.report(report);
    }
    if wants(&["rest"]) {
        rest::measure(&mut stack, &fleet, scale.rest).await?.report(report);
    }
    if wants(&["page"]) {
        page::measure(&stack, &fleet).await?.report(report);
    }
    Ok(())
}

/// One fleet that grows: how much memory it takes, and how soon a new process knows it all.
async fn measure_size(scale: Scale, wants: &dyn Fn(&[&str]) -> bool, report: &mut Report) -> Outcome<()> {
    let mut stack = Stack::start().await?;
    let mut fleet = Fleet::default();
    let mut peaks = Vec::new();
    for size in scale.sizes {
        let created = create::measure(&mut stack, &mut fleet, size).await?;
        peaks.push((size, created.peak_mib));
    }
    if wants(&["memory"]) {
        report.memory(&peaks);
    }
    if wants(&["cold"]) {
        cold::measure(&mut stack, &fleet).await?.report(report);
    }
    Ok(())
}
