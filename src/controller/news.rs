//! Which watch events of an object matter to the object itself.
//!
//! Status is our own writing, and labels are no business of ours. What a person changes shows in the generation, the
//! deletion timestamp, the finalizers or the annotations.
use kube::Resource;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

/// What was last seen of each object, by uid.
#[derive(Debug, Default)]
pub struct News {
    seen: Mutex<HashMap<String, u64>>,
}

impl News {
    /// Whether anything that matters differs from the last time.
    pub fn is_news(&self, object: &impl Resource) -> bool {
        let meta = object.meta();
        let mut hasher = DefaultHasher::new();
        meta.generation.hash(&mut hasher);
        meta.deletion_timestamp.is_some().hash(&mut hasher);
        meta.finalizers.hash(&mut hasher);
        meta.annotations.hash(&mut hasher);
        let now = hasher.finish();
        let uid = meta.uid.clone().unwrap_or_default();
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uid, now)
            != Some(now)
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, object: &impl Resource) {
        if let Some(uid) = &object.meta().uid {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
        }
    }
}
