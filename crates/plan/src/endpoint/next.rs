//! Which model an endpoint moves to, if any.
use super::{
    Snapshot,
    choice::{self, Choice},
    in_flight,
    observed::{Observed, Obstacle},
    record::{MOST_BARRED, Record},
    rollout::{self, Dates, Rollout},
    target::{Move, on_its_way},
};
use crate::{
    CREATION_GRACE, Verdict, model_choice,
    text::{after, cause},
    view::{ModelFacts, View},
};
use jiff::SignedDuration;
use speech_api::{
    Reason, SpeechEndpointStatus,
    decision::{RuleName, Saw},
    swap::{GateVerdict, Judgement, OnDeadline},
};
use speech_service::{
    EntityId, ModelId,
    entity::{Endpoint, Status},
};

/// How soon it is looked again whether a younger list has come: a list in which nothing changes wakes nobody.
const NEXT_LIST: SignedDuration = SignedDuration::from_mins(1);

/// The rules about the way to a model.
const WAY: [RuleName; 5] = [
    RuleName::Gate,
    RuleName::Approval,
    RuleName::Date,
    RuleName::Clocks,
    RuleName::Turn,
];

/// What was found.
pub struct Next<'a> {
    pub outcome: Result<Move<'a>, Obstacle>,
    /// What the rules about the way to the model saw.
    pub saw: Vec<(RuleName, Saw)>,
    pub record: Record,
}

/// Decides about the endpoint's model.
pub fn find<'a>(f: &Observed<'a>, view: &'a View, endpoint: &Endpoint, dates: &Dates<'_>, record: Record) -> Next<'a> {
    let mut search = Search {
        f,
        s: &f.s,
        view,
        endpoint,
        dates,
        record,
        saw: Vec::new(),
        rounds: 0,
    };
    let outcome = loop {
        match search.once() {
            Ok(Some(found)) => break Ok(found),
            Err(obstacle) => break Err(obstacle),
            // A candidate is out of the choice from now on, and the next one is looked for without it.
            Ok(None) => search.rounds += 1,
        }
    };
    Next {
        outcome,
        saw: search.saw,
        record: search.record,
    }
}

/// A search for the next model, with what is remembered so far.
struct Search<'f, 'a> {
    f: &'f Observed<'a>,
    s: &'f Snapshot<'a>,
    view: &'a View,
    endpoint: &'f Endpoint,
    dates: &'f Dates<'f>,
    record: Record,
    saw: Vec<(RuleName, Saw)>,
    /// How many candidates went into quarantine.
    rounds: usize,
}

