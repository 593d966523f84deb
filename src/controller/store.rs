//! What the watches know: of each kind the objects by name, and an index of their relations.
//!
//! One writer feeds both, so that they cannot differ: whoever read an object finds it by its relations as well.
mod index;
mod relation;

pub use relation::{Indexed, Name, Relation, name_of};

use index::Index;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::{
    core::PartialObjectMeta,
    runtime::{
        reflector::{self, ObjectRef, store::WriterDropped},
        watcher::Event,
    },
};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
#[cfg(test)]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

/// What the watches know.
pub struct Stores {
    pub connections: Store<SpeechConnection>,
    pub models: Store<SpeechModel>,
    pub endpoints: Store<SpeechEndpoint>,
    /// The metadata of Secrets; their data is read only where it is referred to.
    pub secrets: Store<PartialObjectMeta<Secret>>,
    /// The metadata of Namespaces.
    pub namespaces: Store<PartialObjectMeta<Namespace>>,
    /// The ConfigMaps that we published.
    pub exports: Store<ConfigMap>,
}

/// The reader of a store.
pub struct Store<K: Indexed> {
    objects: reflector::Store<K>,
    index: Arc<RwLock<Index<K>>>,
    /// How many objects were handed out to those who search.
    #[cfg(test)]
    looked_at: Arc<AtomicUsize>,
}

/// The writer; there is one of each store.
pub struct Writer<K: Indexed> {
    objects: reflector::store::Writer<K>,
    reader: Store<K>,
}

/// An empty store.
pub fn store<K: Indexed>() -> (Store<K>, Writer<K>) {
    let (reader, objects) = reflector::store();
    let reader = Store {
        objects: reader,
        index: Arc::default(),
        #[cfg(test)]
        looked_at: Arc::default(),
    };
    let writer = Writer {
        objects,
        reader: reader.clone(),
    };
    (reader, writer)
}

impl<K: Indexed> Clone for Store<K> {
    fn clone(&self) -> Self {
        Self {
            objects: self.objects.clone(),
            index: Arc::clone(&self.index),
            #[cfg(test)]
            looked_at: Arc::clone(&self.looked_at),
        }
    }
}

impl<K: Indexed> Store<K> {
    /// The objects alone, for a controller.
    pub fn objects(&self) -> reflector::Store<K> {
        self.objects.clone()
    }

    /// Waits for the first list.
    pub async fn wait_until_ready(&self) -> Result<(), WriterDropped> {
        self.objects.wait_until_ready().await
    }

    /// One object.
    pub fn get(&self, key: &ObjectRef<K>) -> Option<Arc<K>> {
        self.objects.get(key)
    }

    /// All objects: for those who have to look at every one. No pass and no wake of a single object does.
    pub fn state(&self) -> Vec<Arc<K>> {
        let all = self.objects.state();
        self.count(all.len());
        all
    }

    /// The objects that have one of these relations and meet a condition. The index only spares a look at the others: an
    /// object without a relation is not found, but the condition decides. It may ask this and other stores.
    pub fn matching<'r>(
        &self,
        relations: impl IntoIterator<Item = Relation<'r>>,
        condition: impl Fn(&K) -> bool,
    ) -> Vec<Arc<K>> {
        let mut found = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            index.related(relations)
        };
        self.count(found.len());
        found.retain(|object| condition(object));
        found
    }

    #[cfg(test)]
    fn count(&self, objects: usize) {
        self.looked_at.fetch_add(objects, Ordering::Relaxed);
    }

    #[cfg(not(test))]
    fn count(&self, _objects: usize) {}

    /// How many objects were handed out to those who search, since it was asked last.
    #[cfg(test)]
    pub fn looked_at(&self) -> usize {
        self.looked_at.swap(0, Ordering::Relaxed)
    }

    /// Whether the index holds what the store does: the same objects, and each by its relations of now and no others.
    #[cfg(test)]
    pub fn agrees_with_index(&self) -> bool {
        let index = self.index.read().unwrap();
        let sorted = |objects: Vec<Arc<K>>| {
            let mut places: Vec<_> = objects.iter().map(Arc::as_ptr).collect();
            places.sort_unstable();
            places
        };
        let mut stored = self.objects.state();
        stored.retain(|object| !object.relations().is_empty());
        sorted(stored) == sorted(index.all()) && index.is_exact()
    }

    /// While it is held, nobody reads the index. So who has seen a change in the store sees it in the index, too.
    fn change(&self) -> RwLockWriteGuard<'_, Index<K>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Indexed> Writer<K> {
    /// A reader of what is written here.
    pub fn reader(&self) -> Store<K> {
        self.reader.clone()
    }

    /// A list begins. What of the one before had come is dropped.
    pub fn begin_list(&mut self) {
        self.objects.apply_watcher_event(&Event::Init);
    }

    /// An object of the list; nobody sees it before the end of the list.
    pub fn list(&mut self, object: K) {
        self.objects.apply_watcher_event(&Event::InitApply(object));
    }

    /// The list is whole, and takes the place of all that was known.
    pub fn end_list(&mut self) {
        let mut index = self.reader.change();
        self.objects.apply_watcher_event(&Event::InitDone);
        index.replace(self.reader.objects.state());
    }

    /// An object appeared or changed; as it is kept.
    pub fn apply(&mut self, object: K) -> Option<Arc<K>> {
        let key = ObjectRef::from_obj(&object);
        let mut index = self.reader.change();
        self.objects.apply_watcher_event(&Event::Apply(object));
        let kept = self.reader.objects.get(&key)?;
        index.put(Arc::clone(&kept));
        Some(kept)
    }

    /// An object went.
    pub fn delete(&mut self, object: &K) {
        let mut index = self.reader.change();
        self.objects.apply_watcher_event(&Event::Delete(object.clone()));
        index.remove(object);
    }
}
