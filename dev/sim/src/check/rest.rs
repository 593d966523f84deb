//! Liveness: once the faults stop, the world comes to rest as declared.
//!
//! From a state on, one operator leads, lists do not lag, answers arrive, the service ends its work well, and every object
//! is looked at in turn. That course has no choices, so that each state has one: where it meets a state whose course is
//! known to end well, it ends well.
use super::{
    Setting,
    connection::Place,
    event::take,
    law,
    look::{Lists, look},
    operator::watch,
    service::Ending,
    setting::OTHER,
    state::{REPLICAS, State},
};
use crate::cluster::Key;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{Reason, SpeechEndpointStatus, SpeechModel, condition};
use speech_service::{
    ModelId,
    entity::{Endpoint, Evaluation},
};
use std::sync::Arc;

/// How many rounds the way to rest may take.
const ROUNDS: usize = 60;
/// From one round to the next.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// What lies further ahead does not keep the world from its rest.
const HORIZON: SignedDuration = SignedDuration::from_hours(2);

impl Setting {
    /// Lets the faults stop; tells what is not as declared at the end.
    pub fn rest(&self, from: &State) -> Result<(), String> {
        let mut s = from.clone();
        let course = self.follow(&mut s, |future| self.known(future))?;
        self.learn(&course);
        Ok(())
    }

    /// The state at the end of the course from a state, as all operators know it.
    pub fn settled(&self, from: &State) -> Result<State, String> {
        let mut s = from.clone();
        self.follow(&mut s, |_| false)?;
        for r in 0..REPLICAS {
            s.keys().into_iter().for_each(|key| watch(&mut s, r, key));
        }
        Ok(s)
    }

    /// Follows the course from a state to its end, or to where it is known to end well.
    fn follow(&self, s: &mut State, is_known: impl Fn(u64) -> bool) -> Result<Vec<u64>, String> {
        stop_faults(s);
        let mut course = Vec::new();
        for _ in 0..ROUNDS {
            let future = s.future();
            if is_known(future) {
                return Ok(course);
            }
            course.push(future);
            let before = s.clone();
            let (busy, again) = self.round(s);
            if let Some(broken) = s.broken.first().cloned().or_else(|| law::state(s)) {
                return Err(format!("on the way to rest: {broken:?} in {s:?}"));
            }
            let soon = again.filter(|at| *at < s.now + HORIZON && !is_astray(s));
            let same = before.versions == s.versions
                && before.service.print() == s.service.print()
                && before.away.print() == s.away.print();
            if !busy && soon.is_none() && same && is_informed(s) {
                return self.as_declared(s).map(|()| course);
            }
            s.now = match soon {
                Some(at) if !busy => at.max(s.now + SignedDuration::from_secs(1)),
                Some(_) | None => s.now + PAUSE,
            };
            s.shown = Arc::clone(&s.service);
        }
        Err(format!("no rest after {ROUNDS} rounds: {s:?}"))
    }

    /// Everything happens once. Tells whether somebody is busy, and when time alone changes something.
    fn round(&self, s: &mut State) -> (bool, Option<Timestamp>) {
        let r = leader(s);
        self.serve(s);
        let (mut busy, mut again) = (false, None::<Timestamp>);
        let mut mind = |s: &mut State| {
            if self.minds_connection(s, r) {
                let looked = self.look_at_connection(s, r);
                busy |= looked.busy;
                again = again.into_iter().chain(looked.look_again).min();
            }
        };
        mind(s);
        look(self.bug, s, r, Lists::Current);
        mind(s);
        self.serve(s);
        for key in s.keys() {
            s.keys().into_iter().for_each(|key| watch(s, r, key));
            loop {
                let looked = self.pass(s, r, key);
                let waits = s.replicas[r].passes.get(&key).map(|begun| begun.asked.is_some());
                match waits {
                    Some(true) => {
                        busy = true;
                        self.serve(s);
                    }
                    Some(false) => continue,
                    None => {
                        busy |= looked.busy;
                        again = again.into_iter().chain(looked.look_again).min();
                    }
                }
                break;
            }
        }
        (busy, again)
    }

    /// The service answers all requests, and ends its work well.
    fn serve(&self, s: &mut State) {
        while let Some(request) = s.requests.first().cloned() {
            if request.answer.is_none() {
                take(s, 0);
            }
            self.answer(s, 0);
        }
        for (place, id) in s.at_work() {
            let now = s.now;
            s.at_mut(place).finish(id, Ending::Good, now);
        }
    }

