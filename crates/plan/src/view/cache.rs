//! The entities of one kind in one Speech resource.
use jiff::{SignedDuration, Timestamp};
use speech_service::{
    Absent, Entity, EntityId, Heard,
    entity::{BaseModel, CustomModel, Dataset, Endpoint, Evaluation},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// How long it is remembered that an entity is gone: longer than any list lags.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// A count of events in one view: it orders reads and mutations, whatever the clock does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(u64);

/// An entity of the Speech service, as a cache keeps it.
pub trait Cached: Entity + PartialEq {
    /// Takes over what was known before and cannot become unknown: an answer that lacks it is not whole.
    fn keep(&mut self, _before: &Self) {}
}

impl Cached for Endpoint {}

impl Cached for CustomModel {
    /// A model without its date would look worse than any other and be left for one that expires earlier.
    fn keep(&mut self, before: &Self) {
        self.expires_at = self.expires_at.or(before.expires_at);
    }
}

impl Cached for BaseModel {
    fn keep(&mut self, before: &Self) {
        self.expires_at = self.expires_at.or(before.expires_at);
        self.adaptation_until = self.adaptation_until.or(before.adaptation_until);
    }
}

impl Cached for Dataset {}

impl Cached for Evaluation {}

/// One entity and how we know of it.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// As last told by the service.
    pub entity: Arc<T>,
    /// Whether a read that began after our last mutation tells it. The answer to a mutation does not count: the service
    /// may still show the old state there, and what it accepted is not yet what it does.
    pub confirmed: bool,
    touched: Tick,
}

/// The entities of one kind.
#[derive(Clone, Debug)]
pub struct Cache<T> {
    entries: HashMap<EntityId, Entry<T>>,
    /// Entities that we deleted, so that a list read before does not bring them back.
    deleted: HashMap<EntityId, Tick>,
    /// Entities that the service said it does not have, and that we deleted; and when the next list began.
    gone: HashMap<EntityId, Option<Timestamp>>,
    swept_at: Option<Timestamp>,
    /// When the list began that was read last, if it was empty.
    empty_at: Option<Timestamp>,
    /// As of when all is known, if it was the service that answered.
    certain_at: Option<Timestamp>,
    looked: bool,
    tick: Tick,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            deleted: HashMap::new(),
            gone: HashMap::new(),
            swept_at: None,
            empty_at: None,
            certain_at: None,
            looked: false,
            tick: Tick::default(),
        }
    }
}

impl<T: Cached> Cache<T> {
    /// When the last list that was read to its end began.
    pub fn swept_at(&self) -> Option<Timestamp> {
        self.swept_at
    }

    /// When the list began that was read last, if it was empty (UTC).
    pub fn empty_at(&self) -> Option<Timestamp> {
        self.empty_at
    }

    /// Whether the list was read at least once, be it with entities that could not be understood.
    pub fn is_known(&self) -> bool {
        self.looked
    }

    /// Takes a list in which some entities could not be understood: what it lacks may still be there.
    pub fn swept_partly(&mut self, listed: Vec<T>, began: Tick) -> HashSet<EntityId> {
        self.looked = true;
        let ids = listed.into_iter().map(|entity| (entity.header().id, entity));
        ids.filter_map(|(id, entity)| self.read(entity, began).then_some(id))
            .collect()
    }

    /// The entity with this id.
    pub fn get(&self, id: EntityId) -> Option<&Entry<T>> {
        self.entries.get(&id)
    }

    /// Whether nothing is known of an entity, not even that it is gone: lists lacked it, which proves nothing of what was
    /// made a moment before.
    pub fn is_unseen(&self, id: EntityId) -> bool {
        !self.entries.contains_key(&id) && !self.gone.contains_key(&id)
    }

    /// Whether an entity is not there, and nobody here deleted it lately.
    pub fn is_lost(&self, id: EntityId) -> bool {
        !self.entries.contains_key(&id) && !self.deleted.contains_key(&id)
    }

    /// Remembers that an entity, which need not be known here, is gone.
    pub fn note_gone(&mut self, proof: &Absent<T>) {
        self.gone.insert(proof.id(), None);
    }

    /// All entities, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<T>> {
        self.entries.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The highest attempt of the object with this uid of which an entity is there.
    pub fn latest_attempt(&self, uid: &str) -> Option<u32> {
        let owned = self.entries.values().filter(|entry| entry.is_owned_by(uid));
        let tags = owned.filter_map(|entry| entry.entity.header().owner.as_ref());
        tags.map(|tag| tag.attempt).max()
    }

