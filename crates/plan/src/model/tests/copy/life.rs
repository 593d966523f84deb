//! Whole lives of copied models in small random worlds: two services, orders whose answers are lost, operations that take
//! their time, fail or are forgotten, a source that is renewed.
use super::*;
use crate::{
    Action, CopyModel, FailureClass, Step,
    model::SourceState,
    view::{CopyStage, CopyState},
};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use proptest::prelude::*;
use speech_api::annotation::CreationIntent;
use speech_service::{
    Absent, EntityId,
    entity::{CustomModel, EntityError},
    request::UpdateModel,
};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Answered,
    Failed(FailureClass),
    /// It takes effect after so many seconds, and we do not know.
    Lost(i64),
    /// It took effect, and the operator died before it could write anything.
    Crash,
}

#[derive(Clone, Debug)]
enum Event {
    Reconcile(Fate),
    Sweep,
    Restart,
    Advance(i64),
    Renew,
    /// The source forgets its operations, not what they do.
    Forget,
    Away(bool),
    /// How long the next operations take, and whether they fail.
    Pace(i64, bool),
}

/// A copy at the source.
struct Operation {
    ends_at: Timestamp,
    result: CustomModel,
    fails: bool,
    forgotten: bool,
    arrived: bool,
}

struct Life {
    case: Case,
    service: BTreeMap<EntityId, CustomModel>,
    operations: Vec<Operation>,
    wanted: u128,
    pace: (i64, bool),
    keeps_mark: bool,
    away: bool,
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

impl Life {
    fn new(keeps_mark: bool) -> Self {
        let stranger = with(original(3), |m| m.header.owner = None);
        let mut life = Self {
            case: Case::new(World::new(), model(COPY)),
            service: BTreeMap::from([(stranger.header.id, stranger)]),
            operations: Vec::new(),
            wanted: 5,
            pace: (5, false),
            keeps_mark,
            away: false,
        };
        life.sweep();
        life
    }

    /// What is to be seen of the source now: it keeps all its old models.
    fn look(&mut self) {
        let mut found = found(self.wanted);
        found.models = (5..=self.wanted).map(|n| Arc::new(original(n))).collect();
        if self.away {
            found.state = SourceState::NotReady("away".into());
        }
        self.case.source = Some(Source::Found(Box::new(found)));
    }

    fn sweep(&mut self) {
        let now = self.case.world.now;
        for operation in self.operations.iter_mut().filter(|o| !o.arrived && o.ends_at <= now) {
            operation.arrived = true;
            if !operation.fails {
                let model = with(operation.result.clone(), |m| m.header.created_at = operation.ends_at);
                self.service.insert(model.header.id, model);
            }
        }
        self.case.world.sweep();
        let shelf = &mut self.case.world.view.models;
        let began = shelf.begin();
        let (_, missing) = shelf.swept(self.service.values().cloned().collect(), began, now);
        missing
            .into_iter()
            .for_each(|id| assert!(shelf.vanished(&Absent::assumed(id), began)));
        shelf.complete(now);
    }

    fn ours(&self) -> Vec<&CustomModel> {
        let is_ours = |m: &&CustomModel| m.header.owner.as_ref().is_some_and(|tag| tag.uid == UID);
        self.service.values().filter(is_ours).collect()
    }

    /// What operations made or will make, and what does not bear our mark.
    fn unmarked(&self) -> usize {
        let made = self.operations.iter().filter(|o| !o.fails && !o.arrived).count();
        let there = self.service.values().filter(|m| m.header.id != id(3)).count();
        made + there - self.ours().len()
    }

    fn planned(&self) -> Plan<SpeechModelStatus> {
        let (plan, again) = (self.case.plan(), self.case.plan());
        assert_eq!(
            (&plan.action, &plan.status, plan.look_again),
            (&again.action, &again.status, again.look_again)
        );
        assert!(
            plan.look_again.is_none_or(|at| at > self.case.world.now),
            "{}",
            self.case.line()
        );
        match &plan.action {
            Some(Action::CopyModel(copy)) => {
                let open = CreationIntent::of(&self.case.object).unwrap();
                assert_eq!(
                    (self.case.world.pass.announced, copy.attempt),
                    (Some(open.attempt), open.attempt)
                );
                assert_eq!(open.copy_of, Some(copy.source.uuid()));
                assert_eq!(self.unmarked(), 0, "ordered beside another copy");
            }
            Some(Action::DeleteModel(id)) => {
                assert!(self.case.world.view.models.get(*id).unwrap().is_owned_by(UID));
            }
            Some(Action::UpdateModel { id: changed, .. }) => assert_ne!(*changed, id(3), "a stranger"),
            Some(_) | None => {}
        }
        plan
    }

