//! One row while it runs: its world, its chance, what came of it.
use crate::{
    evidence::Known,
    law::{self, Expected},
    options::Options,
    report::{Report, Violation},
    rows::Row,
    tenant::{Tenant, is_ready},
    world::World,
};
use serde_json::Value;
use speech_fuzz::Chance;
use std::{
    fmt::Display,
    time::{Duration, Instant},
};

/// One row while it runs.
pub struct Trial {
    /// What runs.
    pub world: World,
    /// What decides everything that happens by chance.
    pub chance: Chance,
    /// What came of it.
    pub report: Report,
    /// Whether the full figures are wanted.
    pub is_full: bool,
    runs: Option<u64>,
    row: &'static str,
    again: String,
    known: Known,
}

/// How long to wait for convergence.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The longest that it may take in all: real time and jumps together. Beyond this is a violation of I6.
    pub bound: Duration,
    /// How far the clock jumps when nothing has moved for a while.
    pub jump: Duration,
    /// How far it jumps after five such jumps: what still waits then, waits for long.
    pub stride: Duration,
    /// How long nothing must move before the clock jumps.
    pub rest: Duration,
}

impl Default for Patience {
    /// An announcement is waited for during two minutes, and repeated steps after at most five more.
    fn default() -> Self {
        Self {
            bound: Duration::from_secs(600),
            jump: Duration::from_secs(30),
            stride: Duration::from_secs(30),
            rest: Duration::from_millis(1500),
        }
    }
}

impl Patience {
    pub fn within(bound: Duration) -> Self {
        Self {
            bound,
            ..Self::default()
        }
    }
}

impl Trial {
    /// A trial of a row.
    pub async fn new(row: &Row, options: &Options, world: World) -> Self {
        Self {
            world,
            chance: Chance::fork(options.seed(), row.name),
            report: Report::default(),
            is_full: options.full,
            runs: options.runs,
            row: row.name,
            again: options.again(row.name),
            known: Known::default(),
        }
    }

    /// How often to do something: the one in the bounded version, the other in full, unless `--runs` says.
    pub fn times(&self, bounded: u64, full: u64) -> u64 {
        self.runs.unwrap_or(if self.is_full { full } else { bounded })
    }

    /// The one in the bounded version, the other in full; `--runs` does not change it.
    pub fn sized(&self, bounded: u64, full: u64) -> u64 {
        if self.is_full { full } else { bounded }
    }

    /// Notes something that must never be.
    pub fn violated(&mut self, object: impl Display, what: impl Display) {
        let violation = Violation {
            object: object.to_string(),
            what: what.to_string(),
            again: self.again.clone(),
        };
        if !self.report.violations.contains(&violation) {
            println!("VIOLATION {}: {violation}", self.row);
            self.report.violations.push(violation);
        }
    }

    /// Adds to what was seen, for the table.
    pub fn saw(&mut self, what: impl Into<String>) {
        self.report.saw(what);
    }

    /// Counts a run whose convergence the row has measured itself.
    pub fn ran(&mut self, converged: Option<Duration>) {
        self.report.runs += 1;
        self.report.converged.extend(converged);
    }

    /// Waits until every object of these tenants is Ready or gone; counts one run. This is I6: no hand is lent but the
    /// clock's. Returns whether it converged.
    pub async fn converge(&mut self, tenants: &[&Tenant], patience: &Patience) -> bool {
        self.converge_to(tenants, patience, is_ready).await
    }

    /// The same, where `is_done` says when an object that is not being deleted has arrived.
    pub async fn converge_to(
        &mut self,
        tenants: &[&Tenant],
        patience: &Patience,
        is_done: impl Fn(&Value) -> bool,
    ) -> bool {
        let began = Instant::now();
        let (mut jumped, mut jumps) = (Duration::ZERO, 0);
        let (mut last, mut moved) = (Vec::new(), Instant::now());
        let behind = loop {
            let mut behind = Vec::new();
            for tenant in tenants {
                let objects = tenant.objects().await.into_iter();
                let is_going = |object: &Value| !object["metadata"]["deletionTimestamp"].is_null();
                behind.extend(objects.filter(|object| is_going(object) || !is_done(object)));
            }
            if behind.is_empty() || began.elapsed() + jumped > patience.bound {
                break behind;
            }
            if behind != last {
                (last, moved) = (behind, Instant::now());
            } else if moved.elapsed() > patience.rest && !patience.jump.is_zero() {
                jumps += 1;
                let by = if jumps > 5 { patience.stride } else { patience.jump };
                let text = format!("{}s", by.as_secs());
                self.world.emulator.control().advance(&text).await.unwrap();
                jumped += by;
                moved = Instant::now();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        self.ran(behind.is_empty().then(|| began.elapsed() + jumped));
        for object in &behind {
            let what = format!("I6: not as declared after {:?}: {}", patience.bound, object["status"]);
            self.violated(law::name_of(object), what);
        }
        behind.is_empty()
    }

    /// Holds I1 to I5 against everything that is known of these tenants and has happened since the check before. Names
    /// of objects are not used twice within a row: the laws take an object of the same name for the same object.
    pub async fn check(&mut self, tenants: &[&Tenant], expected: &Expected) {
        let evidence = self.world.evidence(tenants).await;
        self.known.learn(&evidence);
        for finding in law::check(&evidence, &mut self.known, expected) {
            self.violated(finding.object, finding.what);
        }
    }

    /// From now on objects of the same names are others: what those before have said binds them no more.
    pub fn forget_what_was_told(&mut self) {
        self.known.told.clear();
    }

    /// Notes what the models of these tenants are like, before some of them are deleted.
    pub async fn learn(&mut self, tenants: &[&Tenant]) {
        for tenant in tenants {
            self.known.learn_from(&tenant.remote().await);
        }
    }
}
