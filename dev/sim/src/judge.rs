//! What requests have done is judged, and what people do in the service beside us.
use super::{law::Laws, mark, region::Region, world};
use std::collections::{BTreeMap, BTreeSet};

impl Region {
    /// What was deleted had to be, and nobody had too much made.
    pub(super) fn judge_requests(&mut self) {
        let (gone, beyond) = {
            let mut request_log = self.network.request_log();
            (request_log.take_deleted(), request_log.beyond_bounds())
        };
        Laws::deleted(&mut self.report, &self.cluster, &gone, self.now);
        Laws::bounded(&mut self.report, &self.cluster, beyond, self.now);
    }

    /// Somebody deletes what bears the mark of an object that will have it made anew, or of a model.
    pub(super) fn vanish(&mut self) {
        let mut found = Vec::new();
        let ours = |properties: &BTreeMap<String, String>| {
            properties
                .get(mark::UID)
                .and_then(|uid| self.cluster.by_uid.get(uid))
                .copied()
        };
        let emulator = &self.world.emulator;
        // The service deletes for nobody what an endpoint uses.
        let mut used = BTreeSet::new();
        emulator.endpoints(world::RESOURCE, |one| {
            used.extend(one.uses());
            found.extend(ours(one.custom_properties).map(|key| (key, one.id)))
        });
        emulator.models(world::RESOURCE, |one| {
            let free = ours(one.custom_properties).filter(|_| !used.contains(&one.id));
            found.extend(free.map(|key| (key, one.id)))
        });
        if let Some((_, id)) = self.chance.pick(&found).copied() {
            self.network.delete(id);
            self.report.vanished += 1;
        }
    }
}