    /// The entities that carry the mark of the object with this uid, oldest attempt first.
    pub fn owned_by(&self, uid: &str) -> Vec<&Entry<T>> {
        let mut owned: Vec<_> = self.entries.values().filter(|entry| entry.is_owned_by(uid)).collect();
        owned.sort_by_key(|entry| {
            let header = entry.entity.header();
            (
                header.owner.as_ref().map(|tag| (tag.revision, tag.attempt)),
                header.created_at,
                header.id,
            )
        });
        owned
    }

    /// To be called when a read or a mutation begins.
    pub fn begin(&mut self) -> Tick {
        self.tick.0 += 1;
        self.tick
    }

    /// Notes that a mutation of this entity is on its way, so that reads which began before prove nothing.
    pub fn touch(&mut self, id: EntityId) {
        let tick = self.begin();
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.touched = tick;
            entry.confirmed = false;
        }
    }

    /// Takes the answer to a mutation.
    pub fn answered(&mut self, mut entity: T) {
        let touched = self.begin();
        if let Some(before) = self.entries.get(&entity.header().id) {
            entity.keep(&before.entity);
        }
        self.deleted.remove(&entity.header().id);
        self.entries.insert(
            entity.header().id,
            Entry {
                entity: Arc::new(entity),
                confirmed: false,
                touched,
            },
        );
    }

    /// Takes the end of a deletion.
    pub fn removed(&mut self, proof: &Absent<T>) {
        let tick = self.begin();
        self.entries.remove(&proof.id());
        self.deleted.insert(proof.id(), tick);
        self.note_gone(proof);
    }

    /// Takes one entity from a read that began at `began`; tells whether that is news.
    pub fn read(&mut self, mut entity: T, began: Tick) -> bool {
        let id = entity.header().id;
        if self.deleted.get(&id).is_some_and(|tick| *tick > began) {
            return false;
        }
        match self.entries.get_mut(&id) {
            Some(entry) if entry.touched > began => false,
            Some(entry) => {
                entity.keep(&entry.entity);
                let news = !entry.confirmed || *entry.entity != entity;
                if *entry.entity != entity {
                    entry.entity = Arc::new(entity);
                }
                entry.confirmed = true;
                news
            }
            None => {
                self.entries.insert(
                    id,
                    Entry {
                        entity: Arc::new(entity),
                        confirmed: true,
                        touched: Tick::default(),
                    },
                );
                true
            }
        }
    }

    /// Takes a list that was read to its end. Gives the entities that are news, and those that the list lacks: paging is
    /// by offset, so that an entity may be skipped while others are deleted; ask for each before forgetting it, then say
    /// [`complete`](Self::complete). Until then the list proves nothing: one that lacks what is there may lack more, and an
    /// empty one may be anybody's.
    pub fn swept(&mut self, listed: Vec<T>, began: Tick, at: Timestamp) -> (HashSet<EntityId>, Vec<EntityId>) {
        let ids: HashSet<_> = listed.iter().map(|entity| entity.header().id).collect();
        let mut missing: Vec<_> = self
            .entries
            .iter()
            .filter(|(id, entry)| entry.touched <= began && !ids.contains(id))
            .map(|(id, _)| *id)
            .collect();
        // Each is asked for: always in the same order.
        missing.sort_unstable();
        let news = self.swept_partly(listed, began);
        self.deleted.retain(|_, tick| *tick > began);
        self.gone
            .retain(|_, since| since.get_or_insert(at).duration_since(at).abs() < REMEMBERED);
        if !ids.is_empty() {
            self.certain_at = Some(at);
        } else if self.empty_at != Some(at) {
            self.certain_at = self.empty_at;
        }
        self.empty_at = ids.is_empty().then_some(at);
        if missing.is_empty() && !ids.is_empty() {
            self.swept_at = Some(at);
        }
        (news, missing)
    }

    /// Takes that all is known of what the list lacked that was read last, and that it was the service which answered: an
    /// empty list is no proof of that. The proof may come from another list, and a gateway may answer one request
    /// of many: so an empty list only confirms the one before it, if that was empty, too.
    pub fn complete(&mut self, _: Heard) {
        if let Some(at) = self.certain_at {
            self.swept_at = Some(at);
        }
    }

    /// Forgets an entity that is gone, unless we changed it since.
    pub fn vanished(&mut self, proof: &Absent<T>, began: Tick) -> bool {
        let id = proof.id();
        if self.entries.get(&id).is_some_and(|entry| entry.touched <= began) {
            self.entries.remove(&id);
            self.note_gone(proof);
            return true;
        }
        false
    }
}

impl<T: Cached> Entry<T> {
    /// Whether it carries the mark of the object with this uid.
    pub fn is_owned_by(&self, uid: &str) -> bool {
        self.entity.header().owner.as_ref().is_some_and(|tag| tag.uid == uid)
    }
}

#[cfg(test)]
mod tests;