impl<'a> Search<'_, 'a> {
    fn has_failed(&self) -> bool {
        self.endpoint.header.status == Status::Failed
    }

    /// A move that nothing holds back.
    fn at_once(&self, facts: ModelFacts<'a>, interim: bool) -> Move<'a> {
        Move::To {
            facts,
            interim,
            urgent: self.dates.is_urgent(self.s.now()),
        }
    }

    fn resumed(&self, facts: ModelFacts<'a>) -> Move<'a> {
        self.at_once(facts, in_flight::stands_in(self.s, &facts))
    }

    /// The move; none if the choice has to be made again.
    fn once(&mut self) -> Result<Option<Move<'a>>, Obstacle> {
        if let Some(begun) = self.begun() {
            return Ok(Some(begun));
        }
        let choice = match choice::choose(self.s, self.view, &self.record) {
            Ok(choice) => choice,
            Err(verdict) => {
                let rule = RuleName::Choice;
                return self.instead(None).map(Some).ok_or(Obstacle { rule, verdict });
            }
        };
        let unfit = |verdict| Obstacle {
            rule: RuleName::Fitness,
            verdict,
        };
        if is(self.endpoint.model, &choice.facts) {
            return self.stays(&choice.facts).map(Some).map_err(unfit);
        }
        let unfinished = self.unfinished();
        let moved_away = self.moved_away();
        model_choice::deployable(&choice.facts, self.s.now()).map_err(unfit)?;
        let decided = |facts: &Option<ModelFacts<'a>>| facts.is_some_and(|facts| facts.model == choice.facts.model);
        let is_settled = self.record.active.is_some() && !self.has_failed();
        if is_settled && !choice.named {
            self.unlisted().map_or(Ok(()), |waits| Err(unfit(waits)))?;
        }
        // What was chosen before is put back even where a person put something that expires later in its place.
        if decided(&unfinished) || decided(&moved_away) || !is_settled {
            self.saw = self.seen_before(&choice.facts);
            return Ok(Some(self.at_once(choice.facts, false)));
        }
        if !choice.named {
            choice::expires_no_earlier(self.s, &self.record, &choice.facts).map_err(unfit)?;
        }
        let rollout = self.approach(&choice);
        if rollout.is_clear() {
            return Ok(Some(by(choice, rollout)));
        }
        if self.rounds < MOST_BARRED
            && let Some(message) = judged_unfit(&choice, self.record.gate.as_ref())
        {
            let (facts, record) = (&choice.facts, std::mem::take(&mut self.record));
            self.record = record.barring(facts.model, facts.name, Reason::GateFailed, message, self.s.now());
            self.record.candidate = None;
            return Ok(None);
        }
        // A move that was begun is finished, and one that somebody made by hand is undone, while the next has to wait.
        if let Some(facts) = unfinished.or(moved_away) {
            // What the way to the candidate saw is about another model.
            self.saw = self.seen_before(&facts);
            return Ok(Some(self.resumed(facts)));
        }
        let instead = self.instead(Some(&rollout));
        Ok(Some(instead.unwrap_or_else(|| by(choice, rollout))))
    }

    /// What comes before all choice: the way back after a swap that failed, and what was asked for and may still come.
    fn begun(&mut self) -> Option<Move<'a>> {
        if self.has_failed() {
            let back = usable(self.s, self.view, &self.record, self.record.active.as_ref()?.model)?;
            return (!is(self.endpoint.model, &back)).then(|| self.at_once(back, false));
        }
        // While one that was asked for may still come, another would only begin everything anew.
        let target = in_flight::unseen(self.s, self.endpoint)?;
        let facts = usable(self.s, self.view, &self.record, target.model)?;
        // What waits behind it goes on waiting.
        self.record.candidate = self.s.old_status().and_then(|old| old.candidate.clone());
        self.saw = self.seen_before(&facts);
        Some(self.resumed(facts))
    }

    /// What the way to a model saw when the move began that is finished now: the decision for it stands.
    fn seen_before(&self, facts: &ModelFacts<'_>) -> Vec<(RuleName, Saw)> {
        let is_begun = |old: &&SpeechEndpointStatus| asked_for(old) == Some(facts.model.entity());
        let old = self.s.old_status().filter(is_begun);
        let passed = |saw: &Saw| matches!(saw, Saw::Fact(_));
        let saw = |rule: &RuleName| Some((*rule, old?.decision.saw(*rule).filter(passed)?));
        WAY.iter().filter_map(saw).collect()
    }

    /// The chosen model is the one that serves.
    fn stays(&self, facts: &ModelFacts<'a>) -> Result<Move<'a>, Verdict> {
        if !self.has_failed() {
            return Ok(Move::Stay);
        }
        // Cleared since the deployment failed, it is tried again.
        let cleared = self.f.status.quarantine_cleared_at;
        if cleared.is_none_or(|cleared| cleared < self.endpoint.header.last_action_at) {
            return Err(deployment_failed(self.endpoint));
        }
        model_choice::deployable(facts, self.s.now()).map(|()| self.at_once(*facts, false))
    }

    /// The model that was asked for before, and does not serve.
    fn unfinished(&self) -> Option<ModelFacts<'a>> {
        self.recorded(asked_for)
    }

    /// The active model, from which somebody moved the endpoint by hand.
    fn moved_away(&self) -> Option<ModelFacts<'a>> {
        let serves = self.endpoint.model.map(ModelId::entity);
        let by_hand = serves.is_some() && in_flight::old_target(self.s) != serves;
        self.recorded(|old| old.active.as_ref().map(|active| active.model))
            .filter(|_| by_hand && !self.has_failed())
    }

    /// A model that the written status names, while it can serve and does not.
    fn recorded(&self, which: impl Fn(&SpeechEndpointStatus) -> Option<EntityId>) -> Option<ModelFacts<'a>> {
        let named = self.s.old_status().and_then(which)?;
        let facts = usable(self.s, self.view, &self.record, named)?;
        (!is(self.endpoint.model, &facts)).then_some(facts)
    }

    /// Waits where a list that may be older than the endpoint does not show the active model: until when that is valid is
    /// not known, so that whatever follows it may be worse. A younger list that lacks it is believed.
    fn unlisted(&self) -> Option<Verdict> {
        let active = self
            .record
            .active
            .as_ref()
            .filter(|active| active.expires_at.is_none())?;
        if self.view.model_by_id(active.model).is_some() {
            return None;
        }
        let swept_at = match active.base {
            true => self.view.base_models.swept_at(),
            false => self.view.models.swept_at(),
        };
        let certain = after(active.since, CREATION_GRACE);
        let message = format!("model {} serves; waiting until a list says until when", active.name);
        let waits = Verdict::working(Reason::ModelNotReady, message).until(after(self.s.now(), NEXT_LIST));
        swept_at.is_none_or(|at| at < certain).then_some(waits)
    }

    /// The newest base model, where the spec wants it at the end and the gate still keeps everything else back.
    fn instead(&mut self, held: Option<&Rollout>) -> Option<Move<'a>> {
        let gate = self.s.object.spec.swap.gate.as_ref()?;
        let by_gate = held.is_none_or(|rollout| rollout.blocks.iter().any(|block| block.rule == RuleName::Gate));
        if gate.on_deadline != OnDeadline::NewestBase || !by_gate || self.dates.gate_deadline()? > self.s.now() {
            return None;
        }
        let choice = choice::stand_in(self.s, self.view, &self.record)?;
        let expiry = self.dates.expiry;
        let is_later = |at| expiry.is_none_or(|expiry| at > expiry);
        if is(self.endpoint.model, &choice.facts) || !choice.facts.expires_at.is_none_or(is_later) {
            return None;
        }
        let rollout = self.approach(&choice);
        Some(by(choice, rollout))
    }

    /// Notes a candidate and works out its rollout; what moves now is a candidate no more.
    fn approach(&mut self, choice: &Choice<'a>) -> Rollout {
        let before = self.s.old_status().and_then(|old| old.candidate.as_ref());
        self.record.candidate = Some(on_its_way(self.s, &choice.facts, choice.interim, before));
        let (rollout, judged) = rollout::plot(self.f, self.view, self.endpoint, choice, self.dates, &self.record);
        if let Some(judged) = judged {
            self.record.gate = Some(judged);
        }
        if rollout.is_clear() {
            self.record.candidate = None;
        }
        self.saw.clone_from(&rollout.saw);
        rollout
    }
}

