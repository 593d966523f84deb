//! Several contenders with the production code, a Lease that loses answers, and processes that are stopped, killed, cut
//! off and asked to end, in simulated time. Never do two hold the right to act at once, and in the end one has it.
use super::{Campaign, Candidate, LeaseApi, LeaseError, Timing};
use futures::task::AtomicWaker;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::coordination::v1::Lease, apimachinery::pkg::apis::meta::v1::MicroTime};
use proptest::prelude::*;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{pending, poll_fn},
    pin::pin,
    rc::Rc,
    task::Poll,
    time::Duration,
};
use tokio::{
    task::{LocalSet, spawn_local},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

const CONTENDERS: usize = 3;
/// How long things go wrong.
const TROUBLE: Duration = Duration::from_secs(300);
/// Afterwards one leads within this: a term after a last late write, and a look.
const CALM: Duration = Duration::from_secs(40);

/// Chance that a seed decides (SplitMix64).
#[derive(Clone)]
struct Chance(Rc<Cell<u64>>);

impl Chance {
    fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        let mut mixed = self.0.get();
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&self, end: u64) -> u64 {
        self.next() % end
    }

    fn millis(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// What the API server holds.
#[derive(Default)]
struct Stored {
    lease: Option<Lease>,
    version: u64,
}

impl Stored {
    fn write(&mut self, mut lease: Lease, creates: bool) -> Result<Lease, LeaseError> {
        let current = self
            .lease
            .as_ref()
            .and_then(|lease| lease.metadata.resource_version.clone());
        if creates != self.lease.is_none() || (!creates && lease.metadata.resource_version != current) {
            return Err(LeaseError::Conflict);
        }
        self.version += 1;
        lease.metadata.resource_version = Some(self.version.to_string());
        self.lease = Some(lease.clone());
        Ok(lease)
    }
}

/// A contender's way to the Lease.
#[derive(Clone)]
struct Way {
    stored: Rc<RefCell<Stored>>,
    chance: Chance,
    cut: Rc<Cell<bool>>,
    troubled: Rc<Cell<bool>>,
    /// How wrong the clock of this contender goes, in days.
    skew: i64,
}

impl Way {
    async fn write(&self, mut lease: Lease, creates: bool) -> Result<Lease, LeaseError> {
        if let Some(spec) = &mut lease.spec {
            spec.renew_time = Some(MicroTime(Timestamp::now() + SignedDuration::from_hours(24 * self.skew)));
        }
        sleep(self.chance.millis(1, 50)).await;
        if self.cut.get() {
            return pending().await;
        }
        match self.chance.below(if self.troubled.get() { 12 } else { u64::MAX }) {
            0 => Err(LeaseError::Failed("no".into())),
            1 => pending().await,
            2 => {
                // Done, but nobody hears of it.
                let _ = self.stored.borrow_mut().write(lease, creates);
                pending().await
            }
            3 => {
                // Done when nobody expects it any more, whatever became of who asked.
                let (stored, wait) = (Rc::clone(&self.stored), self.chance.millis(500, 60_000));
                spawn_local(async move {
                    sleep(wait).await;
                    let _ = stored.borrow_mut().write(lease, creates);
                });
                pending().await
            }
            _ => {
                let written = self.stored.borrow_mut().write(lease, creates);
                sleep(self.chance.millis(1, 200)).await;
                written
            }
        }
    }
}

impl LeaseApi for Way {
    async fn get(&self) -> Result<Option<Lease>, LeaseError> {
        sleep(self.chance.millis(1, 50)).await;
        if self.cut.get() {
            return pending().await;
        }
        let found = self.stored.borrow().lease.clone();
        sleep(self.chance.millis(1, 200)).await;
        match self.chance.below(if self.troubled.get() { 10 } else { u64::MAX }) {
            0 => Err(LeaseError::Failed("no".into())),
            1 => pending().await,
            _ => Ok(found),
        }
    }

    async fn create(&self, lease: Lease) -> Result<Lease, LeaseError> {
        self.write(lease, true).await
    }

    async fn replace(&self, lease: Lease) -> Result<Lease, LeaseError> {
        self.write(lease, false).await
    }

    async fn changed(&mut self) {
        match self.chance.below(2) {
            0 => sleep(self.chance.millis(10, 5_000)).await,
            _ => pending().await,
        }
    }
}

/// Stops a process where it is.
#[derive(Clone, Default)]
struct Freezer(Rc<(Cell<bool>, AtomicWaker)>);

impl Freezer {
    fn set(&self, frozen: bool) {
        self.0.0.set(frozen);
        self.0.1.wake();
    }

    async fn around(&self, process: impl Future<Output = ()>) {
        let mut process = pin!(process);
        poll_fn(|context| {
            self.0.1.register(context.waker());
            match self.0.0.get() {
                true => Poll::Pending,
                false => process.as_mut().poll(context),
            }
        })
        .await;
    }
}

/// When each process acted.
type Log = Rc<RefCell<BTreeMap<u64, (Instant, Instant)>>>;

struct Contender {
    pod: String,
    way: Way,
    freezer: Freezer,
    stop: CancellationToken,
    killed: CancellationToken,
}

/// One process, from its start to its end.
async fn process(contender: &Contender, timing: Timing, session: u64, log: &Log) {
    let campaign = Campaign::new(contender.way.clone(), Candidate::of_pod(&contender.pod), timing);
    let leadership = campaign.leadership();
    let work = async {
        loop {
            if leadership.check().is_ok() {
                let now = Instant::now();
                log.borrow_mut().entry(session).or_insert((now, now)).1 = now;
            }
            sleep(contender.way.chance.millis(20, 400)).await;
        }
    };
    let rule = async {
        let mut reign = tokio::select! {
            reign = campaign.win() => reign,
            () = contender.stop.cancelled() => return,
        };
        let asked_to_stop = tokio::select! {
            _ = reign.keep() => false,
            () = contender.stop.cancelled() => true,
        };
        if asked_to_stop {
            reign.release().await;
        }
    };
    let life = async {
        tokio::select! {
            () = work => {}
            () = rule => {}
        }
    };
    tokio::select! {
        () = contender.killed.cancelled() => {}
        () = contender.freezer.around(life) => {}
    }
}

/// Two that acted at once, or nobody that acts in the end.
async fn simulate(seed: u64, timing: Timing) -> Result<usize, String> {
    let chance = Chance(Rc::new(Cell::new(seed)));
    let (stored, troubled) = (Rc::default(), Rc::new(Cell::new(true)));
    let (log, sessions) = (Log::default(), Rc::new(Cell::new(0)));
    let mut contenders = Vec::new();
    for number in 0..CONTENDERS {
        let way = Way {
            stored: Rc::clone(&stored),
            chance: chance.clone(),
            cut: Rc::default(),
            troubled: Rc::clone(&troubled),
            skew: i64::try_from(chance.below(9)).unwrap() - 4,
        };
        let contender = Rc::new(RefCell::new(Rc::new(Contender {
            pod: format!("pod-{number}"),
            way,
            freezer: Freezer::default(),
            stop: CancellationToken::new(),
            killed: CancellationToken::new(),
        })));
        contenders.push(Rc::clone(&contender));
        let (log, sessions, chance) = (Rc::clone(&log), Rc::clone(&sessions), chance.clone());
        spawn_local(async move {
            loop {
                sleep(chance.millis(0, 3_000)).await;
                let now = Rc::clone(&contender.borrow());
                sessions.set(sessions.get() + 1);
                process(&now, timing, sessions.get(), &log).await;
                // Another process of the same pod, or of one that replaces it.
                let pod = match chance.below(2) {
                    0 => now.pod.clone(),
                    _ => format!("pod-{}-{}", sessions.get(), number),
                };
                *contender.borrow_mut() = Rc::new(Contender {
                    pod,
                    way: now.way.clone(),
                    freezer: Freezer::default(),
                    stop: CancellationToken::new(),
                    killed: CancellationToken::new(),
                });
            }
        });
    }
    let end = Instant::now() + TROUBLE;
    while Instant::now() < end {
        sleep(chance.millis(200, 12_000)).await;
        let victim = usize::try_from(chance.below(CONTENDERS as u64)).unwrap();
        let victim = Rc::clone(&contenders[victim].borrow());
        let wait = chance.millis(500, 40_000);
        match chance.below(6) {
            0 | 1 => {
                victim.freezer.set(true);
                spawn_local(async move {
                    sleep(wait).await;
                    victim.freezer.set(false);
                });
            }
            2 | 3 => {
                victim.way.cut.set(true);
                spawn_local(async move {
                    sleep(wait).await;
                    victim.way.cut.set(false);
                });
            }
            4 => victim.killed.cancel(),
            _ => victim.stop.cancel(),
        }
    }
    troubled.set(false);
    for contender in &contenders {
        contender.borrow().freezer.set(false);
        contender.borrow().way.cut.set(false);
    }
    sleep(CALM).await;
    judge(&log.borrow(), Instant::now())
}

fn judge(log: &BTreeMap<u64, (Instant, Instant)>, now: Instant) -> Result<usize, String> {
    let mut reigns: Vec<_> = log.iter().collect();
    reigns.sort_by_key(|(_, (first, _))| *first);
    for pair in reigns.windows(2) {
        let ((a, (_, last)), (b, (first, _))) = (pair[0], pair[1]);
        if first <= last {
            let both = last.duration_since(*first);
            return Err(format!("processes {a} and {b} could both act for {both:?}"));
        }
    }
    match reigns.last() {
        Some((_, (_, last))) if now.duration_since(*last) < Duration::from_secs(1) => Ok(reigns.len()),
        _ => Err("nobody acts in the end".to_owned()),
    }
}

fn run(seed: u64, timing: Timing) -> Result<usize, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    LocalSet::new().block_on(&runtime.unwrap(), simulate(seed, timing))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn never_two_may_act_at_once_and_in_the_end_one_does(seed: u64) {
        run(seed, Timing::default()).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn the_simulation_changes_leaders_often_enough_to_mean_something() {
    let reigns: usize = (0..10).map(|seed| run(seed, Timing::default()).unwrap()).sum();
    assert!(reigns > 50, "{reigns} reigns in 10 runs");
}

#[test]
fn the_simulation_finds_a_leader_that_goes_on_beyond_its_term() {
    let found = (0..50).any(|seed| run(seed, Timing::beyond_the_term()).is_err_and(|what| what.contains("both act")));
    assert!(found);
}
