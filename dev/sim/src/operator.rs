//! The operator in its process: all that is lost when its leader dies.
use super::{cluster::Key, network::Network, world};
use jiff::{SignedDuration, Timestamp};
use speech_plan::{List, connection::Contact};
use speech_resource::{Resource, Schedule};
use speech_service::{ApiVersion, BaseUrl, Budget, Client, SubscriptionKey, Transport};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// The interval of the sweeps; the default of a connection.
pub const POLL: SignedDuration = SignedDuration::from_secs(60);
/// The shortest time between two looks at what is under way.
pub const FASTEST: SignedDuration = SignedDuration::from_secs(1);
/// What the service says of the next useful look while something is under way and its clock stands still.
const REST: SignedDuration = SignedDuration::from_secs(30);

/// The operator, as far as it concerns one connection.
pub struct Operator {
    /// What is known of the Speech resource.
    pub resource: Resource,
    /// The way to it.
    pub client: Client,
    /// What came of the last contact.
    pub contact: Contact,
    /// Nothing is sent before (UTC).
    pub blocked_until: Option<Timestamp>,
    /// Objects to look at.
    pub woken: BTreeSet<Key>,
    /// When to look at what.
    pub sweeps: Sweeps,
    /// The pass over the SpeechConnection.
    pub collection: Collection,
    looks: BTreeSet<(Timestamp, Key)>,
    look_at: BTreeMap<Key, Timestamp>,
    awaits: BTreeMap<Key, (List, Timestamp)>,
}

/// When to look at the SpeechConnection itself, which deletes what the gates have left behind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Collection {
    /// Whether it has to be looked at now.
    pub woken: bool,
    /// When time alone asks for a look (UTC).
    pub at: Option<Timestamp>,
    /// Before when nothing is deleted again, because a deletion failed (UTC).
    pub from: Option<Timestamp>,
}

/// When the lists are read. What a look reads, the operator's own [`Schedule`] says; here stands which looks are left out,
/// because nothing has changed since the one before.
#[derive(Clone, Debug)]
pub struct Sweeps {
    /// The operator's own.
    pub schedule: Schedule,
    /// When all lists are read; none while that would show nothing new (UTC).
    pub full_at: Option<Timestamp>,
    /// When the lists are read for those who wait (UTC).
    pub next_at: Option<Timestamp>,
    /// Before this time the service changes nothing by itself (UTC).
    pub quiet_until: Option<Timestamp>,
    /// When the lists were last read (UTC).
    pub last_at: Timestamp,
}

impl Operator {
    /// A new leader that knows nothing; its first look is due at once.
    pub fn begin(network: &Arc<Network>, now: Timestamp) -> Option<Self> {
        Some(Self {
            resource: Resource::default(),
            client: connect(network)?,
            contact: Contact::Pending,
            blocked_until: None,
            woken: BTreeSet::new(),
            sweeps: Sweeps {
                schedule: Schedule::default(),
                full_at: Some(now),
                next_at: None,
                quiet_until: None,
                last_at: Timestamp::MIN,
            },
            collection: Collection {
                woken: true,
                ..Collection::default()
            },
            looks: BTreeSet::new(),
            look_at: BTreeMap::new(),
            awaits: BTreeMap::new(),
        })
    }

    /// Obeys a 429: nothing leaves for a while. A budget would see to that, but it lives in real time.
    pub fn rest(&mut self, wait: SignedDuration, now: Timestamp) {
        let until = now.saturating_add(wait).unwrap_or(now);
        self.blocked_until = self.blocked_until.max(Some(until));
    }

    /// Looks at an object again then, and not before unless something happens.
    pub fn look_again(&mut self, key: Key, at: Option<Timestamp>) {
        if let Some(before) = self.look_at.remove(&key) {
            self.looks.remove(&(before, key));
        }
        if let Some(at) = at {
            self.looks.insert((at, key));
            self.look_at.insert(key, at);
        }
    }

    /// When the next object is to be looked at.
    pub fn next_look(&self) -> Option<Timestamp> {
        self.looks.first().map(|(at, _)| *at)
    }

