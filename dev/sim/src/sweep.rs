//! Reading the lists: with the controller's own code, at the times at which that could show something new.
use super::{
    cluster::{self, Key},
    operator::{FASTEST, POLL},
    region::Region,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::SpeechEndpoint;
use speech_operator::controller::{
    remote::{Scope, Seen, broken, counts, read},
    wake,
};
use speech_plan::{List, connection::Contact, view::Changes};
use speech_service::{Error, Lane};

/// So many sweeps may fail for reasons that pass by themselves before the connection counts as broken.
const PATIENCE: u32 = 3;

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
            self.network.count_idle(operator.awaited_lists());
            operator.plan_next_look(now);
        }
    }

    fn sweep(&mut self, full: bool) {
        let now = self.now;
        let Some(operator) = &mut self.operator else { return };
        let full = full || operator.sweeps.failures > 0 || !operator.is_waiting();
        let uses = self.cluster.uses();
        let held = operator.remote.holds_evaluations_of(cluster::UID);
        let evaluations = full && operator.sweeps.last_look.wants(uses.evaluations, held);
        if operator.awaits(List::Evaluations) {
            operator.sweeps.last_look.awaited();
        }
        let scope = Scope {
            endpoints: full || operator.awaits(List::Endpoints),
            models: full || operator.awaits(List::Models),
            base_models: full && operator.sweeps.base_models,
            datasets: operator.awaits(List::Datasets) || (full && uses.datasets),
            evaluations: operator.awaits(List::Evaluations) || evaluations,
        };
        let mut recorded = if operator.is_first(scope) {
            self.cluster.recorded()
        } else {
            wake::Recorded::default()
        };
        if scope.datasets {
            recorded.datasets = self.cluster.named_datasets();
        }
        let known_before = operator.known();
        let (remote, client) = (&operator.remote, &operator.client);
        let (seen, outcome) = futures::executor::block_on(read(remote, client, scope, &recorded, now));
        operator.sweeps.last_at = now;
        if let Some(wait) = self.network.take_throttled() {
            operator.rest(wait, now);
        }
        if full && outcome.is_ok() {
            operator.sweeps.full_at = None;
        }
        operator.sweeps.quiet_until = self.world.emulator.next_change();
        // What changes while nobody waits is seen by the next regular look.
        if let Some(quiet) = operator.sweeps.quiet_until {
            operator.look_at_all(quiet.max(now).saturating_add(POLL).unwrap_or(now));
        }
        if operator.known() != known_before {
            // A list may be empty, and still be what somebody waited for.
            operator.woken.extend(self.cluster.keys());
        }
        operator.collection.woken |= full && seen.has_evaluations;
        if full && seen.has_evaluations {
            operator.sweeps.last_look.taken(uses.evaluations);
        }
        match outcome {
            Ok(()) => self.swept(scope, full, &seen),
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

    fn swept(&mut self, scope: Scope, full: bool, seen: &Seen) {
        let Some(operator) = &mut self.operator else { return };
        operator.sweeps.failures = 0;
        // A list that only some objects need is read again at the next whole look when it could not be read.
        if (scope.datasets && !seen.has_datasets) || (scope.evaluations && !seen.has_evaluations) {
            operator.look_at_all(self.now.saturating_add(POLL).unwrap_or(self.now));
        }
        if scope.base_models {
            operator.sweeps.base_models = false;
        }
        self.wake_concerned(&seen.changes);
        if full {
            let contact = self.operator.as_ref().map(|operator| counts(&operator.remote.view()));
            contact
                .into_iter()
                .for_each(|counts| self.set_contact(Contact::Established(counts)));
        }
    }

    fn failed(&mut self, error: &Error) {
        let Some(operator) = &mut self.operator else { return };
        operator.sweeps.failures = operator.sweeps.failures.saturating_add(1);
        let failures = operator.sweeps.failures;
        let pause = FASTEST * 2_i32.saturating_pow(failures.saturating_sub(1).min(10));
        let asked = error.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
        let pause = asked.unwrap_or(pause).clamp(FASTEST, POLL);
        operator.sweeps.full_at = Some(self.now.saturating_add(pause).unwrap_or(self.now));
        let counts = match &operator.contact {
            Contact::Established(counts) => Some(*counts),
            Contact::Broken { counts, .. } => *counts,
            Contact::Pending => None,
        };
        let contact = broken(error, counts);
        let passes = matches!(contact, Contact::Broken { transient: true, .. });
        if !(passes && failures < PATIENCE && counts.is_some()) {
            self.set_contact(contact);
        }
    }

    /// Notes what came of a contact, and wakes whom that concerns.
    fn set_contact(&mut self, contact: Contact) {
        let Some(operator) = &mut self.operator else { return };
        let established = |contact: &Contact| matches!(contact, Contact::Established(_));
        let opens = operator.contact == Contact::Pending || (established(&contact) && !established(&operator.contact));
        let breaks = established(&operator.contact) && !established(&contact);
        let news = operator.contact != contact;
        operator.contact = contact;
        if opens {
            operator.woken.extend(self.cluster.keys());
        } else if breaks {
            operator.woken.extend(self.cluster.leaving());
        }
        operator.collection.woken |= news;
    }

    /// Wakes the objects that stand for what changed, or depend on it.
    fn wake_concerned(&mut self, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        let Some(operator) = &mut self.operator else { return };
        operator.collection.woken |= !changes.evaluations.is_empty();
        let owners = operator.remote.owners_of(changes);
        let judged_with = wake::datasets_of(&operator.remote, changes);
        let concerned = |endpoint: &SpeechEndpoint| {
            wake::concerns_endpoint(endpoint, changes) || wake::concerns_gate(endpoint, changes, &judged_with)
        };
        let owned = owners.iter().filter_map(|uid| self.cluster.by_uid.get(uid).copied());
        operator.woken.extend(owned);
        for (index, endpoint) in self.cluster.endpoints.iter().enumerate() {
            if endpoint.as_ref().is_some_and(concerned) {
                operator.woken.insert(Key::Endpoint(index));
            }
        }
        for (index, model) in self.cluster.models.iter().enumerate() {
            if model.as_ref().is_some_and(|model| wake::concerns_model(model, changes)) {
                operator.woken.insert(Key::Model(index));
            }
        }
        if !(changes.endpoints.is_empty() && changes.models.is_empty()) {
            self.wake_line();
        }
    }

    /// A place in the line came free: those whose turn it may be now.
    pub(super) fn wake_line(&mut self) {
        let Some(operator) = &mut self.operator else { return };
        let agenda = operator.remote.agenda();
        let swaps = agenda.line.next_swaps().take(agenda.limits.swaps);
        let trainings = agenda.line.next_trainings().take(agenda.limits.trainings);
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
    fn recorded(&self) -> wake::Recorded {
        let endpoints = self.endpoints.iter().flatten();
        let ids = endpoints.filter_map(|endpoint| endpoint.status.as_ref()?.id.as_deref()?.parse().ok());
        wake::Recorded {
            endpoints: ids.collect(),
            models: self.models.iter().flatten().flat_map(wake::revisions).collect(),
            evaluations: self
                .endpoints
                .iter()
                .flatten()
                .filter_map(wake::pending_evaluation)
                .collect(),
            datasets: Vec::new(),
        }
    }

    /// The datasets that specs name.
    pub(super) fn named_datasets(&self) -> Vec<speech_service::EntityId> {
        let trained = self.models.iter().flatten().flat_map(wake::datasets_of_model);
        let judged = self.endpoints.iter().flatten().filter_map(wake::datasets_of_endpoint);
        trained.chain(judged).collect()
    }

    /// The lists that the objects need beside those that all need.
    fn uses(&self) -> wake::Uses {
        let evaluations = self
            .endpoints
            .iter()
            .flatten()
            .any(|endpoint| endpoint.spec.swap.gate.is_some());
        let trains = self
            .models
            .iter()
            .flatten()
            .any(|model| model.spec.source.training.is_some());
        wake::Uses {
            datasets: evaluations || trains,
            evaluations,
        }
    }
}
