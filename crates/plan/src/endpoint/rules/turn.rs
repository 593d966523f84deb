//! Is it its turn? So many move at a time, first those that expire first. Whose latest start has come waits for nobody.
use super::{Answer, Candidate, Facts, Known, Ruling};
use crate::{
    Verdict,
    queue::{Want, swaps_under_way},
    text::after,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    Reason,
    decision::{Fact, RuleName},
};

/// Who waits for a turn is woken when one comes free; this is for the case that nobody does it.
const TURN: SignedDuration = SignedDuration::from_mins(1);

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    f.of_candidate(RuleName::Turn, of)
}

fn of(f: &Facts<'_>, k: &Known<'_>, _: &Candidate<'_>) -> Answer<Ruling> {
    let (s, agenda) = (&f.s, f.s.around.agenda);
    let latest = f.dates.latest();
    if latest.is_some_and(|latest| latest <= s.now()) {
        return Answer::Passed(Fact::Overruled);
    }
    let deadline = f.dates.expires_at.unwrap_or(Timestamp::MAX);
    let moving = swaps_under_way(k.view, agenda, s.around.cluster, k.endpoint().header.id, s.now());
    let ahead = agenda.queue.swaps_before(deadline, s.uid());
    let most = agenda.limits.swaps;
    if moving + ahead < most {
        return Answer::Passed(Fact::Free);
    }
    let words = format!("its turn: {most} swaps at a time on this connection");
    let verdict = Verdict::working(Reason::AwaitingTurn, words).wanting(Want::Swap(deadline));
    let soon = after(s.now(), TURN);
    Answer::holds(latest.into_iter().fold(verdict.until(soon), Verdict::until))
}
