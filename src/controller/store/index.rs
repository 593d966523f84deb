//! Objects by their relations.
use super::relation::{Indexed, Relation, name_of};
use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// The objects of a kind by their relations.
///
/// A relation of an object is an entry of eight bytes: the hash of the relation, and the slot in which the object lies. Two
/// relations may have one hash; who asks looks at what is found, which is little. An object that changes keeps its slot, and
/// of its entries only those change that differ.
#[derive(Debug)]
pub struct Index<K> {
    hasher: RandomState,
    slots: Vec<Option<Arc<K>>>,
    vacant: Vec<u32>,
    entries: BTreeSet<(u32, u32)>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            slots: Vec::new(),
            vacant: Vec::new(),
            entries: BTreeSet::new(),
        }
    }
}

impl<K: Indexed> Index<K> {
    /// The objects that have one of these relations, each once; and maybe a few others.
    pub fn related<'r>(&self, relations: impl IntoIterator<Item = Relation<'r>>) -> Vec<Arc<K>> {
        let found = relations
            .into_iter()
            .flat_map(|relation| self.with(self.hash(&relation)));
        let mut slots: Vec<u32> = found.collect();
        slots.sort_unstable();
        slots.dedup();
        slots.into_iter().filter_map(|slot| self.at(slot)).cloned().collect()
    }

    /// Takes an object in, in the place of what it was before.
    pub fn put(&mut self, object: Arc<K>) {
        let after = self.hashes(&object);
        if after.is_empty() {
            return self.remove(&object);
        }
        let slot = self.slot_of(&object).unwrap_or_else(|| self.empty_slot());
        let before = self.at(slot).map(|known| self.hashes(known)).unwrap_or_default();
        for gone in before.into_iter().filter(|hash| !after.contains(hash)) {
            self.entries.remove(&(gone, slot));
        }
        self.entries.extend(after.into_iter().map(|hash| (hash, slot)));
        self.fill(slot, Some(object));
    }

    /// Forgets an object.
    pub fn remove(&mut self, object: &K) {
        let Some(slot) = self.slot_of(object) else { return };
        // By what is known of it: as it went, it may relate to others.
        for hash in self.at(slot).map(|known| self.hashes(known)).unwrap_or_default() {
            self.entries.remove(&(hash, slot));
        }
        self.fill(slot, None);
        self.vacant.push(slot);
    }

    /// Takes these objects in the place of all.
    pub fn replace(&mut self, objects: Vec<Arc<K>>) {
        *self = Self::default();
        objects.into_iter().for_each(|object| self.put(object));
    }

    /// All that are in.
    #[cfg(test)]
    pub fn all(&self) -> Vec<Arc<K>> {
        self.slots.iter().flatten().cloned().collect()
    }

    /// Whether the entries are those of the objects that are in, and no others.
    #[cfg(test)]
    pub fn is_exact(&self) -> bool {
        let slots = self.slots.iter().enumerate();
        let objects = slots.filter_map(|(slot, object)| Some((u32::try_from(slot).unwrap(), object.as_ref()?)));
        let entries = objects.flat_map(|(slot, object)| self.hashes(object).into_iter().map(move |hash| (hash, slot)));
        self.entries == entries.collect() && self.vacant.len() + self.all().len() == self.slots.len()
    }

    fn hash(&self, relation: &Relation<'_>) -> u32 {
        u32::try_from(self.hasher.hash_one(relation) >> 32).unwrap_or_default()
    }

    /// The hashes of all relations of an object.
    fn hashes(&self, object: &K) -> Vec<u32> {
        let mut relations = object.relations();
        if !relations.is_empty() {
            relations.push(Relation::Named(name_of(object)));
        }
        relations.iter().map(|relation| self.hash(relation)).collect()
    }

    fn with(&self, hash: u32) -> impl Iterator<Item = u32> {
        let entries = self.entries.range((hash, 0)..=(hash, u32::MAX));
        entries.map(|(_, slot)| *slot)
    }

    fn at(&self, slot: u32) -> Option<&Arc<K>> {
        self.slots.get(usize::try_from(slot).ok()?)?.as_ref()
    }

    fn slot_of(&self, object: &K) -> Option<u32> {
        let name = name_of(object);
        let is_it = |slot: &u32| self.at(*slot).is_some_and(|known| name_of(&**known) == name);
        self.with(self.hash(&Relation::Named(name))).find(is_it)
    }

    fn empty_slot(&mut self) -> u32 {
        self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // So many objects fit into no memory.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn fill(&mut self, slot: u32, object: Option<Arc<K>>) {
        if let Some(place) = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot)) {
            *place = object;
        }
    }
}
