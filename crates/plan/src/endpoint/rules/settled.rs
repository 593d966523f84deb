//! Is everything as declared? What differs has to wait.
use super::{Candidate, Facts, Known, Ruling, unserved, waiting};
use crate::{
    Verdict,
    endpoint::{choice::named, fields, status},
    rule::Obstacle,
};
use speech_api::Reason;

pub fn decide(f: &Facts<'_>) -> Ruling {
    let Some(k) = &f.known else {
        let serves = status::serves(&f.s, f.record.active.as_ref());
        return unserved(f, Verdict::done(Reason::Serving, serves));
    };
    let changed = fields::change(f, k, f.record.failures.clone(), at_rest(f, k));
    waiting(f, k, changed)
}

/// Nothing differs, or what differs has to wait.
pub fn at_rest(f: &Facts<'_>, k: &Known<'_>) -> Verdict {
    let s = &f.s;
    let serves = status::serves(s, f.record.active.as_ref());
    let Some(candidate) = k.waits() else {
        return Verdict::done(if s.may_act() { Reason::Serving } else { s.why_not().0 }, serves);
    };
    let name = named(&candidate.choice.facts);
    if !s.may_act() {
        return s.untouched(&format!("move to model {name}"));
    }
    together(candidate, &k.held, &format!("{serves}; model {name} waits for "))
}

/// All that holds a candidate back, of which the first decides. What a user named by its id, and what is about to happen, is
/// under way; anything else is as declared until its day.
fn together(candidate: &Candidate<'_>, held: &[Obstacle], words: &str) -> Verdict {
    let verdicts = || held.iter().map(|held| &held.verdict);
    let messages: Vec<&str> = verdicts().map(|verdict| verdict.message.as_str()).collect();
    let message = format!("{words}{}", messages.join("; and for "));
    let first = verdicts().next().map_or(Reason::Serving, |first| first.reason);
    let verdict = if candidate.choice.named || first == Reason::AwaitingTurn {
        Verdict::working(first, message)
    } else {
        Verdict::done(first, message)
    };
    let verdict = Verdict {
        action: verdicts().find_map(|verdict| verdict.action.clone()),
        awaits: verdicts().find_map(|verdict| verdict.awaits),
        wants: verdicts().find_map(|verdict| verdict.wants.clone()),
        ..verdict
    };
    verdicts()
        .filter_map(|verdict| verdict.look_again)
        .fold(verdict, Verdict::until)
}
