//! The invariants, and what is said of one that was broken.
use std::fmt::{self, Debug};

/// An invariant of `docs/internals.md`, "The checked planner".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// One remote entity for one object, none for an object that is gone, and none of anybody else touched.
    OneEntity,
    /// No endpoint is moved to a model that cannot serve, or that expires earlier than the one that serves.
    NoWorseModel,
    /// The id of an endpoint stays while its object lives, and as long as nobody deletes it in the service.
    SameId,
    /// What an object has made within a minute is bounded.
    Bounded,
    /// One evaluation of a pair of models runs at a time, and none is deleted while it runs.
    OneEvaluation,
    /// Before the deadline no endpoint with a gate moves to a model that has not passed it, and at no time to one that failed.
    GateHolds,
    /// In a Speech resource that is not the known one nothing is created, changed or deleted before somebody accepts it.
    NothingElsewhere,
    /// As long as nobody accepts another Speech resource, no object is said to have lost what it has in the known one.
    NothingForgotten,
    /// Who heard that a model is accepted asks for none again before the time of a deployment is over.
    AskedOnce,
}

/// A law that a step broke.
#[derive(Clone)]
pub struct Broken {
    pub law: Law,
    pub how: String,
}

impl Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.law, self.how)
    }
}
