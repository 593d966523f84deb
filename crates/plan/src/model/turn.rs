//! The turn of a training: at most `maxConcurrentTrainings` of a connection at a time, the earliest deadline first.
use super::{facts::Facts, record::Record, refusal, renewal};
use crate::{
    Action, Verdict,
    queue::{self, Want},
    text::{after, before},
    verdict::Phase,
    view::View,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::Reason;

/// Who waits for a turn is woken when one comes free; this is for the case that nobody does it.
const SAFETY_NET: SignedDuration = SignedDuration::from_mins(1);
/// The place in the queue of what was announced: it may be under way already, though nobody can see it yet.
pub const UNDER_WAY: Want = Want::TrainingBegins;

/// Lets an order of a training through when it is its turn; what was announced has its turn. `satisfied` says whether the
/// current revision is what is declared.
pub fn take(f: &Facts<'_>, view: &View, record: &Record, satisfied: bool, order: Verdict) -> Verdict {
    let s = f.s;
    let Some(action) = &order.action else { return order };
    if !matches!(action, Action::Claim(Some(_))) || f.creation.open().is_some() {
        return order.wanting(UNDER_WAY);
    }
    let agenda = s.around.agenda;
    let deadline = deadline(f);
    // Whose latest start has come waits for nobody.
    let latest = before(deadline, renewal::lead(s).needed);
    if latest <= s.now() {
        return order.wanting(UNDER_WAY);
    }
    let running = queue::trainings_under_way(view, agenda, s.around.cluster, s.uid(), s.now());
    let ahead = agenda.queue.trainings_before(deadline, s.uid());
    if running + ahead < agenda.limits.trainings {
        return order.wanting(UNDER_WAY);
    }
    let trains = match agenda.limits.trainings {
        1 => "one training".to_owned(),
        many => format!("{many} trainings"),
    };
    let message = format!("the next training waits for its turn: {trains} at a time on this connection");
    let waiting = match f.current.as_ref().filter(|_| satisfied) {
        // A failure is forgotten by what is done, so that it would be repeated too soon.
        Some(_) if record.failures.last.is_none() => Verdict {
            phase: Phase::Done,
            ..Verdict::working(
                Reason::AwaitingTurn,
                format!("the current revision is valid; {message}"),
            )
        },
        Some(_) | None => Verdict::working(Reason::AwaitingTurn, message),
    };
    waiting
        .wanting(Want::Training(deadline))
        .until(latest.min(after(s.now(), SAFETY_NET)))
}

/// When the revision is needed: when the current one expires, or what serves where a gate refused that.
fn deadline(f: &Facts<'_>) -> Timestamp {
    let Some(current) = &f.current else {
        return Timestamp::MAX;
    };
    let refused = refusal::of(f.s, current.id);
    let needed_by = refused.map(|refused| refused.needed_by);
    let dates = current.expires_at.into_iter().chain(needed_by);
    dates.min().unwrap_or(Timestamp::MAX)
}
