//! What an operator does: passes over objects with the production planners and the production [`Pass`], and reads of the
//! lists into the production view.
//!
//! A pass is cut where it awaits: between the look and the answer of the cluster or of the service everything else may
//! happen. A write to the cluster takes effect at once or meets a conflict, which is all that can be told apart from
//! outside: it is guarded by the `resourceVersion` that the decision saw.
use super::{
    Setting, law,
    plant::Plant,
    service::{Answer, Service},
    state::{Begun, Replica, Request, State},
};
use crate::cluster::{Key, Kind, claim};
use jiff::Timestamp;
use kube::ResourceExt;
use speech_api::{SpeechEndpoint, SpeechModel};
use speech_plan::{
    Action, ConnectionState, Failure, FailureClass, Hands, Pass, Plan, Stay, Step, Surroundings,
    testing::CLUSTER,
    view::{Remote, Shelf, View},
};
use speech_service::{Absent, EntityId};
use std::sync::Arc;

/// What a pass found when it looked.
pub struct Looked {
    /// Whether it left something to do or to wait for.
    pub busy: bool,
    /// When time alone may change the decision.
    pub look_again: Option<Timestamp>,
}

impl Setting {
    /// Begins a pass over an object, or goes on with one after a write to the cluster.
    pub fn pass(&self, s: &mut State, r: usize, key: Key) -> Looked {
        match key {
            Key::Model(_) => self.turn::<SpeechModel>(s, r, key),
            Key::Endpoint(_) => self.turn::<SpeechEndpoint>(s, r, key),
        }
    }

    /// Goes on with a pass that learned what came of its request.
    fn answered(&self, s: &mut State, r: usize, key: Key, failure: Option<Failure>) {
        if let Some(Begun { pass, asked, .. }) = s.replicas[r].passes.get_mut(&key)
            && let Some(asked) = asked.take()
        {
            pass.answered(asked, failure);
        }
        self.pass(s, r, key);
    }

    /// Decides, takes one step.
    fn turn<K: Kind>(&self, s: &mut State, r: usize, key: Key) -> Looked {
        let mut begun = s.replicas[r].passes.remove(&key).unwrap_or_else(|| Begun::at(s.now));
        let Some(plan) = self.decide::<K>(s, r, key, &begun.pass) else {
            return Looked {
                busy: false,
                look_again: None,
            };
        };
        let looked = Looked {
            busy: plan.action.is_some() || plan.awaits.is_some(),
            look_again: plan.look_again,
        };
        let gives_up = self.plant.gives_up(K::get(&s.replicas[r].cluster, index(key)));
        match begun.pass.next(&plan) {
            _ if gives_up => self.report::<K>(s, r, key, plan),
            Step::Claim(intent) => {
                if self.write::<K>(s, r, key, |object| claim(object, intent)) {
                    begun.pass.claimed(intent);
                    s.replicas[r].passes.insert(key, begun);
                }
            }
            Step::Release => {
                self.write::<K>(s, r, key, |object| object.meta_mut().finalizers = None);
            }
            Step::Request(action, asked) => {
                law::judge(s, r, key, &action);
                touch(Arc::make_mut(&mut s.replicas[r].view), &action);
                begun.asked = Some(asked);
                s.replicas[r].passes.insert(key, begun);
                s.requests.push(Request {
                    from: Some((r, key)),
                    action,
                    sent: s.now,
                    answer: None,
                });
            }
            Step::Report => self.report::<K>(s, r, key, plan),
        }
        looked
    }

    /// Looks and decides, with what this operator knows.
    fn decide<K: Kind>(&self, s: &mut State, r: usize, key: Key, pass: &Pass) -> Option<Plan<K::Status>> {
        let replica = &mut s.replicas[r];
        let view = self.plant.view(&replica.view);
        let object = self
            .plant
            .object(K::get(&replica.cluster, index(key))?, pass.learned().announced);
        let plan = object.plan(
            &replica.cluster,
            Surroundings {
                now: s.now,
                cluster: CLUSTER,
                connection: match replica.troubled {
                    false => ConnectionState::Ready {
                        view: &view,
                        has_projects: true,
                    },
                    true => ConnectionState::NotReady {
                        message: "a gateway answered",
                        view: view.is_complete().then_some(&*view),
                        usable: true,
                        since: None,
                    },
                },
                learned: pass.learned(),
                agenda: &replica.agenda,
                stay: Stay::Certain,
                hands: Hands::Free,
                namespace_ends: false,
            },
        );
        let uid = object.uid().unwrap_or_default();
        Arc::make_mut(&mut replica.agenda).line.set(&uid, plan.wants);
        Some(plan)
    }

    /// Writes the status if it says something new.
    fn report<K: Kind>(&self, s: &mut State, r: usize, key: Key, plan: Plan<K::Status>) {
        let known = K::get(&s.replicas[r].cluster, index(key));
        if known.is_some_and(|object| object.status() == Some(&plan.status)) {
            return;
        }
        if self.write::<K>(s, r, key, |object| object.set_status(plan.status)) {
            law::note_id(s, key);
        }
    }

    /// Writes to the cluster, unless the object is another by now. The writer knows what it wrote.
    fn write<K: Kind>(&self, s: &mut State, r: usize, key: Key, change: impl FnOnce(&mut K)) -> bool {
        let guarded = self.plant != Plant::UnguardedWrites;
        let replica = &mut s.replicas[r];
        if guarded && replica.versions.get(&key) != s.versions.get(&key) {
            return false;
        }
        let slot = K::slot(Arc::make_mut(&mut s.cluster), index(key));
        let Some(object) = slot.and_then(Option::as_mut) else {
            return false;
        };
        change(object);
        let gone = object.finalizers().is_empty() && object.meta().deletion_timestamp.is_some();
        if gone && let Some(slot) = K::slot(Arc::make_mut(&mut s.cluster), index(key)) {
            *slot = None;
        }
        if let Some(version) = s.versions.get_mut(&key) {
            *version += 1;
        }
        watch(s, r, key);
        true
    }

