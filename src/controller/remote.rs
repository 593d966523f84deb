//! One Speech resource, as long as its SpeechConnection exists: the client, the view, and who waits for what.
mod recognition;
mod sharing;
mod sweep;

pub use sweep::run;

use super::{Context, wake};
use crate::liveness::Pulse;
use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use speech_api::{SpeechConnection, connection::KnownResource};
use speech_plan::{
    Agenda, List,
    connection::{Concerned, Contact, Rate, link::LinkSource},
    view::View,
};
use speech_resource::Resource;
use speech_service::{Budget, Client, SkewMeter};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How the resource is reached now.
#[derive(Clone)]
pub struct Link {
    /// The client, with the key in it.
    pub client: Client,
    /// What the client was made from.
    pub made_from: LinkSource,
    /// Since when its Secret is gone or unusable (UTC); absent while it is good. What is being deleted may still use the
    /// key for a while, nothing else.
    pub retired: Option<Timestamp>,
}

/// One Speech resource.
pub struct Remote {
    /// The requests that may leave.
    pub budget: Arc<Budget>,
    /// What compares the service's clock with ours.
    pub meter: Arc<SkewMeter>,
    /// What is known of it and agreed on.
    pub resource: Resource,
    peers: sharing::Peers,
    rate: RwLock<Rate>,
    link: RwLock<Option<Link>>,
    contact: RwLock<Contact>,
    known: RwLock<Option<KnownResource>>,
    poll_interval: RwLock<Duration>,
    deciding: Mutex<()>,
    awaited: Mutex<HashMap<String, Awaited>>,
    rest: RwLock<Option<Timestamp>>,
    collect_from: RwLock<Option<Timestamp>>,
    hurried: Notify,
    pulse: Arc<Pulse>,
    replaced: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Awaited {
    list: List,
    since: Instant,
}

impl Remote {
    pub fn new(budget: Budget, poll_interval: Duration) -> Self {
        Self {
            rate: RwLock::new((budget.usage().limit, Duration::from_secs(10))),
            resource: Resource::default(),
            peers: sharing::Peers::default(),
            budget: Arc::new(budget),
            meter: Arc::default(),
            link: RwLock::default(),
            contact: RwLock::new(Contact::Pending),
            known: RwLock::default(),
            poll_interval: RwLock::new(poll_interval),
            deciding: Mutex::default(),
            awaited: Mutex::default(),
            rest: RwLock::default(),
            collect_from: RwLock::default(),
            hurried: Notify::new(),
            pulse: Arc::default(),
            replaced: Notify::new(),
        }
    }

    /// The sign of life of the sweeps.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// What is known of the resource.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        self.resource.view()
    }

