//! What the watches know: of each kind the objects by name, and an index of their relations.
//!
//! One writer feeds both, so that they cannot differ: whoever read an object finds it by its relations as well.
mod index;
mod relation;

pub use relation::{Indexed, Name, Relation, name_of};

use super::part::Part;
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
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard},
};

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

/// What the watches fill.
pub struct Writers {
    pub connections: Writer<SpeechConnection>,
    pub models: Writer<SpeechModel>,
    pub endpoints: Writer<SpeechEndpoint>,
    pub secrets: Writer<PartialObjectMeta<Secret>>,
    pub namespaces: Writer<PartialObjectMeta<Namespace>>,
    pub exports: Writer<ConfigMap>,
}

/// All stores, empty, and what fills them.
pub fn stores() -> (Stores, Writers) {
    let ((connections, c), (models, m), (endpoints, e)) = (store(), store(), store());
    let ((secrets, s), (namespaces, n), (exports, x)) = (store(), store(), store());
    let stores = Stores {
        connections,
        models,
        endpoints,
        secrets,
        namespaces,
        exports,
    };
    let writers = Writers {
        connections: c,
        models: m,
        endpoints: e,
        secrets: s,
        namespaces: n,
        exports: x,
    };
    (stores, writers)
}

/// The reader of a store.
pub struct Store<K: Indexed> {
    objects: reflector::Store<K>,
    index: Arc<RwLock<Index<K>>>,
    /// How many objects were handed out to those who search.
    #[cfg(test)]
    looked_at: Arc<AtomicUsize>,
}

/// The writer of a part of a store; there is one of each part.
pub struct Writer<K: Indexed> {
    shared: Arc<Mutex<Shared<K>>>,
    reader: Store<K>,
    part: Part,
    /// What of the list has come.
    listed: Vec<K>,
}

/// What the writers of a store share.
struct Shared<K: Indexed> {
    objects: reflector::store::Writer<K>,
    /// The parts whose first list is not whole yet.
    unlisted: Vec<Part>,
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
    let unlisted = vec![Part::Cluster];
    let writer = Writer {
        shared: Arc::new(Mutex::new(Shared { objects, unlisted })),
        reader: reader.clone(),
        part: Part::Cluster,
        listed: Vec::new(),
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

    /// All objects of a part of the cluster, as [`Store::state`].
    pub fn of_part(&self, part: &Part) -> Vec<Arc<K>> {
        let mut all = self.state();
        all.retain(|object| part.holds(object.meta()));
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
    /// A writer for each of these parts instead of one for all. The store is ready when all of them have been listed.
    pub fn divided(self, parts: Vec<Part>) -> Vec<Self> {
        self.shared().unlisted.clone_from(&parts);
        let writer = |part| Self {
            shared: Arc::clone(&self.shared),
            reader: self.reader.clone(),
            part,
            listed: Vec::new(),
        };
        parts.into_iter().map(writer).collect()
    }

    /// What it writes.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// A reader of what is written here.
    pub fn reader(&self) -> Store<K> {
        self.reader.clone()
    }

    /// What of its part is known.
    pub fn known(&self) -> Vec<Arc<K>> {
        self.reader.of_part(&self.part)
    }

    /// A list begins. What of the one before had come is dropped.
    pub fn begin_list(&mut self) {
        self.listed.clear();
    }

    /// An object of the list; nobody sees it before the end of the list.
    pub fn list(&mut self, object: K) {
        self.listed.push(object);
    }

    /// The whole list is there, and takes the place of all that was known of its part.
    pub fn end_list(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        let mut index = self.reader.change();
        let mut shared = self.shared();
        match self.part {
            Part::Cluster => shared.replace(listed),
            Part::Namespace(_) => {
                let there: HashSet<_> = listed.iter().map(ObjectRef::from_obj).collect();
                for object in self.known() {
                    if !there.contains(&ObjectRef::from_obj(&*object)) {
                        shared.objects.apply_watcher_event(&Event::Delete((*object).clone()));
                    }
                }
                for object in listed {
                    shared.objects.apply_watcher_event(&Event::Apply(object));
                }
                shared.is_listed(&self.part, &self.reader);
            }
        }
        index.replace(self.reader.objects.state());
    }

    /// An object appeared or changed; as it is kept.
    pub fn apply(&mut self, object: K) -> Option<Arc<K>> {
        let key = ObjectRef::from_obj(&object);
        let mut index = self.reader.change();
        self.shared().objects.apply_watcher_event(&Event::Apply(object));
        let kept = self.reader.objects.get(&key)?;
        index.put(Arc::clone(&kept));
        Some(kept)
    }

    /// An object went.
    pub fn delete(&mut self, object: &K) {
        let mut index = self.reader.change();
        self.shared()
            .objects
            .apply_watcher_event(&Event::Delete(object.clone()));
        index.remove(object);
    }

    /// Taken after the lock of the index, where both are.
    fn shared(&self) -> MutexGuard<'_, Shared<K>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Indexed> Shared<K> {
    /// A part has been listed. With the last one the store is ready, which only a list of everything can say.
    fn is_listed(&mut self, part: &Part, reader: &Store<K>) {
        let before = self.unlisted.len();
        self.unlisted.retain(|unlisted| unlisted != part);
        if before > 0 && self.unlisted.is_empty() {
            self.replace(reader.objects.state().iter().map(|object| (**object).clone()));
        }
    }

    /// These take the place of all that was known.
    fn replace(&mut self, all: impl IntoIterator<Item = K>) {
        self.objects.apply_watcher_event(&Event::Init);
        for object in all {
            self.objects.apply_watcher_event(&Event::InitApply(object));
        }
        self.objects.apply_watcher_event(&Event::InitDone);
    }
}

#[cfg(test)]
mod tests;
