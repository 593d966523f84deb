//! The ordered rules for a model whose object is being deleted: endpoints before models.
use super::{Snapshot, copy, lineage::Lineage, revision::Revision};
use crate::{
    api::{Reason, SpeechModelStatus},
    plan::{Action, Verdict, orphan, text::after},
    speech::ModelId,
};
use jiff::SignedDuration;

/// Deletes the trained or copied revisions if that is wanted, then lets the object go.
pub fn decide(s: &Snapshot<'_>, status: &mut SpeechModelStatus) -> Verdict {
    let deleting = || Verdict::working(Reason::Deleting, "deleting the revisions");
    if !s.has_finalizer() {
        return deleting();
    }
    if !s.deletes_remote() {
        return deleting().with(Action::Release);
    }
    let Some(view) = s.around.connection.view_to_delete() else {
        return unreachable(s);
    };
    let lineage = Lineage::read(s, view);
    let revisions = &lineage.all;
    let copies = s.object.spec.source.copy.is_some();
    if copies && let Some(verdict) = written_first(s, &lineage, status) {
        return verdict;
    }
    if let Some(free) = revisions.iter().find(|revision| !revision.in_use(view)) {
        let action = Action::DeleteModel(free.id());
        return s.gate(status, action, deleting());
    }
    if let Some(used) = revisions.first() {
        return in_use(used, view);
    }
    if copies {
        // What is under way gets our mark first: then it is found and deleted like the others.
        return copy::settle(s, view, &lineage, status).unwrap_or_else(|| deleting().with(Action::Release));
    }
    let creation = s.creation(status.closed_attempt);
    match creation.open() {
        // What was sent may still arrive; without us it would stay for ever.
        Some(intent) if !creation.is_void(intent) => creation.wait(intent),
        Some(_) | None => deleting().with(Action::Release),
    }
}

/// The end of an attempt is written down before the model that proves it goes.
fn written_first(s: &Snapshot<'_>, lineage: &Lineage<'_>, status: &mut SpeechModelStatus) -> Option<Verdict> {
    lineage.close_attempts(status);
    let written = s.old_status().and_then(|old| old.closed_attempt);
    (status.closed_attempt > written).then(|| {
        Verdict::working(Reason::Deleting, "deleting the revisions").until(after(s.now(), SignedDuration::from_secs(1)))
    })
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
        "what was trained or copied",
        s.around.connection.obstacle(&s.object.spec.connection_ref.name),
        s.object.metadata.deletion_timestamp.as_ref(),
        s.old_status().map_or(&[], |status| status.conditions.as_slice()),
        s.now(),
    )
}
