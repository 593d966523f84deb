//! What is measured, in the OpenMetrics format. What is known of objects is read from the stores at scrape time, so that
//! a deleted object leaves no series. Unknown means absent, never 0.
mod fleet;
mod pulse;

use crate::{api::SpeechConnection, controller::Context, liveness::Liveness, speech::Observer};
use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};
use std::{
    collections::HashMap,
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
struct Request {
    route: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

/// All that is measured.
pub struct Metrics {
    registry: Mutex<Registry>,
    reconciles: Family<Outcome, Counter>,
    reconcile_seconds: Family<Kind, Histogram, fn() -> Histogram>,
    requests: Family<Request, Counter>,
    request_seconds: Family<Route, Histogram, fn() -> Histogram>,
    watch_failures: Family<Kind, Counter>,
    transitions: Gauge,
    orphaned: Family<Kind, Counter>,
    sweeps: Mutex<HashMap<ObjectRef<SpeechConnection>, Sweep>>,
    context: OnceLock<Arc<Context>>,
    liveness: Liveness,
}

/// The last sweep of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Sweep {
    took: Duration,
    whole_at: Option<Timestamp>,
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
            transitions: Gauge::default(),
            orphaned: Family::default(),
            sweeps: Mutex::default(),
            context: OnceLock::new(),
            liveness: Liveness::default(),
        });
        let mut registry = metrics.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register(
            "reconciles",
            "Passes over objects, by outcome",
            metrics.reconciles.clone(),
        );
        registry.register(
            "reconcile_duration_seconds",
            "Time of a pass over an object",
            metrics.reconcile_seconds.clone(),
        );
        registry.register(
            "remote_requests",
            "Requests to the Speech service, by operation and status",
            metrics.requests.clone(),
        );
        registry.register(
            "remote_request_duration_seconds",
            "Time of a request to the Speech service",
            metrics.request_seconds.clone(),
        );
        registry.register(
            "watch_failures",
            "Watches of the cluster that broke off with an error",
            metrics.watch_failures.clone(),
        );
        registry.register(
            "leader_transitions",
            "How often the Lease had changed hands when this replica took it; 0 if it never did",
            metrics.transitions.clone(),
        );
        registry.register(
            "orphaned",
            "Objects that were released though what they have in the Speech service could not be deleted",
            metrics.orphaned.clone(),
        );
        registry.register(
            "build",
            "The running program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register_collector(Box::new(fleet::Fleet(Arc::downgrade(&metrics))));
        registry.register_collector(Box::new(pulse::Pulses(Arc::downgrade(&metrics))));
        drop(registry);
        metrics
    }

    /// The whole exposition.
    pub fn expose(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }

    /// From now on the stores can be read.
    pub fn ready(&self, context: Arc<Context>) {
        // Set once per process; a second time would change nothing.
        drop(self.context.set(context));
    }

    /// What all parts share, once the stores are filled.
    pub fn context(&self) -> Option<&Arc<Context>> {
        self.context.get()
    }

    /// The signs of life of all parts.
    pub fn liveness(&self) -> &Liveness {
        &self.liveness
    }

    /// Whether the stores are filled.
    pub fn is_ready(&self) -> bool {
        self.context.get().is_some()
    }

    /// Whether this replica acts; false as long as that is open.
    pub fn is_leader(&self) -> bool {
        self.context.get().is_some_and(|context| context.leadership.leads())
    }

    /// This replica took the Lease, which has changed hands so often.
    pub fn took_lease(&self, transitions: i32) {
        self.transitions.set(i64::from(transitions));
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

    fn sweep(&self, key: &ObjectRef<SpeechConnection>) -> Option<Sweep> {
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
