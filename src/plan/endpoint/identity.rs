//! Which remote endpoint an object stands for.
use super::Snapshot;
use crate::{
    speech::{EntityId, entity::Endpoint},
    view::Entry,
};

/// The remote endpoint of an object.
#[derive(Clone, Copy, Debug)]
pub enum Identity<'a> {
    /// The Speech resource cannot be seen now.
    Unseen,
    /// It is there.
    Known(&'a Entry<Endpoint>),
    /// It was there, or should be, and is not.
    Missing(EntityId),
    /// It was deleted by somebody else, and another is to take its place.
    Lost(EntityId),
    /// There is none yet.
    None,
}

/// The id in the status comes first; then the one to adopt; then the oldest endpoint that carries our mark.
pub fn find<'a>(s: &Snapshot<'a>) -> Identity<'a> {
    let Some(view) = s.around.connection.view() else {
        return Identity::Unseen;
    };
    let recorded = s
        .old_status()
        .and_then(|status| status.id.as_deref())
        .and_then(|id| id.parse().ok());
    let adopted = s.object.spec.adopt.as_ref().and_then(|adopt| adopt.id.parse().ok());
    let mut owned = view.endpoints.owned_by(s.uid()).into_iter();
    let found = |id| view.endpoints.get(id);
    match (recorded.or(adopted), recorded) {
        (Some(id), _) if found(id).is_some() => found(id).map_or(Identity::Missing(id), Identity::Known),
        (Some(_), Some(lost)) if s.recreates() => owned.next().map_or(Identity::Lost(lost), Identity::Known),
        (Some(id), _) => Identity::Missing(id),
        (None, _) => owned.next().map_or(Identity::None, Identity::Known),
    }
}

/// Another endpoint with our mark: an attempt took effect that was thought lost.
pub fn twin(s: &Snapshot<'_>, kept: EntityId) -> Option<EntityId> {
    let view = s.around.connection.view()?;
    view.endpoints
        .owned_by(s.uid())
        .into_iter()
        .map(|entry| entry.entity.header.id)
        .find(|id| *id != kept)
}
