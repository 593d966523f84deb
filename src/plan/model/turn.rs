//! At most so many trainings of a connection at a time, first those whose current revision expires first.
use super::Snapshot;
use crate::{
    api::{Reason, SpeechModelStatus},
    plan::{
        Verdict,
        line::{self, Want},
        text::{after, parse},
    },
    view::View,
};
use jiff::{SignedDuration, Timestamp};

/// Who waits for a turn is woken when one comes free; this is for the case that nobody does it.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Lets a training through, or tells that it waits.
pub fn take(s: &Snapshot<'_>, view: &View, status: &SpeechModelStatus) -> Result<Want, Verdict> {
    let agenda = s.around.agenda;
    let expiry = status
        .current
        .as_ref()
        .and_then(|current| parse(current.expires_at.as_deref()));
    // A first training is waited for now, but nothing expires without it.
    let deadline = expiry.unwrap_or(Timestamp::MAX);
    let running = line::trainings_under_way(view, &agenda.line, s.around.cluster, s.uid());
    let ahead = agenda.line.trainings_before(deadline, s.uid());
    if agenda.line.trains(s.uid()) || running + ahead < agenda.limits.trainings {
        return Ok(Want::TrainingBegins);
    }
    let message = format!(
        "waiting for its turn: {} trainings at a time on this connection",
        agenda.limits.trainings
    );
    Err(Verdict::working(Reason::AwaitingTurn, message)
        .wanting(Want::Training(deadline))
        .until(after(s.now(), AGAIN)))
}
