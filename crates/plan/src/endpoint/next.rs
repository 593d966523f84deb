//! Which model comes next. The rules about a candidate are asked for each that is found, until one is clear or the search is
//! at its end.
use super::{
    Snapshot,
    candidate::Candidate,
    choice::{self, Choice},
    facts::Facts,
    in_flight,
    known::{Known, Move, NextModel},
    record::MOST_BARRED,
    target::on_its_way,
};
use crate::{
    CREATION_GRACE, Verdict, model_choice,
    rule::Obstacle,
    text::{after, cause},
    view::{ModelFacts, View},
};
use jiff::SignedDuration;
use speech_api::{
    Reason, SpeechEndpointStatus,
    decision::RuleName,
    endpoint::TargetModel,
    swap::{GateVerdict, Judgement, OnDeadline},
};
use speech_service::{
    EntityId, ModelId,
    entity::{Endpoint, Status},
};

/// How soon it is looked again whether a younger list has come: a list in which nothing changes wakes nobody.
const NEXT_LIST: SignedDuration = SignedDuration::from_mins(1);

/// The rules about a candidate.
const OF_CANDIDATE: [RuleName; 5] = [
    RuleName::Gate,
    RuleName::Approval,
    RuleName::Date,
    RuleName::Clocks,
    RuleName::Turn,
];

/// What is found before the rules about a candidate are asked.
enum Found<'a> {
    /// What comes next whatever they say, and the model that waits behind it.
    Next(NextModel<'a>, Option<TargetModel>),
    /// Nothing that could be chosen.
    Nothing(Verdict),
    /// A candidate; and the model to which the endpoint moves while that one is held back.
    Candidate(Choice<'a>, Option<ModelFacts<'a>>),
}

/// Finds the model that comes next. A candidate that its gate refuses is out of the choice, and the next one is looked for
/// without it.
pub fn find(f: &mut Facts<'_>) {
    let judged = f.record.gate.clone();
    let mut refused = 0;
    while let Some(k) = &f.known {
        match found(f, k) {
            Found::Next(next, waiting) => f.go(next, waiting),
            Found::Nothing(verdict) => f.go_without(verdict),
            Found::Candidate(choice, meanwhile) => {
                f.approach(choice);
                if refused < MOST_BARRED && f.refuse() {
                    refused += 1;
                    continue;
                }
                f.go_meanwhile(meanwhile);
            }
        }
        break;
    }
    // Whom the next candidate has to be compared with is known once the service has ended its work.
    if f.known.as_ref().is_some_and(|k| k.under_way) {
        f.observed.record.gate = judged;
    }
}

impl<'a> Facts<'a> {
    fn go(&mut self, next: NextModel<'a>, waiting: Option<TargetModel>) {
        let Some(k) = &mut self.known else { return };
        (k.next, k.waiting, k.held) = (next, waiting, Vec::new());
    }

    /// Asks the rules about a candidate. What moves now is a candidate no more.
    fn approach(&mut self, choice: Choice<'a>) {
        let Some(k) = &self.known else { return };
        let before = self.s.old_status().and_then(|old| old.candidate.as_ref());
        let waiting = on_its_way(&self.s, &choice.facts, choice.interim, before);
        let (candidate, judged) = Candidate::of(self, (k.view, k.endpoint()), choice, waiting.since);
        if judged.is_some() {
            self.observed.record.gate = judged;
        }
        self.go(NextModel::Candidate(Box::new(candidate)), None);
        let held = Self::RULES.held(self, &OF_CANDIDATE);
        if let Some(k) = &mut self.known {
            k.waiting = Some(waiting).filter(|_| !held.is_empty());
            k.held = held;
        }
    }

    /// Puts a candidate that failed its gate into quarantine.
    fn refuse(&mut self) -> bool {
        let held = self.known.as_ref().and_then(Known::waits);
        let Some((failed, message)) = held.and_then(|held| Some((held, failed_gate(held, self.record.gate.as_ref())?)))
        else {
            return false;
        };
        let (model, name, now) = (failed.choice.facts.model, failed.choice.facts.name, self.s.now());
        let record = std::mem::take(&mut self.observed.record);
        self.observed.record = record.barring(model, name, Reason::GateFailed, message, now);
        if let Some(k) = &mut self.known
            && let NextModel::Candidate(failed) = std::mem::replace(&mut k.next, NextModel::Stay)
        {
            k.refused = Some(failed);
        }
        self.go(NextModel::Stay, None);
        true
    }

