//! Gauges of the declared objects, made from the stores when somebody asks.
use super::Metrics;
use crate::api::{condition, endpoint::Fallback, planned::PlannedStep};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
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
        let leads = if metrics.is_leader() { 1.0 } else { 0.0 };
        let leader = encoder.encode_descriptor(
            "leader",
            "Whether this replica acts (1) or stands by (0)",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(leads).encode(leader)?;
        if !metrics.is_leader() {
            // Every replica knows the objects; told by each, every alert would sound once per replica.
            return Ok(());
        }
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
        labelled(
            &mut encoder,
            "endpoint_next_action_timestamp_seconds",
            "When the next planned step of an endpoint is due (Unix time)",
            "action",
            endpoints.iter().filter_map(|e| next(&**e, &e.status.as_ref()?.plan)),
        )?;
        labelled(
            &mut encoder,
            "model_next_action_timestamp_seconds",
            "When the next planned step of a model is due (Unix time)",
            "action",
            models.iter().filter_map(|m| next(&**m, &m.status.as_ref()?.plan)),
        )?;
        labelled(
            &mut encoder,
            "endpoint_at_risk",
            "1 while the condition AtRisk of an endpoint is True, by its reason",
            "reason",
            endpoints
                .iter()
                .filter_map(|e| at_risk(&**e, &e.status.as_ref()?.conditions)),
        )?;
        labelled(
            &mut encoder,
            "model_at_risk",
            "1 while the condition AtRisk of a model is True, by its reason",
            "reason",
            models
                .iter()
                .filter_map(|m| at_risk(&**m, &m.status.as_ref()?.conditions)),
        )?;
        let now = context.clock.now();
        counters(
            &mut encoder,
            "endpoint_fallback_seconds",
            "How long a base model has answered in the place of an expired model",
            endpoints.iter().filter_map(|e| {
                let fallback = e.status.as_ref()?.fallback.as_ref()?;
                Some(series(&**e, fallback_seconds(fallback, now)))
            }),
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
        )?;
        write(
            &mut encoder,
            "connection_throttled",
            "Whether the service throttles the requests of a connection (1) or not (0)",
            remotes.iter().map(|(key, remote)| {
                let (namespace, name) = named(key);
                (namespace, name, f64::from(u8::from(remote.budget.usage().is_throttled)))
            }),
        )?;
        write(
            &mut encoder,
            "connection_clock_skew_seconds",
            "How far the clock of the Speech service is ahead of ours for certain; negative if it is behind",
            remotes.iter().map(|(key, remote)| {
                let (namespace, name) = named(key);
                (namespace, name, remote.meter.ahead().as_secs_f64())
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

/// The next step of an object, when, and what.
fn next(object: &impl Resource, plan: &[PlannedStep]) -> Option<(Series, &'static str)> {
    let step = plan.first()?;
    let at = step.at.parse::<Timestamp>().ok()?;
    Some((series(object, seconds(at)), step.action.as_str()))
}

/// The condition AtRisk with its reason, while it is true.
fn at_risk<'a>(object: &impl Resource, conditions: &'a [Condition]) -> Option<(Series, &'a str)> {
    let condition = condition::find(conditions, condition::AT_RISK)?;
    (condition.status == "True").then(|| (series(object, 1.0), condition.reason.as_str()))
}

/// The times that are over, and the one that runs now.
fn fallback_seconds(fallback: &Fallback, now: Timestamp) -> f64 {
    let since = fallback.since.as_deref().and_then(|since| since.parse().ok());
    let running = since.map_or(0, |since: Timestamp| now.duration_since(since).as_secs().max(0));
    let all = fallback.seconds.saturating_add(running);
    std::time::Duration::from_secs(u64::try_from(all).unwrap_or(0)).as_secs_f64()
}

/// Gauges with one label more.
fn labelled<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    all: impl Iterator<Item = (Series, &'a str)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for ((namespace, name, value), word) in all {
        let labels = [("namespace", &*namespace), ("name", &*name), (label, word)];
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    all: impl Iterator<Item = Series>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (namespace, name, value) in all {
        let labels = [("namespace", namespace), ("name", name)];
        ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::SpeechEndpoint;
    use prometheus_client::{encoding::text::encode, registry::Registry};
    use serde_json::json;

    /// The series of one endpoint at ten minutes past its expiry.
    #[derive(Debug)]
    struct One(SpeechEndpoint);

    impl Collector for One {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let status = self.0.status.as_ref().unwrap();
            let now = "2027-01-15T00:10:00Z".parse().unwrap();
            let planned = next(&self.0, &status.plan).into_iter();
            labelled(&mut encoder, "next", "-", "action", planned)?;
            let risk = at_risk(&self.0, &status.conditions).into_iter();
            labelled(&mut encoder, "risk", "-", "reason", risk)?;
            let fallback = status.fallback.iter();
            let fallback = fallback.map(|fallback| series(&self.0, fallback_seconds(fallback, now)));
            counters(&mut encoder, "fallback_seconds", "-", fallback)
        }
    }

    fn exposed(status: serde_json::Value) -> Vec<String> {
        let object = serde_json::from_value(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
            "metadata": {"name": "hotline", "namespace": "shop"},
            "spec": {"connectionRef": {"name": "west"}, "locale": "en-US", "model": {"base": {}}}, "status": status,
        }));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(One(object.unwrap())));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }

    fn risk(status: &str) -> serde_json::Value {
        json!([{
            "type": "AtRisk", "status": status, "reason": "ApprovalAwaited", "message": "",
            "lastTransitionTime": "2026-12-16T00:00:00Z",
        }])
    }

    #[test]
    fn a_dated_step_a_risk_and_the_seconds_of_fallback_are_series() {
        let status = json!({
            "plan": [
                {"action": "Swap", "at": "2027-01-20T00:00:00Z", "reason": "Expired"},
                {"action": "Expire", "at": "2028-01-15T00:00:00Z", "reason": "NoSuccessor"},
            ],
            "conditions": risk("True"),
            "fallback": {"since": "2027-01-15T00:00:00Z", "seconds": 42},
        });
        assert_eq!(
            exposed(status),
            [
                r#"next{namespace="shop",name="hotline",action="Swap"} 1800403200.0"#,
                r#"risk{namespace="shop",name="hotline",reason="ApprovalAwaited"} 1.0"#,
                r#"fallback_seconds_total{namespace="shop",name="hotline"} 642.0"#,
            ]
        );
    }

    #[test]
    fn what_is_not_known_or_not_true_has_no_series() {
        let plan = json!([{"action": "Swap", "at": "soon", "reason": "Expired"}]);
        assert!(exposed(json!({"plan": plan, "conditions": risk("False")})).is_empty());
    }

    #[test]
    fn seconds_of_fallback_stay_when_it_is_over_and_never_fall() {
        for (fallback, seconds) in [
            (json!({"seconds": 42}), "42.0"),
            (json!({"since": "2027-01-15T00:11:00Z", "seconds": 7}), "7.0"),
        ] {
            let series = format!(r#"fallback_seconds_total{{namespace="shop",name="hotline"}} {seconds}"#);
            assert_eq!(exposed(json!({"fallback": fallback})), [series]);
        }
    }
}
