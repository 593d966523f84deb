//! A model that may follow the one that serves, and what the rules about it look at.
use super::{
    Snapshot,
    choice::Choice,
    gate::{self, Assessment},
    observed::Observed,
    timing::Timing,
};
use crate::{model_choice, view::View};
use jiff::Timestamp;
use speech_api::{
    annotation::{self, SWAP_NOW},
    reference::BaseModelChoice,
    swap::{Gate, Judgement, SwapPolicy},
};
use speech_service::{EntityId, ModelId, entity::Endpoint};

/// A model that may follow.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub choice: Choice<'a>,
    /// Whether a person asked for the move to this very model, whatever its day.
    pub is_asked_for: bool,
    /// What begins the swap to it.
    pub policy: SwapPolicy,
    /// When that may begin.
    pub timing: Timing,
    /// What its evaluation says, where there is something to compare it with.
    pub assessment: Option<Assessment>,
}

impl<'a> Candidate<'a> {
    /// A model that is the candidate since then; and what is to be remembered of its evaluation.
    pub fn of(
        f: &Observed<'_>,
        (view, endpoint): (&View, &Endpoint),
        choice: Choice<'a>,
        since: Timestamp,
    ) -> (Self, Option<Judgement>) {
        let s = &f.s;
        let is_asked_for = is_asked_for(s, &choice);
        let policy = if choice.is_declared() || is_asked_for {
            SwapPolicy::OnNewModel
        } else {
            s.object.spec.swap.policy
        };
        let candidate = Self {
            choice,
            is_asked_for,
            policy,
            timing: match is_asked_for {
                true => Timing::at_once(since),
                false => f.dates.timing(s, since, policy),
            },
            assessment: None,
        };
        let compared = candidate.gate(s).zip(measure(f, view, endpoint));
        let Some((gate, active)) = compared else {
            return (candidate, None);
        };
        let (assessment, judged) = gate::judge(f, view, &gate.evaluation, &choice.facts, active);
        let assessment = Some(assessment);
        (
            Self {
                assessment,
                ..candidate
            },
            judged,
        )
    }

    /// The gate that it has to pass.
    pub fn gate<'s>(&self, s: &Snapshot<'s>) -> Option<&'s Gate> {
        let gate = s.object.spec.swap.gate.as_ref();
        gate.filter(|_| !self.choice.is_declared())
    }

    /// Whether neither approvals nor clocks hold it back, because a person named it or asked for it now.
    pub fn is_wanted_now(&self) -> bool {
        self.choice.named || self.is_asked_for
    }
}

/// What a candidate is compared with. Once the active model has expired, the newest base model is what answers, and the
/// measure. Where nothing answers there is nothing to compare with.
fn measure(f: &Observed<'_>, view: &View, endpoint: &Endpoint) -> Option<ModelId> {
    let (s, locale) = (&f.s, &f.s.object.spec.locale);
    let newest = || model_choice::base_model(view, &BaseModelChoice::default(), locale, s.now(), |_| false).ok();
    let answers = f.dates.has_expired(s.now()).then(newest).flatten();
    answers.map(|facts| facts.model).or(endpoint.model)
}

/// Whether a person asked for the move to this very model, whatever its day.
fn is_asked_for(s: &Snapshot<'_>, choice: &Choice<'_>) -> bool {
    let asked = annotation::value(s.object, SWAP_NOW).map(str::parse::<EntityId>);
    matches!(asked, Some(Ok(id)) if id == choice.facts.model.entity())
}
