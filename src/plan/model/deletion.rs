//! The ordered rules for a model whose object is being deleted: endpoints before models.
use super::{
    Snapshot,
    revision::{self, Revision},
};
use crate::{
    api::{Reason, SpeechModelStatus},
    plan::{Action, ConnectionState, ORPHAN_AFTER, Verdict, retry, text::day_time},
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
    let view = match s.around.connection {
        ConnectionState::Ready { view, .. }
        | ConnectionState::NotReady {
            view: Some(view),
            usable: true,
            ..
        } if view.is_complete() => view,
        ConnectionState::NotFound
        | ConnectionState::NotAllowed
        | ConnectionState::Ready { .. }
        | ConnectionState::NotReady { .. } => {
            return unreachable(s);
        }
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
    let since = s
        .object
        .metadata
        .deletion_timestamp
        .as_ref()
        .map_or(s.now(), |time| time.0);
    let release_at = since + ORPHAN_AFTER;
    if s.now() >= release_at {
        let message =
            "the revisions could not be deleted because the connection was gone; they stay in the Speech service";
        return Verdict::working(Reason::Orphaned, message).with(Action::Release);
    }
    let message = format!(
        "the connection is gone, so that the revisions cannot be deleted; the object is released at {}",
        day_time(release_at)
    );
    Verdict::working(Reason::Deleting, message).until(release_at)
}