/// The model that a written status says was asked for, whether the service accepted it or not.
fn asked_for(old: &SpeechEndpointStatus) -> Option<EntityId> {
    let asked = old.target.as_ref().or_else(|| in_flight::in_vain(old));
    asked.map(|asked| asked.model)
}

/// Why a candidate that failed its gate goes into quarantine: the numbers.
fn judged_unfit(choice: &Choice<'_>, gate: Option<&Judgement>) -> Option<String> {
    let id = choice.facts.model.entity();
    let failed = |gate: &&Judgement| gate.candidate == id && gate.verdict == GateVerdict::Fail;
    gate.filter(failed).map(|gate| gate.message.clone())
}

/// The move that a rollout allows.
fn by<'a>(choice: Choice<'a>, rollout: Rollout) -> Move<'a> {
    if rollout.is_clear() {
        return Move::To {
            facts: choice.facts,
            interim: choice.interim,
            urgent: rollout.urgent,
        };
    }
    Move::Held {
        choice,
        rollout: Box::new(rollout),
    }
}

fn is(serves: Option<ModelId>, facts: &ModelFacts<'_>) -> bool {
    serves.is_some_and(|serves| serves.entity() == facts.model.entity())
}

/// A model by its id, while it can serve.
fn usable<'a>(s: &Snapshot<'_>, view: &'a View, record: &Record, id: EntityId) -> Option<ModelFacts<'a>> {
    let facts = view.model_by_id(id)?;
    let fits = model_choice::deployable(&facts, s.now()).is_ok() && record.barred(facts.model).is_none();
    fits.then_some(facts)
}

fn deployment_failed(endpoint: &Endpoint) -> Verdict {
    Verdict::stalled(
        Reason::DeploymentFailed,
        format!("the service could not deploy the endpoint: {}", cause(&endpoint.header)),
    )
}
