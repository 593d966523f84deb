//! What is written down before a step is taken, because the step wipes out what it was learned from.
use super::{Snapshot, quarantine};
use crate::{Action, Verdict, text::after};
use jiff::SignedDuration;
use speech_api::{Reason, SpeechEndpointStatus, endpoint::TargetModel};

/// How soon the step follows, if the write does not wake us before.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// Puts off a step until the status holds why it is taken.
pub fn written_first(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus, verdict: Verdict) -> Verdict {
    let Some(action) = &verdict.action else {
        return verdict;
    };
    if let Some((before, next)) = replaced(s, status, action) {
        // Not the word for a swap, which would say that it was asked for.
        let message = format!("moving to model {} instead of model {}", next.name, before.name);
        status.target = Some(next);
        status.candidate = None;
        return Verdict::working(Reason::Updating, message).until(after(s.now(), STEP));
    }
    let Some((reason, message)) = unwritten(s, status) else {
        return verdict;
    };
    status.target = None;
    Verdict::working(reason, message).until(after(s.now(), STEP))
}

fn unwritten(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Option<(Reason, String)> {
    let old = s.old_status();
    if let Some(entry) = quarantine::new_entries(s, status).next() {
        let message = format!("model {} goes into quarantine: {}", entry.name, entry.message);
        return Some((quarantine::reason(entry), message));
    }
    let former = status.former_ids.first()?;
    old.is_none_or(|old| old.former_ids.first() != Some(former)).then(|| {
        let message = format!("endpoint {former} was deleted in the Speech service; another is to take its place");
        (Reason::Recreating, message)
    })
}

/// The model that was on its way, and the one that is to be asked for in its place. Where the service shows neither, only
/// the status tells which of them was asked for last; so this one is a target before it is asked for.
fn replaced<'a>(
    s: &Snapshot<'a>,
    status: &SpeechEndpointStatus,
    action: &Action,
) -> Option<(&'a TargetModel, TargetModel)> {
    let moves = matches!(action, Action::UpdateEndpoint { change, .. } if change.model().is_some());
    let before = s.old_status()?.target.as_ref().filter(|_| moves)?;
    let next = status.target.as_ref().or(status.candidate.as_ref())?;
    (before.model != next.model).then(|| (before, next.clone()))
}
