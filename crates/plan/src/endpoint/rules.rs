//! The rules for an endpoint, in the order in which they are asked: the first that has something to say decides.
mod approval;
mod choice;
mod clocks;
mod date;
mod deletion;
mod duplicate;
mod entity;
mod fields;
mod fitness;
mod gate;
mod hands;
mod mark;
mod model;
mod reach;
mod settled;
mod turn;
mod work;

use super::{
    candidate::Candidate,
    facts::Facts,
    in_flight,
    known::{Known, NextModel},
    record::Upcoming,
};
use crate::{
    Verdict,
    failures::Failures,
    rule::{Answer, Decides, Obstacle, Rule, Rules},
};
use speech_api::{
    Reason,
    decision::{Fact, RuleName, Saw},
    reference::LastFailure,
};

/// What a rule decides: the verdict, and what is to be remembered because of it.
#[derive(Clone, Debug)]
pub struct Ruling {
    pub verdict: Verdict,
    /// Which model comes next.
    pub upcoming: Upcoming,
    pub failures: Failures,
    pub ahead: Ahead,
}

/// What can be said of what lies ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// Nothing: what was told before stands.
    Stands,
    /// Nothing can be seen or done now, and the verdict is why.
    Obstructed,
    /// No endpoint serves that could be planned for.
    Unserved,
    /// What follows from the endpoint.
    Served,
}

impl Ruling {
    /// The last failure of the move that is wanted.
    pub fn failed_swap(&self) -> Option<&LastFailure> {
        in_flight::failed_swap(&self.upcoming, &self.failures)
    }
}

impl Decides for Ruling {
    fn reason(&self) -> Reason {
        self.verdict.reason
    }
}

impl Facts<'_> {
    /// The rules.
    pub const RULES: Rules<Self, Ruling, 18> = Rules {
        list: [
            Rule::new(RuleName::Deletion, deletion::ask),
            Rule::new(RuleName::Connection, reach::connection),
            Rule::new(RuleName::Spec, reach::spec),
            Rule::new(RuleName::Owner, reach::owner),
            Rule::new(RuleName::Entity, entity::ask),
            Rule::new(RuleName::Duplicate, duplicate::ask),
            Rule::new(RuleName::Work, work::ask),
            Rule::new(RuleName::Choice, choice::ask),
            Rule::new(RuleName::Fitness, fitness::ask),
            Rule::new(RuleName::Gate, gate::ask),
            Rule::new(RuleName::Approval, approval::ask),
            Rule::new(RuleName::Date, date::ask),
            Rule::new(RuleName::Clocks, clocks::ask),
            Rule::yielding(RuleName::Turn, turn::ask),
            Rule::new(RuleName::Hands, hands::ask),
            Rule::new(RuleName::Mark, mark::ask),
            Rule::new(RuleName::Model, model::ask),
            Rule::new(RuleName::Fields, fields::ask),
        ],
        last: (RuleName::Settled, settled::decide),
    };
}

/// The names of the rules in their order.
pub fn chain() -> Vec<RuleName> {
    Facts::RULES.names()
}

impl Facts<'_> {
    /// Asks a rule about the candidate. What it saw before a move that was decided then stands; and what it has against a
    /// candidate that is out of the choice by now is only noted.
    pub fn of_candidate(
        &self,
        rule: RuleName,
        ask: fn(&Self, &Known<'_>, &Candidate<'_>) -> Answer<Ruling>,
    ) -> Answer<Ruling> {
        let Some(k) = &self.known else { return Answer::Silent };
        match (&k.next, &k.refused) {
            (NextModel::Candidate(candidate), _) => ask(self, k, candidate),
            (NextModel::Begun(begun), _) if begun.was_decided => {
                let before = in_flight::decided(&self.s, &begun.facts);
                match before.and_then(|decision| decision.saw(rule)) {
                    Some(Saw::Fact(fact)) => Answer::Passed(fact),
                    Some(Saw::Reason(_)) | None => Answer::Silent,
                }
            }
            (_, Some(refused)) => match ask(self, k, refused) {
                Answer::Holds(verdict) => Answer::Noted(verdict.reason),
                answer @ (Answer::Passed(_) | Answer::Noted(_) | Answer::Silent | Answer::Decided(_)) => answer,
            },
            (_, None) => Answer::Silent,
        }
    }
}

/// A decision where nothing is said of the next model.
fn unserved(f: &Facts<'_>, verdict: Verdict) -> Ruling {
    Ruling {
        verdict,
        upcoming: Upcoming::default(),
        failures: f.record.failures.clone(),
        ahead: Ahead::Unserved,
    }
}

fn obstructed(f: &Facts<'_>, verdict: Verdict) -> Answer<Ruling> {
    Answer::Decided(Ruling {
        // What is not known now stands.
        upcoming: f.upcoming.clone(),
        ahead: Ahead::Obstructed,
        ..unserved(f, verdict)
    })
}

/// A decision about an endpoint that serves.
fn served(f: &Facts<'_>, verdict: Verdict, upcoming: Upcoming, failures: Failures) -> Ruling {
    let duplicate = super::duplicate::deletion(f).and_then(|waits| waits.look_again);
    Ruling {
        verdict: duplicate.into_iter().fold(verdict, Verdict::until),
        upcoming,
        failures,
        ahead: Ahead::Served,
    }
}

/// The same where nothing is asked for: what waits goes on waiting.
fn waiting(f: &Facts<'_>, k: &Known<'_>, (verdict, failures): (Verdict, Failures)) -> Ruling {
    served(f, verdict, Upcoming::waiting(k.waiting.clone()), failures)
}

/// What keeps the endpoint from a next model, if it is for this rule to say.
fn found(f: &Facts<'_>, rule: RuleName, fact: Fact) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    match &k.next {
        NextModel::None(Obstacle { rule: by, verdict }) if *by == rule => {
            Answer::Decided(waiting(f, k, (verdict.clone(), f.record.failures.clone())))
        }
        NextModel::Stay => Answer::Passed(Fact::Serves),
        NextModel::None(_) | NextModel::Begun(_) | NextModel::Candidate(_) => Answer::Passed(fact),
    }
}
