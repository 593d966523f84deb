//! Whole lives of endpoints, with the evaluations of their gates.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other step is a mistake, also one that is new"
)]
use super::*;
use crate::{Action, FailureClass, evaluation as need, model_choice};
use jiff::Timestamp;
use proptest::prelude::*;
use speech_api::{annotation::CreationIntent, reference::DeletionPolicy};
use speech_service::{
    EntityId, ModelId,
    entity::{CustomModel, Evaluation, Scores, Status},
    request::{CreateEndpoint, CreateEvaluation, UpdateEndpoint},
};
use std::sync::Arc;

mod law;
mod worlds;

use worlds::{SPECS, event, gated_life, life};

type Life = crate::testing::Life<Remotes>;

/// What happens to endpoints only.
#[derive(Clone, Debug)]
pub enum Event {
    /// The connection fails or works again; usable or not, seen or not.
    Link(bool, bool, bool),
    /// Much later.
    Leap(i64),
    Edit(usize),
    Current(u128),
    Drift(u8),
    NewBase(u128),
    /// Somebody deletes the endpoint.
    Vanish,
    /// Somebody agrees to a model, or takes all out of quarantine.
    Annotate(&'static str, String),
}

/// The endpoints and evaluations of the service.
#[derive(Default)]
pub struct Remotes {
    endpoints: Entities<Endpoint>,
    evaluations: Entities<Evaluation>,
    /// How many endpoints were asked for.
    posts: u128,
    evaluated: u128,
}

impl Remotes {
    fn create(&mut self, create: &CreateEndpoint, now: Timestamp) -> Endpoint {
        self.posts += 1;
        with(remote(100 + self.posts, create.model), |e| {
            e.header.display_name = create.display_name.as_str().into();
            e.header.description = create.description.as_deref().unwrap_or("").into();
            e.header.owner = Some(Arc::new(create.owner.clone()));
            e.header.created_at = now;
            e.logging_enabled = create.logging_enabled.unwrap_or(false);
            put_state(&mut e.header, Status::Running, now);
        })
    }

    fn evaluate(&mut self, create: &CreateEvaluation, now: Timestamp) -> Evaluation {
        self.evaluated += 1;
        let models = [create.model1, create.model2];
        with(evaluation(500 + self.evaluated, models, 5, [0.0, 0.0]), |e| {
            e.dataset = create.dataset;
            (e.scores1, e.scores2) = (None, None);
            e.header.owner = Some(Arc::new(create.owner.clone()));
            e.header.created_at = now;
            put_state(&mut e.header, Status::NotStarted, now);
        })
    }

    fn ours(&self) -> usize {
        self.endpoints.marks().filter(|tag| tag.attempt > 0).count()
    }

    /// Whether two evaluations say the same, or will.
    fn has_twins(&self) -> bool {
        let all = self.evaluations.all();
        let mut all: Vec<_> = all
            .filter(|evaluation| evaluation.header.status != Status::Failed)
            .map(|evaluation| (evaluation.model1, evaluation.model2, evaluation.dataset))
            .collect();
        let made = all.len();
        all.sort_unstable();
        all.dedup();
        all.len() < made
    }
}

impl Service for Remotes {
    type Kind = SpeechEndpoint;
    type Event = Event;
    const HORIZON: jiff::SignedDuration = jiff::SignedDuration::from_mins(90);

    fn take(&mut self, case: &mut Case, action: Action, fate: Fate) {
        let (now, view) = (case.world.now, &mut case.world.view);
        match action {
            Action::CreateEndpoint(create) => {
                let new = self.create(&create, now);
                self.endpoints.create(new, fate, &mut view.endpoints, now);
            }
            Action::UpdateEndpoint { id, change, .. } => {
                // Gone by hand meanwhile: the service answers 404.
                let there = self
                    .endpoints
                    .update(id, fate, &mut view.endpoints, |e| patch(e, &change, now));
                if there && fate == Fate::Answered {
                    view.accepted.extend(change.model().map(|model| (id, model)));
                }
            }
            Action::DeleteEndpoint(id) => self.endpoints.delete(id, fate, &mut view.endpoints),
            Action::CreateEvaluation(create) => {
                let new = self.evaluate(&create, now);
                self.evaluations.create(new, fate, &mut view.evaluations, now);
            }
            other => panic!("no step of an endpoint: {other:?}"),
        }
    }

