//! The subcommand: runs, prints, and says how to see a failure again.
use super::{BeginError, Setting, follow, run};
use crate::cli::SimulateArgs;
use std::{num::NonZero, thread::available_parallelism, time::Instant};

/// Why `simulate` does not end well.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// It could not begin.
    #[error("the simulation cannot begin")]
    Begin(#[from] BeginError),
    /// A promise was broken.
    #[error(
        "{count} promises were broken; to see it again: speech-operator simulate --endpoints {endpoints} --years {years} --seed {seed}; to see what one object did: add --follow REGION/OBJECT"
    )]
    Broken {
        /// How many were told.
        count: usize,
        /// As asked for.
        endpoints: usize,
        /// As asked for.
        years: u16,
        /// As asked for.
        seed: u64,
    },
}

/// Runs a simulation; the report goes to standard output and is the same for the same seed, what depends on the machine
/// goes to standard error.
///
/// # Errors
/// When a promise was broken, or the simulation could not begin.
pub fn command(args: &SimulateArgs) -> Result<(), SimulateError> {
    let endpoints = usize::try_from(args.endpoints).unwrap_or(usize::MAX);
    let setting = Setting::new(endpoints, args.years, args.seed);
    let threads = args
        .threads
        .unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
    let began = Instant::now();
    let report = match args.follow {
        Some(followed) => follow(&setting, followed)?,
        None => run(&setting, threads)?,
    };
    let took = began.elapsed().as_secs_f64();
    for line in &report.story {
        println!("{line}");
    }
    print!("{report}");
    for violation in &report.violations {
        println!("seed {}: {violation}", args.seed);
    }
    eprintln!(
        "took {took:.1} s, {:.0} steps per second",
        report.steps as f64 / took.max(0.001)
    );
    if report.violations.is_empty() && report.expired == 0 {
        return Ok(());
    }
    Err(SimulateError::Broken {
        count: report.violations.len() + report.expired,
        endpoints,
        years: args.years,
        seed: args.seed,
    })
}
