//! The ordered rules for an endpoint whose object is being deleted.
use super::{Snapshot, identity, identity::Identity, observed::Observed};
use crate::{Action, Verdict, hands, orphan, text::after};
use jiff::SignedDuration;
use speech_api::Reason;
use speech_service::EntityId;

/// Deletes the remote endpoint if that is wanted, then lets the object go.
pub fn decide(f: &Observed<'_>) -> Verdict {
    let s = &f.s;
    if !s.has_finalizer() {
        return deleting();
    }
    if !crate::deletes_remote(s.object) || made_nothing(f) {
        return deleting().with(Action::Release);
    }
    if !s.deletes_remote() {
        return hands::lets_go(&held_up(s).what);
    }
    if let Some(verdict) = held_up(s).unless_meant(s.around.stay) {
        return verdict;
    }
    let obstacle = s.around.connection.obstacle(s.connection_name());
    if s.around.connection.view_to_delete().is_none() {
        return held_up(s).without(obstacle);
    }
    let attempt = remove(f);
    match obstacle.or_else(|| unproven(f)) {
        Some(obstacle) => held_up(s).despite(obstacle, attempt),
        None => attempt,
    }
}

fn deleting() -> Verdict {
    Verdict::working(Reason::Deleting, "deleting the endpoint")
}

/// Whether nothing can be there that would have to be deleted: every request for an endpoint certainly led to none, and
/// none was adopted.
fn made_nothing(f: &Observed<'_>) -> bool {
    let s = &f.s;
    let view = s.around.connection.view();
    s.object.spec.adopt.is_none()
        && f.status.id.is_none()
        && s.creation(&f.status).led_to_nothing()
        && view.is_none_or(|view| view.endpoints.owned_by(s.uid()).is_empty())
}

/// The connection works, but what it answers to the deletion does not count.
fn unproven(f: &Observed<'_>) -> Option<Verdict> {
    let s = &f.s;
    let victim = next_victim(s).ok().flatten()?;
    orphan::obstacle(
        f.record.failures.last.as_ref(),
        &Action::DeleteEndpoint(victim),
        s.generation(),
    )
}

/// What is left is deleted; what may still come is waited for.
fn remove(f: &Observed<'_>) -> Verdict {
    let s = &f.s;
    match next_victim(s) {
        Ok(Some(_)) if s.around.agenda.guard.holds(s.uid()) => return held_up(s).guarded(s.connection_name()),
        // The end of an attempt is written down before the endpoint that proves it goes.
        Ok(Some(_)) if ends_attempt(f) => return deleting().until(after(s.now(), SignedDuration::from_secs(1))),
        Ok(Some(id)) => {
            let last = f.record.failures.last.as_ref();
            return s.asking(None).admit(last, Action::DeleteEndpoint(id), deleting());
        }
        Ok(None) => {}
        Err(PerhapsMarked(id)) => {
            let message = format!("looking whether endpoint {id} bears our mark; without it the endpoint stays");
            return Verdict::working(Reason::Deleting, message)
                .until(after(s.now(), SignedDuration::from_secs(1)))
                .watching();
        }
    }
    let creation = s.creation(&f.status);
    match creation.open() {
        // What was sent may still arrive; without us it would stay for ever.
        Some(intent) if !creation.is_void(intent) => {
            held_up(s).unread(creation.settled_at(intent), creation.wait(intent))
        }
        Some(_) | None => deleting().with(Action::Release),
    }
}

/// Whether the endpoint shows what came of an announcement, and the written status does not say so yet. Once it is deleted,
/// nothing else would tell that no other can come of it.
fn ends_attempt(f: &Observed<'_>) -> bool {
    let written = f.s.old_status().cloned().unwrap_or_default();
    f.s.creation(&written).open().is_some() && f.s.creation(&f.status).open().is_none()
}

/// An endpoint whose marking was asked for, and of which no read has told what came of it.
struct PerhapsMarked(EntityId);

/// The remote endpoint, or one that an earlier attempt made as well. Another owner's is not ours to delete, and neither is
/// one that was adopted and does not bear our mark: nobody ever made it ours, or somebody took it back.
fn next_victim(s: &Snapshot<'_>) -> Result<Option<EntityId>, PerhapsMarked> {
    let Some(view) = s.around.connection.view() else {
        return Ok(None);
    };
    let recorded = s.old_status().and_then(|status| status.id);
    let own = match identity::find(s) {
        Identity::Known(entry) if s.related.holder.is_none() => {
            let header = &entry.entity.header;
            // What a former object left behind is ours from the moment at which the status names it; so is what we made
            // and somebody took our mark from.
            let is_recorded = recorded == Some(header.id);
            let ours = match &header.owner {
                Some(tag) => tag.uid == s.uid() || (is_recorded && s.predecessor().bore(tag)),
                None if s.object.spec.adopt.is_some() && !entry.confirmed => return Err(PerhapsMarked(header.id)),
                None => is_recorded && s.object.spec.adopt.is_none(),
            };
            ours.then_some(header.id)
        }
        Identity::Known(_)
        | Identity::Missing(_)
        | Identity::Lost(_)
        | Identity::Left(_)
        | Identity::None
        | Identity::Unseen => None,
    };
    Ok(own.or_else(|| {
        let owned = view.endpoints.owned_by(s.uid());
        owned.first().map(|entry| entry.entity.header.id)
    }))
}

/// A vanished credential may delay a deletion, never prevent it.
fn held_up<'a>(s: &Snapshot<'a>) -> orphan::Deletion<'a> {
    let recorded = s.old_status().and_then(|status| status.id);
    let adopted = s
        .object
        .spec
        .adopt
        .as_ref()
        .map(|adopt| format!("endpoint {}", adopt.id));
    let what = recorded.map(|id| format!("endpoint {id}")).or(adopted);
    orphan::Deletion {
        what: what.unwrap_or_else(|| "what an unanswered request may have made".to_owned()),
        deleted: s.object.metadata.deletion_timestamp.as_ref(),
        before: s.written(),
        limit: orphan::limit(&s.object.spec.force_orphan_after),
        now: s.now(),
    }
}
