//! The one way to watch a kind: its own backoff, its errors kept from the other watches, bulk stripped before caching.
use super::Context;
use crate::{
    api::{
        SpeechConnection, SpeechEndpoint, SpeechModel,
        annotation::{
            APPROVED_MODEL, CLEAR_QUARANTINE, CREATION_INTENT, CreationIntent, RECONCILE_REQUESTED,
            RECONCILE_REQUESTED_FLUX, RESTORED_FROM,
        },
    },
    clock::Clock,
};
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Resource,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt, reflector,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, hash::Hash, sync::Arc};

/// The annotations that mean something to us.
const READ_HERE: [&str; 6] = [
    RECONCILE_REQUESTED,
    RECONCILE_REQUESTED_FLUX,
    CREATION_INTENT,
    APPROVED_MODEL,
    CLEAR_QUARANTINE,
    RESTORED_FROM,
];

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It appeared or changed.
    Applied,
    /// It went.
    Deleted,
}

/// Fills a store from a watch, for ever, and tells of every event after the store has it.
pub async fn run<K>(
    api: Api<K>,
    config: watcher::Config,
    mut writer: reflector::store::Writer<K>,
    context: Arc<Context>,
    tell: impl Fn(&Context, &K, Seen),
) where
    K: Kept + Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let kind = K::kind(&()).into_owned();
    let clock = context.clock.clone();
    let mut events = watcher(api, config)
        .modify(move |object| receive(&clock, object))
        .default_backoff()
        .boxed();
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(kind, %error, "watch failed; it is tried again");
                context.metrics.watch_failed(&kind);
                continue;
            }
        };
        writer.apply_watcher_event(&event);
        match event {
            Event::Apply(object) => tell(&context, &object, Seen::Applied),
            Event::Delete(object) => tell(&context, &object, Seen::Deleted),
            Event::Init => listed.clear(),
            // Told only when the store has the whole list: before, references would seem to be missing.
            Event::InitApply(object) => listed.push(reflector::ObjectRef::from_obj(&object)),
            Event::InitDone => {
                let store = writer.as_reader();
                for object in listed.drain(..).filter_map(|key| store.get(&key)) {
                    tell(&context, &object, Seen::Applied);
                }
            }
        }
    }
}

/// An object that is kept in memory.
pub trait Kept: Resource {
    /// Drops what was needed once and is needed no more.
    fn forget_settled(&mut self) {}
}

impl Kept for SpeechConnection {}
impl Kept for SpeechModel {}
impl Kept for ConfigMap {}
impl<K> Kept for PartialObjectMeta<K> where PartialObjectMeta<K>: Resource {}

impl Kept for SpeechEndpoint {
    /// A creation announcement that the status has closed: to the planner it is the same as none.
    fn forget_settled(&mut self) {
        let closed = self.status.as_ref().and_then(|status| status.closed_attempt);
        let closed = closed.and_then(|attempt| u32::try_from(attempt).ok());
        if CreationIntent::of(self).is_some_and(|intent| Some(intent.attempt) <= closed)
            && let Some(annotations) = &mut self.metadata.annotations
        {
            annotations.remove(CREATION_INTENT);
        }
    }
}

/// Takes an object as it comes from the apiserver: without what nobody here reads (managed fields, and others' annotations
/// such as the last applied manifest), which is most of its size, and with the cluster's stamp placed on our clock.
pub fn receive<K: Kept>(clock: &Clock, object: &mut K) {
    object.meta_mut().managed_fields = None;
    object.forget_settled();
    if let Some(annotations) = &mut object.meta_mut().annotations {
        annotations.retain(|name, _| READ_HERE.contains(&name.as_str()));
        if annotations.is_empty() {
            object.meta_mut().annotations = None;
        }
    }
    if let Some(deleted) = &mut object.meta_mut().deletion_timestamp {
        deleted.0 = clock.place(deleted.0);
    }
}
