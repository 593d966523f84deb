//! What a simulation tells in the end: the same bytes for the same seed.
use super::network::Tally;
use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// Edges of the histogram in days before the expiry of what served.
const EDGES: [i64; 9] = [0, 1, 7, 14, 30, 60, 90, 180, 365];
/// Requests of one look at all lists.
const LISTS: usize = 3;
/// The widest bar.
const WIDTH: u64 = 40;

/// What one Speech resource or a whole fleet came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Endpoints that were declared.
    pub endpoints: usize,
    pub years: String,
    /// Days on which models expired, of all that could be.
    pub quarter_days: usize,
    /// Endpoints that an expired model was to serve at any time, so that a base model answered.
    pub expired: usize,
    /// Endpoints that came to their expiry because the service refused them for days or never ended its work; they said so.
    pub hampered: usize,
    /// Endpoints that were to be served by an expired model because their own spec held them, and that said so.
    pub held: usize,
    /// Entities that somebody deleted in the service.
    pub vanished: u64,
    /// What those said of themselves at that time.
    pub told: Vec<Violation>,
    /// Endpoints that came to serve another model.
    pub swaps: u64,
    /// Swaps by the days that were left to the model before; the last count is for those after its expiry.
    pub spread: [u64; EDGES.len() + 1],
    /// Requests and work.
    pub tally: Tally,
    /// Objects that still had a failed request to repeat when their time was over.
    pub unrecovered: u64,
    /// Leaders that died.
    pub leaders: u64,
    /// How many requests are allowed in ten seconds.
    pub budget: usize,
    /// Decisions that were made.
    pub steps: u64,
    /// What must never be, with the place and the time.
    pub violations: Vec<Violation>,
    /// What the object did and said that was followed.
    pub story: Vec<String>,
}

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// When (UTC, simulated).
    pub at: Timestamp,
    /// Which object or resource.
    pub place: String,
    /// What.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.at, self.place, self.what)
    }
}

impl Report {
    /// Takes note of a swap away from a model that expires at `deadline`.
    pub fn swapped(&mut self, now: Timestamp, deadline: Timestamp) {
        self.swaps += 1;
        let left = deadline.duration_since(now);
        let after = left <= SignedDuration::ZERO;
        let days = left.as_hours() / 24;
        let bucket = EDGES.iter().rposition(|edge| *edge <= days).unwrap_or(0);
        let bucket = if after { EDGES.len() } else { bucket };
        self.spread
            .iter_mut()
            .skip(bucket)
            .take(1)
            .for_each(|count| *count += 1);
    }

    /// Adds what happened elsewhere at the same time.
    pub fn add(&mut self, other: Self) {
        self.endpoints += other.endpoints;
        self.years = other.years;
        self.quarter_days = self.quarter_days.max(other.quarter_days);
        self.expired += other.expired;
        self.hampered += other.hampered;
        self.held += other.held;
        self.vanished += other.vanished;
        self.told.extend(other.told);
        self.swaps += other.swaps;
        for (own, more) in self.spread.iter_mut().zip(other.spread) {
            *own += more;
        }
        self.tally.add(other.tally);
        self.unrecovered += other.unrecovered;
        self.leaders = self.leaders.max(other.leaders);
        self.budget = other.budget;
        self.steps += other.steps;
        self.violations.extend(other.violations);
        self.story.extend(other.story);
    }

    /// The highest share of the request budget, in thousandths; with the regular look at all lists, which is left out of
    /// the simulation where it would show nothing new, but may fall into any window.
    pub fn peak_share(&self) -> usize {
        (self.tally.peak + LISTS) * 1000 / self.budget.max(1)
    }

    fn bar(count: u64, most: u64) -> String {
        let length = if count == 0 {
            0
        } else {
            (count * WIDTH / most.max(1)).max(1)
        };
        "#".repeat(usize::try_from(length).unwrap_or(0))
    }
}

impl Tally {
    /// Adds what happened elsewhere; budgets are not shared, so that the peak is the highest of all.
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.trainings += other.trainings;
        self.slow_trainings += other.slow_trainings;
        self.failed_trainings += other.failed_trainings;
        self.failed_deployments += other.failed_deployments;
        self.bad_models += other.bad_models;
        self.evaluations += other.evaluations;
        self.answered_by_others += other.answered_by_others;
        self.refused += other.refused;
        self.endless += other.endless;
        self.peak = self.peak.max(other.peak);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &dyn fmt::Display| writeln!(f, "{name:<44}{value}");
        line("endpoints", &self.endpoints)?;
        line("years", &self.years)?;
        line("quarter days passed", &self.quarter_days)?;
        line("endpoints ever served by an expired model", &self.expired)?;
        line("endpoints that could not move, and said so", &self.hampered)?;
        line("endpoints that their spec held, and said so", &self.held)?;
        line("swaps", &self.swaps)?;
        line("trainings", &self.tally.trainings)?;
        line("trainings that took a week", &self.tally.slow_trainings)?;
        line("trainings that failed", &self.tally.failed_trainings)?;
        line("models worse than any gate allows", &self.tally.bad_models)?;
        line("evaluations", &self.tally.evaluations)?;
        line("deployments that failed", &self.tally.failed_deployments)?;
        line("work that seemed never to end", &self.tally.endless)?;
        line("entities that others deleted", &self.vanished)?;
        line("requests", &self.tally.requests)?;
        line("requests that others answered", &self.tally.answered_by_others)?;
        line("requests that the service refused", &self.tally.refused)?;
        line("requests that failed", &self.tally.failures)?;
        line(
            "failures recovered",
            &(self.tally.failures.saturating_sub(self.unrecovered)),
        )?;
        line("leader changes", &self.leaders)?;
        let (whole, tenths) = (self.peak_share() / 10, self.peak_share() % 10);
        line("peak share of request budget", &format!("{whole}.{tenths} %"))?;
        line("decisions", &self.steps)?;
        line("violations", &self.violations.len())?;
        writeln!(f, "\nswaps by days left to the model before")?;
        let most = self.spread.iter().copied().max().unwrap_or(0);
        for (index, count) in self.spread.iter().enumerate() {
            let name = match (EDGES.get(index), EDGES.get(index + 1)) {
                (Some(from), Some(to)) => format!("{from} to {to}"),
                (Some(from), None) => format!("over {from}"),
                (None, _) => "after its expiry".to_owned(),
            };
            let text = format!("{name:>18} {count:>6} {}", Self::bar(*count, most));
            writeln!(f, "{}", text.trim_end())?;
        }
        for expired in &self.told {
            writeln!(
                f,
                "served by an expired model at {}: {}: {}",
                expired.at, expired.place, expired.what
            )?;
        }
        Ok(())
    }
}
