//! Whole lives of copied models: two services, orders whose answers are lost, operations that take their time, fail or are
//! forgotten, a source that is renewed.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other step is a mistake, also one that is new"
)]
use super::*;
use crate::{
    Action, CopyModel, FailureClass,
    model::SourceState,
    view::{CopyStage, CopyState},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use speech_api::annotation::CreationIntent;
use speech_service::{
    entity::{CustomModel, EntityError},
    request::UpdateModel,
};
use std::sync::Arc;

type Life = crate::testing::Life<Services>;

/// What happens to copies only.
#[derive(Clone, Debug)]
enum Event {
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

/// The models of the service, and the source.
struct Services {
    models: Entities<CustomModel>,
    operations: Vec<Operation>,
    wanted: u128,
    pace: (i64, bool),
    keeps_mark: bool,
    away: bool,
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

fn life(keeps_mark: bool) -> Life {
    let stranger = with(original(3), |m| m.header.owner = None);
    let services = Services {
        models: [stranger].into_iter().collect(),
        operations: Vec::new(),
        wanted: 5,
        pace: (5, false),
        keeps_mark,
        away: false,
    };
    Life::new(Case::new(World::new(), model(COPY)), services)
}

impl Services {
    /// What operations made or will make, and what does not bear our mark.
    fn unmarked(&self) -> usize {
        let made = self.operations.iter().filter(|o| !o.fails && !o.arrived).count();
        let there = self.models.there.keys().filter(|found| **found != id(3)).count();
        made + there - self.models.marks().count()
    }

    fn copy(&mut self, case: &mut Case, copy: &CopyModel, fate: Fate) {
        let delay = match fate {
            Fate::Failed(_) | Fate::Void => return,
            Fate::Lost(delay) => delay,
            Fate::Answered | Fate::Crash => 0,
        };
        let count = self.operations.len();
        let result = with(original(number(copy.source)), |m| {
            m.header.id = id(100 + u128::try_from(count).unwrap());
            m.header.owner = m.header.owner.take().filter(|_| self.keeps_mark);
        });
        self.operations.push(Operation {
            ends_at: case.world.now + seconds(delay + self.pace.0),
            result,
            fails: self.pace.1,
            forgotten: false,
            arrived: false,
        });
        if fate == Fate::Answered {
            tell(case, copy.attempt, count.to_string(), CopyStage::Running);
        }
    }

    fn follow(&self, case: &mut Case, attempt: u32, operation: String) {
        let found = &self.operations[operation.parse::<usize>().unwrap()];
        let stage = match found {
            Operation { forgotten: true, .. } => CopyStage::Unknown,
            Operation { ends_at, .. } if *ends_at > case.world.now => CopyStage::Running,
            Operation { fails: true, .. } => CopyStage::Failed(EntityError {
                code: "Internal".into(),
                message: "it did not work".into(),
            }),
            Operation { result, .. } => CopyStage::Done(result.header.id),
        };
        tell(case, attempt, operation, stage);
    }
}

fn tell(case: &mut Case, attempt: u32, operation: String, stage: CopyStage) {
    let state = CopyState {
        attempt,
        operation: operation.into(),
        looked_at: case.world.now,
        rest: None,
        stage,
    };
    case.world.view.copies.told(UID, state);
}

impl Service for Services {
    type Kind = SpeechModel;
    type Event = Event;
    const HORIZON: SignedDuration = SignedDuration::from_mins(1);

    fn take(&mut self, case: &mut Case, action: Action, fate: Fate) {
        let cache = &mut case.world.view.models;
        match action {
            Action::CopyModel(copy) => self.copy(case, &copy, fate),
            Action::FollowCopy { attempt, operation } if fate == Fate::Answered => {
                self.follow(case, attempt, operation);
            }
            Action::FollowCopy { .. } => {}
            Action::UpdateModel { id, change } => {
                let there = self.models.update(id, fate, cache, |found| match *change {
                    UpdateModel::DisplayName(name) => found.header.display_name = name.into(),
                    UpdateModel::Owner(tag, _) => found.header.owner = Some(Arc::new(tag)),
                    UpdateModel::Description(_) | UpdateModel::Project(_) => {}
                });
                assert!(there, "changes what is gone");
            }
            Action::DeleteModel(id) => self.models.delete(id, fate, cache),
            other => panic!("no step of a copy: {other:?}"),
        }
    }

    fn sweep(&mut self, case: &mut Case) {
        let now = case.world.now;
        for operation in self.operations.iter_mut().filter(|o| !o.arrived && o.ends_at <= now) {
            operation.arrived = true;
            if !operation.fails {
                let model = with(operation.result.clone(), |m| m.header.created_at = operation.ends_at);
                self.models.there.insert(model.header.id, model);
            }
        }
        self.models.sweep(&mut case.world.view.models, now);
    }

    fn forget(&mut self, case: &mut Case) {
        case.world.view.models = Default::default();
        case.world.view.copies = Default::default();
    }

    /// Operations take their time.
    fn finish(&mut self, _good: bool, _now: Timestamp) {}

    fn happen(&mut self, _case: &mut Case, event: Event) {
        match event {
            Event::Renew => self.wanted += 1,
            Event::Forget => self.operations.iter_mut().for_each(|o| o.forgotten = true),
            Event::Away(away) => self.away = away,
            Event::Pace(takes, fails) => self.pace = (takes, fails),
        }
    }

    fn judge(&self, case: &Case, action: &Action) {
        match action {
            Action::CopyModel(copy) => {
                let open = CreationIntent::of(&case.object).unwrap();
                assert_eq!(
                    (case.world.pass.announced, copy.attempt),
                    (Some(open.attempt), open.attempt)
                );
                assert_eq!(open.copy_of, Some(copy.source));
                assert_eq!(self.unmarked(), 0, "ordered beside another copy");
            }
            Action::DeleteModel(id) => {
                assert!(case.world.view.models.get(*id).unwrap().is_owned_by(UID));
            }
            Action::UpdateModel { id: changed, .. } => assert_ne!(*changed, id(3), "a stranger"),
            _ => {}
        }
    }

    /// The source keeps all its old models.
    fn look(&self, case: &mut Case) {
        let mut found = found(self.wanted);
        found.models = (5..=self.wanted).map(|n| Arc::new(original(n))).collect();
        if self.away {
            found.state = SourceState::NotReady("away".into());
        }
        case.related.source = Some(Source::Found(Box::new(found)));
    }

    fn heal(&mut self) {
        (self.away, self.pace) = (false, (5, false));
    }
}

fn event() -> impl Strategy<Value = crate::testing::Event<Event>> {
    let other = prop_oneof![
        Just(Event::Renew),
        Just(Event::Forget),
        any::<bool>().prop_map(Event::Away),
        (1i64..900, prop::bool::weighted(0.3)).prop_map(|(takes, fails)| Event::Pace(takes, fails)),
    ];
    crate::testing::event(1..400, 4, other)
}

/// The newest model of the source is copied, once, and everybody knows which one it is.
fn has_come_to_rest(life: &mut Life) -> Result<(), TestCaseError> {
    // A refusal is for a person to heal, and tried again all the same.
    let plan = life.settle(|said| said.contains("Reconciling") || said.contains("CopyRefused"));
    let Services { models, wanted, .. } = &life.service;
    let current = plan.status.current.as_ref();
    let newest = current.and_then(|current| models.there.get(&current.id));
    let inputs = newest
        .and_then(|m| m.header.owner.as_ref())
        .and_then(|tag| tag.inputs.clone());
    prop_assert_eq!(
        inputs,
        Some(id(*wanted).to_string()),
        "{}",
        said(&plan.status.conditions)
    );
    prop_assert_eq!(life.service.unmarked(), 0, "a copy that nobody knows");
    let mut numbers: Vec<_> = models.marks().map(|tag| tag.revision).collect();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    prop_assert_eq!(numbers.len(), count, "twins");
    prop_assert!(models.there[&id(3)].header.owner.is_none(), "a stranger was marked");
    Ok(())
}

#[test]
fn a_copy_that_was_refused_many_times_is_tried_again_until_it_works() {
    use crate::testing::Event::{Advance, Reconcile};
    let mut life = life(false);
    for _ in 0..9 {
        life.happen(Reconcile(Fate::Failed(FailureClass::Refused)));
        life.happen(Advance(1000));
    }
    life.happen(Reconcile(Fate::Failed(FailureClass::Refused)));
    has_come_to_rest(&mut life).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_copy_comes_to_rest_with_the_newest_model_of_its_source_and_without_a_twin(keeps_mark: bool, events in prop::collection::vec(event(), 0..60)) {
        let mut life = life(keeps_mark);
        events.into_iter().for_each(|event| life.happen(event));
        has_come_to_rest(&mut life)?;
    }

    #[test]
    fn a_deleted_copy_leaves_nothing_behind(keeps_mark: bool, events in prop::collection::vec(event(), 0..40)) {
        let mut life = life(keeps_mark);
        events.into_iter().for_each(|event| life.happen(event));
        life.end(true);
        life.case.world.now += minutes(60);
        life.sweep();
        prop_assert_eq!(life.service.models.there.len(), 1, "only the stranger stays");
    }
}
