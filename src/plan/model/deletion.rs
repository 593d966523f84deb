//! The ordered rules for a model whose object is being deleted: endpoints before models.
use super::{
    Snapshot,
    revision::{self, Revision},
};
use crate::{
    api::{Reason, SpeechModelStatus},
    plan::{Action, Verdict, orphan, retry},
    speech::ModelId,
};

/// Deletes the trained revisions if that is wanted, then lets the object go.
pub fn decide(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Verdict {
    let deleting = || Verdict::working(Reason::Deleting, "deleting the trained revisions");
    if !s.has_finalizer() {
        return deleting();
    }
    if !s.deletes_remote() {
        return deleting().with(Action::Release);
    }
    let Some(view) = s.around.connection.view_to_delete() else {
        return unreachable(s);
    };
    let revisions = revision::all(s, view);
    if let Some(free) = revisions.iter().find(|revision| !revision.in_use(view)) {
        let action = Action::DeleteModel(free.id());
        return retry::gate(
            status.last_failure.as_ref(),
            action,
            deleting(),
            s.generation(),
            s.is_fresh(),
            s.now(),
        );
    }
    if let Some(used) = revisions.first() {
        return in_use(used, view);
    }
    let creation = s.creation(status.closed_attempt);
    match creation.open() {
        // What was sent may still arrive; without us it would stay for ever.
        Some(intent) if !creation.is_void(intent) => creation.wait(intent),
        Some(_) | None => deleting().with(Action::Release),
    }
}

fn in_use(used: &Revision<'_>, view: &crate::view::View) -> Verdict {
    let users: Vec<_> = view
        .users_of(ModelId::Custom(used.id()))
        .map(|endpoint| match &endpoint.header.owner {
            Some(tag) => format!("{} ({})", endpoint.header.id, tag.object),
            None => endpoint.header.id.to_string(),
        })
        .collect();
    Verdict::working(
        Reason::ModelInUse,
        format!(
            "revision {} ({}) is kept while these endpoints use it: {}",
            used.number,
            used.id(),
            users.join(", ")
        ),
    )
}

/// A vanished credential may delay a deletion, never prevent it.
fn unreachable(s: &Snapshot<'_>) -> Verdict {
    orphan::unreachable(
        "what was trained",
        s.around.connection.obstacle(&s.object.spec.connection_ref.name),
        s.object.metadata.deletion_timestamp.as_ref(),
        s.old_status().map_or(&[], |status| status.conditions.as_slice()),
        s.now(),
    )
}
