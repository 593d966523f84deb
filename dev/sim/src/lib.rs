//! Years of a whole fleet in seconds: the planners, and the passes and requests of the operator, against the emulator's world, in one
//! process, without sockets, on a clock that jumps to whatever happens next.
//!
//! Every Speech resource with its objects and its operator is a region of its own; regions share nothing but the times at
//! which leaders die, and are computed side by side. The same seed gives the same report, byte for byte.
#[cfg(test)]
mod check;
mod cluster;
mod command;
mod connection;
mod event;
mod fleet;
mod follow;
mod impolite;
mod judge;
mod law;
#[cfg(test)]
mod malformed;
mod mark;
mod network;
mod operator;
mod pass;
mod region;
mod report;
mod request_log;
mod sweep;
#[cfg(test)]
mod tests;
mod users;
mod world;

pub use command::{SimulateArgs, SimulateError, command};
pub use follow::{Followed, UnknownObject};
pub use impolite::Manners;
pub use network::{Habits, Tally};
pub use region::BeginError;
pub use report::{Report, Violation};

use cluster::Key;
use fleet::Draft;
use follow::Story;
use jiff::{Timestamp, civil::date, tz::TimeZone};
use region::{Region, Span};
use speech_fuzz::{Chance, weigh};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Most endpoints of one Speech resource; the quota of the tier S0.
const QUOTA: usize = 50;

/// What to simulate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// How many endpoints are declared, over as many Speech resources as they need.
    pub endpoints: usize,
    /// How many years pass.
    pub years: u16,
    /// Everything that happens by chance follows from it.
    pub seed: u64,
    /// What goes wrong how often.
    pub habits: Habits,
}

impl Setting {
    /// A setting with the usual habits of the world.
    pub fn new(endpoints: usize, years: u16, seed: u64) -> Self {
        Self {
            endpoints,
            years,
            seed,
            habits: Habits::default(),
        }
    }

    /// How many Speech resources the fleet needs.
    fn regions(&self) -> usize {
        self.endpoints.div_ceil(QUOTA).max(1)
    }

    /// The day before a quarter day, so that three years have thirteen of them.
    fn span(&self) -> Span {
        let start = date(2027, 1, 14).to_zoned(TimeZone::UTC);
        Span {
            start: start.map_or(Timestamp::UNIX_EPOCH, |start| start.timestamp()),
            days: i64::from(self.years) * 366,
        }
    }

    fn region(&self, number: usize, followed: Option<Key>) -> Result<Report, BeginError> {
        let seed = weigh(self.seed, ("region", number));
        let mut chance = Chance::fork(seed, "fleet");
        let endpoints = self.endpoints.saturating_sub(number * QUOTA).min(QUOTA);
        let span = self.span();
        let draft = Draft::of_team(&mut chance, endpoints, span.days);
        let mut region = Region::begin(seed, self.seed, span, draft, self.habits)?;
        region.story = followed.map(Story::of);
        let mut report = region.run();
        for violation in &mut report.violations {
            violation.place = format!("region {number}, {}", violation.place);
        }
        Ok(report)
    }
}

/// Runs the one Speech resource of an object and tells in the report what the object did and said. A resource that the
/// fleet does not need is as good as any other.
///
/// # Errors
/// When the world or the fleet does not fit the code; that is a mistake in this program.
pub fn follow(setting: &Setting, followed: Followed) -> Result<Report, BeginError> {
    // A thread without a runtime, as in `run`: what waits would wait for the turn of this very task otherwise.
    let region = || setting.region(followed.region, Some(followed.key));
    let report = std::thread::scope(|scope| scope.spawn(region).join());
    let report = report.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    Ok(Report {
        years: setting.years.to_string(),
        ..report
    })
}

/// Runs a simulation on so many threads.
///
/// # Errors
/// When the world or the fleet does not fit the code; that is a mistake in this program.
pub fn run(setting: &Setting, threads: usize) -> Result<Report, BeginError> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1).min(setting.regions()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= setting.regions() {
                        return;
                    }
                    let report = setting.region(number, None);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(number, report);
                }
            });
        }
    });
    let mut whole = Report {
        years: setting.years.to_string(),
        ..Report::default()
    };
    for (_, report) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
        whole.add(Report {
            years: setting.years.to_string(),
            ..report?
        });
    }
    Ok(whole)
}
