//! Which objects of a kind wait for a pass, and which are in one: the sign of life of a controller.
use crate::liveness::{Queue, QueueAges};
use kube::{Resource, runtime::reflector::ObjectRef};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// The passes over one kind.
#[derive(Debug)]
pub struct Passes<K: Resource<DynamicType = ()>> {
    now: Mutex<Now<K>>,
}

#[derive(Debug)]
struct Now<K: Resource<DynamicType = ()>> {
    waiting: HashMap<ObjectRef<K>, Instant>,
    running: HashMap<ObjectRef<K>, Instant>,
    progress: Instant,
}

impl<K: Resource<DynamicType = ()>> Default for Passes<K> {
    fn default() -> Self {
        Self {
            now: Mutex::new(Now {
                waiting: HashMap::new(),
                running: HashMap::new(),
                progress: Instant::now(),
            }),
        }
    }
}

impl<K: Resource<DynamicType = ()>> Passes<K> {
    fn now(&self) -> MutexGuard<'_, Now<K>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The controller took note that an object has to be looked at.
    pub fn woken(&self, key: &ObjectRef<K>) {
        self.now().waiting.entry(key.clone()).or_insert_with(Instant::now);
    }

    /// A pass begins.
    pub fn begin(&self, key: &ObjectRef<K>) {
        let mut now = self.now();
        now.stop_waiting(key);
        now.running.insert(key.clone(), Instant::now());
        now.progress = Instant::now();
    }

    /// A pass ended.
    pub fn end(&self, key: &ObjectRef<K>) {
        let mut now = self.now();
        now.running.remove(key);
        now.progress = Instant::now();
    }

    /// The object went before its turn came.
    pub fn gone(&self, key: &ObjectRef<K>) {
        self.now().stop_waiting(key);
    }
}

impl<K: Resource<DynamicType = ()>> Now<K> {
    fn stop_waiting(&mut self, key: &ObjectRef<K>) {
        self.waiting.remove(key);
        if self.waiting.is_empty() {
            self.waiting.shrink_to_fit(); // after a start it held every object
        }
    }
}

impl<K: Resource<DynamicType = ()> + std::fmt::Debug + Send + Sync> Queue for Passes<K> {
    fn ages(&self) -> QueueAges {
        let now = self.now();
        let oldest = |of: &HashMap<ObjectRef<K>, Instant>| of.values().min().map(Instant::elapsed);
        QueueAges {
            waiting: oldest(&now.waiting),
            running: oldest(&now.running),
            progress: now.progress.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::SpeechModel;

    #[test]
    fn an_object_waits_until_its_pass_begins_and_runs_until_it_ends() {
        let passes = Passes::<SpeechModel>::default();
        let seen = || (passes.ages().waiting.is_some(), passes.ages().running.is_some());
        let (one, other) = (
            ObjectRef::new("one").within("shop"),
            ObjectRef::new("other").within("shop"),
        );
        assert_eq!(seen(), (false, false));
        passes.woken(&one);
        passes.woken(&other);
        assert_eq!(seen(), (true, false));
        passes.begin(&one);
        assert_eq!(seen(), (true, true));
        passes.gone(&other);
        passes.end(&one);
        assert_eq!(seen(), (false, false));
    }

    #[test]
    fn who_is_woken_during_its_pass_waits_again() {
        let passes = Passes::<SpeechModel>::default();
        let one = ObjectRef::new("one").within("shop");
        passes.begin(&one);
        passes.woken(&one);
        passes.end(&one);
        assert!(passes.ages().waiting.is_some());
    }
}
