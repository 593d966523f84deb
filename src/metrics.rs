//! What is counted while the operator works, in the OpenMetrics format.
pub(crate) mod catalogue;
mod outcome;
mod pulse;
pub(crate) mod series;

pub use catalogue::{ALL, Definition, Form, PREFIX, document};
pub use outcome::{Delivery, Ended, of_endpoint, of_model};

use crate::liveness::Liveness;
use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Metric, Registry},
};
use series::Row;
use speech_api::{SpeechConnection, swap::GateVerdict};
use speech_service::Observer;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// Bounds of the latency histograms, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    kind: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ending {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Judged {
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

/// Kind, namespace and name of an object.
type Named = (String, String, String);

/// How often something was put back.
#[derive(Debug)]
struct Drifted {
    /// Of which life of the object.
    uid: String,
    count: u32,
}

const SUCCEEDED: &str = "Succeeded";
const FAILED: &str = "Failed";

/// All that is measured.
pub struct Metrics {
    registry: Mutex<Registry>,
    reconciles: Family<Outcome, Counter>,
    reconcile_seconds: Family<Kind, Histogram, fn() -> Histogram>,
    requests: Family<Request, Counter>,
    request_seconds: Family<Route, Histogram, fn() -> Histogram>,
    watch_failures: Family<Kind, Counter>,
    transitions: OnceLock<i32>,
    orphaned: Family<Kind, Counter>,
    released: Family<Kind, Counter>,
    observe_only: Gauge,
    swaps: Family<Ending, Counter>,
    trainings: Family<Ending, Counter>,
    gates: Family<Judged, Counter>,
    flux_events: Family<Ending, Counter>,
    drifted: Mutex<BTreeMap<Named, Drifted>>,
    refused: Mutex<BTreeSet<Named>>,
    sweeps: Mutex<HashMap<ObjectRef<SpeechConnection>, Sweep>>,
    liveness: Liveness,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// The last sweep of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sweep {
    pub took: Duration,
    pub whole_at: Option<Timestamp>,
}

fn register(registry: &mut Registry, definition: &Definition, metric: impl Metric) {
    registry.register(definition.name, definition.help, metric);
}