    /// What comes while a candidate is held back. A move that was begun is finished, and one that somebody made by hand is
    /// undone.
    fn go_meanwhile(&mut self, meanwhile: Option<ModelFacts<'a>>) {
        let Some(k) = &mut self.known else { return };
        if k.waits().is_none() {
            return;
        }
        match meanwhile {
            Some(facts) => {
                k.next = NextModel::Begun(resumed(&self.observed.s, facts));
                k.held = Vec::new();
            }
            None if k.held.iter().any(|held| held.rule == RuleName::Gate) => {
                if let Some(choice) = self.stand_in() {
                    self.approach(choice);
                }
            }
            None => {}
        }
    }

    /// Nothing could be chosen.
    fn go_without(&mut self, verdict: Verdict) {
        let rule = RuleName::Choice;
        match self.stand_in() {
            Some(choice) => self.approach(choice),
            None => self.go(NextModel::None(Obstacle { rule, verdict }), None),
        }
    }

    /// The newest base model, where the spec wants it at the end and the gate still keeps everything else back.
    fn stand_in(&self) -> Option<Choice<'a>> {
        let (s, k) = (&self.s, self.known.as_ref()?);
        let gate = s.object.spec.swap.gate.as_ref()?;
        if gate.on_deadline != OnDeadline::NewestBase || self.dates.gate_deadline()? > s.now() {
            return None;
        }
        let choice = choice::stand_in(s, k.view, &self.record)?;
        let is_later = |at| self.dates.expires_at.is_none_or(|expires_at| at > expires_at);
        let lasts_longer = choice.facts.expires_at.is_none_or(is_later);
        (!is(k.endpoint().model, &choice.facts) && lasts_longer).then_some(choice)
    }
}

/// Looks once.
fn found<'a>(f: &Facts<'a>, k: &Known<'a>) -> Found<'a> {
    let (s, record, endpoint) = (&f.s, &f.record, k.endpoint());
    if let Some((begun, waiting)) = begun(f, k) {
        return Found::Next(NextModel::Begun(begun), waiting);
    }
    let choice = match choice::choose(s, k.view, record) {
        Ok(choice) => choice,
        Err(verdict) => return Found::Nothing(verdict),
    };
    let facts = choice.facts;
    let next = if is(endpoint.model, &facts) {
        stays(f, endpoint, facts)
    } else {
        match fits(f, k, &choice) {
            Ok(Fit::AtOnce) => Ok(NextModel::Begun(at_once(facts, true))),
            Ok(Fit::Perhaps(meanwhile)) => return Found::Candidate(choice, meanwhile),
            Err(verdict) => Err(verdict),
        }
    };
    let rule = RuleName::Fitness;
    let next = next.unwrap_or_else(|verdict| NextModel::None(Obstacle { rule, verdict }));
    Found::Next(next, None)
}

/// What becomes of a model that can serve and does not.
enum Fit<'a> {
    /// It is moved to, whatever the rules say.
    AtOnce,
    /// It is a candidate; and the model to which the endpoint moves while that one is held back.
    Perhaps(Option<ModelFacts<'a>>),
}

/// Whether the chosen model can serve, and for longer than the active one.
fn fits<'a>(f: &Facts<'a>, k: &Known<'a>, choice: &Choice<'a>) -> Result<Fit<'a>, Verdict> {
    let facts = &choice.facts;
    model_choice::deployable(facts, f.s.now())?;
    let is_settled = f.record.active.is_some() && !has_failed(k.endpoint());
    if is_settled && !choice.named {
        unlisted(f, k.view).map_or(Ok(()), Err)?;
    }
    let (unfinished, moved_away) = (unfinished(f, k), moved_away(f, k));
    let decided = |before: &ModelFacts<'a>| before.model == facts.model;
    // What was chosen before is put back even where a person put something that expires later in its place.
    if !is_settled || unfinished.iter().chain(&moved_away).any(decided) {
        return Ok(Fit::AtOnce);
    }
    if !choice.named {
        choice::expires_no_earlier(&f.s, &f.record, facts)?;
    }
    Ok(Fit::Perhaps(unfinished.or(moved_away)))
}

fn has_failed(endpoint: &Endpoint) -> bool {
    endpoint.header.status == Status::Failed
}

