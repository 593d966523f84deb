//! Whole lives of endpoints in small random worlds: the plan's steps are applied to a service that loses answers.
use super::*;
use crate::{Action, FailureClass, Step, endpoint::fields, model_choice};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use proptest::prelude::*;
use speech_api::{annotation::CreationIntent, reference::DeletionPolicy};
use speech_service::{
    Absent, EntityId,
    entity::{CustomModel, Status},
    request::UpdateEndpoint,
};
use std::{collections::BTreeMap, sync::Arc};

mod lab;
mod law;
mod service;
mod worlds;

use lab::Lab;
use service::patch;
use worlds::{SPECS, event, gated_life, life};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Answered,
    /// Nothing happened, and we know.
    Failed(FailureClass),
    /// It takes effect after so many seconds, and we do not know.
    Lost(i64),
    /// It never takes effect, and we do not know.
    Void,
    /// It took effect, and the operator died before it could write anything.
    Crash,
}

#[derive(Clone, Debug)]
enum Event {
    Reconcile(Fate),
    Sweep,
    Restart,
    /// The connection fails or works again; usable or not, seen or not.
    Link(bool, bool, bool),
    Progress(bool),
    Advance(i64),
    Edit(usize),
    Current(u128),
    Drift(u8),
    NewBase(u128),
    /// Somebody deletes the endpoint.
    Vanish,
    /// Somebody agrees to a model, or takes all out of quarantine.
    Annotate(&'static str, String),
}

struct Life {
    case: Case,
    service: BTreeMap<EntityId, Endpoint>,
    late: Vec<(Timestamp, Endpoint)>,
    lab: Lab,
    next_id: u128,
    pauses: Pauses,
    /// Somebody asked for something since the last pass.
    annotated: bool,
    posts: usize,
}

impl Life {
    fn new(spec: usize, adopt: bool, remote: Option<Endpoint>, customs: [CustomModel; 2]) -> Self {
        let [first, second] = customs;
        let world = World::new()
            .base(base_model(2, "2026-06-01T00:00:00Z"))
            .custom(first)
            .custom(second)
            .dataset(dataset(5));
        let mut object = endpoint(SPECS[spec]);
        if adopt {
            object.spec.adopt = Some(speech_api::reference::EntityRef { id: id(10).to_string() });
        }
        let mut case = Case::new(world, object);
        case.model = Some(model_with_current(3));
        let mut life = Self {
            case,
            service: BTreeMap::new(),
            late: Vec::new(),
            lab: Lab::default(),
            next_id: 100,
            pauses: Pauses::default(),
            annotated: false,
            posts: 0,
        };
        life.service.extend(remote.map(|remote| (remote.header.id, remote)));
        life.sweep();
        life
    }

    fn now(&self) -> Timestamp {
        self.case.world.now
    }

    fn sweep(&mut self) {
        let now = self.now();
        let arrived = self.late.extract_if(.., |(when, _)| *when <= now);
        self.service
            .extend(arrived.map(|(_, remote)| (remote.header.id, remote)));
        self.case.world.sweep();
        let shelf = &mut self.case.world.view.endpoints;
        let began = shelf.begin();
        let (_, missing) = shelf.swept(self.service.values().cloned().collect(), began, now);
        missing
            .into_iter()
            .for_each(|id| assert!(shelf.vanished(&Absent::assumed(id), began)));
        shelf.complete(now);
        self.lab.sweep(&mut self.case.world.view, &self.case.object, now);
    }

    fn ours(&self) -> usize {
        let is_ours = |remote: &&Endpoint| {
            remote
                .header
                .owner
                .as_ref()
                .is_some_and(|tag| tag.uid == UID && tag.attempt > 0)
        };
        self.service
            .values()
            .chain(self.late.iter().map(|(_, remote)| remote))
            .filter(is_ours)
            .count()
    }

