//! What to do with a SpeechModel: its facts, the rules of which the first that has something to say decides, and the plan
//! that follows.
mod copy;
mod dataset;
mod deletion;
mod facts;
mod forecast;
mod lineage;
mod observed;
mod record;
mod refusal;
mod render;
mod renewal;
mod revision;
mod rules;
mod status;
#[cfg(test)]
mod tests;
mod told;
mod training;
mod turn;
mod unheeded;
mod upkeep;

pub use copy::source::{Found, Source, SourceState, are_alike, find_cycle, wanted_id};
pub use refusal::{Refusal, refusals};
pub use rules::chain;

use super::{ConnectionState, Plan};
use facts::Facts;
use render::render;
use speech_api::{SpeechModel, SpeechModelStatus};
use speech_service::entity::OwnerTag;

/// All that a decision about a model depends on.
pub type Snapshot<'a> = super::Snapshot<'a, SpeechModel, Related<'a>>;

/// What a model refers to, and who refers to it.
#[derive(Clone, Copy, Debug)]
pub struct Related<'a> {
    /// Where a copy is taken from; absent for the other kinds of source.
    pub source: Option<&'a Source>,
    /// What the gates of endpoints refused that this object stands for.
    pub refusals: &'a [Refusal],
    /// A SpeechEndpoint that serves this object's revisions, where the spec pins a base model; absent if there is none.
    pub follower: Option<&'a str>,
}

/// Decides about a model.
pub fn plan(s: &Snapshot<'_>) -> Plan<SpeechModelStatus> {
    let facts = Facts::read(s);
    let (ruling, decision) = Facts::RULES.decide(&facts);
    render(&facts, ruling, decision)
}

impl Snapshot<'_> {
    /// Whether the connection's API version has projects.
    fn has_projects(&self) -> bool {
        matches!(
            self.around.connection,
            ConnectionState::Ready { has_projects: true, .. }
        )
    }

    fn tag(&self, attempt: u32, revision: u32, inputs: &str) -> OwnerTag {
        OwnerTag {
            revision: Some(revision),
            inputs: Some(inputs.to_owned()),
            ..self.mark(attempt)
        }
    }
}
