//! `make chaos`: one row per fault; what is broken on purpose, and proof that nothing came of it.
//!
//! The world is real: etcd, kube-apiserver, kube-controller-manager, the emulator as the Speech service, and operators as
//! processes under their shipped permissions. After each run of a row the laws (`law`, I1 to I9) are held against what
//! the emulator holds, its journal, the API server's audit log and the objects. One table tells all at the end; any
//! violation makes the exit code 1.
//!
//! ```text
//! cargo test --test chaos                                   # bounded: every row, a few runs each
//! cargo test --test chaos -- --full                         # what docs/reliability.md shows
//! cargo test --test chaos -- --row kills --seed 7 --runs 3  # one row again, with its seed
//! ```
//!
//! # How to add a row
//!
//! 1. Write `rows/<name>.rs` with `pub async fn run(trial: &mut Trial)`, name it in the one list, `rows::ALL`, and
//!    describe it in docs/reliability.md, "The rows".
//! 2. A trial begins with a control plane without objects of ours, a new emulator (its clock at the present) and no
//!    operator. `trial.world.start_operator(&[]).await` starts one and waits until it is ready; `world.operators` holds
//!    all that run; `world.kill(i)`, `world.terminate(i)` end them. Flags and environment go to `start_operator_with`.
//! 3. `trial.world.tenant("storm-a", json!({})).await` makes a namespace and a Speech resource of one name, with what
//!    `seed.rs` of the end-to-end tests holds; the second argument changes members of that seed, such as `timings`.
//!    `tenant.connect(json!({"pollInterval": "5s"})).await` adds Secret and connection; `tenant.endpoint(..)`,
//!    `model(..)`, `delete(..)`, `strike(..)` do the rest. Names of tenants begin with the row's name.
//! 4. How often: `trial.times(bounded, full)`; `--runs` replaces both. What to do: `trial.chance` alone decides, never a
//!    clock. `Row::bounded_seconds` is the share of the bounded version; a row that takes longer says so.
//! 5. When the fault is over: `trial.converge(&tenants, &Patience::default()).await` waits until every object is
//!    Ready or gone, jumps the clock while nothing moves, and counts a run. That is I6. Then
//!    `trial.check(&tenants, &Expected::default()).await` holds I1 to I5 against the evidence; `Expected` says what the
//!    row does on purpose (retained objects, rollbacks, how many transitions are lawful).
//! 6. What else must hold: `trial.violated(object, what)`. What was seen, in a few words, for the table:
//!    `trial.saw(format!("15 kills, 20 objects"))`. A panic in a row is a violation of that row, and the rest goes on.
//! 7. A row that stops the API server or leaves it damaged calls `trial.world.spoil()`: the next row gets another.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../harness/libtest.rs"]
mod libtest;
#[path = "../e2e/seed.rs"]
#[allow(dead_code)]
mod seed;

mod evidence;
// Its tests run with the end-to-end tests: this program has a `main` of its own.
#[allow(dead_code, unused_imports)]
mod law;
mod options;
mod report;
mod rows;
mod tenant;
mod trial;
mod world;

use futures::FutureExt as _;
use options::Options;
use report::{Report, Table};
use rows::Row;
use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use trial::Trial;
use world::World;

/// The page with the table; it describes every row.
const PAGE: &str = include_str!("../../docs/reliability.md");

fn main() -> ExitCode {
    let options = Options::of_command_line();
    let rows: Vec<&'static Row> = rows::ALL.iter().filter(|row| options.wants(row.name)).collect();
    if options.list {
        for row in rows {
            println!("{}: {}", row.name, row.title);
        }
        return ExitCode::SUCCESS;
    }
    if rows.is_empty() {
        println!("no row of this name; --list tells all");
        return if options.row.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    if let Some(row) = rows.iter().find(|row| !PAGE.contains(&format!("**`{}`**", row.name))) {
        println!("docs/reliability.md does not describe the row {}", row.name);
        return ExitCode::FAILURE;
    }
    let table = run(&rows, &options);
    println!("\n{table}");
    let report = std::env::var_os("CHAOS_REPORT").filter(|path| !path.is_empty());
    // A table of some rows would take the place of all.
    if let Some(path) = report.filter(|_| rows.len() == rows::ALL.len()) {
        table.write_into(path.as_ref(), &options).unwrap();
    }
    if table.violations() > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Runs the rows, several side by side if that is wanted.
fn run(rows: &[&'static Row], options: &Options) -> Table {
    println!("seed {}", options.seed());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs().min(rows.len()) {
            scope.spawn(|| {
                let runtime = tokio::runtime::Runtime::new().unwrap(); // clients live on the runtime that made them
                runtime.block_on(take_turns(rows, options, &next, &done));
            });
        }
    });
    let mut table = Table::default();
    for (index, (report, took)) in done.into_inner().unwrap() {
        table.add(rows[index], report, took);
    }
    table
}

/// Runs one row after the other that nobody else has taken, on one world as long as it is whole.
async fn take_turns(
    rows: &[&'static Row],
    options: &Options,
    next: &AtomicUsize,
    done: &Mutex<BTreeMap<usize, (Report, Duration)>>,
) {
    let mut world = None;
    loop {
        let index = next.fetch_add(1, Ordering::SeqCst);
        let Some(row) = rows.get(index) else { return };
        let began = Instant::now();
        println!("== {}: {}", row.name, row.title);
        let whole = match world.take() {
            Some(world) => world,
            None => World::start().await.unwrap_or_else(|error| panic!("{error}")),
        };
        let mut trial = Trial::new(row, options, whole).await;
        let ended = AssertUnwindSafe((row.run)(&mut trial)).catch_unwind().await;
        if let Err(panic) = ended {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("a panic");
            trial.violated("the row itself", format!("did not come to its end: {words}"));
            trial.world.spoil();
        }
        let Trial {
            report,
            world: mut used,
            ..
        } = trial;
        tell(row, &report, &mut used, began.elapsed());
        if !options.full && options.runs.is_none() && began.elapsed().as_secs() > row.bounded_seconds {
            println!("{}: longer than its share of {} s", row.name, row.bounded_seconds);
        }
        done.lock().unwrap().insert(index, (report, began.elapsed()));
        world = used.tidied().await;
    }
}

fn tell(row: &Row, report: &Report, world: &mut World, took: Duration) {
    if !report.violations.is_empty() {
        println!("{}: {}", row.name, world.last_words());
    }
    let (runs, violations, seconds) = (report.runs, report.violations.len(), took.as_secs_f64());
    println!(
        "{}: {runs} runs, {violations} violations, {seconds:.0} s: {}",
        row.name,
        report.seen()
    );
}
