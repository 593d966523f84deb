//! Which remote endpoint an object stands for.
use super::Snapshot;
use crate::{
    Verdict, predecessor,
    view::{Entry, View},
};
use kube::ResourceExt;
use speech_api::{Reason, reference::ManagementPolicy};
use speech_service::{EntityId, entity::Endpoint};

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
    /// A former object of the name left this one behind, and whether it is still there is not certain yet.
    Left(EntityId),
    /// There is none yet.
    None,
}

/// The id in the status comes first; then the one to adopt; then the oldest endpoint that carries our mark; then the
/// newest that a former object of our name left behind.
pub fn find<'a>(s: &Snapshot<'a>) -> Identity<'a> {
    let Some(view) = s.around.connection.view() else {
        return Identity::Unseen;
    };
    let recorded = s.old_status().and_then(|status| status.id);
    let adopted = s.object.spec.adopt.as_ref().and_then(|adopt| adopt.id.parse().ok());
    let mut owned = view.endpoints.owned_by(s.uid()).into_iter();
    let found = |id| view.endpoints.get(id);
    match (recorded.or(adopted), recorded) {
        (Some(id), _) if found(id).is_some() => found(id).map_or(Identity::Missing(id), Identity::Known),
        (Some(_), Some(lost)) if s.recreates() => owned.next().map_or(Identity::Lost(lost), Identity::Known),
        (Some(id), _) => Identity::Missing(id),
        (None, _) => owned.next().map_or_else(|| left(s, view), Identity::Known),
    }
}

fn left<'a>(s: &Snapshot<'a>, view: &'a View) -> Identity<'a> {
    let predecessor = s.predecessor();
    let left = view
        .endpoints
        .iter()
        .filter(|entry| predecessor.left(&entry.entity.header))
        .max_by_key(|entry| (entry.entity.header.created_at, entry.entity.header.id));
    match left {
        Some(entry) if predecessor::is_certain(s.written(), view.endpoints.swept_at(), s.now()) => {
            Identity::Known(entry)
        }
        Some(entry) => Identity::Left(entry.entity.header.id),
        None => Identity::None,
    }
}

/// Another endpoint with our mark: an attempt took effect that was thought lost. It is deleted, so that the whole mark has
/// to be ours and not only the uid. One that was ours before and is there again is none: applications may still name it.
pub fn duplicate(s: &Snapshot<'_>, kept: EntityId) -> Option<EntityId> {
    let view = s.around.connection.view()?;
    let name = format!("{}/{}", s.object.namespace().unwrap_or_default(), s.object.name_any());
    let is_ours = |entry: &&Entry<Endpoint>| {
        let tag = entry.entity.header.owner.as_ref();
        tag.is_some_and(|tag| tag.object == name && tag.cluster == s.around.cluster)
    };
    view.endpoints
        .owned_by(s.uid())
        .into_iter()
        .filter(is_ours)
        .map(|entry| entry.entity.header.id)
        .find(|id| *id != kept && !was_ours(s, *id))
}

/// Whether an endpoint was taken for deleted, and another one was made in its place.
fn was_ours(s: &Snapshot<'_>, id: EntityId) -> bool {
    s.old_status().is_some_and(|status| status.former_ids.contains(&id))
}

/// Another owner's mark is reported and never overwritten.
pub fn ours_to_manage(s: &Snapshot<'_>, endpoint: &Endpoint) -> Result<(), Verdict> {
    if &*endpoint.header.locale != s.object.spec.locale.as_str() {
        let (id, found, want) = (endpoint.header.id, &endpoint.header.locale, &s.object.spec.locale);
        return Err(Verdict::stalled(
            Reason::LocaleMismatch,
            format!("endpoint {id} is of locale {found}, not {want}"),
        ));
    }
    match &endpoint.header.owner {
        Some(tag)
            if tag.uid != s.uid()
                && !s.predecessor().bore(tag)
                && !s.related.abandoned
                && s.object.spec.management_policy == ManagementPolicy::Full =>
        {
            Err(Verdict::stalled(
                Reason::OwnedByAnother,
                format!(
                    "endpoint {} carries the mark of {} (uid {}) of cluster {}; it is left to that one",
                    endpoint.header.id, tag.object, tag.uid, tag.cluster
                ),
            ))
        }
        Some(_) | None => Ok(()),
    }
}
