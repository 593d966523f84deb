//! What to do with a SpeechConnection: how it is reached ([`link`]), what to say of it, who may use it, and when it goes.
mod allowed;
pub mod collection;
mod contact;
mod dependents;
mod facts;
pub mod identity;
pub mod link;
mod render;
mod rules;
mod settings;
mod sharing;
#[cfg(test)]
mod tests;

pub use allowed::{allows, selects};
pub use contact::{Cause, Concerned, Contact, Counts, Obstacle};
pub use dependents::{Dependents, Need};
pub use settings::{Rate, Settings};
pub use sharing::{Draws, Peer, Sharing, draws};

use super::{Hands, Notice, evaluation::Unneeded, guard::Held, lead_time::Durations, skew::Skew};
use facts::Facts;
use jiff::Timestamp;
use speech_api::{SpeechConnection, SpeechConnectionStatus, connection::KnownResource, decision::RuleName};
use speech_service::EntityId;

/// All that a statement about a connection depends on.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    pub object: &'a SpeechConnection,
    /// What came of the last contact.
    pub contact: &'a Contact,
    /// Whether what is reached is known to be the resource that is meant.
    pub recognised: bool,
    /// Who still needs it.
    pub dependents: Dependents,
    /// Until when deletions may use the last credential though it is gone or unusable (UTC); absent otherwise.
    pub last_key_until: Option<Timestamp>,
    /// How long work was seen to take.
    pub durations: &'a Durations,
    /// How the service's clock and ours differ.
    pub skew: Skew,
    /// Whether the service throttles us.
    pub throttled: bool,
    /// Which connections lead to the same Speech resource.
    pub sharing: &'a Sharing,
    /// What the gates have left behind.
    pub unneeded: Unneeded,
    /// Before when nothing is deleted again, because a deletion failed (UTC).
    pub collect_from: Option<Timestamp>,
    /// The deletions that wait for a word.
    pub held: Option<Held>,
    /// By what the Speech resource is known.
    pub resource: Option<&'a KnownResource>,
    /// Whether this process changes anything in the Speech service.
    pub hands: Hands,
    /// The present (UTC).
    pub now: Timestamp,
}

/// A step for a connection: it is kept while it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put the finalizer on.
    Hold,
    /// Take the finalizer off.
    Release,
}

/// What to do with a connection and what to show.
#[derive(Debug)]
pub struct Plan {
    /// The next step.
    pub step: Option<Step>,
    /// Whether the Speech resource is worth a look now.
    pub looks_now: bool,
    /// An evaluation to delete, because nobody needs it any more.
    pub collect: Option<EntityId>,
    /// The status to show.
    pub status: SpeechConnectionStatus,
    /// When time alone may change the decision (UTC).
    pub look_again: Option<Timestamp>,
    /// What to tell as events.
    pub notices: Vec<Notice>,
}

/// Decides about a connection.
pub fn plan(s: &Snapshot<'_>) -> Plan {
    let facts = Facts::read(s);
    render::render(s, &facts, rules::RULES.decide(&facts))
}

/// The rules by name, in the order in which they are asked.
pub fn chain() -> Vec<RuleName> {
    rules::RULES.names()
}
