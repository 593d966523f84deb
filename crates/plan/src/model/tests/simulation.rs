//! Whole lives of trained models.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other step is a mistake, also one that is new"
)]
use super::*;
use crate::Action;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use speech_api::{annotation::CreationIntent, reference::DeletionPolicy};
use speech_service::{
    Absent, ModelId,
    entity::{CustomModel, Status},
    request::{CreateModel, UpdateModel},
};
use std::sync::Arc;

type Life = crate::testing::Life<Remotes>;

/// What happens to trained models only.
#[derive(Clone, Debug)]
enum Event {
    Edit(usize),
    /// Endpoint 10 moves to the n-th model that exists.
    Use(usize, bool),
    Rename,
}

const DATASET: &str = "00000000-0000-0000-0000-000000000032";
const SPECS: [&str; 6] = [
    "",
    "\nrevisionHistoryLimit: 0",
    "\nsuspend: true",
    "\nmanagementPolicy: Observe",
    "\ndeletionPolicy: Retain\ndisplayName: other",
    "\nrevisionHistoryLimit: 1\ndescription: words",
];

/// The n-th spec; with the upper half of the numbers the training differs.
fn spec(n: usize) -> String {
    let weight = if n < SPECS.len() { 30 } else { 60 };
    format!(
        "source: {{training: {{datasets: [{DATASET}], customModelWeightPercent: {weight}}}}}{}",
        SPECS[n % SPECS.len()]
    )
}

/// The models of the service.
struct Remotes {
    models: Entities<CustomModel>,
    trained: u128,
}

fn life(n: usize) -> Life {
    let strangers = [
        custom_model(3, LATER),
        with(revision(4, 1, "x", Status::Succeeded), |m| {
            m.header.owner = Some(Arc::new(tag("another", 1)));
        }),
    ];
    let service = Remotes {
        models: strangers.into_iter().collect(),
        trained: 0,
    };
    Life::new(Case::new(World::new(), model(&spec(n))), service)
}

impl Remotes {
    fn train(&mut self, create: &CreateModel, now: Timestamp) -> CustomModel {
        self.trained += 1;
        with(custom_model(100 + self.trained, "2030-01-01T00:00:00Z"), |m| {
            m.header.display_name = create.display_name.as_str().into();
            m.header.description = create.description.as_deref().unwrap_or("").into();
            m.header.owner = Some(Arc::new(create.owner.clone()));
            m.header.created_at = now;
            put_state(&mut m.header, Status::NotStarted, now);
        })
    }

    fn has_twins(&self) -> bool {
        let mut numbers: Vec<_> = self.models.marks().map(|tag| tag.revision).collect();
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len() < count
    }
}

impl Service for Remotes {
    type Kind = SpeechModel;
    type Event = Event;
    /// Also the longest pause after a refusal ends.
    const HORIZON: SignedDuration = SignedDuration::from_hours(1_000_000);

    fn take(&mut self, case: &mut Case, action: Action, fate: Fate) {
        let (now, cache) = (case.world.now, &mut case.world.view.models);
        match action {
            Action::TrainModel(create) => {
                let new = self.train(&create, now);
                self.models.create(new, fate, cache, now);
            }
            Action::UpdateModel { id, change } => {
                let there = self.models.update(id, fate, cache, |found| match *change {
                    UpdateModel::DisplayName(name) => found.header.display_name = name.into(),
                    UpdateModel::Description(text) => found.header.description = text.into(),
                    UpdateModel::Project(_) | UpdateModel::Owner(..) => {}
                });
                assert!(there, "changes what is gone");
            }
            Action::DeleteModel(id) => self.models.delete(id, fate, cache),
            other => panic!("no step of a training: {other:?}"),
        }
    }

    fn sweep(&mut self, case: &mut Case) {
        self.models.sweep(&mut case.world.view.models, case.world.now);
    }

    fn forget(&mut self, case: &mut Case) {
        case.world.view.models = Default::default();
    }

    fn finish(&mut self, good: bool, now: Timestamp) {
        for model in self.models.at_work() {
            let state = if good { Status::Succeeded } else { Status::Failed };
            put_state(&mut model.header, state, now);
        }
    }

