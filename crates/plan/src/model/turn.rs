//! The turn of a training: at most `maxConcurrentTrainings` of a connection at a time, the earliest deadline first.
use super::{Snapshot, refusal, renewal};
use crate::{
    Action, Verdict,
    line::{self, Want},
    text::{after, before, parse},
    verdict::Phase,
    view::View,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{Reason, SpeechModelStatus};

/// Who waits for a turn is woken when one comes free; this is for the case that nobody does it.
const SAFETY_NET: SignedDuration = SignedDuration::from_mins(1);
/// The place in the line of what was announced: it may be under way already, though nobody can see it yet.
pub const UNDER_WAY: Want = Want::TrainingBegins;

/// Lets an order of a training through when it is its turn; what was announced has its turn. `satisfied` says whether the
/// current revision is what is declared.
pub fn take(s: &Snapshot<'_>, view: &View, status: &SpeechModelStatus, satisfied: bool, order: Verdict) -> Verdict {
    let Some(action) = &order.action else { return order };
    if !matches!(action, Action::Claim(Some(_))) || s.creation(status).open().is_some() {
        return order.wanting(UNDER_WAY);
    }
    let agenda = s.around.agenda;
    let deadline = deadline(s, status);
    // Whose latest start has come waits for nobody.
    let latest = before(deadline, renewal::lead(s).needed);
    if latest <= s.now() {
        return order.wanting(UNDER_WAY);
    }
    let running = line::trainings_under_way(view, agenda, s.around.cluster, s.uid(), s.now());
    let ahead = agenda.line.trainings_before(deadline, s.uid());
    if running + ahead < agenda.limits.trainings {
        return order.wanting(UNDER_WAY);
    }
    let trains = match agenda.limits.trainings {
        1 => "one training".to_owned(),
        many => format!("{many} trainings"),
    };
    let message = format!("the next training waits for its turn: {trains} at a time on this connection");
    let waiting = match status.current.as_ref().filter(|_| satisfied) {
        // A failure is forgotten by what is done, so that it would be repeated too soon.
        Some(_) if status.last_failure.is_none() => Verdict {
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
fn deadline(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Timestamp {
    let current = status.current.as_ref();
    let expires = parse(current.and_then(|current| current.expires_at.as_deref()));
    let refused = current.and_then(|current| refusal::of(s, current.id.parse().ok()?));
    let needed_by = refused.map(|refused| refused.needed_by);
    expires.into_iter().chain(needed_by).min().unwrap_or(Timestamp::MAX)
}
