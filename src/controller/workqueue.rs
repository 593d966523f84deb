//! Which objects of a kind wait for a pass, and which are in one: the workers of a controller, and its sign of life.
use super::places::Places;
use crate::liveness::{Queue, QueueAges};
use kube::{Resource, runtime::reflector::ObjectRef};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::mpsc::UnboundedSender;

/// The passes over one kind. So many work at once; one that waits for a Speech resource does not work.
#[derive(Debug)]
pub struct WorkQueue<K: Resource<DynamicType = ()>> {
    now: Mutex<Now<K>>,
    limit: usize,
    /// Takes who may begin now.
    invitations: UnboundedSender<ObjectRef<K>>,
}

#[derive(Debug)]
struct Now<K: Resource<DynamicType = ()>> {
    waiting: HashMap<ObjectRef<K>, Instant>,
    running: HashMap<ObjectRef<K>, Instant>,
    progress: Instant,
    workers: Places<ObjectRef<K>, ()>,
}

impl<K: Resource<DynamicType = ()>> WorkQueue<K> {
    /// A queue of which so many may work at once; who has to wait comes out of `invitations` when it is its turn.
    pub fn new(limit: u16, invitations: UnboundedSender<ObjectRef<K>>) -> Self {
        Self {
            now: Mutex::new(Now {
                waiting: HashMap::new(),
                running: HashMap::new(),
                progress: Instant::now(),
                workers: Places::default(),
            }),
            limit: usize::from(limit.max(1)),
            invitations,
        }
    }

    fn now(&self) -> MutexGuard<'_, Now<K>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The controller took note that an object has to be looked at.
    pub fn woken(&self, key: &ObjectRef<K>) {
        self.now().waiting.entry(key.clone()).or_insert_with(Instant::now);
    }

    /// A pass begins, unless all workers are busy: then its object is invited later.
    pub fn begin(&self, key: &ObjectRef<K>) -> bool {
        let mut now = self.now();
        if !now.workers.enter(key, (), self.limit) {
            now.waiting.entry(key.clone()).or_insert_with(Instant::now);
            return false;
        }
        now.stop_waiting(key);
        now.running.insert(key.clone(), Instant::now());
        now.progress = Instant::now();
        true
    }

    /// A pass ended.
    pub fn end(&self, key: &ObjectRef<K>) {
        let mut now = self.now();
        now.running.remove(key);
        now.progress = Instant::now();
        let next = now.workers.leave(|()| self.limit);
        self.invite(next);
    }

    /// Waits for a Speech resource: no work, so that another pass may begin meanwhile.
    pub async fn away<F: Future>(&self, waiting: F) -> F::Output {
        let next = self.now().workers.leave(|()| self.limit);
        self.invite(next);
        let _back = Away(self);
        waiting.await
    }

    // A closed queue means that the process is ending.
    fn invite(&self, next: Option<ObjectRef<K>>) {
        next.into_iter().for_each(|next| drop(self.invitations.send(next)));
    }

    /// The object went before its turn came.
    pub fn gone(&self, key: &ObjectRef<K>) {
        let mut now = self.now();
        now.stop_waiting(key);
        let next = now.workers.forget(key, |()| self.limit);
        self.invite(next);
    }
}

/// A pass that is away; it comes back also where it is cut off.
struct Away<'a, K: Resource<DynamicType = ()>>(&'a WorkQueue<K>);

impl<K: Resource<DynamicType = ()>> Drop for Away<'_, K> {
    fn drop(&mut self) {
        self.0.now().workers.come_back();
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

impl<K: Resource<DynamicType = ()> + std::fmt::Debug + Send + Sync> Queue for WorkQueue<K> {
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
    use speech_api::SpeechModel;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    type Key = ObjectRef<SpeechModel>;

    fn passes(limit: u16) -> (WorkQueue<SpeechModel>, UnboundedReceiver<Key>) {
        let (invitations, invited) = unbounded_channel();
        (WorkQueue::new(limit, invitations), invited)
    }

    fn named(name: &str) -> Key {
        ObjectRef::new(name).within("shop")
    }

    #[test]
    fn an_object_waits_until_its_pass_begins_and_runs_until_it_ends() {
        let (passes, _invited) = passes(2);
        let seen = || (passes.ages().waiting.is_some(), passes.ages().running.is_some());
        let (one, other) = (named("one"), named("other"));
        assert_eq!(seen(), (false, false));
        passes.woken(&one);
        passes.woken(&other);
        assert_eq!(seen(), (true, false));
        assert!(passes.begin(&one));
        assert_eq!(seen(), (true, true));
        passes.gone(&other);
        passes.end(&one);
        assert_eq!(seen(), (false, false));
    }

    #[test]
    fn who_is_woken_during_its_pass_waits_again() {
        let (passes, _invited) = passes(2);
        let one = named("one");
        assert!(passes.begin(&one));
        passes.woken(&one);
        passes.end(&one);
        assert!(passes.ages().waiting.is_some());
    }

    #[test]
    fn who_finds_all_workers_busy_is_invited_and_so_is_the_next_when_it_is_gone() {
        let (passes, mut invited) = passes(1);
        let [a, b, c] = ["a", "b", "c"].map(named);
        assert!(passes.begin(&a) && !passes.begin(&b) && !passes.begin(&c));
        assert!(passes.ages().waiting.is_some());
        passes.end(&a);
        assert_eq!(invited.try_recv(), Ok(b.clone()));
        passes.gone(&b);
        assert_eq!(invited.try_recv(), Ok(c.clone()));
        assert!(passes.begin(&c));
        passes.end(&c);
        assert!(invited.try_recv().is_err() && passes.ages().waiting.is_none());
    }

    #[tokio::test]
    async fn a_pass_that_waits_for_a_service_keeps_nobody_waiting_even_if_it_is_cut_off() {
        let (passes, mut invited) = passes(1);
        let [a, b, c] = ["a", "b", "c"].map(named);
        assert!(passes.begin(&a) && !passes.begin(&b));
        let hangs = passes.away(std::future::pending::<()>());
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(1), hangs)
                .await
                .is_err()
        );
        assert_eq!(invited.try_recv(), Ok(b.clone()));
        assert!(passes.begin(&b) && !passes.begin(&c));
        passes.end(&a);
        assert!(invited.try_recv().is_err(), "b still works");
        passes.end(&b);
        assert_eq!(invited.try_recv(), Ok(c));
    }
}