    /// Plans twice, and checks what must hold of every plan.
    fn planned(&self) -> Plan<SpeechEndpointStatus> {
        let (plan, again) = (self.case.plan(), self.case.plan());
        assert_eq!(
            (&plan.action, &plan.status, plan.look_again),
            (&again.action, &again.status, again.look_again)
        );
        let before = self
            .case
            .object
            .status
            .as_ref()
            .map_or(&[][..], |status| &status.conditions);
        let generation = self.case.object.metadata.generation.unwrap();
        assert_lawful(
            before,
            &plan.status.conditions,
            generation,
            plan.status.observed_generation,
        );
        assert!(
            plan.look_again.is_none_or(|at| at > self.now()),
            "{:?} is past",
            plan.look_again
        );
        plan.action.iter().for_each(|action| self.judge(action));
        let tied = self.case.tied().action;
        assert!(matches!(tied, None | Some(Action::Release)), "hands tied: {tied:?}");
        self.judge_swap(&plan);
        plan
    }

    fn reconcile(&mut self, fate: Fate) -> Plan<SpeechEndpointStatus> {
        self.case.world.end_pass();
        let plan = loop {
            let plan = self.planned();
            match self.case.world.pass.next(&plan) {
                Step::Release | Step::Report => break plan,
                Step::Claim(intent) => {
                    self.case.object.metadata.finalizers = Some(vec![speech_api::FINALIZER.into()]);
                    intent.iter().for_each(|intent| self.case.object.announce(*intent));
                    self.case.world.pass.claimed(intent);
                }
                Step::Request(action, asked) => {
                    let generation = self.case.object.metadata.generation.unwrap();
                    if !self.annotated {
                        self.pauses.judge(&action, generation, self.now());
                    }
                    if let Fate::Failed(class) = fate {
                        self.pauses.failed(&action, class, generation, self.now());
                    }
                    let operation = action.operation();
                    self.request(action, fate);
                    let class = match fate {
                        Fate::Crash => return plan,
                        Fate::Answered => None,
                        Fate::Failed(class) => Some(class),
                        Fate::Lost(_) | Fate::Void => Some(FailureClass::Uncertain),
                    };
                    let failure = class.map(|class| failure(operation, class));
                    self.case.world.pass.answered(asked, failure);
                }
            }
        };
        release_as_planned(&mut self.case.object, plan.action.as_ref(), &plan.status.conditions);
        let pass = self.case.world.end_pass();
        if std::mem::take(&mut self.annotated) {
            // Who takes a model out of quarantine asks for another evaluation, whatever came of the one of this pass.
            self.pauses = Pauses::default();
        }
        let before = self.case.object.status.replace(plan.status.clone());
        // What is learned, and the model in place of another, are written down before the next step is taken.
        let before = before.unwrap_or_default();
        let targets = before.target.as_ref().zip(plan.status.target.as_ref());
        let replaced = targets.is_some_and(|(was, is)| was.model != is.model);
        let learned = replaced
            || plan.status.quarantine.len() > before.quarantine.len()
            || plan.status.former_ids != before.former_ids;
        if pass.failure().is_none() && plan.action.is_none() && !learned {
            assert_eq!(
                self.planned().status,
                plan.status,
                "the same look gives the same status"
            );
        }
        plan
    }

