//! The one way to watch a kind: its own backoff, its errors kept from the other watches, bulk stripped before caching.
use super::Context;
use crate::clock::Clock;
use futures::StreamExt;
use kube::{
    Api, Resource,
    runtime::{
        WatchStreamExt, reflector,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, hash::Hash, sync::Arc};

/// kubectl's copy of the manifest, which nobody here reads.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

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
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
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

/// Takes an object as it comes from the apiserver: without what is most of its size (managed fields and the last applied
/// manifest), and with the cluster's stamp placed on our clock.
pub fn receive<K: Resource>(clock: &Clock, object: &mut K) {
    object.meta_mut().managed_fields = None;
    if let Some(annotations) = &mut object.meta_mut().annotations {
        annotations.remove(LAST_APPLIED);
    }
    if let Some(deleted) = &mut object.meta_mut().deletion_timestamp {
        deleted.0 = clock.place(deleted.0);
    }
}
