//! What happens in a region.
use super::cluster::Key;

/// What happens in the world, whoever wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Somebody applies an object.
    Apply(Key),
    /// Somebody changes what a model is trained with.
    Edit(usize),
    /// Somebody agrees to the candidate of an endpoint.
    Approve(usize),
    /// Somebody clears what an endpoint has in quarantine.
    Clear(usize),
    /// A base model appears.
    BaseModel,
    /// Models expire.
    QuarterDay,
    /// The leader is going to die.
    Doom(Place),
    /// The leader dies now, if it has not yet.
    Death,
    /// There is a leader again.
    Election,
    /// Somebody deletes an object.
    Delete(Key),
    /// Somebody deletes an endpoint or a model in the service.
    Vanish,
}

/// Where in a pass a leader dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// After the announcement of a creation, before the request.
    AfterClaim,
    /// After a request took effect, before anything of it was written.
    AfterRequest,
    /// Before the status is written.
    BeforeStatus,
    /// While nothing is done.
    AtRest,
}
