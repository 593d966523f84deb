//! The rules for an endpoint, in the order in which they are asked: the first that has something to say decides.
use super::{
    contest, create, deletion,
    facts::Facts,
    fields,
    identity::Identity,
    in_flight,
    known::Known,
    observed::{Obstacle, unlisted_yet},
    record::Record,
    status,
    target::Move,
};
use crate::{
    Action, Verdict, predecessor,
    queue::Want,
    rule::{Answer, Decides, Rule, Rules},
};
use speech_api::{
    Reason,
    decision::{Fact, RuleName, Saw},
};
use speech_service::{entity::Status, request::UpdateEndpoint};

/// What a rule decides: the verdict, and what is to be remembered.
#[derive(Clone, Debug)]
pub struct Ruling {
    pub verdict: Verdict,
    pub record: Record,
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

impl Decides for Ruling {
    fn reason(&self) -> Reason {
        self.verdict.reason
    }
}

impl Facts<'_> {
    /// The rules.
    pub const RULES: Rules<Self, Ruling, 18> = Rules {
        list: [
            Rule::new(RuleName::Deletion, deleted),
            Rule::new(RuleName::Connection, connection),
            Rule::new(RuleName::Spec, spec),
            Rule::new(RuleName::Owner, owner),
            Rule::new(RuleName::Entity, entity),
            Rule::new(RuleName::Duplicate, duplicate),
            Rule::new(RuleName::Work, work),
            Rule::new(RuleName::Choice, choice),
            Rule::new(RuleName::Fitness, fitness),
            Rule::new(RuleName::Gate, |f| way(f, RuleName::Gate)),
            Rule::new(RuleName::Approval, |f| way(f, RuleName::Approval)),
            Rule::new(RuleName::Date, |f| way(f, RuleName::Date)),
            Rule::new(RuleName::Clocks, |f| way(f, RuleName::Clocks)),
            Rule::new(RuleName::Turn, |f| way(f, RuleName::Turn)),
            Rule::new(RuleName::Hands, hands),
            Rule::new(RuleName::Mark, mark),
            Rule::new(RuleName::Model, model),
            Rule::new(RuleName::Fields, changes),
        ],
        last: (RuleName::Settled, settled),
    };
}

/// The names of the rules in their order.
pub fn chain() -> Vec<RuleName> {
    Facts::RULES.names()
}

fn unserved(f: &Facts<'_>, verdict: Verdict) -> Ruling {
    Ruling {
        verdict,
        record: f.record.clone().at_rest(),
        ahead: Ahead::Unserved,
    }
}

fn obstructed(f: &Facts<'_>, verdict: Verdict) -> Answer<Ruling> {
    Answer::Decided(Ruling {
        verdict,
        // What is not known now stands.
        record: f.record.clone(),
        ahead: Ahead::Obstructed,
    })
}

/// A decision about an endpoint that serves.
fn served(k: &Known<'_>, verdict: Verdict, record: Record) -> Answer<Ruling> {
    Answer::Decided(of_served(k, verdict, record))
}

fn of_served(k: &Known<'_>, verdict: Verdict, record: Record) -> Ruling {
    let duplicate = k.duplicate.as_ref().and_then(|waits| waits.look_again);
    Ruling {
        verdict: duplicate.into_iter().fold(verdict, Verdict::until),
        record,
        ahead: Ahead::Served,
    }
}

fn deleted(f: &Facts<'_>) -> Answer<Ruling> {
    if f.s.object.metadata.deletion_timestamp.is_none() {
        return Answer::Passed(Fact::Wanted);
    }
    Answer::Decided(Ruling {
        verdict: deletion::decide(f),
        record: f.record.clone(),
        ahead: Ahead::Stands,
    })
}

/// What keeps the object from its Speech resource, if it is for this rule to say.
fn unreachable(f: &Facts<'_>, rule: RuleName, otherwise: Fact) -> Answer<Ruling> {
    match &f.reach {
        Err(obstacle) if obstacle.rule == rule => obstructed(f, obstacle.verdict.clone()),
        Err(_) | Ok(_) => Answer::Passed(otherwise),
    }
}

fn connection(f: &Facts<'_>) -> Answer<Ruling> {
    match (&f.reach, f.identity) {
        (Ok(_), Identity::Unseen) => obstructed(
            f,
            Verdict::working(Reason::Connecting, "waiting for the first look at the Speech resource"),
        ),
        _ => unreachable(f, RuleName::Connection, Fact::Works),
    }
}

fn spec(f: &Facts<'_>) -> Answer<Ruling> {
    unreachable(f, RuleName::Spec, Fact::Usable)
}

