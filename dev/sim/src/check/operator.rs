//! What an operator does: passes over objects with the production planners and the production [`Pass`].
//!
//! A pass is cut where it awaits: between the look and the answer of the cluster or of the service everything else may
//! happen. A write to the cluster takes effect at once or meets a conflict, which is all that can be told apart from
//! outside: it is guarded by the `resourceVersion` that the decision saw.
use super::{
    Setting, law,
    planted::PlantedBug,
    service::Answer,
    state::{Asker, Begun, Replica, Request, State},
};
use crate::cluster::{Key, Kind, claim};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use speech_api::{SpeechEndpoint, SpeechModel};
use speech_plan::{
    Action, Failure, FailureClass, Hands, Pass, Plan, Stay, Step, Surroundings, testing::CLUSTER, view::View,
};
use speech_service::{Absent, EntityId, ModelId};
use std::sync::Arc;

/// The pause after a deletion of what nobody needs that failed; see `controller/connection` of the operator.
const COLLECTION_DELAY: SignedDuration = SignedDuration::from_mins(10);

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
        let gives_up = self.bug.gives_up(K::get(&s.replicas[r].cluster, index(key)));
        match begun.pass.next(&plan) {
            _ if gives_up => self.report::<K>(s, r, key, plan),
            Step::Claim(intent) => {
                if self.write::<K>(s, r, key, |object| claim(object, intent)) {
                    begun.pass.claimed(intent);
                    s.replicas[r].passes.insert(key, begun);
                }
            }
            Step::Release => {
                if self.write::<K>(s, r, key, |object| object.meta_mut().finalizers = None) {
                    s.replicas[r].awaits.remove(&key);
                }
            }
            Step::Request(action, asked) => {
                law::judge(s, r, key, &action);
                touch(Arc::make_mut(&mut s.replicas[r].view), &action);
                begun.asked = Some(asked);
                s.replicas[r].passes.insert(key, begun);
                s.requests.push(Request {
                    from: Some((r, Asker::Pass(key))),
                    to: s.replicas[r].link.place,
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
        let view = self.bug.view(&replica.view);
        let object = self
            .bug
            .object(K::get(&replica.cluster, index(key))?, pass.learned().announced, s.now);
        let plan = object.plan(
            &replica.cluster,
            Surroundings {
                now: s.now,
                cluster: CLUSTER,
                connection: replica.connection(&view),
                learned: pass.learned(),
                agenda: &replica.agenda,
                stay: Stay::Certain,
                hands: Hands::Free,
                namespace_ends: false,
            },
        );
        let uid = object.uid().unwrap_or_default();
        Arc::make_mut(&mut replica.agenda).queue.set(&uid, plan.wants);
        Some(plan)
    }

    /// Writes the status if it says something new.
    fn report<K: Kind>(&self, s: &mut State, r: usize, key: Key, plan: Plan<K::Status>) {
        match plan.awaits {
            Some(list) => drop(s.replicas[r].awaits.insert(key, list)),
            None => drop(s.replicas[r].awaits.remove(&key)),
        }
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
        let guarded = self.bug != PlantedBug::UnguardedWrites;
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
        let (Some((r, asker)), Some(answer)) = (request.from, request.answer) else {
            return;
        };
        let now = s.now;
        let operation = request.action.operation();
        let replica = &mut s.replicas[r];
        let view = Arc::make_mut(&mut replica.view);
        let failure = match answer {
            Answer::Endpoint(endpoint) => {
                if let Some(moved) = moved(&request.action) {
                    view.accepted.extend([moved]);
                    replica.promised.insert(moved.0, (moved.1, now));
                }
                view.endpoints.answered(endpoint);
                None
            }
            Answer::Model(model) => {
                view.models.answered(model);
                None
            }
            Answer::Evaluation(evaluation) => {
                view.evaluations.answered(evaluation);
                None
            }
            Answer::Deleted => {
                match request.action {
                    Action::DeleteModel(id) => view.models.removed(&Absent::assumed(id)),
                    Action::DeleteEndpoint(id) => {
                        view.accepted.remove(&id);
                        view.endpoints.removed(&Absent::assumed(id));
                    }
                    Action::DeleteEvaluation(id) => view.evaluations.removed(&Absent::assumed(id)),
                    _ => {}
                }
                None
            }
            Answer::Refused(class) => Some(failed(operation, class)),
        };
        if failure.is_some() {
            s.replicas[r].note_failure(&request.action);
        }
        self.tell(s, r, asker, failure);
    }

    /// The answer to a request is lost: it timed out, or the connection broke.
    pub fn lose(&self, s: &mut State, request: usize) {
        let lost = &mut s.requests[request];
        let from = lost.from.take();
        let (operation, action) = (lost.action.operation(), lost.action.clone());
        if lost.answer.is_some() {
            s.requests.remove(request);
        }
        let Some((r, asker)) = from else { return };
        s.replicas[r].note_failure(&action);
        self.tell(s, r, asker, Some(failed(operation, FailureClass::Uncertain)));
    }

    /// Tells who asked what came of it.
    fn tell(&self, s: &mut State, r: usize, asker: Asker, failure: Option<Failure>) {
        match asker {
            Asker::Pass(key) => self.answered(s, r, key, failure),
            Asker::Connection => s.replicas[r].collect_from = failure.map(|_| s.now + COLLECTION_DELAY),
        }
    }
}

impl Replica {
    /// Of a request that failed it is not known which model may come now; see `speech_resource::act`.
    fn note_failure(&mut self, action: &Action) {
        let view = Arc::make_mut(&mut self.view);
        touch(view, action);
        if let Some((id, _)) = moved(action) {
            view.accepted.remove(&id);
            self.promised.remove(&id);
        }
    }
}

/// The endpoint that a request moves to another model, and which one that is.
fn moved(action: &Action) -> Option<(EntityId, ModelId)> {
    match action {
        Action::UpdateEndpoint { id, change, .. } => Some((*id, change.model()?)),
        _ => None,
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
        Action::DeleteEvaluation(id) => view.evaluations.touch(*id),
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
    if !cache.keys().contains(&key) {
        replica.awaits.remove(&key);
    }
    replica.versions.insert(key, s.versions[&key]);
}