    fn sweep(&mut self, case: &mut Case) {
        let (now, view) = (case.world.now, &mut case.world.view);
        self.endpoints.sweep(&mut view.endpoints, now);
        // The connection deletes what nobody needs.
        let unneeded = need::unneeded(
            view,
            CLUSTER,
            &crate::Scope::default(),
            std::iter::once(&case.object),
            now,
        );
        if let Some(id) = unneeded.id {
            self.evaluations.delete(id, Fate::Answered, &mut view.evaluations);
        }
        self.evaluations.sweep(&mut view.evaluations, now);
    }

    fn forget(&mut self, case: &mut Case) {
        case.world.view.endpoints = Default::default();
        case.world.view.evaluations = Default::default();
    }

    /// Model 4 is worse than the gates here allow.
    fn finish(&mut self, good: bool, now: Timestamp) {
        let state = || if good { Status::Succeeded } else { Status::Failed };
        for evaluation in self.evaluations.at_work() {
            let scores = |model: ModelId| Scores {
                word_error_rate: if number(model.entity()) == 4 { 0.182 } else { 0.1 },
                token_error_rate: None,
                word_count: Some(2000),
            };
            if good {
                evaluation.scores1 = Some(scores(evaluation.model1));
                evaluation.scores2 = Some(scores(evaluation.model2));
            }
            put_state(&mut evaluation.header, state(), now);
        }
        let endpoints = self.endpoints.at_work();
        endpoints.for_each(|remote| put_state(&mut remote.header, state(), now));
    }

    fn happen(&mut self, case: &mut Case, event: Event) {
        match event {
            Event::Link(works, seen, usable) => {
                let before = case.world.broken_since.unwrap_or(case.world.now);
                case.world.broken_since = (!works).then_some(before);
                case.world.link = if works {
                    Link::Ready
                } else {
                    Link::NotReady { seen, usable }
                };
            }
            Event::Leap(seconds) => case.world.now += jiff::SignedDuration::from_secs(seconds),
            Event::Edit(spec) => {
                let adopt = case.object.spec.adopt.clone();
                case.edit(SPECS[spec]);
                case.object.spec.adopt = adopt;
            }
            Event::Current(n) => case.related.model = Some(model_with_current(n)),
            Event::NewBase(n) => learn(&mut case.world.view.base_models, base_model(n, "2028-01-01T00:00:00Z")),
            Event::Vanish => drop(self.endpoints.there.pop_first()),
            Event::Annotate(key, value) => case.object.annotate(key, &value),
            Event::Drift(kind) => {
                let Some(found) = self.endpoints.there.values_mut().next() else {
                    return;
                };
                match kind {
                    0 => found.model = Some(base_id(1)),
                    1 => found.header.display_name = "by hand".into(),
                    2 => found.logging_enabled = !found.logging_enabled,
                    _ => put_state(&mut found.header, Status::Failed, case.world.now),
                }
            }
        }
    }

    fn judge(&self, case: &Case, action: &Action) {
        law::judge(case, action);
    }

    fn judge_status(&self, status: &SpeechEndpointStatus) {
        law::judge_swap(status);
    }

