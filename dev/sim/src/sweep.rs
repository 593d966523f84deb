//! Reading the lists: with the operator's own code, at the times at which that could show something new.
use super::{
    cluster::{self, Key},
    operator::{FASTEST, POLL},
    region::Region,
};
use jiff::Timestamp;
use speech_api::SpeechEndpoint;
use speech_plan::{
    connection::{Concerned, Contact},
    relations::{
        Recorded, Uses, concerns_endpoint, concerns_gate, concerns_model, datasets_of, datasets_of_endpoint,
        datasets_of_model, holds_evaluations_of, judges, owners_of, pending_evaluation, revisions, trains,
    },
    view::Changes,
};
use speech_resource::{Look, Pace, Seen, read};
use speech_service::{Error, Lane};

fn pace(now: Timestamp) -> Pace {
    Pace { now, interval: POLL }
}

impl Region {
    /// Wakes what is due, and reads the lists if that is due.
    pub(super) fn look(&mut self) {
        let changed = self.network.take_changed();
        let now = self.now;
        let Some(operator) = &mut self.operator else { return };
        // Who waits for the remote side and looks again has to see it as it is now.
        let waits = operator.wake_due(now) && operator.sweeps.last_at < now;
        let sweeps = &mut operator.sweeps;
        if changed {
            sweeps.quiet_until = Some(now);
            operator.look_at_all(now.saturating_add(POLL).unwrap_or(now));
            if operator.sweeps.next_at.is_none() && operator.is_waiting() {
                operator.sweeps.next_at = Some(now.saturating_add(FASTEST).unwrap_or(now));
            }
        }
        let due = operator.next_sweep().is_some_and(|at| at <= now);
        if !(due || waits) || self.is_held_back(Lane::Sweep) {
            return;
        }
        let Some(operator) = &mut self.operator else { return };
        let sweeps = &operator.sweeps;
        let full = sweeps.full_at.is_some_and(|at| at <= now);
        if full || waits || sweeps.quiet_until.is_some_and(|quiet| quiet <= now) {
            self.sweep(full);
        } else {
            self.network.count_idle(operator.awaited().len());
            operator.plan_next_look(now);
        }
    }

    fn sweep(&mut self, full: bool) {
        let now = self.now;
        let Some(operator) = &mut self.operator else { return };
        let uses = self.cluster.uses();
        let held = holds_evaluations_of(&operator.resource.view(), cluster::UID);
        let look = (operator.sweeps.schedule).look(pace(now), &operator.awaited(), || uses, held);
        let scope = look.scope;
        let mut recorded = if operator.resource.is_first(scope) {
            self.cluster.recorded()
        } else {
            Recorded::default()
        };
        if scope.datasets {
            recorded.datasets = self.cluster.named_datasets();
        }
        let known_before = operator.resource.has_read();
        let (resource, client) = (&operator.resource, &operator.client);
        let (seen, outcome) = futures::executor::block_on(read(resource, client, scope, &recorded, now));
        operator.sweeps.last_at = now;
        if let Some(wait) = self.network.take_throttled() {
            operator.rest(wait, now);
        }
        if outcome.is_ok() && look.is_whole {
            operator.sweeps.full_at = None;
        } else if outcome.is_ok() && full {
            // Not yet: the last whole look was a moment ago.
            operator.sweeps.full_at = operator.sweeps.schedule.due(pace(now));
        }
        operator.sweeps.quiet_until = self.world.emulator.next_change();
        // What changes while nobody waits is seen by the next regular look.
        if let Some(quiet) = operator.sweeps.quiet_until {
            operator.look_at_all(quiet.max(now).saturating_add(POLL).unwrap_or(now));
        }
        if operator.resource.has_read() != known_before {
            // A list may be empty, and still be what somebody waited for.
            operator.woken.extend(self.cluster.keys());
        }
        operator.collection.woken |= look.is_whole && seen.has_evaluations;
        operator.sweeps.schedule.read(&look, &seen);
        match outcome {
            Ok(()) => self.swept(&look, &seen),
            Err(error) => {
                self.wake_concerned(&seen.changes);
                self.failed(&error);
            }
        }
        if let Some(operator) = &mut self.operator {
            operator.plan_next_look(now);
        }
        self.laws
            .audit(&mut self.report, &self.world.emulator, &self.cluster, now);
        self.world.emulator.clear_journal();
    }

