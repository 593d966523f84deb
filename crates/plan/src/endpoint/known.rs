//! What follows from a remote endpoint that is there and the object's own.
use super::{observed::Obstacle, record::Record, rollout::Dates, target::Move};
use crate::{Verdict, view::Entry};
use speech_api::decision::{RuleName, Saw};
use speech_service::{entity::Endpoint, request::UpdateEndpoint};

/// A remote endpoint that is there and the object's own.
pub struct Known<'a> {
    pub entry: &'a Entry<Endpoint>,
    pub dates: Dates<'a>,
    /// Whether the service is at work on it, or no read has shown what came of the last request.
    pub under_way: bool,
    /// Another endpoint that an earlier request made as well, and what becomes of it.
    pub duplicate: Option<Verdict>,
    /// Which model it moves to.
    pub next: Result<Move<'a>, Obstacle>,
    /// What the rules about the next model saw.
    pub saw: Vec<(RuleName, Saw)>,
    /// What else differs from the spec, without our mark.
    pub changes: Vec<UpdateEndpoint>,
    /// Our mark, if the endpoint lacks it: the request, or what it waits for.
    pub mark: Option<Result<Verdict, Verdict>>,
    /// What is to be remembered if nothing else is decided.
    pub record: Record,
}
