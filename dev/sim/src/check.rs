//! The checked planner: every order in which two operators, a cluster and a Speech service can act on a small world is
//! tried, up to a bound, with the production planners (`speech_plan::endpoint::plan`, `speech_plan::model::plan`) and the production view
//! deciding. `docs/internals.md` says what is modelled and what is not.
//!
//! The search is that of `stateright`; the world and its laws are here.
#![allow(clippy::wildcard_enum_match_arm)] // Copies are no part of this world.
mod connection;
mod event;
mod invariant;
mod law;
mod look;
mod operator;
mod planted;
mod print;
mod rest;
mod service;
mod setting;
mod state;
#[cfg(test)]
mod tests;
mod trouble;

use event::Event;
use invariant::Law;
use planted::PlantedBug;
use setting::Setting;
use state::State;
use stateright::{Model, Property};

impl Model for Setting {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        vec![self.start.clone()]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        // What is broken stays broken: the shortest way there is enough.
        if state.broken.is_empty() {
            self.events(state, events);
        }
    }

    fn next_state(&self, state: &State, event: Event) -> Option<State> {
        let mut next = state.clone();
        self.happen(&mut next, event);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("I1 one entity, no orphan, nothing of others", |_, s| {
                law::holds(s, Law::OneEntity)
            }),
            Property::always("I2 no worse model", |_, s| law::holds(s, Law::NoWorseModel)),
            Property::always("I3 the same id", |_, s| law::holds(s, Law::SameId)),
            Property::always("I8 bounded orders", |_, s| law::holds(s, Law::Bounded)),
            Property::always("G1 one evaluation at a time", |_, s| law::holds(s, Law::OneEvaluation)),
            Property::always("G2 no swap past the gate", |_, s| law::holds(s, Law::GateHolds)),
            Property::always("E1 nothing in another resource", |_, s| {
                law::holds(s, Law::NothingElsewhere)
            }),
            Property::always("E2 nothing of the known resource is forgotten", |_, s| {
                law::holds(s, Law::NothingForgotten)
            }),
            Property::always("A1 asked once", |_, s| law::holds(s, Law::AskedOnce)),
            Property::always("comes to rest as declared", |setting: &Self, s: &State| {
                !s.broken.is_empty() || !setting.is_sampled(s) || setting.rest(s).is_ok()
            }),
        ]
    }
}