    /// The same, to write down what was learned. Never held across an await.
    pub fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.resource.view_mut()
    }

    /// What the objects of the connection have to agree on.
    pub fn agenda(&self) -> RwLockReadGuard<'_, Agenda> {
        self.resource.agenda()
    }

    /// The same, to note what an object wants. Never held across an await.
    pub fn agenda_mut(&self) -> RwLockWriteGuard<'_, Agenda> {
        self.resource.agenda_mut()
    }

    /// The later of the service's clock, as far as it is known, and ours.
    pub fn later(&self, local: Timestamp) -> Timestamp {
        self.agenda().skew.later(local)
    }

    /// Held from the look to the place in the queue, so that two objects do not take the last turn at once. Never held
    /// across an await.
    pub fn deciding(&self) -> MutexGuard<'_, ()> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of the last contact.
    pub fn contact(&self) -> RwLockReadGuard<'_, Contact> {
        self.contact.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what came of a contact, and wakes whom that concerns: the connection, and objects as [`Contact::concerns`] says.
    pub fn set_contact(&self, context: &Context, key: &ObjectRef<SpeechConnection>, contact: Contact) {
        let mut current = self.contact.write().unwrap_or_else(PoisonError::into_inner);
        if *current == contact {
            return;
        }
        let concerned = current.concerns(&contact);
        *current = contact;
        drop(current);
        context.wakes.wake_connection(key);
        match concerned {
            Concerned::Everyone => wake::dependents(context, key),
            Concerned::Leaving => wake::leaving(context, key),
            Concerned::Nobody => {}
        }
    }

    /// By what the resource is known, once it is.
    pub fn known(&self) -> Option<KnownResource> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Knows the resource by this from now on.
    pub fn know_by(&self, resource: KnownResource) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(resource);
    }

    /// Knows the same resource by this from now on; whether it was accepted stays as it is.
    pub fn stays(&self, reached: KnownResource) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let accepted = known.take().and_then(|known| known.accepted);
        *known = Some(KnownResource { accepted, ..reached });
    }

    /// Whether what is reached now is known to be the resource whose entities the view holds.
    pub fn is_recognised(&self) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        link.as_ref().is_none_or(|link| link.client.is_trusted())
    }

    /// How the resource is reached, if it can be.
    pub fn link(&self) -> Option<Link> {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses this client from now on, and looks at once. What still waits for its turn at another place is not sent.
    pub fn relink(&self, link: Link) {
        let mut current = self.link.write().unwrap_or_else(PoisonError::into_inner);
        let before = current.replace(link.clone());
        drop(current);
        if let Some(before) = before {
            if !before.made_from.is_same_place(&link.made_from) {
                before.client.close();
            }
            if before.made_from != link.made_from {
                // What a look has begun with the one key must not be told to its end with another.
                self.replaced.notify_waiters();
            }
        }
        self.resource.look_soon();
    }

    /// Keeps the present client for deletions only, from a time on.
    pub fn retire(&self, since: Timestamp) {
        if let Some(link) = &mut *self.link.write().unwrap_or_else(PoisonError::into_inner) {
            link.retired = Some(since);
        }
    }

    /// Forgets the present client.
    pub fn unlink(&self) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Sets how many requests its own spec allows.
    pub fn set_rate(&self, rate: Rate) {
        *self.rate.write().unwrap_or_else(PoisonError::into_inner) = rate;
    }

    /// How many requests its own spec allows.
    fn rate(&self) -> Rate {
        *self.rate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the interval of the sweeps.
    pub fn set_poll_interval(&self, interval: Duration) {
        *self.poll_interval.write().unwrap_or_else(PoisonError::into_inner) = interval;
    }

    /// The interval of the sweeps.
    pub fn poll_interval(&self) -> Duration {
        *self.poll_interval.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<String, Awaited>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object waits for a change of the remote side, so that it is worth looking often.
    pub fn await_change(&self, uid: &str, list: List) {
        let mut awaited = self.awaited();
        if awaited.get(uid).is_none_or(|before| before.list != list) {
            awaited.insert(
                uid.to_owned(),
                Awaited {
                    list,
                    since: Instant::now(),
                },
            );
            drop(awaited);
            // What the service said before did not speak of this one.
            self.rest_until(None);
            self.hurried.notify_one();
        }
    }

    /// An object waits no more.
    pub fn stop_awaiting(&self, uid: &str) {
        self.awaited().remove(uid);
    }

    /// Notes before when the service says that no look is worth it (UTC).
    fn rest_until(&self, at: Option<Timestamp>) {
        *self.rest.write().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn rest(&self) -> Option<Timestamp> {
        *self.rest.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before when nothing is deleted of what nobody needs, because a deletion failed (UTC).
    pub fn collect_from(&self) -> Option<Timestamp> {
        *self.collect_from.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a deletion of what nobody needs failed.
    pub fn collect_no_sooner(&self, at: Timestamp) {
        *self.collect_from.write().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// The lists that are waited for, and how long the most impatient object has waited.
    fn impatience(&self) -> (HashSet<List>, Option<Duration>) {
        let awaited = self.awaited();
        (
            awaited.values().map(|waiting| waiting.list).collect(),
            awaited.values().map(|waiting| waiting.since.elapsed()).min(),
        )
    }
}

/// All Speech resources, by their SpeechConnection.
#[derive(Default)]
pub struct Remotes {
    by_connection: RwLock<HashMap<ObjectRef<SpeechConnection>, Cared>>,
}

/// A Speech resource, and what ends its sweeps when it is forgotten.
struct Cared {
    remote: Arc<Remote>,
    _sweeps: DropGuard,
}

impl Remotes {
    /// The Speech resource of a connection, once the connection was looked at.
    pub fn get(&self, key: &ObjectRef<SpeechConnection>) -> Option<Arc<Remote>> {
        self.by_connection
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .map(|cared| Arc::clone(&cared.remote))
    }

    /// Begins to look after a connection's resource; the token ends when the connection goes.
    pub fn add(
        &self,
        key: ObjectRef<SpeechConnection>,
        budget: Budget,
        poll_interval: Duration,
    ) -> (Arc<Remote>, CancellationToken) {
        let (remote, token) = (Arc::new(Remote::new(budget, poll_interval)), CancellationToken::new());
        let cared = Cared {
            remote: Arc::clone(&remote),
            _sweeps: token.clone().drop_guard(),
        };
        self.by_connection
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, cared);
        (remote, token)
    }

    /// Forgets a connection.
    pub fn remove(&self, key: &ObjectRef<SpeechConnection>) {
        self.by_connection
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }

    /// All, for metrics.
    pub fn all(&self) -> Vec<(ObjectRef<SpeechConnection>, Arc<Remote>)> {
        let map = self.by_connection.read().unwrap_or_else(PoisonError::into_inner);
        map.iter()
            .map(|(key, cared)| (key.clone(), Arc::clone(&cared.remote)))
            .collect()
    }
}
