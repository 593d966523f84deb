//! What is known of the declared objects, read from the stores when somebody asks.
use super::{connection, endpoint, model, planned::Planned};
use crate::{
    controller::{Context, Known, connection_of, remote::Remote},
    metrics::{
        Metrics,
        catalogue::{self, Definition},
        series::{Row, write},
    },
};
use jiff::Timestamp;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use speech_api::Subject;
use speech_plan::lead_time::Durations;
use std::{
    fmt,
    sync::{Arc, Weak},
};

/// Reads the stores at scrape time.
pub struct Fleet {
    pub metrics: Weak<Metrics>,
    pub known: Known,
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fleet")
    }
}

impl Collector for Fleet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (Some(metrics), Some(context)) = (self.metrics.upgrade(), self.known.get()) else {
            return Ok(());
        };
        let leads = context.leadership.leads();
        write(
            &mut encoder,
            &catalogue::LEADER,
            [(Vec::new(), f64::from(u8::from(leads)))],
        )?;
        let transitions = metrics.transitions().map(|count| (Vec::new(), f64::from(count)));
        write(&mut encoder, &catalogue::TRANSITIONS, transitions)?;
        if !leads {
            // Every replica knows the objects; told by each, every alert would sound once per replica.
            return Ok(());
        }
        endpoints(&mut encoder, context)?;
        models(&mut encoder, context)?;
        connection::write_all(&mut encoder, &metrics, context)
    }
}

/// Where an object lives: its present, and how long work takes there.
fn place(context: &Context, object: &impl Subject) -> (Timestamp, Option<Durations>) {
    let now = context.clock.now();
    let remote: Option<Arc<Remote>> = context.remotes.get(&connection_of(object));
    remote.map_or((now, None), |remote| {
        (remote.later(now), Some(remote.agenda().durations.clone()))
    })
}

/// What is told of every object that has a plan.
struct Common {
    info: Definition,
    expiry: Definition,
    ready: Definition,
    next: Definition,
    planned: Definition,
    overdue: Definition,
    blocked: Definition,
    budget: Definition,
    at_risk: Definition,
}

const OF_ENDPOINTS: Common = Common {
    info: catalogue::ENDPOINT_INFO,
    expiry: catalogue::ENDPOINT_EXPIRY,
    ready: catalogue::ENDPOINT_READY,
    next: catalogue::ENDPOINT_NEXT,
    planned: catalogue::ENDPOINT_PLANNED,
    overdue: catalogue::ENDPOINT_OVERDUE,
    blocked: catalogue::ENDPOINT_BLOCKED,
    budget: catalogue::ENDPOINT_BUDGET,
    at_risk: catalogue::ENDPOINT_AT_RISK,
};

const OF_MODELS: Common = Common {
    info: catalogue::MODEL_INFO,
    expiry: catalogue::MODEL_EXPIRY,
    ready: catalogue::MODEL_READY,
    next: catalogue::MODEL_NEXT,
    planned: catalogue::MODEL_PLANNED,
    overdue: catalogue::MODEL_OVERDUE,
    blocked: catalogue::MODEL_BLOCKED,
    budget: catalogue::MODEL_BUDGET,
    at_risk: catalogue::MODEL_AT_RISK,
};

impl Common {
    fn write<'a>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        infos: impl Iterator<Item = Row>,
        plans: &[&Planned<'a>],
    ) -> fmt::Result {
        write(encoder, &self.info, infos)?;
        let mut one = |definition: &Definition, row: fn(&Planned<'a>) -> Option<Row>| {
            write(encoder, definition, plans.iter().filter_map(|planned| row(planned)))
        };
        one(&self.expiry, Planned::expires)?;
        one(&self.ready, Planned::ready)?;
        one(&self.next, Planned::next)?;
        one(&self.overdue, Planned::overdue)?;
        one(&self.blocked, Planned::blocked)?;
        one(&self.budget, Planned::budget)?;
        one(&self.at_risk, Planned::at_risk)?;
        write(encoder, &self.planned, plans.iter().flat_map(|planned| planned.steps()))
    }
}

fn endpoints(encoder: &mut DescriptorEncoder<'_>, context: &Context) -> fmt::Result {
    let objects = context.stores.endpoints.state();
    let facts = objects.iter().map(|object| {
        let (now, durations) = place(context, &**object);
        endpoint::Facts::of(object, now, durations.as_ref())
    });
    let facts: Vec<endpoint::Facts<'_>> = facts.collect();
    let plans: Vec<_> = facts.iter().map(|facts| &facts.planned).collect();
    OF_ENDPOINTS.write(encoder, facts.iter().map(endpoint::Facts::info), &plans)?;
    let mut one = |definition: &Definition, row: &dyn Fn(&endpoint::Facts<'_>) -> Option<Row>| {
        write(encoder, definition, facts.iter().filter_map(row))
    };
    one(&catalogue::ENDPOINT_INTENDED, &|facts| facts.intended())?;
    one(&catalogue::ENDPOINT_FALLBACK_SINCE, &|facts| facts.fallback_since())?;
    one(&catalogue::ENDPOINT_FALLBACK, &|facts| facts.fallback_seconds())?;
    one(&catalogue::ENDPOINT_GATE, &|facts| facts.gate())?;
    let quarantined = facts.iter().flat_map(endpoint::Facts::quarantined);
    write(encoder, &catalogue::ENDPOINT_QUARANTINED, quarantined)
}

fn models(encoder: &mut DescriptorEncoder<'_>, context: &Context) -> fmt::Result {
    let objects = context.stores.models.state();
    let facts = objects.iter().map(|object| {
        let (now, durations) = place(context, &**object);
        model::Facts::of(object, now, durations.as_ref())
    });
    let facts: Vec<model::Facts<'_>> = facts.collect();
    let plans: Vec<_> = facts.iter().map(|facts| &facts.planned).collect();
    OF_MODELS.write(encoder, facts.iter().map(model::Facts::info), &plans)?;
    let revisions = facts.iter().flat_map(model::Facts::revisions);
    write(encoder, &catalogue::MODEL_REVISION_EXPIRY, revisions)
}