    fn happen(&mut self, case: &mut Case, event: Event) {
        match event {
            Event::Edit(n) => case.edit(&spec(n)),
            Event::Use(n, moving) => {
                let there = &self.models.there;
                let Some(id) = there.keys().nth(n % there.len()) else {
                    return;
                };
                let state = if moving { Status::Running } else { Status::Succeeded };
                let user = in_state(remote(10, ModelId::Custom(*id)), state);
                learn(&mut case.world.view.endpoints, user);
            }
            Event::Rename => {
                (self.models.there.values_mut()).for_each(|model| model.header.display_name = "by hand".into())
            }
        }
    }

    fn judge(&self, case: &Case, action: &Action) {
        let view = &case.world.view;
        match action {
            Action::TrainModel(create) => {
                let open = CreationIntent::of(&case.object).unwrap();
                assert_eq!(
                    (case.world.pass.announced, create.owner.attempt),
                    (Some(open.attempt), open.attempt)
                );
                assert!(self.models.marks().all(|tag| tag.revision < create.owner.revision));
            }
            Action::DeleteModel(id) => {
                let entry = view.models.get(*id).unwrap();
                assert!(entry.is_owned_by(UID), "another's model {id}");
                assert!(view.users_of(ModelId::Custom(*id)).next().is_none(), "in use");
                let status = case.object.status.as_ref();
                let current = status.and_then(|status| status.current.as_ref());
                let deleting = case.object.metadata.deletion_timestamp.is_some();
                assert!(deleting || current.is_none_or(|current| current.id != *id), "current");
            }
            Action::UpdateModel { id, .. } => {
                let entry = view.models.get(*id).unwrap();
                assert!(entry.is_owned_by(UID) && entry.confirmed);
            }
            Action::Claim(_) | Action::Release => {}
            other => panic!("no step of a training: {other:?}"),
        }
    }

    /// That an attempt has ended is written down before anything follows from it.
    fn judge_report(&self, before: &SpeechModelStatus, after: &SpeechModelStatus) -> bool {
        let is_over = before.closed_attempt != after.closed_attempt;
        let (before, after) = (before.current.as_ref(), after.current.as_ref());
        assert!(
            before.is_none_or(|b| after.is_some_and(|a| a.revision >= b.revision)),
            "the current revision went back"
        );
        is_over
    }
}

fn event() -> impl Strategy<Value = crate::testing::Event<Event>> {
    let other = prop_oneof![
        2 => (0..2 * SPECS.len()).prop_map(Event::Edit),
        1 => (0usize..6, any::<bool>()).prop_map(|(n, moving)| Event::Use(n, moving)),
        1 => Just(Event::Rename),
    ];
    crate::testing::event(1..2000, 4, other)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_model_comes_to_rest_with_one_model_for_each_number(n in 0..2 * SPECS.len(), events in prop::collection::vec(event(), 0..60)) {
        let mut life = life(n);
        for event in events {
            life.happen(event);
            prop_assert!(!life.service.has_twins(), "twins");
        }
        let plan = life.settle(|said| said.contains("Reconciling"));
        let acts = !life.case.object.spec.suspend && life.case.object.spec.management_policy == Default::default();
        let refused = said(&plan.status.conditions).contains("Refused");
        prop_assert!(!acts || refused || plan.status.current.is_some(), "{}", said(&plan.status.conditions));
        let there = &life.service.models.there;
        prop_assert!(there.contains_key(&id(3)) && there.contains_key(&id(4)), "strangers stay");
    }

    #[test]
    fn a_deleted_model_leaves_nothing_behind_unless_it_is_to_stay(n in 0..2 * SPECS.len(), events in prop::collection::vec(event(), 0..40)) {
        let mut life = life(n);
        events.into_iter().for_each(|event| life.happen(event));
        life.case.world.view.endpoints.removed(&Absent::assumed(id(10)));
        let spec = life.case.object.spec.clone();
        let stays = spec.suspend || spec.management_policy != Default::default() || spec.deletion_policy == DeletionPolicy::Retain;
        let before = life.service.models.marks().count();
        life.end(true);
        prop_assert_eq!(life.service.models.marks().count(), if stays { before } else { 0 });
    }
}
