//! What is known of the declared objects, read from the stores when somebody asks.
use super::{
    Metrics,
    catalogue::{self, Definition},
    connection, endpoint, model,
    series::{Row, write},
};
use crate::{
    api::reference::ConnectionRef,
    controller::{Context, remote::Remote, wake::connection_key},
    plan::lead_time::Durations,
};
use jiff::Timestamp;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use std::{
    fmt,
    sync::{Arc, Weak},
};

/// Reads the stores at scrape time.
#[derive(Debug)]
pub struct Fleet(pub Weak<Metrics>);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Collector for Fleet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(metrics) = self.0.upgrade() else { return Ok(()) };
        let Some(context) = metrics.context.get() else {
            return Ok(());
        };
        let leads = f64::from(u8::from(metrics.is_leader()));
        write(&mut encoder, &catalogue::LEADER, [(Vec::new(), leads)])?;
        if !metrics.is_leader() {
            // Every replica knows the objects; told by each, every alert would sound once per replica.
            return Ok(());
        }
        endpoints(&mut encoder, context)?;
        models(&mut encoder, context)?;
        connection::write_all(&mut encoder, &metrics, context)
    }
}

/// Where an object lives: its present, and how long work takes there.
fn place(context: &Context, connection: &ConnectionRef, namespace: Option<&str>) -> (Timestamp, Option<Durations>) {
    let key = connection_key(connection, namespace.unwrap_or_default());
    let now = context.clock.now();
    let remote: Option<Arc<Remote>> = context.remotes.get(&key);
    remote.map_or((now, None), |remote| {
        (remote.later(now), Some(remote.agenda().durations.clone()))
    })
}

fn endpoints(encoder: &mut DescriptorEncoder<'_>, context: &Context) -> fmt::Result {
    let objects = context.stores.endpoints.state();
    let facts: Vec<endpoint::Facts<'_>> = objects
        .iter()
        .map(|object| {
            let (now, durations) = place(
                context,
                &object.spec.connection_ref,
                object.metadata.namespace.as_deref(),
            );
            endpoint::Facts::of(object, now, durations.as_ref())
        })
        .collect();
    let mut one = |definition: &Definition, row: &dyn Fn(&endpoint::Facts<'_>) -> Option<Row>| {
        write(encoder, definition, facts.iter().filter_map(row))
    };
    one(&catalogue::ENDPOINT_INFO, &|facts| Some(facts.info()))?;
    one(&catalogue::ENDPOINT_EXPIRY, &|facts| facts.expiry())?;
    one(&catalogue::ENDPOINT_INTENDED, &|facts| facts.intended())?;
    one(&catalogue::ENDPOINT_READY, &|facts| facts.planned.ready())?;
    one(&catalogue::ENDPOINT_NEXT, &|facts| facts.planned.next())?;
    one(&catalogue::ENDPOINT_OVERDUE, &|facts| facts.planned.overdue())?;
    one(&catalogue::ENDPOINT_BLOCKED, &|facts| facts.planned.blocked())?;
    one(&catalogue::ENDPOINT_BUDGET, &|facts| facts.planned.budget())?;
    one(&catalogue::ENDPOINT_AT_RISK, &|facts| facts.planned.at_risk())?;
    one(&catalogue::ENDPOINT_FALLBACK_SINCE, &|facts| facts.fallback_since())?;
    one(&catalogue::ENDPOINT_FALLBACK, &|facts| facts.fallback_seconds())?;
    one(&catalogue::ENDPOINT_GATE, &|facts| facts.gate())?;
    let steps = facts.iter().flat_map(|facts| facts.planned.steps());
    write(encoder, &catalogue::ENDPOINT_PLANNED, steps)?;
    let quarantined = facts.iter().flat_map(endpoint::Facts::quarantined);
    write(encoder, &catalogue::ENDPOINT_QUARANTINED, quarantined)
}

fn models(encoder: &mut DescriptorEncoder<'_>, context: &Context) -> fmt::Result {
    let objects = context.stores.models.state();
    let facts: Vec<model::Facts<'_>> = objects
        .iter()
        .map(|object| {
            let (now, durations) = place(
                context,
                &object.spec.connection_ref,
                object.metadata.namespace.as_deref(),
            );
            model::Facts::of(object, now, durations.as_ref())
        })
        .collect();
    let mut one = |definition: &Definition, row: &dyn Fn(&model::Facts<'_>) -> Option<Row>| {
        write(encoder, definition, facts.iter().filter_map(row))
    };
    one(&catalogue::MODEL_INFO, &|facts| Some(facts.info()))?;
    one(&catalogue::MODEL_EXPIRY, &|facts| facts.expiry())?;
    one(&catalogue::MODEL_READY, &|facts| facts.planned.ready())?;
    one(&catalogue::MODEL_NEXT, &|facts| facts.planned.next())?;
    one(&catalogue::MODEL_OVERDUE, &|facts| facts.planned.overdue())?;
    one(&catalogue::MODEL_BLOCKED, &|facts| facts.planned.blocked())?;
    one(&catalogue::MODEL_BUDGET, &|facts| facts.planned.budget())?;
    one(&catalogue::MODEL_AT_RISK, &|facts| facts.planned.at_risk())?;
    let steps = facts.iter().flat_map(|facts| facts.planned.steps());
    write(encoder, &catalogue::MODEL_PLANNED, steps)?;
    let revisions = facts.iter().flat_map(model::Facts::revisions);
    write(encoder, &catalogue::MODEL_REVISION_EXPIRY, revisions)
}
