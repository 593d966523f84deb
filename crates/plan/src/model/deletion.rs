//! The ordered rules for a model whose object is being deleted: endpoints before models.
use super::{Snapshot, copy, lineage::Lineage, revision::Revision};
use crate::{
    Action, Verdict, hands,
    lead_time::Work,
    orphan,
    text::{after, day_time},
    view::View,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{Reason, SpeechModelStatus};
use speech_service::{ModelId, entity::Status};

/// So many times the longest time seen is waited for the end of work.
const PATIENCE: i32 = 3;

/// Deletes the trained or copied revisions if that is wanted, then lets the object go.
pub fn decide(s: &Snapshot<'_>, status: &mut SpeechModelStatus) -> Verdict {
    if !s.has_finalizer() {
        return deleting();
    }
    if !crate::deletes_remote(s.object) || made_nothing(s, status) {
        return deleting().with(Action::Release);
    }
    if !s.deletes_remote() {
        return hands::lets_go(&held_up(s).what);
    }
    if let Some(verdict) = held_up(s).unless_meant(s.around.stay) {
        return verdict;
    }
    let obstacle = s.around.connection.obstacle(s.connection_name());
    let Some(view) = s.around.connection.view_to_delete() else {
        return held_up(s).without(obstacle);
    };
    let verdict = remove(s, view, status);
    let unproven = || {
        let victim = Lineage::read(s, view).all.first().map(Revision::id)?;
        orphan::obstacle(
            status.last_failure.as_ref(),
            &Action::DeleteModel(victim),
            s.generation(),
        )
    };
    match obstacle.or_else(unproven) {
        Some(obstacle) => held_up(s).despite(obstacle, verdict),
        None => verdict,
    }
}

fn deleting() -> Verdict {
    Verdict::working(Reason::Deleting, "deleting the revisions")
}

/// Whether nothing can be there that would have to be deleted: every request for a model certainly led to none.
fn made_nothing(s: &Snapshot<'_>, status: &SpeechModelStatus) -> bool {
    let view = s.around.connection.view();
    status.copying.is_none()
        && status.ids().next().is_none()
        && s.creation(status).led_to_nothing()
        && view.is_none_or(|view| view.models.owned_by(s.uid()).is_empty())
}

/// What is left and free is deleted; what may still come is waited for.
fn remove(s: &Snapshot<'_>, view: &View, status: &mut SpeechModelStatus) -> Verdict {
    let lineage = Lineage::read(s, view);
    let revisions = &lineage.all;
    let copies = s.object.spec.source.copy.is_some();
    if copies && let Some(verdict) = written_first(s, &lineage, status) {
        return verdict;
    }
    let is_free = |revision: &&Revision<'_>| !revision.in_use(view) && !is_being_made(revision);
    if let Some(free) = revisions.iter().find(is_free) {
        if s.around.agenda.guard.holds(s.uid()) {
            return held_up(s).guarded(s.connection_name());
        }
        let action = Action::DeleteModel(free.id());
        return s.gate(status, action, deleting());
    }
    if let Some(used) = revisions.iter().find(|revision| revision.in_use(view)) {
        let waits = in_use(used, view);
        // Whoever uses it may be in another namespace, and stay.
        return match s.around.namespace_ends {
            true => held_up(s).lasting(Timestamp::UNIX_EPOCH, waits),
            false => waits,
        };
    }
    if let Some(running) = revisions.first() {
        return held_up(s).lasting(long_enough(s, running), until_made(running));
    }
    let creation = s.creation(status);
    if copies {
        let settled_at = creation.open().map(|intent| creation.copying(None).settled_at(intent));
        // What is under way gets our mark first: then it is found and deleted like the others.
        return match (copy::settle(s, view, &lineage, status), settled_at) {
            (Some(verdict), Some(settled_at)) if verdict.reason == Reason::AwaitingCreation => {
                held_up(s).unread(settled_at, verdict)
            }
            (Some(verdict), _) => verdict,
            (None, _) => deleting().with(Action::Release),
        };
    }
    match creation.open() {
        // What was sent may still arrive; without us it would stay for ever.
        Some(intent) if !creation.is_void(intent) => {
            held_up(s).unread(creation.settled_at(intent), creation.wait(intent))
        }
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

/// The service deletes a model only when its training or copy has ended.
fn is_being_made(revision: &Revision<'_>) -> bool {
    matches!(revision.model().header.status, Status::NotStarted | Status::Running)
}

/// When work that has not ended by then is not waited for any longer: a few times the longest seen.
fn long_enough(s: &Snapshot<'_>, running: &Revision<'_>) -> Timestamp {
    let spec = &s.object.spec;
    let work = if spec.source.copy.is_some() {
        Work::Copying
    } else {
        Work::Training
    };
    let longest = s.around.agenda.durations.expected(&spec.locale, work);
    after(running.model().header.created_at, longest.saturating_mul(PATIENCE))
}

fn until_made(running: &Revision<'_>) -> Verdict {
    let message = format!(
        "revision {} ({}) is {} since {}; the service deletes it only after the end",
        running.number,
        running.id(),
        running.model().header.status.as_str(),
        day_time(running.model().header.created_at)
    );
    Verdict::working(Reason::Deleting, message).watching()
}

fn in_use(used: &Revision<'_>, view: &View) -> Verdict {
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
            "revision {} ({}) is kept while these endpoints use it: {}; deletionPolicy: Retain lets the object go and keeps it",
            used.number,
            used.id(),
            users.join(", ")
        ),
    )
}

/// A vanished credential may delay a deletion, never prevent it.
fn held_up<'a>(s: &Snapshot<'a>) -> orphan::Deletion<'a> {
    let ids: Vec<_> = s.old_status().map(|status| status.ids().collect()).unwrap_or_default();
    let what = match ids.as_slice() {
        [] => "what was trained or copied".to_owned(),
        ids => format!("models {}", ids.join(", ")),
    };
    orphan::Deletion {
        what,
        deleted: s.object.metadata.deletion_timestamp.as_ref(),
        before: s.written(),
        limit: orphan::limit(&s.object.spec.force_orphan_after),
        now: s.now(),
    }
}
