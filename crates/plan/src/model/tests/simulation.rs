//! Whole lives of trained models in small random worlds: the plan's steps are applied to a service that loses answers.
use super::*;
use crate::{Action, FailureClass, Step};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use proptest::prelude::*;
use speech_api::{annotation::CreationIntent, reference::DeletionPolicy};
use speech_service::{
    Absent, EntityId,
    entity::{CustomModel, Status},
    request::{CreateModel, UpdateModel},
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
    Progress(bool),
    Advance(i64),
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

struct Life {
    case: Case,
    service: BTreeMap<EntityId, CustomModel>,
    late: Vec<(Timestamp, CustomModel)>,
    next_id: u128,
    pauses: Pauses,
}

impl Life {
    fn new(n: usize) -> Self {
        let case = Case::new(World::new(), model(&spec(n)));
        let strangers = [
            custom_model(3, LATER),
            with(revision(4, 1, "x", Status::Succeeded), |m| {
                m.header.owner = Some(Arc::new(tag("another", 1)));
            }),
        ];
        let service = strangers.into_iter().map(|model| (model.header.id, model)).collect();
        let mut life = Self {
            case,
            service,
            late: Vec::new(),
            next_id: 100,
            pauses: Pauses::default(),
        };
        life.sweep();
        life
    }

    fn sweep(&mut self) {
        let now = self.case.world.now;
        let arrived = self.late.extract_if(.., |(when, _)| *when <= now);
        self.service.extend(arrived.map(|(_, model)| (model.header.id, model)));
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
        let known = self.service.values().chain(self.late.iter().map(|(_, model)| model));
        known
            .filter(|m| m.header.owner.as_ref().is_some_and(|tag| tag.uid == UID))
            .collect()
    }

    fn planned(&self) -> Plan<SpeechModelStatus> {
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
        assert!(plan.look_again.is_none_or(|at| at > self.case.world.now));
        plan.action.iter().for_each(|action| self.judge(action));
        let tied = self.case.plan_with(Hands::Tied).action;
        let harmless = matches!(tied, None | Some(Action::Release | Action::FollowCopy { .. }));
        assert!(harmless, "hands tied: {tied:?}");
        plan
    }

    fn judge(&self, action: &Action) {
        let spec = &self.case.object.spec;
        let deleting = self.case.object.metadata.deletion_timestamp.is_some();
        let deletion = deleting.then_some(spec.deletion_policy);
        judge_hands_off(action, spec.suspend, spec.management_policy, deletion);
        match action {
            Action::TrainModel(create) => {
                let open = CreationIntent::of(&self.case.object).unwrap();
                assert_eq!(
                    (self.case.world.pass.announced, create.owner.attempt),
                    (Some(open.attempt), open.attempt)
                );
                assert!(
                    self.ours()
                        .iter()
                        .all(|m| m.header.owner.as_ref().unwrap().revision < create.owner.revision)
                );
            }
            Action::DeleteModel(id) => {
                let view = &self.case.world.view;
                let entry = view.models.get(*id).unwrap();
                assert!(entry.is_owned_by(UID), "another's model {id}");
                assert!(
                    view.users_of(speech_service::ModelId::Custom(*id)).next().is_none(),
                    "in use"
                );
                let current = self
                    .case
                    .object
                    .status
                    .as_ref()
                    .and_then(|status| status.current.as_ref());
                assert!(
                    deleting || current.is_none_or(|current| current.id != id.to_string()),
                    "current"
                );
            }
            Action::UpdateModel { id, .. } => {
                let entry = self.case.world.view.models.get(*id).unwrap();
                assert!(entry.is_owned_by(UID) && entry.confirmed);
            }
            Action::Claim(_) | Action::Release => {}
            Action::CopyModel(_) | Action::FollowCopy { .. } => panic!("no step of a training"),
            Action::CreateEndpoint(_)
            | Action::UpdateEndpoint { .. }
            | Action::DeleteEndpoint(_)
            | Action::CreateEvaluation(_)
            | Action::DeleteEvaluation(_) => {
                panic!("no step of a model")
            }
        }
    }

    fn reconcile(&mut self, fate: Fate) -> Plan<SpeechModelStatus> {
        self.case.world.end_pass();
        let before = self
            .case
            .object
            .status
            .as_ref()
            .and_then(|status| status.current.clone());
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
                    self.pauses.judge(&action, generation, self.case.world.now);
                    if let Fate::Failed(class) = fate {
                        self.pauses.failed(&action, class, generation, self.case.world.now);
                    }
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
        release_as_planned(&mut self.case.object, plan.action.as_ref(), &plan.status.conditions);
        self.case.object.status = Some(plan.status.clone());
        if self.case.world.end_pass().failure().is_none() && plan.action.is_none() {
            assert_eq!(
                self.planned().status,
                plan.status,
                "the same look gives the same status"
            );
        }
        let after = plan.status.current.as_ref();
        assert!(
            before.is_none_or(|b| after.is_some_and(|a| a.revision >= b.revision)),
            "the current revision went back"
        );
        plan
    }

    fn request(&mut self, action: Action, fate: Fate) {
        let shelf = &mut self.case.world.view.models;
        match action {
            Action::TrainModel(create) => self.train(&create, fate),
            Action::UpdateModel { id, change } => {
                shelf.touch(id);
                if matches!(fate, Fate::Failed(_)) {
                    return;
                }
                let found = self.service.get_mut(&id).unwrap();
                match *change {
                    UpdateModel::DisplayName(name) => found.header.display_name = name.into(),
                    UpdateModel::Description(text) => found.header.description = text.into(),
                    UpdateModel::Project(_) | UpdateModel::Owner(..) => {}
                }
                if fate == Fate::Answered {
                    shelf.answered(found.clone());
                }
            }
            Action::DeleteModel(id) => {
                shelf.touch(id);
                if !matches!(fate, Fate::Failed(_)) {
                    self.service.remove(&id);
                }
                if fate == Fate::Answered {
                    shelf.removed(&Absent::assumed(id));
                }
            }
            Action::Claim(_) | Action::Release => {}
            Action::CopyModel(_) | Action::FollowCopy { .. } => {}
            Action::CreateEndpoint(_)
            | Action::UpdateEndpoint { .. }
            | Action::DeleteEndpoint(_)
            | Action::CreateEvaluation(_)
            | Action::DeleteEvaluation(_) => {}
        }
    }

    fn train(&mut self, create: &CreateModel, fate: Fate) {
        self.next_id += 1;
        let now = self.case.world.now;
        let new = with(custom_model(self.next_id, "2030-01-01T00:00:00Z"), |m| {
            m.header.display_name = create.display_name.as_str().into();
            m.header.description = create.description.as_deref().unwrap_or("").into();
            m.header.owner = Some(Arc::new(create.owner.clone()));
            m.header.created_at = now;
            put_state(&mut m.header, Status::NotStarted, now);
        });
        match fate {
            Fate::Failed(_) => {}
            Fate::Lost(seconds) => self.late.push((now + SignedDuration::from_secs(seconds), new)),
            Fate::Answered | Fate::Crash => {
                self.service.insert(new.header.id, new.clone());
                if fate == Fate::Answered {
                    self.case.world.view.models.answered(new);
                }
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Reconcile(fate) => {
                self.reconcile(fate);
            }
            Event::Sweep => self.sweep(),
            Event::Restart => {
                self.case.world.view.models = Default::default();
                self.sweep();
            }
            Event::Progress(good) => self.progress(good),
            Event::Advance(seconds) => self.case.world.now += SignedDuration::from_secs(seconds),
            Event::Edit(n) => self.case.edit(&spec(n)),
            Event::Use(n, moving) => {
                let Some(id) = self.service.keys().nth(n % self.service.len()) else {
                    return;
                };
                let state = if moving { Status::Running } else { Status::Succeeded };
                let user = in_state(remote(10, speech_service::ModelId::Custom(*id)), state);
                learn(&mut self.case.world.view.endpoints, user);
            }
            Event::Rename => self
                .service
                .values_mut()
                .for_each(|model| model.header.display_name = "by hand".into()),
        }
    }

    fn progress(&mut self, good: bool) {
        for model in self
            .service
            .values_mut()
            .filter(|model| !model.header.status.is_terminal())
        {
            let state = if good { Status::Succeeded } else { Status::Failed };
            put_state(&mut model.header, state, self.case.world.now);
        }
    }

    fn settle(&mut self) -> Plan<SpeechModelStatus> {
        let mut quiet = 0;
        for _ in 0..80 {
            self.progress(true);
            self.sweep();
            let before = self.case.object.status.clone();
            let plan = self.reconcile(Fate::Answered);
            let rests = plan.action.is_none() && plan.awaits.is_none();
            quiet =
                if rests && before == self.case.object.status && !said(&plan.status.conditions).contains("Reconciling")
                {
                    quiet + 1
                } else {
                    0
                };
            if quiet == 2 {
                return plan;
            }
            let pause = self.case.world.now + minutes(1);
            self.case.world.now = plan.look_again.filter(|_| rests).unwrap_or(pause);
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
        3 => prop::bool::weighted(0.7).prop_map(Event::Progress),
        3 => (1i64..2000).prop_map(Event::Advance),
        2 => (0..2 * SPECS.len()).prop_map(Event::Edit),
        1 => (0usize..6, any::<bool>()).prop_map(|(n, moving)| Event::Use(n, moving)),
        1 => Just(Event::Rename),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_model_comes_to_rest_with_one_model_for_each_number(n in 0..2 * SPECS.len(), events in prop::collection::vec(event(), 0..60)) {
        let mut life = Life::new(n);
        for event in events {
            life.happen(event);
            let mut numbers: Vec<_> = life.ours().iter().map(|m| m.header.owner.as_ref().unwrap().revision).collect();
            let count = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            prop_assert_eq!(numbers.len(), count, "twins");
        }
        let plan = life.settle();
        let acts = !life.case.object.spec.suspend && life.case.object.spec.management_policy == Default::default();
        let refused = said(&plan.status.conditions).contains("Refused");
        prop_assert!(!acts || refused || plan.status.current.is_some(), "{}", said(&plan.status.conditions));
        prop_assert!(life.service.contains_key(&id(3)) && life.service.contains_key(&id(4)), "strangers stay");
    }

    #[test]
    fn a_deleted_model_leaves_nothing_behind_unless_it_is_to_stay(n in 0..2 * SPECS.len(), events in prop::collection::vec(event(), 0..40)) {
        let mut life = Life::new(n);
        events.into_iter().for_each(|event| life.happen(event));
        life.case.world.view.endpoints.removed(&Absent::assumed(id(10)));
        *life.case.object.metadata.generation.get_or_insert_default() += 1;
        life.case.object.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(life.case.world.now));
        let spec = life.case.object.spec.clone();
        let stays = spec.suspend || spec.management_policy != Default::default() || spec.deletion_policy == DeletionPolicy::Retain;
        let before = life.ours().len();
        for _ in 0..60 {
            if life.case.object.finalizers().is_empty() { break; }
            life.progress(true);
            life.sweep();
            let again = life.reconcile(Fate::Answered).look_again;
            let now = life.case.world.now;
            life.case.world.now = again.unwrap_or(now + SignedDuration::from_secs(1)).min(now + minutes(20));
        }
        prop_assert!(life.case.object.finalizers().is_empty(), "held for ever: {}", life.case.line());
        prop_assert_eq!(life.ours().len(), if stays { before } else { 0 });
    }
}
