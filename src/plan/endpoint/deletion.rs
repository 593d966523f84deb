//! The ordered rules for an endpoint whose object is being deleted.
use super::{Snapshot, identity, identity::Identity};
use crate::{
    api::Reason,
    plan::{Action, Verdict, orphan, retry},
    speech::EntityId,
};

/// Deletes the remote endpoint if that is wanted, then lets the object go.
pub fn decide(s: &Snapshot<'_>) -> Verdict {
    if !s.has_finalizer() {
        return deleting();
    }
    if !s.deletes_remote() {
        return deleting().with(Action::Release);
    }
    let obstacle = s.around.connection.obstacle(s.connection_name());
    if s.around.connection.view_to_delete().is_none() {
        return held_up(s).without(obstacle);
    }
    match obstacle {
        Some(obstacle) => held_up(s).despite(obstacle, remove(s)),
        None => remove(s),
    }
}

fn deleting() -> Verdict {
    Verdict::working(Reason::Deleting, "deleting the endpoint")
}

/// What is left is deleted; what may still come is waited for.
fn remove(s: &Snapshot<'_>) -> Verdict {
    if let Some(id) = next_victim(s) {
        let last = s.old_status().and_then(|status| status.last_failure.as_ref());
        let last = s
            .around
            .failure
            .map(|failure| retry::remember(last, failure, s.generation(), s.now()))
            .or_else(|| last.cloned());
        return retry::gate(
            last.as_ref(),
            Action::DeleteEndpoint(id),
            deleting(),
            s.generation(),
            s.is_fresh(),
            s.now(),
        );
    }
    let creation = s.creation(s.old_status().and_then(|status| status.closed_attempt));
    match creation.open() {
        // What was sent may still arrive; without us it would stay for ever.
        Some(intent) if !creation.is_void(intent) => {
            held_up(s).unread(creation.settled_at(intent), creation.wait(intent))
        }
        Some(_) | None => deleting().with(Action::Release),
    }
}

/// The remote endpoint, or one that an earlier attempt made as well. Another owner's is not ours to delete.
fn next_victim(s: &Snapshot<'_>) -> Option<EntityId> {
    let view = s.around.connection.view()?;
    let recorded = s.old_status().and_then(|status| status.id.as_deref());
    let own = match identity::find(s) {
        Identity::Known(entry) if s.holder.is_none() => {
            let id = entry.entity.header.id;
            // What a former object left behind is ours from the moment at which the status names it.
            let taken_over = recorded == Some(id.to_string().as_str());
            let ours = entry
                .entity
                .header
                .owner
                .as_ref()
                .is_none_or(|tag| tag.uid == s.uid() || (taken_over && s.former().bore(tag)));
            ours.then_some(id)
        }
        Identity::Known(_)
        | Identity::Missing(_)
        | Identity::Lost(_)
        | Identity::Left(_)
        | Identity::None
        | Identity::Unseen => None,
    };
    own.or_else(|| {
        view.endpoints
            .owned_by(s.uid())
            .first()
            .map(|entry| entry.entity.header.id)
    })
}

/// A vanished credential may delay a deletion, never prevent it.
fn held_up<'a>(s: &Snapshot<'a>) -> orphan::Deletion<'a> {
    let id = s
        .old_status()
        .and_then(|status| status.id.as_deref())
        .unwrap_or("(none recorded)");
    orphan::Deletion {
        what: format!("endpoint {id}"),
        deleted: s.object.metadata.deletion_timestamp.as_ref(),
        before: s.written(),
        limit: orphan::limit(&s.object.spec.force_orphan_after),
        now: s.now(),
    }
}
