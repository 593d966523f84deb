//! What may happen next, and what comes of it.
use super::{
    Setting,
    operator::{sweep, watch},
    state::{REPLICAS, State, TICK, number},
    trouble,
};
use crate::cluster::Key;
use speech_plan::Agenda;
use speech_service::EntityId;
use std::{fmt, sync::Arc};

/// One thing that happens.
#[derive(Clone, Copy, PartialEq)]
pub enum Event {
    /// An operator's watch catches up with an object.
    Watch(usize, Key),
    /// An operator reads the lists; they may lag.
    List { operator: usize, lags: bool },
    /// An operator looks at an object and takes a step, or goes on after one.
    Pass(usize, Key),
    /// A request takes effect.
    Arrive(usize),
    /// Its answer reaches who waits for it.
    Answer(usize),
    /// Nobody gets its answer; it may still take effect, within [`TICK`].
    Lose(usize),
    /// An operator dies and starts anew.
    Crash(usize),
    /// An operator begins to lead, whoever else does.
    Lead(usize),
    /// One of two leaders learns that it leads no more.
    Yield(usize),
    /// An operator reads lists that a gateway answers in place of the service: they are empty, and of no id it says anything.
    Lie(usize),
    /// A gateway answers a request in place of the service: it has no effect.
    Gateway(usize),
    /// The service refuses a request for a reason of its own that passes.
    Refuse(usize),
    /// Somebody deletes an entity of ours in the service.
    Vanish(EntityId),
    /// The clock moves on by [`TICK`].
    Tick,
    /// The clock jumps to the next date that means something.
    Leap,
    /// The service ends its work at an entity, well or not.
    End(EntityId, bool),
    /// A user deletes an object.
    Delete(Key),
    /// The world changes: a base model appears, or a spec is edited.
    Change,
}

impl Setting {
    /// What may happen next, in a fixed order.
    pub fn events(&self, s: &State, events: &mut Vec<Event>) {
        let (spent, most) = (&s.spent, &self.most);
        for (number, request) in s.requests.iter().enumerate() {
            match (&request.answer, request.from) {
                (None, from) => {
                    events.push(Event::Arrive(number));
                    if from.is_some() && spent.lies < most.lies {
                        events.push(Event::Gateway(number));
                    }
                    if from.is_some() && spent.refusals < most.refusals {
                        events.push(Event::Refuse(number));
                    }
                }
                (Some(_), Some(_)) => events.push(Event::Answer(number)),
                (Some(_), None) => {}
            }
            if request.from.is_some() && spent.losses < most.losses {
                events.push(Event::Lose(number));
            }
        }
        for (r, replica) in s.replicas.iter().enumerate().filter(|(_, replica)| replica.leads) {
            for key in s.keys() {
                let pass = replica.passes.get(&key);
                if pass.is_none() && replica.versions.get(&key) != s.versions.get(&key) {
                    events.push(Event::Watch(r, key));
                }
                if pass.is_none_or(|pass| pass.asked.is_none()) && replica.view.is_complete() {
                    events.push(Event::Pass(r, key));
                }
            }
            events.push(Event::List {
                operator: r,
                lags: false,
            });
            if spent.lags < most.lags && !Arc::ptr_eq(&s.service, &s.shown) {
                events.push(Event::List {
                    operator: r,
                    lags: true,
                });
            }
            if spent.lies < most.lies {
                events.push(Event::Lie(r));
            }
            if spent.crashes < most.crashes {
                events.push(Event::Crash(r));
            }
        }
        let leaders = s.replicas.iter().filter(|replica| replica.leads).count();
        if leaders > 1 {
            events.extend((0..REPLICAS).map(Event::Yield));
        } else if spent.leaders < most.leaders {
            events.extend((0..REPLICAS).filter(|r| !s.replicas[*r].leads).map(Event::Lead));
        }
        for id in s.service.at_work() {
            events.push(Event::End(id, true));
            if spent.failures < most.failures {
                events.push(Event::End(id, false));
            }
        }
        if spent.vanishings < most.vanishings {
            events.extend(trouble::replaceable(s).map(Event::Vanish));
        }
        if spent.deletions < most.deletions {
            events.extend(
                s.keys()
                    .into_iter()
                    .filter(|key| self.is_deletable(s, *key))
                    .map(Event::Delete),
            );
        }
        if spent.changes < most.changes {
            events.push(Event::Change);
        }
        // What waits for an answer times out within a tick: the answer has to arrive or be lost before.
        let waits = |pass: &super::state::Begun| pass.asked.is_some() || !self.leaves_late || pass.at < s.now;
        let may_move = !s.replicas.iter().any(|replica| replica.passes.values().any(waits));
        if may_move && spent.ticks < most.ticks {
            events.push(Event::Tick);
        }
        if may_move && spent.leaps < most.leaps && self.landmarks.iter().any(|at| *at > s.now) {
            events.push(Event::Leap);
        }
    }

