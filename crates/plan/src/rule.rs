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
    /// Whether it is asked only where no rule before it has anything against the object.
    yields: bool,
}

/// What a rule has against going on.
#[derive(Clone, Debug)]
pub struct Obstacle {
    pub rule: RuleName,
    pub verdict: Verdict,
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
    /// It holds something back, and the rules after it are asked all the same. If none of them decides, the first rule that
    /// holds something back has decided.
    Holds(Box<Verdict>),
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

impl<D> Answer<D> {
    /// It holds something back, and would say this alone.
    pub fn holds(verdict: Verdict) -> Self {
        Self::Holds(Box::new(verdict))
    }
}

impl<F, D> Rule<F, D> {
    pub const fn new(name: RuleName, ask: fn(&F) -> Answer<D>) -> Self {
        let yields = false;
        Self { name, ask, yields }
    }

    /// A rule that is asked only where no rule before it has anything against the object.
    pub const fn yielding(name: RuleName, ask: fn(&F) -> Answer<D>) -> Self {
        let yields = true;
        Self { name, ask, yields }
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
            if rule.yields && saw.iter().any(|(_, saw)| matches!(saw, Saw::Reason(_))) {
                continue;
            }
            match (rule.ask)(facts) {
                Answer::Passed(fact) => saw.push((rule.name, Saw::Fact(fact))),
                Answer::Noted(reason) => saw.push((rule.name, Saw::Reason(reason))),
                Answer::Holds(verdict) => {
                    holder = holder.or(Some(rule.name));
                    saw.push((rule.name, Saw::Reason(verdict.reason)));
                }
                Answer::Silent => {}
                Answer::Decided(decision) => return decided(rule.name, decision, saw),
            }
        }
        let (last, decide) = self.last;
        decided(holder.unwrap_or(last), decide(facts), saw)
    }

    /// What some of the rules hold back, whatever the others say.
    pub fn held(&self, facts: &F, by: &[RuleName]) -> Vec<Obstacle> {
        let mut held: Vec<Obstacle> = Vec::new();
        for Rule { name, ask, yields } in self.list.iter().filter(|rule| by.contains(&rule.name)) {
            if *yields && !held.is_empty() {
                continue;
            }
            if let Answer::Holds(verdict) = ask(facts) {
                held.push(Obstacle {
                    rule: *name,
                    verdict: *verdict,
                });
            }
        }
        held
    }
}

fn decided<D: Decides>(rule: RuleName, decision: D, mut saw: Vec<(RuleName, Saw)>) -> (D, Decision) {
    saw.push((rule, Saw::Reason(decision.reason())));
    (decision, Decision::of(rule, saw))
}
