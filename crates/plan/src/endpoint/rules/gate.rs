//! Has the candidate passed its gate? It is asked as soon as there is a candidate, so that the answer is there on the day.
use super::{Answer, Candidate, Facts, Known, Ruling};
use crate::{Verdict, verdict::Awaits};
use speech_api::{
    decision::{Fact, RuleName},
    swap::{GateVerdict, OnDeadline},
};

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    f.of_candidate(RuleName::Gate, of)
}

fn of(f: &Facts<'_>, _: &Known<'_>, candidate: &Candidate<'_>) -> Answer<Ruling> {
    let Some(gate) = candidate.gate(&f.s) else {
        return Answer::Passed(Fact::NotAsked);
    };
    let Some(assessment) = &candidate.assessment else {
        return Answer::Silent;
    };
    if assessment.verdict == GateVerdict::Pass {
        return Answer::Passed(Fact::Passed);
    }
    let deadline = f.dates.gate_deadline();
    let promotes = gate.on_deadline == OnDeadline::Promote && assessment.verdict != GateVerdict::Fail;
    if promotes && deadline.is_some_and(|deadline| deadline <= f.s.now()) {
        return Answer::Passed(Fact::Overruled);
    }
    let times = [deadline.filter(|deadline| *deadline > f.s.now()), assessment.look_again];
    let verdict = Verdict {
        action: assessment.action.clone(),
        awaits: assessment.awaits.map(Awaits::Other),
        wants: assessment.wants.map(Box::new),
        ..Verdict::working(assessment.reason, assessment.message.clone())
    };
    Answer::holds(times.into_iter().flatten().fold(verdict, Verdict::until))
}
