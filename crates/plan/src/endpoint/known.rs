//! What follows from a remote endpoint that is there and the object's own.
use super::candidate::Candidate;
use crate::{
    rule::Obstacle,
    view::{Entry, ModelFacts, View},
};
use speech_api::endpoint::TargetModel;
use speech_service::{entity::Endpoint, request::UpdateEndpoint};

/// A remote endpoint that is there and the object's own.
pub struct Known<'a> {
    pub entry: &'a Entry<Endpoint>,
    pub view: &'a View,
    /// Whether the service is at work on it, or no read has shown what came of the last request.
    pub under_way: bool,
    /// Which model comes next.
    pub next: NextModel<'a>,
    /// What the rules hold against the candidate, if there is one.
    pub held: Vec<Obstacle>,
    /// The model that waits, as the status has it.
    pub waiting: Option<TargetModel>,
    /// The candidate that its gate refused in this very pass, and that is out of the choice.
    pub refused: Option<Box<Candidate<'a>>>,
    /// Our mark, if the endpoint lacks it.
    pub mark: Option<UpdateEndpoint>,
    /// What else differs from the spec, without our mark.
    pub changes: Vec<UpdateEndpoint>,
}

/// Which model comes next.
#[derive(Clone, Debug)]
pub enum NextModel<'a> {
    /// None: the chosen one serves.
    Stay,
    /// None that could be chosen, or could serve.
    None(Obstacle),
    /// The rules about a candidate are not asked: the move was begun and is finished, or nothing good serves.
    Begun(Move<'a>),
    /// The chosen one, about which the rules are asked.
    Candidate(Box<Candidate<'a>>),
}

/// A model to move to now.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    pub facts: ModelFacts<'a>,
    /// Whether it only stands in until the declared one may serve.
    pub interim: bool,
    /// Whether the move was decided before, so that what the rules saw then stands.
    pub was_decided: bool,
}

impl<'a> Known<'a> {
    pub fn endpoint(&self) -> &'a Endpoint {
        &self.entry.entity
    }

    /// The move that nothing holds back.
    pub fn moves(&self) -> Option<Move<'a>> {
        match &self.next {
            NextModel::Begun(begun) => Some(*begun),
            NextModel::Candidate(candidate) if self.held.is_empty() => Some(Move {
                facts: candidate.choice.facts,
                interim: candidate.choice.interim,
                was_decided: false,
            }),
            NextModel::Candidate(_) | NextModel::Stay | NextModel::None(_) => None,
        }
    }

    /// The candidate that has to wait.
    pub fn waits(&self) -> Option<&Candidate<'a>> {
        match &self.next {
            NextModel::Candidate(candidate) if !self.held.is_empty() => Some(candidate),
            NextModel::Candidate(_) | NextModel::Begun(_) | NextModel::Stay | NextModel::None(_) => None,
        }
    }
}
