//! All that changes: clock, Speech resources, faults and journal, behind one lock.
use super::{
    clock::Clock, entra::Entra, fault::Faults, identity::Ids, journal::Journal, resource::Resource, seed::Seed,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The state of the emulator.
#[derive(Debug)]
pub struct World {
    pub clock: Clock,
    /// Speech resources by name.
    pub resources: BTreeMap<String, Resource>,
    pub entra: Entra,
    /// Faults that are set.
    pub faults: Faults,
    /// Requests so far.
    pub journal: Journal,
    /// Where the ids of new entities come from.
    pub ids: Ids,
}

impl World {
    /// The world a seed describes.
    pub fn new(seed: Seed) -> Self {
        let now = seed.now.unwrap_or_else(Timestamp::now);
        let clock = Clock::starting_at(now, seed.rate.unwrap_or(1.0));
        let mut world = Self {
            clock,
            resources: BTreeMap::new(),
            entra: Entra::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            ids: Ids::default(),
        };
        world.put_resources(seed.resources, now);
        world
    }

    /// Replaces all Speech resources.
    pub fn put_resources(&mut self, resources: BTreeMap<String, Resource>, now: Timestamp) {
        self.resources = resources;
        for (name, resource) in &mut self.resources {
            resource.settle(name, now);
        }
    }

    /// Moves everything to the clock's time and gives that time.
    pub fn advance(&mut self) -> Timestamp {
        let now = self.clock.now();
        let mut arrivals = Vec::new();
        for resource in self.resources.values_mut() {
            arrivals.append(&mut resource.advance(now));
        }
        for arrival in arrivals {
            // A target that was removed meanwhile receives nothing.
            if let Some(target) = self.resources.get_mut(&arrival.target) {
                target.models.push(arrival.model);
                target.touch();
            }
        }
        now
    }

    /// What the answers of a Speech resource give as their `Date`.
    pub fn date_of(&self, resource: &str, now: Timestamp) -> Timestamp {
        let offset = self
            .resources
            .get(resource)
            .map_or(0, |resource| resource.settings.date_offset_seconds);
        now.saturating_add(SignedDuration::from_secs(i64::from(offset)))
            .unwrap_or(now)
    }

    /// The state as a seed.
    pub fn dump(&mut self) -> Seed {
        let now = self.advance();
        Seed {
            now: Some(now),
            rate: Some(self.clock.rate()),
            resources: self.resources.clone(),
        }
    }
}