    /// Wakes the objects whose time has come. Tells whether any of them waits for the remote side.
    pub fn wake_due(&mut self, now: Timestamp) -> bool {
        let mut waiting = false;
        while let Some((at, key)) = self.looks.first().copied().filter(|(at, _)| *at <= now) {
            self.looks.remove(&(at, key));
            self.look_at.remove(&key);
            waiting |= self.awaits.contains_key(&key);
            self.woken.insert(key);
        }
        waiting
    }

    /// An object waits for a change of the remote side, or no more.
    pub fn mind(&mut self, key: Key, list: Option<List>, now: Timestamp) {
        match list {
            None => drop(self.awaits.remove(&key)),
            Some(list) if self.awaits.get(&key).is_some_and(|(before, _)| *before == list) => {}
            Some(list) => {
                self.awaits.insert(key, (list, now));
                let soon = now.saturating_add(FASTEST).unwrap_or(now);
                self.sweeps.next_at = Some(self.sweeps.next_at.map_or(soon, |at| at.min(soon)));
            }
        }
        if self.awaits.is_empty() {
            self.sweeps.next_at = None;
        }
    }

    /// The lists that somebody waits for; each is one page.
    pub fn awaited(&self) -> HashSet<List> {
        self.awaits.values().map(|(list, _)| *list).collect()
    }

    /// Whether anyone waits at all.
    pub fn is_waiting(&self) -> bool {
        !self.awaits.is_empty()
    }

    /// The next look for those who wait, after one at `now`: soon at first, then ever less often, and not before the
    /// service says that it is worth it. Once the pause is as long as it gets, looks that show nothing are left out.
    pub fn plan_next_look(&mut self, now: Timestamp) {
        let Some(since) = self.awaits.values().map(|(_, since)| *since).max() else {
            self.sweeps.next_at = None;
            return;
        };
        let waited = now.duration_since(since);
        let pause = (waited / 10).clamp(FASTEST, POLL);
        let pause = if self.sweeps.quiet_until.is_some() {
            pause.max(REST)
        } else {
            pause
        };
        let next = now.saturating_add(pause).unwrap_or(now);
        self.sweeps.next_at = match self.sweeps.quiet_until {
            Some(quiet) if pause >= POLL && quiet > next => Some(on_grid(next, quiet)),
            // What nobody knows of changes only by what is sent, and that asks for a look by itself.
            None if pause >= POLL => None,
            Some(_) | None => Some(next),
        };
    }

    /// When the lists are to be read, or could be.
    pub fn next_sweep(&self) -> Option<Timestamp> {
        let due = self.sweeps.full_at.into_iter().chain(self.sweeps.next_at).min()?;
        Some(due.max(self.blocked_until.unwrap_or(due)))
    }

    /// Whether the SpeechConnection is to be looked at.
    pub fn is_collection_due(&self, now: Timestamp) -> bool {
        self.collection.woken || self.collection.at.is_some_and(|at| at <= now)
    }

    /// Asks for a whole look, at the latest then.
    pub fn look_at_all(&mut self, at: Timestamp) {
        self.sweeps.full_at = Some(self.sweeps.full_at.map_or(at, |before| before.min(at)));
    }
}

/// The first poll at or after `quiet`, when one is at `next`.
fn on_grid(next: Timestamp, quiet: Timestamp) -> Timestamp {
    let behind = quiet.duration_since(next).as_secs();
    let polls = (behind + POLL.as_secs() - 1).max(0) / POLL.as_secs();
    next.saturating_add(POLL * i32::try_from(polls).unwrap_or(0))
        .unwrap_or(quiet)
}

fn connect(network: &Arc<Network>) -> Option<Client> {
    let transport: Arc<dyn Transport> = Arc::clone(network) as Arc<dyn Transport>;
    let base = BaseUrl::parse(world::BASE_URL, true).ok()?;
    let key = SubscriptionKey::parse(world::KEY.as_bytes()).ok()?;
    Some(Client::new(
        transport,
        base,
        ApiVersion::V2025_10_15,
        key,
        Arc::new(Budget::unlimited()),
        Arc::new(()),
    ))
}