    /// Whether all is as declared, now that nothing moves any more.
    fn as_declared(&self, s: &State) -> Result<(), String> {
        for (index, object) in s.cluster.models.iter().enumerate() {
            let Some(object) = object else { continue };
            let status = object.status.clone().unwrap_or_default();
            let ready = is_ready(&status.conditions);
            let current = status.current.as_ref().map(|current| current.id);
            let exists = current.is_some_and(|id| s.service.models.contains_key(&id));
            // A model that is being deleted stays while an endpoint uses it.
            let fine = match object.metadata.deletion_timestamp {
                Some(_) => s
                    .service
                    .endpoints
                    .values()
                    .any(|e| e.model.is_some_and(|m| is_of(s, OTHER, m))),
                None => ready && exists || s.spent.failures > 0,
            };
            if !fine {
                return Err(format!(
                    "model {index} is not as declared: {:?} in {s:?}",
                    said(&status.conditions)
                ));
            }
        }
        for (index, object) in s.cluster.endpoints.iter().enumerate() {
            let Some(object) = object else { continue };
            let status = object.status.clone().unwrap_or_default();
            let problem = if object.metadata.deletion_timestamp.is_some() {
                Some("it is still there")
            } else if s.spent.failures > 0 || s.cluster.models.iter().any(is_leaving) {
                None
            } else {
                self.serves_badly(s, index, &status)
            };
            if let Some(problem) = problem {
                return Err(format!(
                    "endpoint {index}: {problem}: {:?} in {s:?}",
                    said(&status.conditions)
                ));
            }
        }
        let left = s.service.evaluations.len() + s.away.evaluations.len();
        if left > 0 {
            return Err(format!("{left} evaluations are left behind in {s:?}"));
        }
        Ok(())
    }

    /// The endpoint that the status names exists, is ready, and serves one of the models that it may.
    fn serves_badly(&self, s: &State, index: usize, status: &SpeechEndpointStatus) -> Option<&'static str> {
        let best = (self.best)(s, index);
        let named = |endpoint: &&Endpoint| status.id == Some(endpoint.header.id);
        let place = Place::of(&s.cluster.connection);
        // What it serves in the one resource stays, as long as nobody accepts the other.
        if place == Place::Away && !s.is_accepted() {
            return (!s.service.endpoints.values().any(|e| named(&e))).then_some("it forgot its endpoint");
        }
        match s.at(place).endpoints.values().find(named) {
            _ if best.is_empty() => None,
            None => Some("it names no endpoint"),
            Some(endpoint) if !best.contains(&endpoint.model?.entity()) => Some("it serves another model"),
            Some(_) => (!is_settled(&status.conditions)).then_some("it is not ready"),
        }
    }
}

/// Whether who leads knows all that exists: base models and evaluations are read every ten minutes.
fn is_informed(s: &State) -> bool {
    let replica = &s.replicas[leader(s)];
    let (view, service) = (&replica.view, s.at(replica.link.place));
    let is_seen = |found: &Evaluation| {
        let entry = view.evaluations.get(found.header.id);
        entry.is_some_and(|entry| entry.confirmed && *entry.entity == *found)
    };
    let evaluations = service.evaluations.values().all(is_seen);
    !replica.link.trusted || (evaluations && view.base_models.len() == service.base_models.len())
}

/// Whether the connection leads to another Speech resource: what only time could change waits for a person.
fn is_astray(s: &State) -> bool {
    !s.replicas[leader(s)].link.trusted
}

/// One operator leads; the passes of the other end.
fn stop_faults(s: &mut State) {
    let r = leader(s);
    for (number, replica) in s.replicas.iter_mut().enumerate() {
        replica.leads = number == r;
        if number != r {
            replica.passes.clear();
        }
    }
    // A pass between two writes ends with its deadline.
    let announced: Vec<Key> = s.replicas[r]
        .passes
        .iter()
        .filter(|(_, pass)| pass.asked.is_none())
        .map(|(key, _)| *key)
        .collect();
    s.replicas[r].passes.retain(|key, _| !announced.contains(key));
    for request in &mut s.requests {
        request.from = request.from.filter(|(from, _)| *from == r);
    }
}

/// Whether a model carries the mark of this object.
fn is_of(s: &State, uid: &str, model: ModelId) -> bool {
    let found = s.service.models.get(&model.entity());
    found.is_some_and(|model| model.header.owner.as_ref().is_some_and(|tag| tag.uid == uid))
}

fn is_leaving(object: &Option<SpeechModel>) -> bool {
    object
        .as_ref()
        .is_none_or(|object| object.metadata.deletion_timestamp.is_some())
}

/// Who leads in the end: the one that came last.
fn leader(s: &State) -> usize {
    s.replicas.iter().rposition(|replica| replica.leads).unwrap_or(0)
}

fn is_ready(conditions: &[Condition]) -> bool {
    let is = |kind: &str, status: &str| condition::find(conditions, kind).is_some_and(|c| c.status == status);
    is(condition::READY, "True") && !is(condition::RECONCILING, "True")
}

/// Ready, or kept on its model because the next expires earlier.
fn is_settled(conditions: &[Condition]) -> bool {
    let stalled = condition::find(conditions, condition::STALLED);
    is_ready(conditions) || stalled.is_some_and(|c| c.reason == Reason::ModelExpiresEarlier.as_str())
}

fn said(conditions: &[Condition]) -> String {
    speech_plan::testing::said(conditions)
}
