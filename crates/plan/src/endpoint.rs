//! What to do with a SpeechEndpoint.
mod candidate;
mod choice;
mod contest;
mod create;
mod dates;
mod decide;
mod deletion;
mod duplicate;
mod facts;
mod fields;
mod forecast;
mod gate;
mod identity;
mod in_flight;
mod known;
mod next;
mod observed;
mod quarantine;
mod record;
mod render;
mod rules;
mod status;
mod successor;
mod target;
#[cfg(test)]
mod tests;
mod timing;
mod unheeded;
mod write_ahead;

pub use dates::may_be_urgent;
pub use rules::chain;

use super::{
    Plan,
    creation::{Creation, Tallies},
};
use facts::Facts;
use jiff::Timestamp;
use observed::Windows;
use speech_api::{SpeechEndpoint, SpeechEndpointStatus, SpeechModel, endpoint::Recreate};

/// All that a decision about an endpoint depends on.
pub type Snapshot<'a> = super::Snapshot<'a, SpeechEndpoint, Related<'a>>;

/// What an endpoint refers to, and who else wants it.
#[derive(Clone, Copy, Debug)]
pub struct Related<'a> {
    /// The SpeechModels that `model.ref` or `model.selector` means, as far as they exist.
    pub models: &'a [&'a SpeechModel],
    /// The name of another SpeechEndpoint that holds the same remote endpoint and came first.
    pub holder: Option<&'a str>,
    /// Whether the remote endpoint carries the mark of an object of this cluster that is gone.
    pub abandoned: bool,
}

/// Decides about an endpoint.
pub fn plan(s: &Snapshot<'_>) -> Plan<SpeechEndpointStatus> {
    let windows = Windows::read(s);
    let mut facts = Facts::read(s, &windows);
    next::find(&mut facts);
    facts.compare();
    let decided = decide::decide(&facts);
    render::render(facts, decided)
}

impl Snapshot<'_> {
    /// Whether an endpoint that somebody deleted is made anew. The schema refuses that of an adopted one.
    fn recreates(&self) -> bool {
        self.may_act() && self.object.spec.adopt.is_none() && self.object.spec.recreate == Recreate::WhenDeleted
    }

    fn creation(&self, status: &SpeechEndpointStatus) -> Creation {
        let swept_at = self.around.connection.view().and_then(|view| view.endpoints.swept_at());
        self.creation_in(status, swept_at).lacking(self.is_unlisted())
    }

    /// A creation whose result stands in a list that was read at this time.
    fn creation_in(&self, status: &SpeechEndpointStatus, swept_at: Option<Timestamp>) -> Creation {
        let tallies = Tallies::of(status.creations.as_ref(), status.evaluations.as_ref());
        Creation::of(self.object, &self.around, status.closed_attempt, swept_at, tallies)
    }

    /// Whether the status names an endpoint that the view does not have, though nobody here deleted it.
    fn is_unlisted(&self) -> bool {
        let id = self.old_status().and_then(|status| status.id);
        let view = self.around.connection.view();
        id.zip(view).is_some_and(|(id, view)| view.endpoints.is_unseen(id))
    }
}
