//! Does the chosen model serve?
use super::{Answer, Facts, Ruling, served};
use crate::endpoint::{contest, fields, in_flight, known::NextModel, record::Upcoming};
use speech_api::decision::Fact;

/// The model comes next, which nothing else may keep back.
pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    let Some(next) = k.moves() else {
        return match k.next {
            NextModel::Stay => Answer::Passed(Fact::Serves),
            NextModel::None(_) | NextModel::Begun(_) | NextModel::Candidate(_) => Answer::Silent,
        };
    };
    let asked = in_flight::asked_for(f, k, &next);
    let failures = f.record.failures.clone();
    let target = asked.target.as_ref();
    if let Some(until) = in_flight::shows_old_until(&f.s, k.endpoint(), target, next.facts.model) {
        let rest = in_flight::until_reported(f, target).until(until);
        let (verdict, failures) = fields::change(f, k, failures, rest);
        return Answer::Decided(served(f, verdict, asked, failures));
    }
    let (verdict, upcoming, failures) = match contest::hold(f, k, &next) {
        Some((held, candidate)) => {
            let (verdict, failures) = fields::change(f, k, failures, held);
            (verdict, Upcoming::waiting(Some(candidate)), failures)
        }
        None => in_flight::swap(f, k, &next, asked),
    };
    Answer::Decided(served(f, verdict, upcoming, failures))
}
