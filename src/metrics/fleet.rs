//! Gauges of the declared objects, made from the stores when somebody asks.
use super::Metrics;
use crate::api::condition;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};
use std::{fmt, sync::Weak};

/// Reads the stores at scrape time.
#[derive(Debug)]
pub struct Fleet(pub Weak<Metrics>);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// One series: namespace, name, value.
type Series = (String, String, f64);

impl Collector for Fleet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(metrics) = self.0.upgrade() else { return Ok(()) };
        let Some(context) = metrics.context.get() else {
            return Ok(());
        };
        let stores = &context.stores;
        let (endpoints, models, connections) = (
            stores.endpoints.state(),
            stores.models.state(),
            stores.connections.state(),
        );
        let expiry = |at: Option<&String>| at.and_then(|at| at.parse::<Timestamp>().ok()).map(seconds);
        write(
            &mut encoder,
            "endpoint_model_expiry_timestamp_seconds",
            "When the active model of an endpoint expires (Unix time)",
            endpoints.iter().filter_map(|e| {
                let active = e.status.as_ref()?.active.as_ref()?;
                Some(series(&**e, expiry(active.expires_at.as_ref())?))
            }),
        )?;
        write(
            &mut encoder,
            "model_expiry_timestamp_seconds",
            "When the current revision of a model expires (Unix time)",
            models.iter().filter_map(|m| {
                let current = m.status.as_ref()?.current.as_ref()?;
                Some(series(&**m, expiry(current.expires_at.as_ref())?))
            }),
        )?;
        let endpoint_ready = endpoints
            .iter()
            .filter_map(|e| ready(&**e, &e.status.as_ref()?.conditions));
        write(
            &mut encoder,
            "endpoint_ready",
            "Whether an endpoint is Ready (1) or not (0)",
            endpoint_ready,
        )?;
        let model_ready = models
            .iter()
            .filter_map(|m| ready(&**m, &m.status.as_ref()?.conditions));
        write(
            &mut encoder,
            "model_ready",
            "Whether a model is Ready (1) or not (0)",
            model_ready,
        )?;
        let connection_ready = connections
            .iter()
            .filter_map(|c| ready(&**c, &c.status.as_ref()?.conditions));
        write(
            &mut encoder,
            "connection_ready",
            "Whether a connection is Ready (1) or not (0)",
            connection_ready,
        )?;
        let remotes = context.remotes.all();
        let named = |key: &kube::runtime::reflector::ObjectRef<_>| {
            (key.namespace.clone().unwrap_or_default(), key.name.clone())
        };
        write(
            &mut encoder,
            "connection_last_sweep_timestamp_seconds",
            "When the lists of a Speech resource were last read whole (Unix time)",
            remotes.iter().filter_map(|(key, _)| {
                let (namespace, name) = named(key);
                Some((namespace, name, seconds(metrics.sweep(key)?.whole_at?)))
            }),
        )?;
        write(
            &mut encoder,
            "connection_sweep_duration_seconds",
            "How long the last reading of a Speech resource took",
            remotes.iter().filter_map(|(key, _)| {
                let (namespace, name) = named(key);
                Some((namespace, name, metrics.sweep(key)?.took.as_secs_f64()))
            }),
        )?;
        write(
            &mut encoder,
            "connection_budget_used_ratio",
            "Share of the request budget that is used in the present window",
            remotes.iter().map(|(key, remote)| {
                let (namespace, name) = named(key);
                let usage = remote.budget.usage();
                (
                    namespace,
                    name,
                    f64::from(usage.in_window) / f64::from(usage.limit.max(1)),
                )
            }),
        )
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn series(object: &impl Resource, value: f64) -> Series {
    (
        object.meta().namespace.clone().unwrap_or_default(),
        object.meta().name.clone().unwrap_or_default(),
        value,
    )
}

fn ready(object: &impl Resource, conditions: &[Condition]) -> Option<Series> {
    let condition = condition::find(conditions, condition::READY)?;
    Some(series(object, if condition.status == "True" { 1.0 } else { 0.0 }))
}

fn write(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    all: impl Iterator<Item = Series>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (namespace, name, value) in all {
        let labels = [("namespace", namespace), ("name", name)];
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
