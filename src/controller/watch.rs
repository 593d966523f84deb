//! The one way to watch a kind: its own backoff, its errors kept from the other watches, bulk stripped before caching.
use super::Context;
use futures::StreamExt;
use kube::{
    Api, Resource, ResourceExt,
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
    let mut events = watcher(api, config).modify(strip).default_backoff().boxed();
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

/// Managed fields and the last applied manifest are most of an object's size.
fn strip<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
    object.annotations_mut().remove(LAST_APPLIED);
}
