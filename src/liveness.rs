//! Whether the parts of the process make progress, which is what `/livez` answers.
//!
//! Only what a restart can mend counts: a task that hangs or has gone. A cluster or a Speech service that does not answer
//! is none of that: asking again in vain is progress too, and a restart would only lose what is known.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// Each step of a watch ends within five and a half minutes (`controller/watch`), so this one hangs.
const WATCH_STEP: Duration = Duration::from_secs(600);
/// A sweep is cut off after half an hour, and its task stirs every minute otherwise (`controller/remote/sweep`), so this one
/// hangs.
const SWEEP_STEP: Duration = Duration::from_secs(45 * 60);
/// A pass is cut off after 90 s (`controller/guard`), so this one hangs.
const RUNNING_PASS: Duration = Duration::from_secs(300);
/// So long no pass of a kind began or ended, while objects wait for one.
const QUEUE_PROGRESS: Duration = Duration::from_secs(600);

/// The signs of life of all parts.
#[derive(Debug, Default)]
pub struct Liveness {
    watches: Mutex<BTreeMap<Watched, Arc<WatchPulse>>>,
    sweeps: Mutex<Vec<(String, Weak<Pulse>)>>,
    queues: Mutex<BTreeMap<String, Arc<dyn Queue>>>,
    recovered: Notify,
}

/// What one watch watches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// The kind.
    pub kind: String,
    /// The namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} in {namespace}", self.kind),
            None => f.write_str(&self.kind),
        }
    }
}

/// The signs of life of one task.
#[derive(Debug)]
pub struct Pulse {
    stirred: Mutex<Instant>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            stirred: Mutex::new(Instant::now()),
        }
    }
}

impl Pulse {
    /// The task took a step.
    pub fn stir(&self) {
        *lock(&self.stirred) = Instant::now();
    }

    /// How long ago it took its last step.
    pub fn age(&self) -> Duration {
        lock(&self.stirred).elapsed()
    }
}

/// The signs of life of a watch.
#[derive(Debug, Default)]
pub struct WatchPulse {
    step: Pulse,
    answered: Mutex<Option<Instant>>,
    unreadable: Mutex<BTreeSet<(String, String)>>,
}

impl WatchPulse {
    /// The watch took a step, if only in vain.
    pub fn stir(&self) {
        self.step.stir();
    }

    /// The apiserver answered: with an event, a bookmark, a list or an open watch.
    pub fn hear(&self) {
        self.step.stir();
        *lock(&self.answered) = Some(Instant::now());
    }

    /// These objects of the kind, by namespace and name, cannot be read.
    pub fn cannot_read(&self, objects: BTreeSet<(String, String)>) {
        *lock(&self.unreadable) = objects;
    }

    /// The objects of the kind that cannot be read, by namespace and name.
    pub fn unreadable(&self) -> BTreeSet<(String, String)> {
        lock(&self.unreadable).clone()
    }

    /// How long ago the apiserver last answered this watch; `None` before the first time.
    pub fn silence(&self) -> Option<Duration> {
        lock(&self.answered).map(|at| at.elapsed())
    }
}

/// Objects of one kind that wait for a pass, or are in one.
pub trait Queue: fmt::Debug + Send + Sync {
    /// The ages of the queue now.
    fn ages(&self) -> QueueAges;
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueAges {
    /// How long the object that was woken first has waited; `None` when none waits.
    pub waiting: Option<Duration>,
    /// How long the oldest pass has run; `None` when none runs.
    pub running: Option<Duration>,
    /// How long ago a pass last began or ended; since the start when none did.
    pub progress: Duration,
}

impl Liveness {
    /// A watch of a kind begins, in a namespace or in all.
    pub fn watch(&self, kind: &str, namespace: Option<&str>) -> Arc<WatchPulse> {
        let watched = Watched {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
        };
        Arc::clone(lock(&self.watches).entry(watched).or_default())
    }

    /// The sweeps of a connection begin. They are looked after for as long as the connection keeps the pulse.
    pub fn sweep(&self, connection: &str, pulse: &Arc<Pulse>) {
        let mut sweeps = lock(&self.sweeps);
        sweeps.retain(|(_, pulse)| pulse.strong_count() > 0);
        sweeps.push((connection.to_owned(), Arc::downgrade(pulse)));
    }

    /// The passes over a kind begin.
    pub fn queue(&self, kind: &str, queue: Arc<dyn Queue>) {
        lock(&self.queues).insert(kind.to_owned(), queue);
    }

    /// The cluster answers again after it did not: who waits to ask it again need not wait on.
    pub fn recovered(&self) {
        self.recovered.notify_waiters();
    }

    /// Waits until the cluster answers somebody again.
    pub async fn recovery(&self) {
        self.recovered.notified().await;
    }

    /// All watches, those of one kind one after the other.
    pub fn watches(&self) -> Vec<(Watched, Arc<WatchPulse>)> {
        let watches = lock(&self.watches);
        watches
            .iter()
            .map(|(watched, pulse)| (watched.clone(), Arc::clone(pulse)))
            .collect()
    }

    /// The ages of all queues, by kind.
    pub fn queues(&self) -> Vec<(String, QueueAges)> {
        let queues: Vec<_> = lock(&self.queues)
            .iter()
            .map(|(kind, q)| (kind.clone(), Arc::clone(q)))
            .collect();
        queues.into_iter().map(|(kind, queue)| (kind, queue.ages())).collect()
    }