fn owner(f: &Facts<'_>) -> Answer<Ruling> {
    if let Err(verdict) = &f.own {
        // Another object of the cluster that came first is named rather than a mark.
        let before = unreachable(f, RuleName::Owner, Fact::Free);
        return match before {
            Answer::Decided(_) => before,
            Answer::Passed(_) | Answer::Noted(_) | Answer::Holds(_) | Answer::Silent => {
                Answer::Decided(unserved(f, verdict.clone()))
            }
        };
    }
    let free = if f.known.is_some() { Fact::Own } else { Fact::Free };
    unreachable(f, RuleName::Owner, free)
}

fn entity(f: &Facts<'_>) -> Answer<Ruling> {
    let s = &f.s;
    let create = || {
        let (verdict, record) = create::decide(f);
        Ruling {
            verdict,
            record,
            ahead: Ahead::Unserved,
        }
    };
    let waits = || unlisted_yet(s).map(|verdict| unserved(f, verdict));
    Answer::Decided(match f.identity {
        Identity::Known(_) if s.may_act() && !s.has_finalizer() => {
            let verdict = Verdict::working(Reason::Creating, "taking over the endpoint");
            unserved(f, verdict.with(Action::Claim(None)))
        }
        Identity::Known(_) => return Answer::Passed(Fact::Found),
        Identity::Unseen => return Answer::Silent,
        Identity::Missing(id) => waits().unwrap_or_else(|| unserved(f, create::missing(s, id))),
        Identity::Lost(_) => waits().unwrap_or_else(create),
        Identity::Left(id) => unserved(f, predecessor::wait(&format!("endpoint {id}"), s.written(), s.now())),
        Identity::None => create(),
    })
}

fn duplicate(f: &Facts<'_>) -> Answer<Ruling> {
    match f.known.as_ref().map(|known| &known.duplicate) {
        Some(Some(verdict)) if verdict.action.is_some() => Answer::Decided(unserved(f, verdict.clone())),
        Some(None) => Answer::Passed(Fact::Single),
        Some(Some(_)) | None => Answer::Silent,
    }
}

fn work(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    if !k.under_way {
        return Answer::Passed(Fact::Idle);
    }
    let verdict = match k.entry.entity.header.status {
        Status::NotStarted | Status::Running | Status::Other(_) => {
            in_flight::progress(&f.s, &k.entry.entity, &k.record)
        }
        Status::Succeeded | Status::Failed => in_flight::unconfirmed(&f.s, &k.entry.entity, &k.dates, &k.record),
    };
    let creates = k.record.active.is_none();
    let verdict = if creates {
        verdict.wanting(Want::Creation)
    } else {
        verdict
    };
    served(k, verdict, k.record.clone())
}

/// What keeps the endpoint from a next model, if it is for this rule to say.
fn chosen(f: &Facts<'_>, rule: RuleName, fact: Fact) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    match &k.next {
        Err(Obstacle { rule: by, verdict }) if *by == rule => served(k, verdict.clone(), k.record.clone()),
        Ok(Move::Stay) => Answer::Passed(Fact::Serves),
        Ok(_) | Err(_) => Answer::Passed(fact),
    }
}

fn choice(f: &Facts<'_>) -> Answer<Ruling> {
    chosen(f, RuleName::Choice, Fact::Chosen)
}

fn fitness(f: &Facts<'_>) -> Answer<Ruling> {
    match &f.known {
        // What serves for lack of a better one is not fit once it has expired.
        Some(k) if matches!(k.next, Ok(Move::Stay)) && k.dates.has_expired(f.s.now()) => {
            Answer::Noted(Reason::BaseModelAnswers)
        }
        Some(_) | None => chosen(f, RuleName::Fitness, Fact::Fits),
    }
}

/// What the way to the next model saw. What holds a candidate back is told together, at the end.
fn way(f: &Facts<'_>, rule: RuleName) -> Answer<Ruling> {
    let saw = f.known.as_ref().map(|k| &k.saw);
    let saw = saw.and_then(|saw| saw.iter().find(|(name, _)| *name == rule));
    match saw {
        Some((_, Saw::Fact(fact))) => Answer::Passed(*fact),
        Some((_, Saw::Reason(reason))) if is_held(f) => Answer::Holds(*reason),
        // Its candidate is out of the choice by now.
        Some((_, Saw::Reason(reason))) => Answer::Noted(*reason),
        None => Answer::Silent,
    }
}

fn is_held(f: &Facts<'_>) -> bool {
    matches!(f.known.as_ref().map(|k| &k.next), Some(Ok(Move::Held { .. })))
}

