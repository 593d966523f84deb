//! What is written down before a step is taken, because the step wipes out what it was learned from.
use super::{Snapshot, quarantine};
use crate::{
    api::{Reason, SpeechEndpointStatus},
    plan::{Verdict, text::after},
};
use jiff::SignedDuration;

/// How soon the step follows, if the write does not wake us before.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// Puts off a step until the status holds why it is taken.
pub fn written_first(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus, verdict: Verdict) -> Verdict {
    if verdict.action.is_none() {
        return verdict;
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
