//! The command: runs, prints, and says how to see a failure again.
use super::{BeginError, Followed, Setting, follow, run};
use clap::Parser;
use std::{num::NonZero, thread::available_parallelism, time::Instant};

/// Lets a whole fleet live through years in seconds, with everything that goes wrong, and reports.
///
/// Runs the operator's own planners against an emulated Speech service within the process; touches neither a cluster nor
/// the network. Ends with 1 if an endpoint came to be served by an expired model though a newer one could be had, or if any
/// other promise was broken.
#[derive(Debug, Parser)]
#[command(name = "speech-sim", version)]
pub struct SimulateArgs {
    /// How many endpoints there are, over as many Speech resources as they need.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub endpoints: u32,
    /// How many years pass.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=20))]
    pub years: u16,
    /// Everything that happens by chance follows from it; the same seed gives the same report.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many threads compute; the report is the same with any number. As many as there are processors if absent.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Compute the Speech resource of one object only, and print every step and every change of status of that object, as
    /// a failure names it, for example 6/endpoint-49.
    #[arg(long, value_name = "REGION/OBJECT")]
    pub follow: Option<Followed>,
}

/// Why a simulation does not end well.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// It could not begin.
    #[error("the simulation cannot begin")]
    Begin(#[from] BeginError),
    /// A promise was broken.
    #[error(
        "{count} promises were broken; to see it again: cargo run --release -p speech-sim -- --endpoints {endpoints} --years {years} --seed {seed}; to see what one object did: add --follow REGION/OBJECT"
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