fn latency() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    /// Registers everything.
    pub fn new() -> Arc<Self> {
        let metrics = Arc::new(Self {
            registry: Mutex::new(Registry::with_prefix("speech")),
            reconciles: Family::default(),
            reconcile_seconds: Family::new_with_constructor(latency),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(latency),
            watch_failures: Family::default(),
            transitions: OnceLock::new(),
            orphaned: Family::default(),
            released: Family::default(),
            observe_only: Gauge::default(),
            swaps: Family::default(),
            trainings: Family::default(),
            gates: Family::default(),
            flux_events: Family::default(),
            drifted: Mutex::default(),
            refused: Mutex::default(),
            sweeps: Mutex::default(),
            liveness: Liveness::default(),
        });
        metrics.start_from_zero();
        let mut registry = metrics.registry.lock().unwrap_or_else(PoisonError::into_inner);
        register(&mut registry, &catalogue::RECONCILES, metrics.reconciles.clone());
        register(
            &mut registry,
            &catalogue::RECONCILE_SECONDS,
            metrics.reconcile_seconds.clone(),
        );
        register(&mut registry, &catalogue::REQUESTS, metrics.requests.clone());
        register(
            &mut registry,
            &catalogue::REQUEST_SECONDS,
            metrics.request_seconds.clone(),
        );
        register(
            &mut registry,
            &catalogue::WATCH_FAILURES,
            metrics.watch_failures.clone(),
        );
        register(&mut registry, &catalogue::ORPHANED, metrics.orphaned.clone());
        register(&mut registry, &catalogue::RELEASED, metrics.released.clone());
        register(&mut registry, &catalogue::OBSERVE_ONLY, metrics.observe_only.clone());
        register(&mut registry, &catalogue::SWAPS, metrics.swaps.clone());
        register(&mut registry, &catalogue::TRAININGS, metrics.trainings.clone());
        register(&mut registry, &catalogue::GATES, metrics.gates.clone());
        register(&mut registry, &catalogue::FLUX_EVENTS, metrics.flux_events.clone());
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        register(&mut registry, &catalogue::BUILD, build);
        registry.register_collector(Box::new(pulse::Pulses(Arc::downgrade(&metrics))));
        drop(registry);
        metrics
    }

    /// What is counted by a few words begins with 0, so that the first of a kind is an increase.
    fn start_from_zero(&self) {
        for outcome in [SUCCEEDED, FAILED] {
            drop(self.swaps.get_or_create(&Ending { outcome }));
            drop(self.trainings.get_or_create(&Ending { outcome }));
        }
        for verdict in [
            GateVerdict::Pass,
            GateVerdict::Fail,
            GateVerdict::Inconclusive,
            GateVerdict::Error,
        ] {
            let verdict = verdict.as_str();
            drop(self.gates.get_or_create(&Judged { verdict }));
        }
        for kind in ["SpeechEndpoint", "SpeechModel"] {
            drop(self.orphaned.get_or_create(&Kind { kind: kind.to_owned() }));
            drop(self.released.get_or_create(&Kind { kind: kind.to_owned() }));
        }
    }

    /// Tells whether this process only observes.
    pub fn observes(&self, only: bool) {
        self.observe_only.set(i64::from(only));
    }

    /// The whole exposition.
    pub fn expose(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }

    /// Asks this as well at every scrape.
    pub(crate) fn collect(&self, collector: impl Collector) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(collector));
    }

    /// The signs of life of all parts.
    pub fn liveness(&self) -> &Liveness {
        &self.liveness
    }

    /// How often the Lease had changed hands when this replica took it; absent before.
    pub(crate) fn transitions(&self) -> Option<i32> {
        self.transitions.get().copied()
    }

    /// This replica took the Lease, which has changed hands so often.
    pub fn took_lease(&self, transitions: i32) {
        // Taken once per process: whoever loses it ends.
        let _ = self.transitions.set(transitions);
    }

    /// A pass over an object ended.
    pub fn reconciled(&self, kind: &str, outcome: &'static str, took: Duration) {
        self.reconciles
            .get_or_create(&Outcome {
                kind: kind.to_owned(),
                outcome,
            })
            .inc();
        self.reconcile_seconds
            .get_or_create(&Kind { kind: kind.to_owned() })
            .observe(took.as_secs_f64());
    }

    /// A watch broke off.
    pub fn watch_failed(&self, kind: &str) {
        self.watch_failures.get_or_create(&Kind { kind: kind.to_owned() }).inc();
    }

    /// An object was released, and what it has in the Speech service stays behind.
    pub fn orphaned(&self, kind: &str) {
        self.orphaned.get_or_create(&Kind { kind: kind.to_owned() }).inc();
    }

    /// An object was let go because the operator or its kinds are being removed.
    pub fn released(&self, kind: &str) {
        self.released.get_or_create(&Kind { kind: kind.to_owned() }).inc();
    }

    /// Flux is to be told of events: what may become of them is counted from 0.
    pub fn flux_begins(&self) {
        for delivery in Delivery::ALL {
            let outcome = delivery.as_str();
            drop(self.flux_events.get_or_create(&Ending { outcome }));
        }
    }

    /// What became of an event for Flux.
    pub fn flux_event(&self, delivery: Delivery) {
        let outcome = delivery.as_str();
        self.flux_events.get_or_create(&Ending { outcome }).inc();
    }

    /// Work on an object came to an end.
    pub fn ended(&self, what: Ended) {
        let outcome = |succeeded| if succeeded { SUCCEEDED } else { FAILED };
        match what {
            Ended::Swap(succeeded) => {
                let outcome = outcome(succeeded);
                self.swaps.get_or_create(&Ending { outcome }).inc();
            }
            Ended::Training(succeeded) => {
                let outcome = outcome(succeeded);
                self.trainings.get_or_create(&Ending { outcome }).inc();
            }
            Ended::Gate(verdict) => {
                let verdict = verdict.as_str();
                self.gates.get_or_create(&Judged { verdict }).inc();
            }
        }
    }

    /// The cluster refuses what has to be written of an object; tells whether that is new.
    pub fn refused(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    /// A pass over an object ended well, so that nothing of it is refused.
    pub fn accepted(&self, kind: &str, namespace: &str, name: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if !refused.is_empty() {
            refused.remove(&(kind.to_owned(), namespace.to_owned(), name.to_owned()));
        }
    }

    /// The objects of which that was told last; those that are gone are forgotten.
    pub(crate) fn refusals(&self, there: &HashSet<Named>) -> Vec<Row> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.retain(|key| there.contains(key));
        let row = |(kind, namespace, name): &Named| (vec![kind.clone(), namespace.clone(), name.clone()], 1.0);
        refused.iter().map(row).collect()
    }

    /// What somebody changed in the Speech service was put back. An object that is made anew inherits nothing.
    pub fn drifted(&self, kind: &str, namespace: &str, name: &str, uid: &str) {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        let mut drifted = self.drifted.lock().unwrap_or_else(PoisonError::into_inner);
        let before = drifted.get(&key).filter(|before| before.uid == uid);
        let count = before.map_or(1, |before| before.count.saturating_add(1));
        let uid = uid.to_owned();
        drifted.insert(key, Drifted { uid, count });
    }

    /// How often that happened to each of the objects that are there, by uid; the others are forgotten.
    pub(crate) fn drift(&self, there: &HashSet<String>) -> Vec<Row> {
        let mut drifted = self.drifted.lock().unwrap_or_else(PoisonError::into_inner);
        drifted.retain(|_, drifted| there.contains(&drifted.uid));
        let row = |((kind, namespace, name), drifted): (&Named, &Drifted)| {
            let labels = vec![kind.clone(), namespace.clone(), name.clone()];
            (labels, f64::from(drifted.count))
        };
        drifted.iter().map(row).collect()
    }

    /// A Speech resource is looked after from now on: what was known of one of the same name is forgotten.
    pub fn begins(&self, key: &ObjectRef<SpeechConnection>) {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The lists of a Speech resource were read, or not.
    pub fn swept(&self, key: &ObjectRef<SpeechConnection>, took: Duration) {
        self.sweeps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key.clone())
            .or_default()
            .took = took;
    }

    /// All lists of a Speech resource were read whole.
    pub fn swept_whole(&self, key: &ObjectRef<SpeechConnection>, at: Timestamp) {
        self.sweeps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key.clone())
            .or_default()
            .whole_at = Some(at);
    }

    /// Forgets what was known of connections that are gone, so that one of the same name begins anew.
    pub(crate) fn forget_sweeps(&self, there: &HashSet<&ObjectRef<SpeechConnection>>) {
        let mut sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.retain(|key, _| there.contains(key));
    }

    pub(crate) fn sweep(&self, key: &ObjectRef<SpeechConnection>) -> Option<Sweep> {
        self.sweeps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .copied()
    }
}

impl Observer for Metrics {
    fn answered(&self, route: &'static str, outcome: &'static str, took: Duration) {
        self.requests.get_or_create(&Request { route, code: outcome }).inc();
        self.request_seconds
            .get_or_create(&Route { route })
            .observe(took.as_secs_f64());
    }
}
