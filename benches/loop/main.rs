//! Measures the operator and a plain one as processes on a real control plane, with the emulator as the Speech service.
//!
//! `cargo bench` measures everything, `cargo bench -- edit rest` only what is named. In the environment: `BENCH_ROUNDS`, how
//! often all is measured; `BENCH_QUICK=1` for small numbers, to see whether it works; `BENCH_REST_SECONDS`; `BENCH_SIZES`, three
//! numbers of endpoints at which memory is read, such as 10000,25000,50000; `BENCH_REPORT`, the document that gets the table. How each figure is taken stands in docs/benchmarks.md.
mod cold;
mod create;
mod document;
mod edit;
mod facts;
mod figure;
mod fleet;
mod found;
mod page;
mod report;
mod rest;
mod stack;
mod subject;
mod table;

#[path = "../../tests/harness/mod.rs"]
mod harness;

use fleet::Fleet;
use found::Found;
use report::Report;
use stack::{Clock, Stack};
use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};
use subject::Subject;

/// Whatever goes wrong ends the run.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What can be named on the command line.
const SCENARIOS: [&str; 6] = ["create", "edit", "rest", "page", "memory", "cold"];
/// The sizes at which the memory of the plain operator is read: the largest would only take time.
const PLAIN_SIZES: usize = 2;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How often all of it; the figures are medians.
    pub rounds: usize,
    /// Endpoints of the fleet that is created, edited and left at rest.
    pub fleet: usize,
    pub edits: usize,
    /// How long the fleet is watched at rest.
    pub rest: Duration,
    /// Sizes at which the peak of the memory is read; the last is also the size of the cold start.
    pub sizes: [usize; 3],
}

fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Scale {
    fn of_environment(is_quick: bool) -> Outcome<Self> {
        let (rounds, fleet, edits, rest, sizes) = if is_quick {
            (1, 200, 40, 60, [100, 500, 1_000])
        } else {
            (3, 1_000, 200, 300, [1_000, 5_000, 10_000])
        };
        let rest = asked("BENCH_REST_SECONDS").map_or(Ok(rest), |text| text.parse())?;
        let rounds = asked("BENCH_ROUNDS").map_or(Ok(rounds), |text| text.parse())?;
        let sizes = asked("BENCH_SIZES").map_or(Ok(sizes), |text| read_sizes(&text))?;
        Ok(Self {
            rounds,
            fleet,
            edits,
            rest: Duration::from_secs(rest),
            sizes,
        })
    }
}

fn read_sizes(text: &str) -> Outcome<[usize; 3]> {
    let sizes: Vec<usize> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
    sizes.try_into().map_err(|_| "BENCH_SIZES: give three numbers".into())
}

/// What is to be measured.
struct Plan {
    named: Vec<String>,
    scale: Scale,
}

impl Plan {
    fn wants(&self, names: &[&str]) -> bool {
        self.named.is_empty() || self.named.iter().any(|name| names.contains(&name.as_str()))
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
    let is_quick = asked("BENCH_QUICK").is_some();
    let document = asked("BENCH_REPORT").map(PathBuf::from);
    if document.is_some() && (is_quick || !named.is_empty() || asked("BENCH_SIZES").is_some()) {
        return Err("BENCH_REPORT: a document gets the figures of a whole run only".into());
    }
    let scale = Scale::of_environment(is_quick)?;
    let plan = Plan { named, scale };
    let mut report = Report::new(scale)?;
    for round in 1..=scale.rounds {
        eprintln!("round {round} of {}", scale.rounds);
        if plan.wants(&["create", "edit", "rest"]) {
            measure_fleet(&plan, Subject::Plain, &mut report).await?;
        }
        if plan.wants(&["create", "edit", "rest", "page"]) {
            measure_fleet(&plan, Subject::Here, &mut report).await?;
        }
        if plan.wants(&["memory"]) {
            measure_size(&plan, Subject::Plain, &mut report).await?;
        }
        if plan.wants(&["memory", "cold"]) {
            measure_size(&plan, Subject::Here, &mut report).await?;
        }
    }
    report.finish(document.as_deref())
}

/// Where what is found of an operator belongs.
fn found(report: &mut Report, subject: Subject) -> &mut Found {
    match subject {
        Subject::Plain => &mut report.plain,
        Subject::Here => &mut report.here,
    }
}

/// One fleet: how it comes to be, how it answers, how it rests.
async fn measure_fleet(plan: &Plan, subject: Subject, report: &mut Report) -> Outcome<()> {
    let scale = plan.scale;
    let mut stack = Stack::start(subject, Clock::Real).await?;
    report.facts.of_plane(&stack.plane).await?;
    let found = found(report, subject);
    let mut fleet = Fleet::default();
    let created = create::measure(&mut stack, &mut fleet, scale.fleet).await?;
    if plan.wants(&["create"]) {
        found.created.push(created);
    }
    if plan.wants(&["edit"]) {
        found.edited.push(edit::measure(&stack, &fleet, scale.edits).await?);
    }
    if plan.wants(&["rest"]) {
        found.rested.push(rest::measure(&mut stack, &fleet, scale.rest).await?);
    }
    if plan.wants(&["page"]) && subject == Subject::Here {
        found.asked.push(page::measure(&stack, &fleet).await?);
    }
    Ok(())
}

/// One fleet that grows: how much memory it takes, and how soon a new process knows it all.
async fn measure_size(plan: &Plan, subject: Subject, report: &mut Report) -> Outcome<()> {
    let sizes = match subject {
        Subject::Plain => plan.scale.sizes.get(..PLAIN_SIZES).unwrap_or_default(),
        Subject::Here => &plan.scale.sizes,
    };
    let mut stack = Stack::start(subject, Clock::Real).await?;
    report.facts.of_plane(&stack.plane).await?;
    let found = found(report, subject);
    let (mut fleet, mut peaks) = (Fleet::default(), Vec::new());
    for size in sizes {
        peaks.push(create::measure(&mut stack, &mut fleet, *size).await?.peak_mib);
    }
    if plan.wants(&["memory"]) {
        found.peaks.push(peaks);
        found.program_mib.push(subject.program_mib()?);
    }
    if plan.wants(&["cold"]) && subject == Subject::Here {
        rest::settle(&stack).await?;
        found.started.push(cold::measure(&mut stack, &fleet).await?);
    }
    Ok(())
}
