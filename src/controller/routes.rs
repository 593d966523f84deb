//! How many passes may wait for a Speech resource at once.
//!
//! A pass that waits for an answer takes no worker of its kind, so a resource that hangs costs the objects of others nothing.
//! What it may hold is bounded here, for each route: the kind, the connection, and for a copy the one that it is copied from. Who finds
//! no place waits in no pass: it is looked at anew, and its decision made anew, when one is free.
use super::{Context, places::Places, queues::Sleeper};
use kube::runtime::reflector::ObjectRef;
use speech_api::SpeechConnection;
use speech_service::Lane;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Whose steps they are: trainings that hang keep no endpoint from its swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Traveller {
    /// A SpeechModel.
    Model,
    /// A SpeechEndpoint.
    Endpoint,
}

/// The Speech resources that the steps of an object need.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The kind of the object.
    pub traveller: Traveller,
    /// Its own.
    pub connection: ObjectRef<SpeechConnection>,
    /// Where it is copied from.
    pub source: Option<ObjectRef<SpeechConnection>>,
}

/// All routes that are in use.
#[derive(Debug)]
pub struct Routes {
    limit: usize,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    routes: HashMap<Route, Places<Sleeper, Lane>>,
    /// Which route somebody waits for, or is invited to.
    waits: HashMap<Sleeper, Route>,
}

/// A place on a route; leaving it invites the next.
pub struct Place<'a> {
    context: &'a Context,
    route: Route,
}

impl Place<'_> {
    /// Whether the place is on this route.
    pub fn is_on(&self, route: &Route) -> bool {
        self.route == *route
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let next = self.context.routes.leave(&self.route);
        next.into_iter().for_each(|next| self.context.wakes.wake(next));
    }
}

impl Routes {
    /// Routes of so many places; what has a deadline finds twice as many.
    pub fn new(limit: u16) -> Self {
        Self {
            limit: usize::from(limit.max(1)),
            now: Mutex::default(),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self, lane: Lane) -> usize {
        match lane {
            Lane::Deadline => self.limit * 2,
            Lane::UserChange | Lane::Sweep => self.limit,
        }
    }

    fn leave(&self, route: &Route) -> Option<Sleeper> {
        let mut now = self.now();
        let places = now.routes.get_mut(route)?;
        let next = places.leave(|lane| self.limit(lane));
        now.close(route);
        next
    }
}

impl Now {
    /// Forgets a route that nobody uses.
    fn close(&mut self, route: &Route) {
        if self.routes.get(route).is_some_and(Places::is_empty) {
            self.routes.remove(route);
        }
    }
}

/// Takes a place on a route, or waits for one.
pub fn enter<'a>(context: &'a Context, who: &Sleeper, route: Route, lane: Lane) -> Option<Place<'a>> {
    let limit = context.routes.limit(lane);
    let mut now = context.routes.now();
    let elsewhere = now.waits.get(who).is_some_and(|before| *before != route);
    if elsewhere {
        drop(now);
        forget(context, who);
        now = context.routes.now();
    }
    if now.routes.entry(route.clone()).or_default().enter(who, lane, limit) {
        now.waits.remove(who);
        return Some(Place { context, route });
    }
    now.waits.insert(who.clone(), route);
    None
}

/// The place that was kept for an object which was invited.
pub fn invitation<'a>(context: &'a Context, who: &Sleeper) -> Option<Place<'a>> {
    let mut now = context.routes.now();
    let route = now.waits.get(who)?.clone();
    let places = now.routes.get_mut(&route).filter(|places| places.is_invited(who))?;
    places.enter(who, Lane::Sweep, 0);
    now.waits.remove(who);
    Some(Place { context, route })
}

/// An object wants nothing of the Speech service any more, or is gone.
pub fn forget(context: &Context, who: &Sleeper) {
    let mut now = context.routes.now();
    let Some(route) = now.waits.remove(who) else { return };
    let places = now.routes.get_mut(&route);
    let next = places.and_then(|places| places.forget(who, |lane| context.routes.limit(lane)));
    now.close(&route);
    drop(now);
    next.into_iter().for_each(|next| context.wakes.wake(next));
}