fn hands(f: &Facts<'_>) -> Answer<Ruling> {
    let (Some(k), s) = (&f.known, &f.s) else {
        return Answer::Silent;
    };
    if s.may_act() {
        return Answer::Passed(Fact::Allowed);
    }
    let (model, record) = match &k.next {
        Ok(Move::To { facts, interim, .. }) => (
            Some(UpdateEndpoint::Model(facts.model)),
            in_flight::asked_for(f, &k.entry.entity, facts, *interim, k.record.clone()),
        ),
        Ok(Move::Stay | Move::Held { .. }) | Err(_) => (None, k.record.clone()),
    };
    let names = fields::names(model.iter().chain(&k.changes));
    let verdict = if names.is_empty() {
        at_rest(f, k)
    } else {
        s.untouched(&format!("change {names}"))
    };
    served(k, verdict, record)
}

/// The mark comes first, so that others see whose endpoint it is; but not at the price of an expiry, and what we made is
/// ours without a mark.
fn mark(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    let goes_on = match &k.next {
        Ok(Move::To { urgent, .. }) => *urgent || f.s.object.spec.adopt.is_none(),
        Ok(Move::Stay | Move::Held { .. }) | Err(_) => false,
    };
    match &k.mark {
        None => Answer::Passed(Fact::Own),
        Some(Err(_)) if goes_on => Answer::Silent,
        Some(Ok(verdict) | Err(verdict)) => served(k, verdict.clone(), k.record.clone()),
    }
}

/// The model comes next, which nothing else may keep back.
fn model(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    let (facts, interim, urgent) = match &k.next {
        Ok(Move::To { facts, interim, urgent }) => (facts, *interim, *urgent),
        Ok(Move::Stay) => return Answer::Passed(Fact::Serves),
        Ok(Move::Held { .. }) | Err(_) => return Answer::Silent,
    };
    let endpoint = &*k.entry.entity;
    let record = in_flight::asked_for(f, endpoint, facts, interim, k.record.clone());
    if let Some(until) = in_flight::shows_old_until(&f.s, endpoint, &record, facts.model) {
        let rest = in_flight::until_reported(&f.s, &record).until(until);
        let (verdict, record) = fields::change(f, k, record, rest);
        return served(k, verdict, record);
    }
    let (verdict, record) = match contest::hold(f, k, facts, interim) {
        Some((held, candidate)) => {
            let record = Record {
                target: None,
                candidate: Some(candidate),
                ..record
            };
            fields::change(f, k, record, held)
        }
        None => in_flight::swap(f, k, (facts, interim, urgent), record),
    };
    served(k, verdict, record)
}

fn changes(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    if k.changes.is_empty() {
        return Answer::Passed(Fact::Same);
    }
    let (verdict, record) = fields::change(f, k, k.record.clone(), at_rest(f, k));
    match verdict.action {
        Some(Action::UpdateEndpoint { .. }) => served(k, verdict, record),
        Some(_) | None => Answer::Silent,
    }
}

fn settled(f: &Facts<'_>) -> Ruling {
    let Some(k) = &f.known else {
        let serves = status::serves(&f.s, f.record.active.as_ref());
        return unserved(f, Verdict::done(Reason::Serving, serves));
    };
    let (verdict, record) = fields::change(f, k, k.record.clone(), at_rest(f, k));
    of_served(k, verdict, record)
}

/// Nothing differs, or what differs has to wait.
fn at_rest(f: &Facts<'_>, k: &Known<'_>) -> Verdict {
    let s = &f.s;
    let serves = status::serves(s, k.record.active.as_ref());
    let Ok(Move::Held { choice, rollout }) = &k.next else {
        return Verdict::done(if s.may_act() { Reason::Serving } else { s.why_not().0 }, serves);
    };
    let name = super::choice::named(&choice.facts);
    if !s.may_act() {
        return s.untouched(&format!("move to model {name}"));
    }
    let words: Vec<&str> = rollout.blocks.iter().map(|block| block.words.as_str()).collect();
    let message = format!("{serves}; model {name} waits for {}", words.join("; and for "));
    let first = rollout.blocks.first().map_or(Reason::Serving, |block| block.reason);
    // What a user named by its id, and what is about to happen, is under way; anything else is as declared until its day.
    let mut verdict = if choice.named || first == Reason::AwaitingTurn {
        Verdict::working(first, message)
    } else {
        Verdict::done(first, message)
    };
    // The gate's step. What else holds the candidate back has none.
    verdict.action = rollout.action.clone();
    verdict.look_again = rollout.look_again;
    if let Some(want) = rollout.wants {
        verdict = verdict.wanting(want);
    }
    match rollout.awaits {
        Some(list) => verdict.watching_list(list),
        None => verdict,
    }
}