    fn reconcile(&mut self, fate: Fate) -> Plan<SpeechModelStatus> {
        self.look();
        self.case.world.end_pass();
        let plan = loop {
            let plan = self.planned();
            match self.case.world.pass.next(&plan) {
                Step::Report => break plan,
                Step::Release => {
                    self.case.object.metadata.finalizers = None;
                    break plan;
                }
                Step::Claim(intent) => {
                    self.case.object.metadata.finalizers = Some(vec![speech_api::FINALIZER.into()]);
                    intent.iter().for_each(|intent| self.case.object.announce(*intent));
                    self.case.world.pass.claimed(intent);
                }
                Step::Request(action, asked) => {
                    let operation = action.operation();
                    self.request(action, fate);
                    let class = match fate {
                        Fate::Crash => return plan,
                        Fate::Answered => None,
                        Fate::Failed(class) => Some(class),
                        Fate::Lost(_) => Some(FailureClass::Uncertain),
                    };
                    let failure = class.map(|class| failure(operation, class));
                    self.case.world.pass.answered(asked, failure);
                }
            }
        };
        self.case.object.status = Some(plan.status.clone());
        self.case.world.end_pass();
        plan
    }

    fn request(&mut self, action: Action, fate: Fate) {
        let shelf = &mut self.case.world.view.models;
        match action {
            Action::CopyModel(copy) => self.copy(&copy, fate),
            Action::FollowCopy { attempt, operation } if fate == Fate::Answered => self.follow(attempt, &operation),
            Action::UpdateModel { id, change } if !matches!(fate, Fate::Failed(_)) => {
                shelf.touch(id);
                let found = self.service.get_mut(&id).unwrap();
                match *change {
                    UpdateModel::DisplayName(name) => found.header.display_name = name.into(),
                    UpdateModel::Owner(tag, _) => found.header.owner = Some(Arc::new(tag)),
                    UpdateModel::Description(_) | UpdateModel::Project(_) => {}
                }
                if fate == Fate::Answered {
                    shelf.answered(found.clone());
                }
            }
            Action::DeleteModel(id) if !matches!(fate, Fate::Failed(_)) => {
                shelf.touch(id);
                self.service.remove(&id);
                if fate == Fate::Answered {
                    shelf.removed(&Absent::assumed(id));
                }
            }
            Action::Claim(_) | Action::Release | Action::TrainModel(_) => {}
            Action::CreateEndpoint(_) | Action::UpdateEndpoint { .. } | Action::DeleteEndpoint(_) => {}
            Action::FollowCopy { .. } | Action::UpdateModel { .. } | Action::DeleteModel(_) => {}
            Action::CreateEvaluation(_) | Action::DeleteEvaluation(_) => {}
        }
    }

    fn copy(&mut self, copy: &CopyModel, fate: Fate) {
        let delay = match fate {
            Fate::Failed(_) => return,
            Fate::Lost(delay) => delay,
            Fate::Answered | Fate::Crash => 0,
        };
        let (now, count) = (self.case.world.now, self.operations.len());
        let result = with(original(number(copy.source)), |m| {
            m.header.id = id(100 + u128::try_from(count).unwrap());
            m.header.owner = m.header.owner.take().filter(|_| self.keeps_mark);
        });
        self.operations.push(Operation {
            ends_at: now + seconds(delay + self.pace.0),
            result,
            fails: self.pace.1,
            forgotten: false,
            arrived: false,
        });
        if fate == Fate::Answered {
            self.tell(copy.attempt, count.to_string(), CopyStage::Running);
        }
    }

    fn follow(&mut self, attempt: u32, operation: &str) {
        let found = &self.operations[operation.parse::<usize>().unwrap()];
        let stage = match found {
            Operation { forgotten: true, .. } => CopyStage::Unknown,
            Operation { ends_at, .. } if *ends_at > self.case.world.now => CopyStage::Running,
            Operation { fails: true, .. } => CopyStage::Failed(EntityError {
                code: "Internal".into(),
                message: "it did not work".into(),
            }),
            Operation { result, .. } => CopyStage::Done(result.header.id),
        };
        self.tell(attempt, operation.to_owned(), stage);
    }

    fn tell(&mut self, attempt: u32, operation: String, stage: CopyStage) {
        let state = CopyState {
            attempt,
            operation: operation.into(),
            looked_at: self.case.world.now,
            rest: None,
            stage,
        };
        self.case.world.view.copies.told(UID, state);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Reconcile(fate) => {
                self.reconcile(fate);
            }
            Event::Sweep => self.sweep(),
            Event::Restart => {
                self.case.world.view.models = Default::default();
                self.case.world.view.copies = Default::default();
                self.sweep();
            }
            Event::Advance(count) => self.case.world.now += seconds(count),
            Event::Renew => self.wanted += 1,
            Event::Forget => self.operations.iter_mut().for_each(|o| o.forgotten = true),
            Event::Away(away) => self.away = away,
            Event::Pace(takes, fails) => self.pace = (takes, fails),
        }
        self.look();
    }