fn at_once(facts: ModelFacts<'_>, was_decided: bool) -> Move<'_> {
    Move {
        facts,
        interim: false,
        was_decided,
    }
}

fn resumed<'a>(s: &Snapshot<'_>, facts: ModelFacts<'a>) -> Move<'a> {
    Move {
        interim: in_flight::stands_in(s, &facts),
        ..at_once(facts, true)
    }
}

/// What comes before all choice: the way back after a swap that failed, and what was asked for and may still come; and what
/// waits behind it.
fn begun<'a>(f: &Facts<'a>, k: &Known<'a>) -> Option<(Move<'a>, Option<TargetModel>)> {
    let endpoint = k.endpoint();
    if has_failed(endpoint) {
        let back = usable(f, k.view, f.record.active.as_ref()?.model)?;
        return (!is(endpoint.model, &back)).then(|| (at_once(back, false), None));
    }
    // While one that was asked for may still come, asking for another would only start everything over.
    let target = in_flight::unseen(&f.s, endpoint)?;
    let facts = usable(f, k.view, target.model)?;
    let waiting = f.s.old_status().and_then(|old| old.candidate.clone());
    Some((resumed(&f.s, facts), waiting))
}

/// The chosen model is the one that serves.
fn stays<'a>(f: &Facts<'_>, endpoint: &Endpoint, facts: ModelFacts<'a>) -> Result<NextModel<'a>, Verdict> {
    if !has_failed(endpoint) {
        return Ok(NextModel::Stay);
    }
    // Cleared since the deployment failed, it is tried again.
    let cleared = f.status.quarantine_cleared_at;
    if cleared.is_none_or(|cleared| cleared < endpoint.header.last_action_at) {
        return Err(deployment_failed(endpoint));
    }
    model_choice::deployable(&facts, f.s.now()).map(|()| NextModel::Begun(at_once(facts, false)))
}

/// The model that was asked for before, and does not serve.
fn unfinished<'a>(f: &Facts<'a>, k: &Known<'a>) -> Option<ModelFacts<'a>> {
    recorded(f, k, in_flight::asked)
}

/// The active model, from which somebody moved the endpoint by hand.
fn moved_away<'a>(f: &Facts<'a>, k: &Known<'a>) -> Option<ModelFacts<'a>> {
    let serves = k.endpoint().model.map(ModelId::entity);
    let by_hand = serves.is_some() && in_flight::old_target(&f.s) != serves;
    recorded(f, k, |old| old.active.as_ref().map(|active| active.model))
        .filter(|_| by_hand && !has_failed(k.endpoint()))
}

/// A model that the written status names, while it can serve and does not.
fn recorded<'a>(
    f: &Facts<'a>,
    k: &Known<'a>,
    which: impl Fn(&SpeechEndpointStatus) -> Option<EntityId>,
) -> Option<ModelFacts<'a>> {
    let named = f.s.old_status().and_then(which)?;
    let facts = usable(f, k.view, named)?;
    (!is(k.endpoint().model, &facts)).then_some(facts)
}

/// Waits where a list that may be older than the endpoint does not show the active model: until when that is valid is
/// not known, so that whatever follows it may be worse. A younger list that lacks it is believed.
fn unlisted(f: &Facts<'_>, view: &View) -> Option<Verdict> {
    let active = f.record.active.as_ref();
    let active = active.filter(|active| active.expires_at.is_none())?;
    if view.model_by_id(active.model).is_some() {
        return None;
    }
    let swept_at = match active.base {
        true => view.base_models.swept_at(),
        false => view.models.swept_at(),
    };
    let certain = after(active.since, CREATION_GRACE);
    let message = format!("model {} serves; waiting until a list says until when", active.name);
    let waits = Verdict::working(Reason::ModelNotReady, message).until(after(f.s.now(), NEXT_LIST));
    swept_at.is_none_or(|at| at < certain).then_some(waits)
}

/// Why a candidate that failed its gate goes into quarantine: the numbers.
fn failed_gate(candidate: &Candidate<'_>, gate: Option<&Judgement>) -> Option<String> {
    let id = candidate.choice.facts.model.entity();
    let failed = |gate: &&Judgement| gate.candidate == id && gate.verdict == GateVerdict::Fail;
    gate.filter(failed).map(|gate| gate.message.clone())
}

fn is(serves: Option<ModelId>, facts: &ModelFacts<'_>) -> bool {
    serves.is_some_and(|serves| serves.entity() == facts.model.entity())
}

/// A model by its id, while it can serve.
fn usable<'a>(f: &Facts<'_>, view: &'a View, id: EntityId) -> Option<ModelFacts<'a>> {
    let facts = view.model_by_id(id)?;
    let fits = model_choice::deployable(&facts, f.s.now()).is_ok() && f.record.barred(facts.model).is_none();
    fits.then_some(facts)
}

fn deployment_failed(endpoint: &Endpoint) -> Verdict {
    Verdict::stalled(
        Reason::DeploymentFailed,
        format!("the service could not deploy the endpoint: {}", cause(&endpoint.header)),
    )
}
