//! The ordered rules for a model whose object is being deleted: endpoints before models.
use super::{
    Snapshot, copy,
    facts::{Facts, Made, Material},
    record::{Record, Ruling},
    revision::Revision,
};
use crate::{
    Action, Verdict, hands,
    lead_time::Work,
    orphan,
    text::{after, day_time},
    view::View,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::Reason;
use speech_service::{ModelId, entity::Status};

/// So many times the longest time seen is waited for the end of work.
const PATIENCE: i32 = 3;

/// Deletes the trained or copied revisions if that is wanted, then lets the object go.
pub fn decide(f: &Facts<'_>) -> Ruling {
    let record = Record::unseen(f);
    if let Some(verdict) = at_once(f) {
        return Ruling::new(f, verdict, record);
    }
    let obstacle = f.s.around.connection.obstacle(f.s.connection_name());
    let Some(made) = f.made() else {
        return Ruling::new(f, held_up(f).without(obstacle), record);
    };
    let (verdict, record) = remove(f, made, record);
    let unproven = || {
        let victim = made.lineage.all.first().map(Revision::id)?;
        let last = f.base.last_failure.as_ref();
        orphan::obstacle(last, &Action::DeleteModel(victim), f.s.generation())
    };
    let verdict = match obstacle.or_else(unproven) {
        Some(obstacle) => held_up(f).despite(obstacle, verdict),
        None => verdict,
    };
    Ruling::new(f, verdict, record)
}

/// What is decided without a look at what is there.
fn at_once(f: &Facts<'_>) -> Option<Verdict> {
    let s = f.s;
    if !s.has_finalizer() {
        return Some(deleting());
    }
    if !crate::deletes_remote(s.object) || made_nothing(f) {
        return Some(deleting().with(Action::Release));
    }
    if !s.deletes_remote() {
        return Some(hands::lets_go(&held_up(f).what));
    }
    held_up(f).unless_meant(s.around.stay)
}

fn deleting() -> Verdict {
    Verdict::working(Reason::Deleting, "deleting the revisions")
}

/// Whether nothing can be there that would have to be deleted: every request for a model certainly led to none.
fn made_nothing(f: &Facts<'_>) -> bool {
    let view = f.s.around.connection.view();
    f.told.copying.is_none()
        && f.told.ids.is_empty()
        && f.creation.led_to_nothing()
        && view.is_none_or(|view| view.models.owned_by(f.s.uid()).is_empty())
}

/// What is left and free is deleted; what may still come is waited for.
fn remove(f: &Facts<'_>, made: &Made<'_>, record: Record) -> (Verdict, Record) {
    if let Material::Model(_) = made.from {
        // The end of an attempt is written down before the model that proves it goes.
        let closed = made.lineage.closed_attempt().max(record.closed_attempt);
        let written = f.s.old_status().and_then(|old| old.closed_attempt);
        let record = Record {
            closed_attempt: closed,
            ..record
        };
        if closed > written {
            return (deleting().until(after(f.s.now(), SignedDuration::from_secs(1))), record);
        }
        return match clear(f, made, &record) {
            Some(verdict) => (verdict, record),
            None => end_copy(f, made, record),
        };
    }
    let verdict = clear(f, made, &record).unwrap_or_else(|| end_training(f));
    (verdict, record)
}

/// Deletes what there is, one after the other.
fn clear(f: &Facts<'_>, made: &Made<'_>, record: &Record) -> Option<Verdict> {
    let (s, view, revisions) = (f.s, made.view, &made.lineage.all);
    let is_free = |revision: &&Revision<'_>| !revision.in_use(view) && !is_being_made(revision);
    if let Some(free) = revisions.iter().find(is_free) {
        if s.around.agenda.guard.holds(s.uid()) {
            return Some(held_up(f).guarded(s.connection_name()));
        }
        return Some(f.admit(&record.failures, Action::DeleteModel(free.id()), deleting()));
    }
    if let Some(used) = revisions.iter().find(|revision| revision.in_use(view)) {
        let waits = in_use(used, view);
        // Whoever uses it may be in another namespace, and stay.
        return Some(match s.around.namespace_ends {
            true => held_up(f).lasting(Timestamp::UNIX_EPOCH, waits),
            false => waits,
        });
    }
    let running = revisions.first()?;
    Some(held_up(f).lasting(long_enough(s, running), until_made(running)))
}

/// What was sent may still arrive; without us it would stay for ever.
fn end_training(f: &Facts<'_>) -> Verdict {
    match f.creation.open() {
        Some(intent) if !f.creation.is_void(intent) => {
            held_up(f).unread(f.creation.settled_at(intent), f.creation.wait(intent))
        }
        Some(_) | None => deleting().with(Action::Release),
    }
}

/// What is under way gets our mark first: then it is found and deleted like the others.
fn end_copy(f: &Facts<'_>, made: &Made<'_>, record: Record) -> (Verdict, Record) {
    let Material::Model(copied) = &made.from else {
        return (deleting().with(Action::Release), record);
    };
    let creation = f.creation.copying(None);
    let settled_at = creation.open().map(|intent| creation.settled_at(intent));
    let record = record.after(f, &copied.attempt);
    match (copy::follow(&copied.attempt, f, record.clone()), settled_at) {
        (Some((verdict, record)), Some(settled_at)) if verdict.reason == Reason::AwaitingCreation => {
            (held_up(f).unread(settled_at, verdict), record)
        }
        (Some(followed), _) => followed,
        (None, _) => (deleting().with(Action::Release), record),
    }
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
    let mut users: Vec<_> = view
        .users_of(ModelId::Custom(used.id()))
        .map(|endpoint| match &endpoint.header.owner {
            Some(tag) => format!("{} ({})", endpoint.header.id, tag.object),
            None => endpoint.header.id.to_string(),
        })
        .collect();
    // A view has no order; a status that is written again says the same.
    users.sort_unstable();
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
fn held_up<'a>(f: &Facts<'a>) -> orphan::Deletion<'a> {
    let s = f.s;
    let ids: Vec<_> = f.told.ids.iter().map(ToString::to_string).collect();
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