    /// Everything works from now on; ends when two looks find nothing to do.
    fn settle(&mut self) -> Plan<SpeechModelStatus> {
        (self.away, self.pace) = (false, (5, false));
        let mut quiet = 0;
        for _ in 0..200 {
            self.sweep();
            let before = self.case.object.status.clone();
            let plan = self.reconcile(Fate::Answered);
            let said = said(&plan.status.conditions);
            // A refusal is for a person to heal, and tried again all the same.
            let goes_on = said.contains("Reconciling") || said.contains("CopyRefused");
            let rests = plan.action.is_none() && !goes_on && before == self.case.object.status;
            quiet = if rests { quiet + 1 } else { 0 };
            if quiet == 2 {
                return plan;
            }
            let pause = self.case.world.now + minutes(1);
            let again = plan.look_again.filter(|_| plan.action.is_none());
            self.case.world.now = again.unwrap_or(pause).min(pause);
        }
        panic!("no rest: {} {:#?}", self.case.line(), self.case.object.status);
    }
}

fn event() -> impl Strategy<Value = Event> {
    let fate = prop_oneof![
        5 => Just(Fate::Answered),
        1 => Just(Fate::Crash),
        2 => (0i64..119).prop_map(Fate::Lost),
        1 => Just(Fate::Failed(FailureClass::Refused)),
        1 => Just(Fate::Failed(FailureClass::Transient { retry_after: Some(minutes(2)) })),
    ];
    prop_oneof![
        8 => fate.prop_map(Event::Reconcile),
        3 => Just(Event::Sweep),
        1 => Just(Event::Restart),
        3 => (1i64..400).prop_map(Event::Advance),
        1 => Just(Event::Renew),
        1 => Just(Event::Forget),
        1 => any::<bool>().prop_map(Event::Away),
        1 => (1i64..900, prop::bool::weighted(0.3)).prop_map(|(takes, fails)| Event::Pace(takes, fails)),
    ]
}

/// The newest model of the source is copied, once, and everybody knows which one it is.
fn has_come_to_rest(life: &mut Life) -> Result<(), TestCaseError> {
    let plan = life.settle();
    let newest = (plan.status.current.as_ref()).and_then(|current| life.service.get(&current.id.parse().unwrap()));
    let inputs = newest
        .and_then(|m| m.header.owner.as_ref())
        .and_then(|tag| tag.inputs.clone());
    prop_assert_eq!(
        inputs,
        Some(id(life.wanted).to_string()),
        "{}",
        said(&plan.status.conditions)
    );
    prop_assert_eq!(life.unmarked(), 0, "a copy that nobody knows");
    let mut numbers: Vec<_> = (life.ours().iter())
        .map(|m| m.header.owner.as_ref().unwrap().revision)
        .collect();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    prop_assert_eq!(numbers.len(), count, "twins");
    prop_assert!(life.service[&id(3)].header.owner.is_none(), "a stranger was marked");
    Ok(())
}

#[test]
fn a_copy_that_was_refused_many_times_is_tried_again_until_it_works() {
    let mut life = Life::new(false);
    for _ in 0..9 {
        life.happen(Event::Reconcile(Fate::Failed(FailureClass::Refused)));
        life.happen(Event::Advance(1000));
    }
    life.happen(Event::Reconcile(Fate::Failed(FailureClass::Refused)));
    has_come_to_rest(&mut life).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_copy_comes_to_rest_with_the_newest_model_of_its_source_and_without_a_twin(keeps_mark: bool, events in prop::collection::vec(event(), 0..60)) {
        let mut life = Life::new(keeps_mark);
        events.into_iter().for_each(|event| life.happen(event));
        has_come_to_rest(&mut life)?;
    }

    #[test]
    fn a_deleted_copy_leaves_nothing_behind(keeps_mark: bool, events in prop::collection::vec(event(), 0..40)) {
        let mut life = Life::new(keeps_mark);
        events.into_iter().for_each(|event| life.happen(event));
        (life.away, life.pace) = (false, (5, false));
        *life.case.object.metadata.generation.get_or_insert_default() += 1;
        life.case.object.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(life.case.world.now));
        for _ in 0..200 {
            if life.case.object.finalizers().is_empty() { break; }
            life.sweep();
            let again = life.reconcile(Fate::Answered).look_again;
            let now = life.case.world.now;
            life.case.world.now = again.unwrap_or(now + seconds(1)).min(now + minutes(1));
        }
        prop_assert!(life.case.object.finalizers().is_empty(), "held for ever: {}", life.case.line());
        life.case.world.now += minutes(60);
        life.sweep();
        prop_assert_eq!(life.service.len(), 1, "only the stranger stays");
    }
}
