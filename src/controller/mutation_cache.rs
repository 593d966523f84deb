//! Objects as our own writes left them, until the watch has caught up.
//!
//! The answer to a write is newer than the store. Planning from the store meanwhile would repeat work.
use kube::{Resource, runtime::reflector::ObjectRef};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The answers to our writes that no watch event has confirmed yet.
#[derive(Debug)]
pub struct MutationCache<K: Resource<DynamicType = ()>> {
    written: Mutex<HashMap<ObjectRef<K>, Arc<K>>>,
}

impl<K: Resource<DynamicType = ()>> Default for MutationCache<K> {
    fn default() -> Self {
        Self {
            written: Mutex::default(),
        }
    }
}

impl<K: Resource<DynamicType = ()> + Clone> MutationCache<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef<K>, Arc<K>>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the answer to a write.
    pub fn wrote(&self, object: Arc<K>) {
        self.lock().insert(ObjectRef::from_obj(&*object), object);
    }

    /// The answers themselves; few, because each is forgotten when the watch brings it.
    pub fn unconfirmed(&self) -> Vec<Arc<K>> {
        self.lock().values().map(Arc::clone).collect()
    }

    /// The newer of the store's object and ours.
    pub fn freshest(&self, stored: Arc<K>) -> Arc<K> {
        match self.lock().get(&ObjectRef::from_obj(&*stored)) {
            Some(ours) if ours.meta().uid == stored.meta().uid && version(&**ours) > version(&*stored) => {
                Arc::clone(ours)
            }
            Some(_) | None => stored,
        }
    }

    /// Takes note of a watch event; tells whether it is only the echo of our own write, which was planned with already.
    pub fn echoed(&self, object: &K) -> bool {
        let key = ObjectRef::from_obj(object);
        let mut written = self.lock();
        let Some(ours) = written.get(&key) else { return false };
        let same_life = ours.meta().uid == object.meta().uid;
        let (ours, theirs) = (version(&**ours), version(object));
        if !same_life || theirs >= ours {
            written.remove(&key);
        }
        same_life && theirs <= ours
    }

    /// Forgets an object that is gone.
    pub fn gone(&self, object: &K) {
        self.lock().remove(&ObjectRef::from_obj(object));
    }
}

/// Resource versions of one kind are numbers that grow (a guarantee of the API since Kubernetes 1.35, and true before).
fn version(object: &impl Resource) -> Option<u64> {
    object
        .meta()
        .resource_version
        .as_deref()
        .and_then(|version| version.parse().ok())
}
