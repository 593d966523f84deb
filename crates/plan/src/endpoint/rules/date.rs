//! Have its day and a window come?
use super::{Answer, Candidate, Facts, Known, Ruling};
use crate::{
    Verdict,
    endpoint::timing::{By, Timing},
    text::day_time,
};
use speech_api::{
    Reason,
    decision::{Fact, RuleName},
};

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    f.of_candidate(RuleName::Date, of)
}

fn of(f: &Facts<'_>, _: &Known<'_>, candidate: &Candidate<'_>) -> Answer<Ruling> {
    let Timing { at, by, never_opens } = candidate.timing;
    let Some(at) = at else {
        let words = "a window, but none opens before the active model expires";
        return Answer::holds(Verdict::working(Reason::WindowNeverOpens, words));
    };
    if at <= f.s.now() {
        return Answer::Passed(Fact::Come);
    }
    let on = day_time(at);
    let (reason, words) = match by {
        By::Window => (Reason::WindowClosed, format!("the next window, which opens on {on}")),
        By::Override if never_opens => (
            Reason::WindowNeverOpens,
            format!("the end of what windows may block, on {on}: they never open"),
        ),
        By::Override => (
            Reason::WindowClosed,
            format!("the end of what windows may block, on {on}"),
        ),
        By::Share | By::NewModel | By::Expired => (Reason::SwapScheduled, format!("its day, {on}")),
    };
    Answer::holds(Verdict::working(reason, words).until(at))
}
