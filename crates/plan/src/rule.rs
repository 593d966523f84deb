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

impl<F, D> Rule<F, D> {
    pub const fn new(name: RuleName, ask: fn(&F) -> Answer<D>) -> Self {
        Self { name, ask }
    }
}

/// The rules of a kind.
pub struct Rules<F, D, const N: usize> {
    /// In the order in which they are asked.
    pub list: [Rule<F, D>; N],
    /// The one that decides if none of the list does.
    pub last: (RuleName, fn(&F) -> D),
}

impl<F, D: Decides, const N: usize> Rules<F, D, N> {
    /// The names, in the order in which the rules are asked.
    pub fn names(&self) -> Vec<RuleName> {
        let list = self.list.iter().map(|rule| rule.name);
        list.chain([self.last.0]).collect()
    }

    /// The first that has something to say decides.
    pub fn decide(&self, facts: &F) -> (D, Decision) {
        let mut saw = Vec::with_capacity(N + 1);
        for rule in &self.list {
            match (rule.ask)(facts) {
                Answer::Passed(fact) => saw.push((rule.name, Saw::Fact(fact))),
                Answer::Holds(reason) => saw.push((rule.name, Saw::Reason(reason))),
                Answer::Silent => {}
                Answer::Decided(decision) => return concluded(rule.name, decision, saw),
            }
        }
        let (name, decide) = self.last;
        concluded(name, decide(facts), saw)
    }
}

fn concluded<D: Decides>(rule: RuleName, decision: D, mut saw: Vec<(RuleName, Saw)>) -> (D, Decision) {
    let reason = Saw::Reason(decision.reason());
    let held = saw.iter().find(|(_, saw)| *saw == reason);
    let name = held.map_or(rule, |(name, _)| *name);
    saw.push((name, reason));
    (decision, Decision::of(name, saw))
}