    fn request(&mut self, action: Action, fate: Fate) {
        let now = self.now();
        match action {
            Action::CreateEndpoint(create) => {
                self.posts += 1;
                self.next_id += 1;
                let new = with(remote(self.next_id, create.model), |e| {
                    e.header.display_name = create.display_name.as_str().into();
                    e.header.description = create.description.as_deref().unwrap_or("").into();
                    e.header.owner = Some(Arc::new(create.owner.clone()));
                    e.header.created_at = now;
                    e.logging_enabled = create.logging_enabled.unwrap_or(false);
                    put_state(&mut e.header, Status::Running, now);
                });
                match fate {
                    Fate::Failed(_) | Fate::Void => {}
                    Fate::Lost(seconds) => self.late.push((now + SignedDuration::from_secs(seconds), new)),
                    Fate::Answered | Fate::Crash => {
                        self.service.insert(new.header.id, new.clone());
                        if fate == Fate::Answered {
                            self.case.world.view.endpoints.answered(new);
                        }
                    }
                }
            }
            Action::UpdateEndpoint { id, change, .. } => {
                self.case.world.view.endpoints.touch(id);
                if matches!(fate, Fate::Failed(_) | Fate::Void) {
                    return;
                }
                // Gone by hand meanwhile: the service answers 404.
                let Some(found) = self.service.get_mut(&id) else { return };
                patch(found, &change, now);
                if fate == Fate::Answered {
                    let view = &mut self.case.world.view;
                    view.endpoints.answered(found.clone());
                    view.accepted.extend(change.model().map(|model| (id, model)));
                }
            }
            Action::DeleteEndpoint(id) => {
                self.case.world.view.endpoints.touch(id);
                if !matches!(fate, Fate::Failed(_) | Fate::Void) {
                    self.service.remove(&id);
                }
                if fate == Fate::Answered {
                    self.case.world.view.endpoints.removed(&Absent::assumed(id));
                }
            }
            Action::Claim(_) | Action::Release => {}
            Action::TrainModel(_)
            | Action::CopyModel(_)
            | Action::FollowCopy { .. }
            | Action::UpdateModel { .. }
            | Action::DeleteModel(_)
            | Action::DeleteEvaluation(_) => {}
            Action::CreateEvaluation(create) => self.lab.post(&create, fate, &mut self.case.world.view, now),
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Reconcile(fate) => {
                self.reconcile(fate);
            }
            Event::Sweep => self.sweep(),
            Event::Restart => {
                self.case.world.view.endpoints = Default::default();
                self.case.world.view.evaluations = Default::default();
                self.sweep();
            }
            Event::Link(works, seen, usable) => {
                let before = self.case.world.broken_since.unwrap_or(self.case.world.now);
                self.case.world.broken_since = (!works).then_some(before);
                self.case.world.link = if works {
                    Link::Ready
                } else {
                    Link::NotReady { seen, usable }
                };
            }
            Event::Progress(good) => self.progress(good),
            Event::Advance(seconds) => self.case.world.now += SignedDuration::from_secs(seconds),
            Event::Edit(spec) => {
                let adopt = self.case.object.spec.adopt.clone();
                self.case.edit(SPECS[spec]);
                self.case.object.spec.adopt = adopt;
            }
            Event::Current(n) => self.case.model = Some(model_with_current(n)),
            Event::NewBase(n) => {
                learn(
                    &mut self.case.world.view.base_models,
                    base_model(n, "2028-01-01T00:00:00Z"),
                );
            }
            Event::Vanish => drop(self.service.pop_first()),
            Event::Annotate(key, value) => {
                self.annotated = true;
                self.case.object.annotate(key, &value);
            }
            Event::Drift(kind) => {
                let Some(found) = self.service.values_mut().next() else {
                    return;
                };
                match kind {
                    0 => found.model = Some(base_id(1)),
                    1 => found.header.display_name = "by hand".into(),
                    2 => found.logging_enabled = !found.logging_enabled,
                    _ => put_state(&mut found.header, Status::Failed, self.case.world.now),
                }
            }
        }
    }

    fn progress(&mut self, good: bool) {
        self.lab.progress(good, self.now());
        for remote in self
            .service
            .values_mut()
            .filter(|remote| !remote.header.status.is_terminal())
        {
            let state = if good { Status::Succeeded } else { Status::Failed };
            put_state(&mut remote.header, state, self.case.world.now);
        }
    }

