//! Events: on transitions only, best effort, never in the way of the work.
use super::flux;
use crate::telemetry;
use futures::{StreamExt, stream};
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, Resource, api::PostParams, runtime::reflector::ObjectRef};
use speech_api::FIELD_MANAGER;
use speech_plan::Notice;
use speech_service::clock::Clock;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// So many events may wait; more are dropped, because events must never use up the memory.
const QUEUE: usize = 1024;
/// So many events are on their way at once: enough to keep up with many objects that change together.
const IN_FLIGHT: usize = 4;
/// The longest note that the apiserver takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// The queue of events.
pub struct Events {
    queue: Sender<Event>,
    flux: Option<flux::Queue>,
    clock: Clock,
    instance: String,
}

impl Events {
    /// The queue and its end; Flux is told of the same events, if it wants to be.
    pub fn new(clock: Clock, instance: String, flux: Option<flux::Queue>) -> (Self, Receiver<Event>) {
        let (queue, receiver) = channel(QUEUE);
        let events = Self {
            queue,
            flux,
            clock,
            instance,
        };
        (events, receiver)
    }

    /// Tells what happened to an object.
    pub fn publish<K: Resource<DynamicType = ()>>(&self, object: &K, notices: &[Notice]) {
        for notice in notices {
            let event = self.event(object, notice);
            log(object, notice.warning, &event);
            if let Some(flux) = &self.flux {
                flux.tell(&event);
            }
            if self.queue.try_send(event).is_err() {
                tracing::warn!(
                    reason = notice.reason.as_str(),
                    "an event is dropped because too many wait"
                );
            }
        }
    }

    fn event<K: Resource<DynamicType = ()>>(&self, object: &K, notice: &Notice) -> Event {
        let regarding: ObjectReference = object.object_ref(&());
        Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", regarding.name.as_deref().unwrap_or("event"))),
                namespace: regarding.namespace.clone(),
                ..ObjectMeta::default()
            },
            type_: Some(if notice.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(notice.reason.as_str().to_owned()),
            action: Some("Reconcile".to_owned()),
            note: Some(shortened(&notice.note)),
            event_time: Some(MicroTime(self.clock.now())),
            regarding: Some(regarding),
            reporting_controller: Some(format!("customspeech.dev/{FIELD_MANAGER}")),
            reporting_instance: Some(self.instance.clone()),
            ..Event::default()
        }
    }
}

/// Writes an event into the log as well: the API server forgets it after an hour, and a note such as that of a swap names
/// both models and the reason.
fn log<K: Resource<DynamicType = ()>>(object: &K, warning: bool, event: &Event) {
    let (kind, object) = (K::kind(&()), telemetry::name(&ObjectRef::from_obj(object)));
    let reason = event.reason.as_deref().unwrap_or_default();
    let note = event.note.as_deref().unwrap_or_default();
    if warning {
        tracing::warn!(%kind, object, reason, note, "event");
    } else {
        tracing::info!(%kind, object, reason, note, "event");
    }
}

/// Cuts a note at a character boundary.
fn shortened(note: &str) -> String {
    let end = note.floor_char_boundary(LONGEST_NOTE);
    note.get(..end).unwrap_or_default().to_owned()
}

/// Sends what is queued, for ever.
pub async fn run(client: Client, mut queue: Receiver<Event>) {
    let queued = stream::poll_fn(|context| queue.poll_recv(context));
    queued
        .for_each_concurrent(IN_FLIGHT, |event| send(&client, event))
        .await;
}

async fn send(client: &Client, event: Event) {
    let namespace = event.metadata.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
    match api.create(&PostParams::default(), &event).await {
        Ok(_) => {}
        // A namespace that is being deleted takes no events any more.
        Err(kube::Error::Api(status)) if status.is_forbidden() || status.is_not_found() => {}
        Err(error) => tracing::warn!(%error, "an event could not be published"),
    }
}
