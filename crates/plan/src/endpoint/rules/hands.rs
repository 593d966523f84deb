//! May the operator change it?
use super::{Answer, Facts, Ruling, served, settled::at_rest};
use crate::endpoint::{fields, in_flight, record::Upcoming};
use speech_api::decision::Fact;
use speech_service::request::UpdateEndpoint;

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    let (Some(k), s) = (&f.known, &f.s) else {
        return Answer::Silent;
    };
    if s.may_act() {
        return Answer::Passed(Fact::Allowed);
    }
    let next = k.moves();
    let model = next.map(|next| UpdateEndpoint::Model(next.facts.model));
    let names = fields::names(model.iter().chain(&k.changes));
    let verdict = if names.is_empty() {
        at_rest(f, k)
    } else {
        s.untouched(&format!("change {names}"))
    };
    let upcoming = match next {
        Some(next) => in_flight::asked_for(f, k, &next),
        None => Upcoming::waiting(k.waiting.clone()),
    };
    Answer::Decided(served(f, verdict, upcoming, f.record.failures.clone()))
}