    /// Lets time pass without trouble until nothing is left to do.
    fn settle(&mut self) -> Plan<SpeechEndpointStatus> {
        self.case.world.link = Link::Ready;
        let mut quiet = 0;
        for _ in 0..60 {
            self.progress(true);
            self.sweep();
            let before = self.case.object.status.clone();
            let plan = self.reconcile(Fate::Answered);
            let done = plan.action.is_none() && plan.awaits.is_none() && before == self.case.object.status;
            quiet = if done { quiet + 1 } else { 0 };
            if quiet == 2 {
                return plan;
            }
            let pause = self.now() + SignedDuration::from_secs(60);
            self.case.world.now = match plan.look_again {
                Some(at) if plan.action.is_none() && plan.awaits.is_none() && at < self.now() + minutes(90) => at,
                Some(_) | None => pause,
            };
        }
        panic!("no rest: {} {:#?}", self.case.line(), self.case.object.status);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_endpoint_comes_to_rest_and_never_has_a_twin(mut life in life(), events in prop::collection::vec(event(), 0..40)) {
        for event in events {
            life.happen(event);
            prop_assert!(life.ours() <= 1, "a twin: {:?}", life.service);
            prop_assert!(!life.lab.has_twins(), "an evaluation was made twice");
        }
        let posts = life.posts;
        let plan = life.settle();
        prop_assert!(life.posts <= posts + 1, "{} posts to come to rest", life.posts - posts);
        prop_assert!(!said(&plan.status.conditions).contains("Reconciling"), "{}", said(&plan.status.conditions));
    }

    #[test]
    fn a_gate_has_each_pair_evaluated_once_whatever_happens(mut life in gated_life(), events in prop::collection::vec(event(), 0..30)) {
        for event in events.into_iter().filter(|event| !matches!(event, Event::Edit(_) | Event::Vanish)) {
            life.happen(event);
            prop_assert!(!life.lab.has_twins(), "an evaluation was made twice");
        }
        let plan = life.settle();
        prop_assert!(!said(&plan.status.conditions).contains("Reconciling"), "{}", said(&plan.status.conditions));
    }

    #[test]
    fn a_deleted_endpoint_leaves_nothing_behind_unless_it_is_to_stay(mut life in life(), events in prop::collection::vec(event(), 0..25)) {
        events.into_iter().for_each(|event| life.happen(event));
        *life.case.object.metadata.generation.get_or_insert_default() += 1;
        life.case.world.link = Link::Ready;
        life.case.object.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(life.now()));
        let stays = life.case.object.spec.clone();
        let stays = stays.suspend || stays.management_policy != Default::default() || stays.deletion_policy == DeletionPolicy::Retain;
        let mut before = life.service.len() + life.late.len();
        for _ in 0..60 {
            if life.case.object.finalizers().is_empty() { break; }
            life.sweep();
            before = before.max(life.service.len() + life.late.len());
            let plan = life.reconcile(Fate::Answered);
            life.case.world.now = plan.look_again.unwrap_or(life.now() + SignedDuration::from_secs(1)).min(life.now() + minutes(20));
        }
        prop_assert!(life.case.object.finalizers().is_empty(), "held for ever: {}", life.case.line());
        let left = life.service.len() + life.late.len();
        prop_assert!(if stays { left == before } else { life.ours() == 0 }, "{left} of {before} left");
    }
}

#[test]
#[should_panic(expected = "again at once")]
fn a_step_that_is_taken_again_at_once_is_noticed() {
    let (mut pauses, swap) = (
        Pauses::default(),
        fields::step(&remote(10, custom_id(3)), UpdateEndpoint::Model(custom_id(4)), false),
    );
    pauses.failed(&swap, FailureClass::Refused, 1, at(NOW));
    pauses.judge(&swap, 2, at(NOW)); // an edit
    pauses.judge(&swap, 1, at(NOW) + SignedDuration::from_secs(5));
    pauses.judge(&swap, 1, at(NOW) + SignedDuration::from_secs(4));
}

#[test]
fn a_refused_evaluation_waits_also_after_the_quarantine_was_cleared() {
    let mut life = worlds::gated();
    for event in [
        Event::Reconcile(Fate::Answered),
        Event::Progress(false),
        Event::Advance(86400),
        Event::Annotate("customspeech.dev/clear-quarantine", "all 0".into()),
        Event::Sweep,
        Event::Reconcile(Fate::Failed(FailureClass::Refused)),
        Event::Reconcile(Fate::Answered),
        Event::Advance(86400),
        Event::Reconcile(Fate::Failed(FailureClass::Refused)),
        Event::Reconcile(Fate::Answered),
    ] {
        life.happen(event);
    }
    life.settle();
}