    /// What is learned, and the model in place of another, are written down before the next step is taken.
    fn judge_report(&self, before: &SpeechEndpointStatus, after: &SpeechEndpointStatus) -> bool {
        let targets = before.target.as_ref().zip(after.target.as_ref());
        let is_replaced = targets.is_some_and(|(was, is)| was.model != is.model);
        let is_over = before.closed_attempt != after.closed_attempt;
        is_over
            || is_replaced
            || after.quarantine.len() > before.quarantine.len()
            || after.former_ids != before.former_ids
    }
}

/// As the service does: a new model is deployed for a while.
fn patch(found: &mut Endpoint, change: &UpdateEndpoint, now: Timestamp) {
    match change {
        UpdateEndpoint::Model(model) => {
            found.model = Some(*model);
            put_state(&mut found.header, Status::Running, now);
        }
        UpdateEndpoint::DisplayName(name) => found.header.display_name = name.as_str().into(),
        UpdateEndpoint::Description(text) => found.header.description = text.as_str().into(),
        UpdateEndpoint::Project(project) => found.header.project = Some(*project),
        UpdateEndpoint::LoggingEnabled(enabled) => found.logging_enabled = *enabled,
        UpdateEndpoint::Owner(owner, rest) => {
            found.header.owner = Some(Arc::new(owner.clone()));
            found.header.foreign_properties = rest.clone();
        }
    }
}

/// Between two attempts nothing happens for longer than between two looks: that is no rest.
fn is_at_work(said: &str) -> bool {
    said.contains("Reconciling")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_endpoint_comes_to_rest_and_never_has_a_twin(mut life in life(), events in prop::collection::vec(event(), 0..40)) {
        for event in events {
            life.happen(event);
            prop_assert!(life.service.ours() <= 1, "a twin: {:?}", life.service.endpoints.there);
            prop_assert!(!life.service.has_twins(), "an evaluation was made twice");
        }
        let posts = life.service.posts;
        life.settle(is_at_work);
        let more = life.service.posts - posts;
        prop_assert!(more <= 1, "{more} posts to come to rest");
    }

    #[test]
    fn a_gate_has_each_pair_evaluated_once_whatever_happens(mut life in gated_life(), events in prop::collection::vec(event(), 0..30)) {
        use crate::testing::Event::Other;
        for event in events.into_iter().filter(|event| !matches!(event, Other(Event::Edit(_) | Event::Vanish))) {
            life.happen(event);
            prop_assert!(!life.service.has_twins(), "an evaluation was made twice");
        }
        life.settle(is_at_work);
    }

    #[test]
    fn a_deleted_endpoint_leaves_nothing_behind_unless_it_is_to_stay(mut life in life(), events in prop::collection::vec(event(), 0..25)) {
        events.into_iter().for_each(|event| life.happen(event));
        let spec = life.case.object.spec.clone();
        let stays = spec.suspend || spec.management_policy != Default::default() || spec.deletion_policy == DeletionPolicy::Retain;
        let before = life.service.endpoints.all().count();
        life.end(false);
        let left = life.service.endpoints.all().count();
        prop_assert!(if stays { left == before } else { life.service.ours() == 0 }, "{left} of {before} left");
    }
}

#[test]
fn a_swap_that_was_refused_is_decided_alike_by_each_look() {
    use crate::testing::Event::{Finish, Other, Reconcile, Sweep};
    let mut life = worlds::new(2, false, None, [custom_model(3, ""), custom_model(4, LATER)]);
    for event in [
        Reconcile(Fate::Answered),
        Finish(true),
        Sweep,
        Reconcile(Fate::Answered),
        Other(Event::Drift(0)),
        Sweep,
        Reconcile(Fate::Failed(FailureClass::Refused)),
    ] {
        life.happen(event);
    }
    life.settle(|_| false);
}

#[test]
fn a_refused_evaluation_waits_also_after_the_quarantine_was_cleared() {
    use crate::testing::Event::{Advance, Finish, Other, Reconcile, Sweep};
    let mut life = worlds::gated();
    for event in [
        Reconcile(Fate::Answered),
        Finish(false),
        Advance(86400),
        Other(Event::Annotate("customspeech.dev/clear-quarantine", "all 0".into())),
        Sweep,
        Reconcile(Fate::Failed(FailureClass::Refused)),
        Reconcile(Fate::Answered),
        Advance(86400),
        Reconcile(Fate::Failed(FailureClass::Refused)),
        Reconcile(Fate::Answered),
    ] {
        life.happen(event);
    }
    life.settle(|_| false);
}