    /// Makes it happen.
    pub fn happen(&self, s: &mut State, event: Event) {
        match event {
            Event::Watch(r, key) => watch(s, r, key),
            Event::List { operator, lags } => {
                s.spent.lags += u8::from(lags);
                sweep(s, operator, lags);
            }
            Event::Pass(r, key) => drop(self.pass(s, r, key)),
            Event::Arrive(number) => {
                let (now, request) = (s.now, &mut s.requests[number]);
                request.answer = Some(Arc::make_mut(&mut s.service).take(&request.action, now));
                if request.from.is_none() {
                    s.requests.remove(number);
                }
            }
            Event::Answer(number) => self.answer(s, number),
            Event::Lose(number) => {
                s.spent.losses += 1;
                self.lose(s, number);
            }
            Event::Lie(r) => {
                s.spent.lies += 1;
                trouble::sweep(self.plant, s, r);
            }
            Event::Gateway(number) => {
                s.spent.lies += 1;
                trouble::gateway(self.plant, s, number);
                self.answer(s, number);
            }
            Event::Refuse(number) => {
                s.spent.refusals += 1;
                trouble::refuse(s, number);
                self.answer(s, number);
            }
            Event::Vanish(id) => {
                s.spent.vanishings += 1;
                trouble::vanish(s, id);
            }
            Event::Crash(r) => {
                s.spent.crashes += 1;
                restart(s, r);
            }
            Event::Lead(r) => {
                s.spent.leaders += 1;
                s.replicas[r].leads = true;
                // Who does not lead watches the cluster, and does not read the lists.
                s.replicas[r].view = Arc::default();
            }
            Event::Yield(r) => {
                s.replicas[r].leads = false;
                abandon(s, r);
            }
            Event::Tick => {
                s.spent.ticks += 1;
                let now = s.now;
                s.requests.retain(|request| request.sent == now);
                s.now = now + TICK;
                s.shown = Arc::clone(&s.service);
            }
            Event::Leap => {
                s.spent.leaps += 1;
                s.requests.clear();
                let next = self.landmarks.iter().copied().find(|at| *at > s.now);
                s.now = next.unwrap_or(s.now);
                s.shown = Arc::clone(&s.service);
            }
            Event::End(id, good) => {
                s.spent.failures += u8::from(!good);
                let now = s.now;
                Arc::make_mut(&mut s.service).finish(id, good, now);
            }
            Event::Delete(key) => {
                s.spent.deletions += 1;
                let now = s.now;
                Arc::make_mut(&mut s.cluster).delete(key, now);
                s.versions.entry(key).and_modify(|version| *version += 1);
            }
            Event::Change => {
                let number = usize::from(s.spent.changes);
                s.spent.changes += 1;
                (self.changes[number])(s);
            }
        }
    }
}

/// The passes of an operator end where they are; what it sent is on its way.
fn abandon(s: &mut State, r: usize) {
    s.replicas[r].passes.clear();
    for request in &mut s.requests {
        request.from = request.from.filter(|(from, _)| *from != r);
    }
    s.requests
        .retain(|request| request.from.is_some() || request.answer.is_none());
}

/// An operator dies: all that it knew is lost; it lists the objects anew, and has seen nothing of the service yet.
fn restart(s: &mut State, r: usize) {
    abandon(s, r);
    let replica = &mut s.replicas[r];
    replica.view = Arc::default();
    replica.troubled = false;
    replica.agenda = Arc::new(Agenda {
        limits: replica.agenda.limits,
        ..Agenda::default()
    });
    replica.cluster = Arc::clone(&s.cluster);
    replica.versions = s.versions.clone();
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watch(r, key) => write!(f, "operator {r} sees {key:?} as it is"),
            Self::List { operator, lags: false } => write!(f, "operator {operator} reads the lists"),
            Self::List { operator, lags: true } => write!(f, "operator {operator} reads lists that lag"),
            Self::Pass(r, key) => write!(f, "operator {r} looks at {key:?} and takes a step"),
            Self::Arrive(n) => write!(f, "request {n} takes effect"),
            Self::Answer(n) => write!(f, "request {n} is answered"),
            Self::Lose(n) => write!(f, "the answer to request {n} is lost"),
            Self::Lie(r) => write!(f, "operator {r} reads lists of a gateway"),
            Self::Gateway(n) => write!(f, "a gateway answers request {n}"),
            Self::Refuse(n) => write!(f, "request {n} is refused"),
            Self::Vanish(id) => write!(f, "somebody deletes {}", number(*id)),
            Self::Crash(r) => write!(f, "operator {r} dies and starts anew"),
            Self::Lead(r) => write!(f, "operator {r} begins to lead"),
            Self::Yield(r) => write!(f, "operator {r} leads no more"),
            Self::Tick => write!(f, "a minute passes"),
            Self::Leap => write!(f, "the clock jumps to the next date"),
            Self::End(id, true) => write!(f, "the service succeeds with {}", number(*id)),
            Self::End(id, false) => write!(f, "the service fails with {}", number(*id)),
            Self::Delete(key) => write!(f, "a user deletes {key:?}"),
            Self::Change => write!(f, "the world changes"),
        }
    }
}
