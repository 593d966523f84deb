//! The same events for Flux: each is POSTed to its notification-controller, in the form that it takes. Best effort, and
//! never in the way of the work: a queue with a bound, and one task that sends.
mod address;
#[cfg(test)]
mod tests;

pub use address::{EventsUrl, InvalidEventsUrl};

use crate::metrics::{Delivery, Metrics};
use http::{Request, header::CONTENT_TYPE};
use jiff::{Timestamp, Unit};
use k8s_openapi::api::{core::v1::ObjectReference, events::v1::Event};
use serde::Serialize;
use speech_service::{
    Transport,
    transport::{Limits, TransportError},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    time::sleep,
};
use tokio_util::bytes::Bytes;

/// So many events may wait, e.g. while the receiver is restarted; more are dropped.
const QUEUE: usize = 1024;
/// The pauses before an event is sent again.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(16)];
/// Flux gives itself 15 s to look for alerts; what it answers is not read.
const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(20),
    body: 64 * 1024,
};

/// Where events go besides the cluster, and how.
pub struct Flux {
    /// The address.
    pub url: EventsUrl,
    /// The network towards it, which sends only while this process leads.
    pub transport: Arc<dyn Transport>,
}

/// An event as Flux takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    involved_object: ObjectReference,
    severity: &'static str,
    timestamp: Timestamp,
    message: String,
    reason: String,
    reporting_controller: String,
    reporting_instance: String,
}

impl Message {
    /// The same as an event of the cluster tells.
    fn of(event: &Event) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let at = event.event_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
        Self {
            involved_object: event.regarding.clone().unwrap_or_default(),
            severity: match event.type_.as_deref() {
                Some("Warning") => "error",
                Some(_) | None => "info",
            },
            timestamp: at.round(Unit::Second).unwrap_or(at),
            message: text(&event.note),
            reason: text(&event.reason),
            reporting_controller: text(&event.reporting_controller),
            reporting_instance: text(&event.reporting_instance),
        }
    }

    fn object(&self) -> String {
        let name = |text: &Option<String>| text.clone().unwrap_or_default();
        let ObjectReference {
            kind,
            namespace,
            name: own,
            ..
        } = &self.involved_object;
        format!("{} {}/{}", name(kind), name(namespace), name(own))
    }
}

/// The end of the queue that takes events.
pub struct Queue {
    queue: Sender<Message>,
    metrics: Arc<Metrics>,
}

impl Queue {
    /// Queues an event; waits for nothing.
    pub fn tell(&self, event: &Event) {
        let message = Message::of(event);
        if let Err(full) = self.queue.try_send(message) {
            let message = full.into_inner();
            tracing::warn!(
                object = message.object(),
                reason = message.reason,
                "an event for Flux is dropped because too many wait"
            );
            self.metrics.flux_event(Delivery::Dropped);
        }
    }
}

/// The other end: sends what is queued, one after the other.
pub struct Courier {
    flux: Flux,
    queue: Receiver<Message>,
    metrics: Arc<Metrics>,
}

/// Both ends of a queue.
pub fn queue(flux: Flux, metrics: Arc<Metrics>) -> (Queue, Courier) {
    let (sender, queue) = channel(QUEUE);
    metrics.flux_begins();
    let taking = Queue {
        queue: sender,
        metrics: Arc::clone(&metrics),
    };
    (taking, Courier { flux, queue, metrics })
}

/// Why an attempt is not the last one.
struct Trouble(String);

impl Courier {
    /// Sends for ever.
    pub async fn run(mut self) {
        while let Some(message) = self.queue.recv().await {
            let delivery = self.deliver(&message).await;
            self.metrics.flux_event(delivery);
        }
    }

    async fn deliver(&self, message: &Message) -> Delivery {
        let Ok(body) = serde_json::to_vec(message).map(Bytes::from) else {
            return Delivery::Failed;
        };
        let mut pauses = PAUSES.iter();
        loop {
            let trouble = match self.attempt(body.clone()).await {
                Ok(delivery) => return delivery,
                Err(Trouble(words)) => words,
            };
            let Some(pause) = pauses.next() else {
                tracing::warn!(
                    object = message.object(),
                    reason = message.reason,
                    trouble,
                    "Flux could not be told of an event"
                );
                return Delivery::Failed;
            };
            sleep(*pause).await;
        }
    }

    async fn attempt(&self, body: Bytes) -> Result<Delivery, Trouble> {
        let request = Request::post(self.flux.url.as_str()).header(CONTENT_TYPE, "application/json");
        let request = request.body(body).map_err(|error| Trouble(error.to_string()))?;
        let answer = self.flux.transport.send(request, LIMITS).await;
        let status = match answer {
            Ok(answer) => answer.status(),
            Err(error) => return Err(Trouble(words(&error))),
        };
        match status.as_u16() {
            200..=299 => Ok(Delivery::Sent),
            429 => Ok(Delivery::Duplicate),
            500.. => Err(Trouble(format!("the receiver answers {status}"))),
            _ => {
                tracing::warn!(%status, "the receiver at --flux-events refuses an event");
                Ok(Delivery::Refused)
            }
        }
    }
}

fn words(error: &TransportError) -> String {
    match error {
        TransportError::Failed { kind, source, .. } => match source {
            Some(source) => format!("{kind}: {}", speech_service::error::chain(source.as_ref())),
            None => kind.to_string(),
        },
        TransportError::Body(_) => "the answer cannot be read".to_owned(),
        TransportError::Withheld(why) => why.to_string(),
    }
}
