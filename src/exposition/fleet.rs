//! What is known of the declared objects, read from the stores when somebody asks.
use super::{
    connection,
    planned::{Exposed, Facts, Planned},
};
use crate::{
    controller::{Context, Known, connection_of},
    metrics::{
        Metrics,
        catalogue::{self, Definition},
        series::{Row, write},
    },
};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use speech_api::SpeechEndpoint;
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
    /// Writes this of all objects of a kind, and returns what else is known of them.
    fn write<'a, K: Exposed>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        context: &Context,
        objects: &'a [Arc<K>],
    ) -> Result<Vec<Facts<'a, K>>, fmt::Error> {
        let all: Vec<Facts<'a, K>> = objects.iter().map(|object| facts(context, &**object)).collect();
        write(encoder, &self.info, all.iter().map(Facts::info))?;
        let mut one = |definition: &Definition, row: fn(&Planned<'a>) -> Option<Row>| {
            write(encoder, definition, all.iter().filter_map(|facts| row(&facts.planned)))
        };
        one(&self.expiry, Planned::expires)?;
        one(&self.ready, Planned::ready)?;
        one(&self.next, Planned::next)?;
        one(&self.overdue, Planned::overdue)?;
        one(&self.blocked, Planned::blocked)?;
        one(&self.budget, Planned::budget)?;
        one(&self.at_risk, Planned::at_risk)?;
        let steps = all.iter().flat_map(|facts| facts.planned.steps());
        write(encoder, &self.planned, steps)?;
        Ok(all)
    }
}

/// What is known of an object where it lives: its present, and how long work takes there.
fn facts<'a, K: Exposed>(context: &Context, object: &'a K) -> Facts<'a, K> {
    let now = context.clock.now();
    match context.remotes.get(&connection_of(object)) {
        Some(remote) => Facts::of(object, remote.later(now), Some(&remote.agenda().durations)),
        None => Facts::of(object, now, None),
    }
}

fn endpoints(encoder: &mut DescriptorEncoder<'_>, context: &Context) -> fmt::Result {
    let objects = context.stores.endpoints.state();
    let all = OF_ENDPOINTS.write(encoder, context, &objects)?;
    let mut one = |definition: &Definition, row: &dyn Fn(&Facts<'_, SpeechEndpoint>) -> Option<Row>| {
        write(encoder, definition, all.iter().filter_map(row))
    };
    one(&catalogue::ENDPOINT_INTENDED, &|facts| facts.intended())?;
    one(&catalogue::ENDPOINT_FALLBACK_SINCE, &|facts| facts.fallback_since())?;
    one(&catalogue::ENDPOINT_FALLBACK, &|facts| facts.fallback_seconds())?;
    one(&catalogue::ENDPOINT_GATE, &|facts| facts.gate())?;
    let quarantined = all.iter().flat_map(|facts| facts.quarantined());
    write(encoder, &catalogue::ENDPOINT_QUARANTINED, quarantined)
}

fn models(encoder: &mut DescriptorEncoder<'_>, context: &Context) -> fmt::Result {
    let objects = context.stores.models.state();
    let all = OF_MODELS.write(encoder, context, &objects)?;
    let revisions = all.iter().flat_map(|facts| facts.revisions());
    write(encoder, &catalogue::MODEL_REVISION_EXPIRY, revisions)
}
