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
    match recorded.or(adopted) {
        Some(id) => match view.endpoints.get(id) {
            Some(entry) => Identity::Known(entry),
            None => Identity::Missing(id),
        },
        None => view
            .endpoints
            .owned_by(s.uid())
            .first()
            .map_or(Identity::None, |entry| Identity::Known(entry)),
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
