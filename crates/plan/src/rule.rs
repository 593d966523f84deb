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
    /// It decides nothing, though this is to be said against the object.
    Noted(Reason),
    /// It holds something back for this reason, and the rules after it are asked all the same. If none of them decides, the
    /// first rule that holds something back has decided.
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
    /// The one that decides if none of the list does, or says what is decided where some of them hold something back.
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
        let mut holder = None;
        for rule in &self.list {
            match (rule.ask)(facts) {
                Answer::Passed(fact) => saw.push((rule.name, Saw::Fact(fact))),
                Answer::Noted(reason) => saw.push((rule.name, Saw::Reason(reason))),
                Answer::Holds(reason) => {
                    holder = holder.or(Some(rule.name));
                    saw.push((rule.name, Saw::Reason(reason)));
                }
                Answer::Silent => {}
                Answer::Decided(decision) => return decided(rule.name, decision, saw),
            }
        }
        let (last, decide) = self.last;
        decided(holder.unwrap_or(last), decide(facts), saw)
    }
}

fn decided<D: Decides>(rule: RuleName, decision: D, mut saw: Vec<(RuleName, Saw)>) -> (D, Decision) {
    saw.push((rule, Saw::Reason(decision.reason())));
    (decision, Decision::of(rule, saw))
}