    fn swept(&mut self, look: &Look, seen: &Seen) {
        let Some(operator) = &mut self.operator else { return };
        operator.sweeps.schedule.succeeded(look, look.is_whole);
        let scope = look.scope;
        // A list that only some objects need is read again at the next whole look when it could not be read.
        if (scope.datasets && !seen.has_datasets) || (scope.evaluations && !seen.has_evaluations) {
            operator.look_at_all(self.now.saturating_add(POLL).unwrap_or(self.now));
        }
        self.wake_concerned(&seen.changes);
        if look.is_whole {
            let contact = self.operator.as_ref().map(|operator| operator.resource.established());
            contact.into_iter().for_each(|contact| self.set_contact(contact));
        }
    }

    fn failed(&mut self, error: &Error) {
        let Some(operator) = &mut self.operator else { return };
        let failed = (operator.sweeps.schedule).failed(pace(self.now), error, &operator.contact);
        operator.sweeps.full_at = operator.sweeps.schedule.due(pace(self.now));
        if let Some(contact) = failed.contact {
            self.set_contact(contact);
        }
    }

    /// Notes what came of a contact, and wakes whom that concerns.
    fn set_contact(&mut self, contact: Contact) {
        let Some(operator) = &mut self.operator else { return };
        match operator.contact.concerns(&contact) {
            Concerned::Everyone => operator.woken.extend(self.cluster.keys()),
            Concerned::Leaving => operator.woken.extend(self.cluster.leaving()),
            Concerned::Nobody => {}
        }
        operator.collection.woken |= operator.contact != contact;
        operator.contact = contact;
    }

    /// Wakes the objects that stand for what changed, or depend on it.
    fn wake_concerned(&mut self, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        let Some(operator) = &mut self.operator else { return };
        operator.collection.woken |= !changes.evaluations.is_empty();
        let (owners, judged_with) = {
            let view = operator.resource.view();
            (owners_of(&view, changes), datasets_of(&view, changes))
        };
        let concerned = |endpoint: &SpeechEndpoint| {
            concerns_endpoint(endpoint, changes) || concerns_gate(endpoint, changes, &judged_with)
        };
        let owned = owners.iter().filter_map(|uid| self.cluster.by_uid.get(uid).copied());
        operator.woken.extend(owned);
        for (index, endpoint) in self.cluster.endpoints.iter().enumerate() {
            if endpoint.as_ref().is_some_and(concerned) {
                operator.woken.insert(Key::Endpoint(index));
            }
        }
        for (index, model) in self.cluster.models.iter().enumerate() {
            if model.as_ref().is_some_and(|model| concerns_model(model, changes)) {
                operator.woken.insert(Key::Model(index));
            }
        }
        if !(changes.endpoints.is_empty() && changes.models.is_empty()) {
            self.wake_queue();
        }
    }

    /// A place in the queue came free: those whose turn it may be now.
    pub(super) fn wake_queue(&mut self) {
        let Some(operator) = &mut self.operator else { return };
        let agenda = operator.resource.agenda();
        let swaps = agenda.queue.next_swaps().take(agenda.limits.swaps);
        let trainings = agenda.queue.next_trainings().take(agenda.limits.trainings);
        let first: Vec<Key> = swaps
            .chain(trainings)
            .filter_map(|uid| self.cluster.by_uid.get(uid).copied())
            .collect();
        drop(agenda);
        operator.woken.extend(first);
    }

    /// Reads all lists soon: an answer said that the view is not as it should be.
    pub(super) fn look_soon(&mut self, at: Timestamp) {
        if let Some(operator) = &mut self.operator {
            operator.look_at_all(at);
        }
    }
}

impl cluster::Cluster {
    /// The remote entities that the statuses of the objects name.
    pub(super) fn recorded(&self) -> Recorded {
        let endpoints = self.endpoints.iter().flatten();
        let ids = endpoints.filter_map(|endpoint| endpoint.status.as_ref()?.id);
        Recorded {
            endpoints: ids.collect(),
            models: self.models.iter().flatten().flat_map(revisions).collect(),
            evaluations: self.endpoints.iter().flatten().filter_map(pending_evaluation).collect(),
            datasets: Vec::new(),
        }
    }

    /// The datasets that specs name.
    pub(super) fn named_datasets(&self) -> Vec<speech_service::EntityId> {
        let trained = self.models.iter().flatten().flat_map(datasets_of_model);
        let judged = self.endpoints.iter().flatten().filter_map(datasets_of_endpoint);
        trained.chain(judged).collect()
    }

    /// The lists that the objects need beside those that all need.
    pub(super) fn uses(&self) -> Uses {
        let evaluations = self.endpoints.iter().flatten().any(judges);
        Uses {
            datasets: evaluations || self.models.iter().flatten().any(trains),
            evaluations,
        }
    }
}
