//! What may happen next, and what comes of it.
use super::{
    Setting,
    connection::Place,
    look::{Lists, look},
    operator::watch,
    planted::PlantedBug,
    service::Ending,
    state::{Asker, REPLICAS, State, TICK, number},
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
    /// An operator reads the lists that are due, or that somebody waits for.
    Look(usize, Lists),
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
    /// A service ends its work at an entity.
    End(Place, EntityId, Ending),
    /// The model that an endpoint was moved to comes to nothing, and the service goes on showing the one before.
    Omit(EntityId),
    /// An operator looks at the connection.
    Connect(usize),
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
                // None begins before the first look at the service has ended.
                let may_go_on = match pass {
                    Some(pass) => pass.asked.is_none(),
                    None => !replica.is_pending(),
                };
                if may_go_on {
                    events.push(Event::Pass(r, key));
                }
            }
            if self.minds_connection(s, r) {
                events.push(Event::Connect(r));
            }
            events.push(Event::Look(r, Lists::Current));
            if spent.lags < most.lags && !Arc::ptr_eq(&s.service, &s.shown) {
                events.push(Event::Look(r, Lists::Lagging));
            }
            if spent.lies < most.lies {
                events.push(Event::Look(r, Lists::Gateway));
            }
            if spent.hollows < most.hollows {
                events.push(Event::Look(r, Lists::Hollow));
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
        for (place, id) in s.at_work() {
            events.push(Event::End(place, id, Ending::Good));
            if spent.failures < most.failures {
                events.push(Event::End(place, id, Ending::Failed));
                if s.at(place).evaluations.contains_key(&id) {
                    events.push(Event::End(place, id, Ending::Worse));
                }
            }
        }
        if spent.omissions < most.omissions {
            events.extend(s.service.accepted.keys().copied().map(Event::Omit));
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
        let collects = |request: &super::state::Request| matches!(request.from, Some((_, Asker::Connection)));
        let may_move =
            !s.replicas.iter().any(|replica| replica.passes.values().any(waits)) && !s.requests.iter().any(collects);
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
            Event::Look(r, lists) => {
                s.spent.lags += u8::from(lists == Lists::Lagging);
                s.spent.lies += u8::from(lists == Lists::Gateway);
                s.spent.hollows += u8::from(lists == Lists::Hollow);
                look(self.bug, s, r, lists);
            }
            Event::Pass(r, key) => drop(self.pass(s, r, key)),
            Event::Arrive(number) => {
                take(s, number);
                if s.requests[number].from.is_none() {
                    s.requests.remove(number);
                }
            }
            Event::Answer(number) => self.answer(s, number),
            Event::Lose(number) => {
                s.spent.losses += 1;
                self.lose(s, number);
            }
            Event::Gateway(number) => {
                s.spent.lies += 1;
                trouble::gateway(self.bug, s, number);
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
                restart(self.bug, s, r);
            }
            Event::Lead(r) => {
                s.spent.leaders += 1;
                s.replicas[r].leads = true;
                // Who does not lead watches the cluster, and does not read the lists.
                s.replicas[r].forget_service(self.bug);
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
            Event::End(place, id, ending) => {
                s.spent.failures += u8::from(ending != Ending::Good);
                let now = s.now;
                s.at_mut(place).finish(id, ending, now);
            }
            Event::Omit(id) => {
                s.spent.omissions += 1;
                s.at_mut(Place::Home).drop_accepted(id);
            }
            Event::Connect(r) => drop(self.look_at_connection(s, r)),
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

/// A request takes effect.
pub fn take(s: &mut State, number: usize) {
    let (now, to, action) = (s.now, s.requests[number].to, s.requests[number].action.clone());
    let answer = s.at_mut(to).take(&action, now);
    s.requests[number].answer = Some(answer);
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
fn restart(bug: PlantedBug, s: &mut State, r: usize) {
    abandon(s, r);
    let replica = &mut s.replicas[r];
    replica.agenda = Arc::new(Agenda {
        limits: replica.agenda.limits,
        ..Agenda::default()
    });
    replica.cluster = Arc::clone(&s.cluster);
    replica.versions = s.versions.clone();
    replica.connection_version = s.connection_version;
    replica.forget_service(bug);
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watch(r, key) => write!(f, "operator {r} sees {key:?} as it is"),
            Self::Look(r, Lists::Current) => write!(f, "operator {r} reads the lists"),
            Self::Look(r, Lists::Lagging) => write!(f, "operator {r} reads lists that lag"),
            Self::Look(r, Lists::Gateway) => write!(f, "operator {r} reads lists of a gateway"),
            Self::Look(r, Lists::Hollow) => {
                write!(
                    f,
                    "operator {r} reads lists, and a gateway answers those of endpoints and evaluations"
                )
            }
            Self::Pass(r, key) => write!(f, "operator {r} looks at {key:?} and takes a step"),
            Self::Arrive(n) => write!(f, "request {n} takes effect"),
            Self::Answer(n) => write!(f, "request {n} is answered"),
            Self::Lose(n) => write!(f, "the answer to request {n} is lost"),
            Self::Gateway(n) => write!(f, "a gateway answers request {n}"),
            Self::Refuse(n) => write!(f, "request {n} is refused"),
            Self::Vanish(id) => write!(f, "somebody deletes {}", number(*id)),
            Self::Crash(r) => write!(f, "operator {r} dies and starts anew"),
            Self::Lead(r) => write!(f, "operator {r} begins to lead"),
            Self::Yield(r) => write!(f, "operator {r} leads no more"),
            Self::Tick => write!(f, "a minute passes"),
            Self::Leap => write!(f, "the clock jumps to the next date"),
            Self::End(_, id, Ending::Good) => write!(f, "the service succeeds with {}", number(*id)),
            Self::End(_, id, Ending::Failed) => write!(f, "the service fails with {}", number(*id)),
            Self::End(_, id, Ending::Worse) => {
                write!(f, "the service says of {} that the candidate is worse", number(*id))
            }
            Self::Omit(id) => write!(f, "the service forgets the model that {} was moved to", number(*id)),
            Self::Connect(r) => write!(f, "operator {r} looks at the connection"),
            Self::Delete(key) => write!(f, "a user deletes {key:?}"),
            Self::Change => write!(f, "the world changes"),
        }
    }
}
