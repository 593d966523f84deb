//! A decision as a list that can be read: rules in their order, of which the first that has something to say decides.
//!
//! A rule is a pure function of the facts. It says what it saw either way, so that the status, and `kubectl speech why`
//! with it, shows `ok` only where a fact says so.
use crate::Verdict;
use speech_api::{
    Reason,
    decision::{Decision, Fact, RuleName, Saw},
};

/// One rule: its name, which also has the question, and its answer to it from the facts `F`.
pub struct Rule<F, D = Verdict> {
    pub name: RuleName,
    pub ask: fn(&F) -> Answer<D>,
}

/// The answer of a rule.
#[derive(Clone, Debug)]
pub enum Answer<D = Verdict> {
    /// It has nothing to say, because of this fact.
    Passed(Fact),
    /// There is nothing that it could look at.
    Silent,
    /// It holds something back for this reason, and the rules after it are asked all the same. If what is decided in the
    /// end has its reason, it was this rule that decided.
    Holds(Reason),
    /// It decides.
    Decided(D),
}

/// What a rule decides.
pub trait Decides {
    /// The reason of the decision.
    fn reason(&self) -> Reason;
}

impl Decides for Verdict {
    fn reason(&self) -> Reason {
        self.reason
    }
}

/// Asks the rules in their order. None if no rule decided, which a list that ends in a rule that always decides rules out.
pub fn first<F, D: Decides>(rules: &[Rule<F, D>], facts: &F) -> Option<(D, Decision)> {
    let mut saw = Vec::with_capacity(rules.len());
    for rule in rules {
        match (rule.ask)(facts) {
            Answer::Passed(fact) => saw.push((rule.name, Saw::Fact(fact))),
            Answer::Holds(reason) => saw.push((rule.name, Saw::Reason(reason))),
            Answer::Silent => {}
            Answer::Decided(decision) => {
                let reason = Saw::Reason(decision.reason());
                let held = saw.iter().find(|(_, saw)| *saw == reason);
                let name = held.map_or(rule.name, |(name, _)| *name);
                saw.push((name, reason));
                return Some((decision, Decision::of(name, saw)));
            }
        }
    }
    None
}