    /// What can be seen of all parts now.
    pub fn signs(&self) -> Signs {
        let sweeps = lock(&self.sweeps);
        let sweep = |(name, pulse): &(String, Weak<Pulse>)| Some((name.clone(), pulse.upgrade()?.age()));
        Signs {
            watches: self
                .watches()
                .into_iter()
                .map(|(watched, pulse)| (watched.to_string(), pulse.step.age()))
                .collect(),
            sweeps: sweeps.iter().filter_map(sweep).collect(),
            queues: self.queues(),
        }
    }
}

/// What can be seen of all parts at a time.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    /// How long ago each watch took its last step, by what it watches.
    pub watches: Vec<(String, Duration)>,
    /// How long ago the sweeps of each connection took their last step.
    pub sweeps: Vec<(String, Duration)>,
    /// The ages of each queue, by kind.
    pub queues: Vec<(String, QueueAges)>,
}

/// One look at one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The part.
    pub name: String,
    /// What is seen of it.
    pub finding: String,
    /// Whether it goes on as it should.
    pub passed: bool,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.passed { "[+]" } else { "[-]" };
        write!(f, "{mark} {}: {}", self.name, self.finding)
    }
}

impl Signs {
    /// Judges every part.
    pub fn checks(&self) -> Vec<Check> {
        let watches = self.watches.iter().map(|(kind, age)| Check {
            name: format!("watch {kind}"),
            finding: format!("last step {} s ago", age.as_secs()),
            passed: *age <= WATCH_STEP,
        });
        let sweeps = self.sweeps.iter().map(|(connection, age)| Check {
            name: format!("sweeps {connection}"),
            finding: format!("last step {} s ago", age.as_secs()),
            passed: *age <= SWEEP_STEP,
        });
        let queues = self.queues.iter().map(|(kind, ages)| Check {
            name: format!("passes {kind}"),
            finding: ages.to_string(),
            passed: ages.go_on(),
        });
        watches.chain(sweeps).chain(queues).collect()
    }
}

impl QueueAges {
    /// A queue may be long, and a pass may wait for the service: only that nothing moves is wrong.
    fn go_on(&self) -> bool {
        let hangs = self.running.is_some_and(|age| age > RUNNING_PASS);
        let stuck = self.waiting.is_some_and(|age| age > QUEUE_PROGRESS) && self.progress > QUEUE_PROGRESS;
        !hangs && !stuck
    }
}

impl fmt::Display for QueueAges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let age = |age: Option<Duration>| age.map_or("none".to_owned(), |age| format!("{} s", age.as_secs()));
        let (waiting, running) = (age(self.waiting), age(self.running));
        let progress = self.progress.as_secs();
        write!(
            f,
            "longest waiting {waiting}, longest running {running}, last progress {progress} s ago"
        )
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(signs: &Signs) -> Vec<String> {
        let checks = signs.checks().into_iter().filter(|check| !check.passed);
        checks.map(|check| check.name).collect()
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_watch_or_a_sweep_that_takes_no_step_fails_and_is_named() {
        for (watch, sweep, expected) in [
            (minutes(0), minutes(0), vec![]),
            (minutes(10), minutes(45), vec![]),
            (minutes(11), minutes(45), vec!["watch SpeechModel"]),
            (minutes(6), minutes(46), vec!["sweeps shop/west"]),
            (minutes(50), minutes(50), vec!["watch SpeechModel", "sweeps shop/west"]),
        ] {
            let signs = Signs {
                watches: vec![("Secret".into(), minutes(1)), ("SpeechModel".into(), watch)],
                sweeps: vec![("shop/west".into(), sweep), ("shop/east".into(), minutes(1))],
                queues: Vec::new(),
            };
            assert_eq!(failing(&signs), expected, "{watch:?} {sweep:?}");
        }
    }

    #[test]
    fn passes_fail_when_one_never_ends_or_nothing_moves_and_never_because_the_queue_is_long() {
        for (waiting, running, progress, alive) in [
            (None, None, minutes(600), true),              // nothing to do
            (Some(minutes(90)), None, minutes(1), true),   // a long queue that moves
            (Some(minutes(1)), None, minutes(60), true),   // the first after a long rest
            (Some(minutes(11)), None, minutes(11), false), // nothing moves
            (None, Some(minutes(2)), minutes(2), true),    // it is cut off soon
            (None, Some(minutes(6)), minutes(6), false),   // it never ends
            (Some(minutes(1)), Some(minutes(6)), minutes(0), false),
        ] {
            let ages = QueueAges {
                waiting,
                running,
                progress,
            };
            let signs = Signs {
                queues: vec![("SpeechEndpoint".into(), ages)],
                ..Signs::default()
            };
            assert_eq!(failing(&signs).is_empty(), alive, "{ages}");
        }
    }

    #[test]
    fn sweeps_of_a_connection_that_went_are_looked_after_no_more() {
        let liveness = Liveness::default();
        let pulse = Arc::new(Pulse::default());
        liveness.sweep("shop/west", &pulse);
        assert_eq!(liveness.signs().sweeps.len(), 1);
        drop(pulse);
        assert_eq!(liveness.signs().sweeps.len(), 0);
    }

    #[test]
    fn a_step_in_vain_is_a_step_and_no_answer() {
        let pulse = WatchPulse::default();
        pulse.stir();
        assert_eq!(pulse.silence(), None);
        pulse.hear();
        assert!(pulse.silence().is_some());
    }
}
