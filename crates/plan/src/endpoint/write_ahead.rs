//! What is written down before a step is taken, because the step wipes out what it was learned from.
use super::{
    Snapshot,
    observed::Observed,
    quarantine,
    record::Upcoming,
    rules::{Ahead, Ruling},
};
use crate::{Action, Verdict, text::after};
use jiff::SignedDuration;
use speech_api::{Reason, endpoint::TargetModel};

/// How soon the step follows, if the write does not wake us before.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// Puts off a step until the status holds why it is taken.
pub fn written_first(f: &Observed<'_>, ruling: Ruling) -> Ruling {
    // Whatever is written of an object that is being deleted is soon gone.
    let Some(action) = ruling.verdict.action.as_ref().filter(|_| ruling.ahead != Ahead::Stands) else {
        return ruling;
    };
    let soon = |reason, message| Verdict::working(reason, message).until(after(f.s.now(), STEP));
    if let Some((before, next)) = replaced(&f.s, &ruling.upcoming, action) {
        // Not the word for a swap, which would say that it was asked for.
        let message = format!("moving to model {} instead of model {}", next.name, before.name);
        return Ruling {
            verdict: soon(Reason::Updating, message),
            upcoming: Upcoming::asked(Some(next)),
            ..ruling
        };
    }
    let Some((reason, message)) = unwritten(f) else {
        return ruling;
    };
    Ruling {
        verdict: soon(reason, message),
        upcoming: Upcoming::waiting(ruling.upcoming.candidate),
        ..ruling
    }
}

fn unwritten(f: &Observed<'_>) -> Option<(Reason, String)> {
    let old = f.s.old_status();
    if let Some(entry) = quarantine::new_entries(&f.s, &f.record.quarantine).next() {
        let message = format!("model {} goes into quarantine: {}", entry.name, entry.message);
        return Some((quarantine::reason(entry), message));
    }
    let former = f.status.former_ids.first()?;
    old.is_none_or(|old| old.former_ids.first() != Some(former)).then(|| {
        let message = format!("endpoint {former} was deleted in the Speech service; another is to take its place");
        (Reason::Recreating, message)
    })
}

/// The model that was on its way, and the one that is to be asked for in its place. Where the service shows neither, only
/// the status tells which of them was asked for last; so this one is a target before it is asked for.
fn replaced<'a>(s: &Snapshot<'a>, upcoming: &Upcoming, action: &Action) -> Option<(&'a TargetModel, TargetModel)> {
    let moves = matches!(action, Action::UpdateEndpoint { change, .. } if change.model().is_some());
    let before = s.old_status()?.target.as_ref().filter(|_| moves)?;
    let next = upcoming.first()?;
    (before.model != next.model).then(|| (before, next.clone()))
}
