//! Do the clocks agree? While they differ widely nothing moves by itself, unless the end of what may keep it back has come by
//! the later of both. What expires by no clock has no such end.
use super::{Answer, Candidate, Facts, Known, Ruling};
use crate::Verdict;
use speech_api::{
    Reason,
    decision::{Fact, RuleName},
};

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    f.of_candidate(RuleName::Clocks, of)
}

fn of(f: &Facts<'_>, _: &Known<'_>, candidate: &Candidate<'_>) -> Answer<Ruling> {
    if candidate.is_wanted_now() {
        return Answer::Passed(Fact::NotAsked);
    }
    if !f.s.around.agenda.skew.holds() {
        return Answer::Passed(Fact::Agree);
    }
    let deadline = f.dates.gate_deadline();
    if deadline.is_some_and(|deadline| deadline <= f.s.now()) {
        return Answer::Passed(Fact::Overruled);
    }
    let words = "the clocks of the service and the operator to agree";
    let verdict = Verdict::working(Reason::ClocksDifferWidely, words);
    Answer::holds(deadline.into_iter().fold(verdict, Verdict::until))
}
