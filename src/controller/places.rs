//! A room with so many places: who may go in now, and whose turn is next.
//!
//! Nobody waits inside: who finds no place leaves its name, does something else, and is invited as soon as a place is free.
//! That place is kept for it, so that nobody who comes later takes it.
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
};

/// Places that are taken, kept and waited for. Lower ranks go first; among equals first come, first served.
#[derive(Debug)]
pub struct Places<K, R> {
    taken: usize,
    invited: HashSet<K>,
    waiting: BTreeMap<(R, u64), K>,
    tickets: HashMap<K, (R, u64)>,
    next: u64,
}

impl<K, R> Default for Places<K, R> {
    fn default() -> Self {
        Self {
            taken: 0,
            invited: HashSet::new(),
            waiting: BTreeMap::new(),
            tickets: HashMap::new(),
            next: 0,
        }
    }
}

impl<K: Clone + Eq + Hash, R: Ord + Copy> Places<K, R> {
    /// Goes in where its rank has a place left and nobody comes before; else waits, with the ticket that it has.
    pub fn enter(&mut self, key: &K, rank: R, limit: usize) -> bool {
        if self.invited.remove(key) {
            return true;
        }
        let number = self.stop_waiting(key).unwrap_or_else(|| {
            self.next += 1;
            self.next
        });
        let ticket = (rank, number);
        let is_first = self.waiting.keys().next().is_none_or(|first| *first > ticket);
        if is_first && self.taken < limit {
            self.taken += 1;
            return true;
        }
        self.waiting.insert(ticket, key.clone());
        self.tickets.insert(key.clone(), ticket);
        false
    }

    /// Whether a place is kept for somebody.
    pub fn is_invited(&self, key: &K) -> bool {
        self.invited.contains(key)
    }

    /// Goes out for a while: the place is another's.
    pub fn leave(&mut self, limit: impl Fn(R) -> usize) -> Option<K> {
        self.taken = self.taken.saturating_sub(1);
        let (ticket, key) = self.waiting.first_key_value()?;
        if self.taken >= limit(ticket.0) {
            return None;
        }
        let key = key.clone();
        self.stop_waiting(&key);
        self.taken += 1;
        self.invited.insert(key.clone());
        Some(key)
    }

    /// Comes back in from where it went for a while, though no place be left.
    pub fn come_back(&mut self) {
        self.taken += 1;
    }

    /// Wants nothing any more; a place that was kept for it is another's.
    pub fn forget(&mut self, key: &K, limit: impl Fn(R) -> usize) -> Option<K> {
        self.stop_waiting(key);
        if self.invited.remove(key) {
            self.leave(limit)
        } else {
            None
        }
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.taken == 0 && self.waiting.is_empty()
    }

    fn stop_waiting(&mut self, key: &K) -> Option<u64> {
        let ticket = self.tickets.remove(key)?;
        self.waiting.remove(&ticket);
        if self.tickets.is_empty() {
            self.tickets.shrink_to_fit(); // after a start it held every object
        }
        Some(ticket.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rank 0 may take four places, all others two.
    fn limit(rank: u8) -> usize {
        if rank == 0 { 4 } else { 2 }
    }

    fn enter(places: &mut Places<&'static str, u8>, key: &'static str, rank: u8) -> bool {
        places.enter(&key, rank, limit(rank))
    }

    #[test]
    fn who_finds_no_place_is_invited_in_the_order_of_arrival_and_its_place_is_kept() {
        let mut places = Places::default();
        let entered = ["a", "b", "c", "d"].map(|key| enter(&mut places, key, 1));
        assert_eq!(entered, [true, true, false, false]);
        assert_eq!(places.leave(limit), Some("c"));
        assert!(!enter(&mut places, "e", 1), "the free place is c's");
        assert!(enter(&mut places, "c", 1));
        assert_eq!([places.leave(limit), places.leave(limit)], [Some("d"), Some("e")]);
        assert!(enter(&mut places, "d", 1) && enter(&mut places, "e", 1));
        assert_eq!([places.leave(limit), places.leave(limit)], [None, None]);
        assert!(places.is_empty());
    }

    #[test]
    fn a_lower_rank_goes_first_and_finds_places_that_others_do_not() {
        let mut places = Places::default();
        let entered = ["a", "b", "c"].map(|key| enter(&mut places, key, 1));
        assert_eq!(entered, [true, true, false]);
        let urgent = ["u", "v", "w"].map(|key| enter(&mut places, key, 0));
        assert_eq!(urgent, [true, true, false]);
        assert_eq!(places.leave(limit), Some("w"));
        // Four are in: c waits until fewer than two are.
        let next = [(); 3].map(|()| places.leave(limit));
        assert_eq!(next, [None, None, Some("c")]);
    }

    #[test]
    fn who_becomes_urgent_while_it_waits_keeps_its_number_and_takes_another_rank() {
        let mut places = Places::default();
        for key in ["a", "b"] {
            assert!(enter(&mut places, key, 1));
        }
        assert!(!enter(&mut places, "c", 2) && !enter(&mut places, "d", 1) && !enter(&mut places, "c", 1));
        assert_eq!(places.leave(limit), Some("c"), "it came before d");
    }

    #[test]
    fn who_wants_nothing_any_more_gives_its_place_to_the_next() {
        let mut places = Places::default();
        for key in ["a", "b", "c", "d", "e"] {
            enter(&mut places, key, 1);
        }
        assert_eq!(places.forget(&"d", limit), None);
        assert_eq!(places.leave(limit), Some("c"));
        assert_eq!(places.forget(&"c", limit), Some("e"));
        assert!(places.is_invited(&"e"));
    }

    #[test]
    fn who_comes_back_finds_room_and_is_counted() {
        let mut places = Places::default();
        for key in ["a", "b", "c"] {
            enter(&mut places, key, 1);
        }
        assert_eq!(places.leave(limit), Some("c"));
        places.come_back();
        assert!(!enter(&mut places, "d", 1));
        assert_eq!(places.leave(limit), None, "three were in");
        assert_eq!(places.leave(limit), Some("d"));
    }
}