    /// The answer to a request arrives.
    pub fn answer(&self, s: &mut State, request: usize) {
        let request = s.requests.remove(request);
        let (Some((r, key)), Some(answer)) = (request.from, request.answer) else {
            return;
        };
        let operation = request.action.operation();
        let view = Arc::make_mut(&mut s.replicas[r].view);
        let failure = match answer {
            Answer::Endpoint(endpoint) => {
                view.endpoints.answered(endpoint);
                None
            }
            Answer::Model(model) => {
                view.models.answered(model);
                None
            }
            Answer::Deleted => {
                match request.action {
                    Action::DeleteModel(id) => view.models.removed(&Absent::assumed(id)),
                    Action::DeleteEndpoint(id) => view.endpoints.removed(&Absent::assumed(id)),
                    _ => {}
                }
                None
            }
            Answer::Refused(class) => Some(failed(operation, class)),
        };
        if failure.is_some() {
            touch(view, &request.action);
        }
        self.answered(s, r, key, failure);
    }

    /// The answer to a request is lost: it timed out, or the connection broke.
    pub fn lose(&self, s: &mut State, request: usize) {
        let lost = &mut s.requests[request];
        let from = lost.from.take();
        let (operation, action) = (lost.action.operation(), lost.action.clone());
        if lost.answer.is_some() {
            s.requests.remove(request);
        }
        let Some((r, key)) = from else { return };
        touch(Arc::make_mut(&mut s.replicas[r].view), &action);
        self.answered(s, r, key, Some(failed(operation, FailureClass::Uncertain)));
    }
}

fn failed(operation: &'static str, class: FailureClass) -> Failure {
    Failure {
        operation,
        code: "Code".into(),
        message: "words".into(),
        class,
    }
}

/// What was read before a mutation left proves nothing about it; see `speech_resource::act`.
fn touch(view: &mut View, action: &Action) {
    match action {
        Action::UpdateEndpoint { id, .. } | Action::DeleteEndpoint(id) => view.endpoints.touch(*id),
        Action::UpdateModel { id, .. } | Action::DeleteModel(id) => view.models.touch(*id),
        _ => {}
    }
}

/// The place of an object among its kind.
pub fn index(key: Key) -> usize {
    match key {
        Key::Model(index) | Key::Endpoint(index) => index,
    }
}

/// An operator sees an object as it is now.
pub fn watch(s: &mut State, r: usize, key: Key) {
    let replica = &mut s.replicas[r];
    let cache = Arc::make_mut(&mut replica.cluster);
    match key {
        Key::Model(index) => cache.models[index].clone_from(&s.cluster.models[index]),
        Key::Endpoint(index) => cache.endpoints[index].clone_from(&s.cluster.endpoints[index]),
    }
    replica.versions.insert(key, s.versions[&key]);
}

/// An operator reads all lists, which may lag; what they lack is asked for by its id, which does not.
pub fn sweep(s: &mut State, r: usize, lags: bool) {
    let (now, service) = (s.now, Arc::clone(&s.service));
    s.replicas[r].troubled = false;
    let listed = if lags { &s.shown } else { &s.service };
    let recorded = recorded(&s.replicas[r]);
    let view = Arc::make_mut(&mut s.replicas[r].view);
    read(
        &mut view.endpoints,
        listed.endpoints.values().cloned().collect(),
        &recorded,
        now,
        |id| service.endpoints.get(&id).cloned(),
    );
    read(
        &mut view.models,
        listed.models.values().cloned().collect(),
        &recorded,
        now,
        |id| service.models.get(&id).cloned(),
    );
    read(
        &mut view.base_models,
        service.base_models.values().cloned().collect(),
        &[],
        now,
        |_| None,
    );
    read(&mut view.datasets, Service::datasets(), &[], now, |_| None);
}

/// As `speech_resource::read` reads a list.
fn read<T: Remote>(
    shelf: &mut Shelf<T>,
    listed: Vec<T>,
    recorded: &[EntityId],
    now: Timestamp,
    get: impl Fn(EntityId) -> Option<T>,
) {
    let began = shelf.begin();
    if !shelf.is_known() {
        for id in recorded {
            match get(*id) {
                Some(found) => drop(shelf.read(found, began)),
                None => shelf.note_gone(&Absent::assumed(*id)),
            }
        }
    }
    let (_, missing) = shelf.swept(listed, began, now);
    for id in missing {
        let began = shelf.begin();
        match get(id) {
            Some(found) => drop(shelf.read(found, began)),
            None => drop(shelf.vanished(&Absent::assumed(id), began)),
        }
    }
    shelf.complete(now);
}

/// The ids that the statuses name.
fn recorded(replica: &Replica) -> Vec<EntityId> {
    let endpoints = replica.cluster.endpoints.iter().flatten();
    let endpoints = endpoints.filter_map(|object| object.status.as_ref()?.id.clone());
    let models = replica
        .cluster
        .models
        .iter()
        .flatten()
        .filter_map(|object| object.status.as_ref());
    let models = models.flat_map(|status| status.ids().map(str::to_owned));
    endpoints.chain(models).filter_map(|id| id.parse().ok()).collect()
}
