//! Whole lives of objects in small random worlds: the plan's steps are applied to a service that loses answers.
use super::*;
use crate::{Step, retry};
use kube::{Resource, ResourceExt};
use proptest::prelude::*;
use speech_api::{Subject, SubjectStatus, reference::DeletionPolicy};
use std::collections::BTreeMap;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
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

impl Fate {
    /// Whether the service does what it was asked for, now or later.
    pub fn has_effect(self) -> bool {
        !matches!(self, Self::Failed(_) | Self::Void)
    }

    fn failure(self, operation: &'static str) -> Option<Failure> {
        let class = match self {
            Self::Answered | Self::Crash => return None,
            Self::Failed(class) => class,
            Self::Lost(_) | Self::Void => FailureClass::Uncertain,
        };
        Some(failure(operation, class))
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    let failed = |class| Just(Fate::Failed(class));
    let retry_after = Some(minutes(2));
    prop_oneof![
        10 => Just(Fate::Answered),
        2 => Just(Fate::Crash),
        2 => Just(Fate::Void),
        // Whatever takes effect does so within the grace.
        4 => (0i64..119).prop_map(Fate::Lost),
        2 => failed(FailureClass::Refused),
        2 => failed(FailureClass::Quota),
        1 => failed(FailureClass::Transient { retry_after: None }),
        1 => failed(FailureClass::Transient { retry_after }),
    ]
}

/// What happens in every life, and what happens in that of one kind only.
#[derive(Clone, Debug)]
pub enum Event<E> {
    Reconcile(Fate),
    Sweep,
    Restart,
    /// What is under way ends, well or badly.
    Finish(bool),
    Advance(i64),
    Other(E),
}

/// Time advances by so many seconds; `others` of the events are those of the kind.
pub fn event<E: Clone + std::fmt::Debug + 'static>(
    seconds: std::ops::Range<i64>,
    others: u32,
    other: impl Strategy<Value = E> + 'static,
) -> impl Strategy<Value = Event<E>> {
    prop_oneof![
        8 => fate().prop_map(Event::Reconcile),
        3 => Just(Event::Sweep),
        1 => Just(Event::Restart),
        3 => prop::bool::weighted(0.6).prop_map(Event::Finish),
        3 => seconds.prop_map(Event::Advance),
        others => other.prop_map(Event::Other),
    ]
}

/// The entities of one kind in the service: those that exist, and those that will.
pub struct Entities<T> {
    pub there: BTreeMap<EntityId, T>,
    late: Vec<(Timestamp, T)>,
}

impl<T> Default for Entities<T> {
    fn default() -> Self {
        Self {
            there: BTreeMap::new(),
            late: Vec::new(),
        }
    }
}

impl<T: Cached> FromIterator<T> for Entities<T> {
    fn from_iter<I: IntoIterator<Item = T>>(known: I) -> Self {
        Self {
            there: known.into_iter().map(|entity| (entity.id(), entity)).collect(),
            late: Vec::new(),
        }
    }
}

impl<T: Cached + Clone> Entities<T> {
    /// Takes a POST.
    pub fn create(&mut self, new: T, fate: Fate, cache: &mut Cache<T>, now: Timestamp) {
        match fate {
            Fate::Failed(_) | Fate::Void => {}
            Fate::Lost(seconds) => self.late.push((now + SignedDuration::from_secs(seconds), new)),
            Fate::Answered | Fate::Crash => {
                self.there.insert(new.id(), new.clone());
                if fate == Fate::Answered {
                    cache.answered(new);
                }
            }
        }
    }

    /// Takes a PATCH; tells whether there is what it changes.
    pub fn update(&mut self, id: EntityId, fate: Fate, cache: &mut Cache<T>, change: impl FnOnce(&mut T)) -> bool {
        cache.touch(id);
        let Some(found) = self.there.get_mut(&id) else {
            return false;
        };
        if fate.has_effect() {
            change(found);
        }
        if fate == Fate::Answered {
            cache.answered(found.clone());
        }
        true
    }

    /// Takes a DELETE.
    pub fn delete(&mut self, id: EntityId, fate: Fate, cache: &mut Cache<T>) {
        cache.touch(id);
        if fate.has_effect() {
            self.there.remove(&id);
        }
        if fate == Fate::Answered {
            cache.removed(&Absent::assumed(id));
        }
    }

    /// Shows all that exists by now in a list.
    pub fn sweep(&mut self, cache: &mut Cache<T>, now: Timestamp) {
        let arrived = self.late.extract_if(.., |(when, _)| *when <= now);
        self.there.extend(arrived.map(|(_, entity)| (entity.id(), entity)));
        let began = cache.begin();
        let (_, missing) = cache.swept(self.there.values().cloned().collect(), began, now);
        missing
            .into_iter()
            .for_each(|id| assert!(cache.vanished(&Absent::assumed(id), began)));
        cache.complete(Heard::assumed());
    }

    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.there.values().chain(self.late.iter().map(|(_, entity)| entity))
    }

    /// The marks of the object under test.
    pub fn marks(&self) -> impl Iterator<Item = &OwnerTag> {
        let marks = self.all().filter_map(|entity| entity.header().owner.as_deref());
        marks.filter(|tag| tag.uid == UID)
    }

    pub fn at_work(&mut self) -> impl Iterator<Item = &mut T> {
        let entities = self.there.values_mut();
        entities.filter(|entity| !entity.header().status.is_terminal())
    }
}

/// The Speech service as one kind of object sees it; what happens in its world, and what no step may do there.
pub trait Service {
    type Kind: Kind;
    type Event;
    /// What lies further ahead does not keep an object from its rest.
    const HORIZON: SignedDuration;

    /// Takes a request.
    fn take(&mut self, case: &mut Case<Self::Kind>, action: Action, fate: Fate);
    /// Shows all lists.
    fn sweep(&mut self, case: &mut Case<Self::Kind>);
    /// A new operator knows nothing of what it reads here.
    fn forget(&mut self, case: &mut Case<Self::Kind>);
    /// What is under way ends.
    fn finish(&mut self, good: bool, now: Timestamp);
    fn happen(&mut self, case: &mut Case<Self::Kind>, event: Self::Event);
    /// Judges a step that is about to be taken.
    fn judge(&self, case: &Case<Self::Kind>, action: &Action);

    /// Observes what else a plan depends on.
    fn look(&self, _case: &mut Case<Self::Kind>) {}
    /// Everything works from now on.
    fn heal(&mut self) {}
    /// Judges what a plan says.
    fn judge_status(&self, _status: &StatusOf<Self>) {}
    /// Judges what a pass wrote; tells whether that is what another look goes by.
    fn judge_report(&self, _before: &StatusOf<Self>, _after: &StatusOf<Self>) -> bool {
        false
    }
}

pub type StatusOf<S> = <<S as Service>::Kind as Subject>::Status;
type PlanOf<S> = Plan<StatusOf<S>>;

/// An object, its world and the service.
pub struct Life<S: Service> {
    pub case: Case<S::Kind>,
    pub service: S,
    pauses: Pauses,
    /// Somebody asked for something since the last pass.
    asked: bool,
}

impl<S: Service> std::fmt::Debug for Life<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.case.object, self.case.world.view)
    }
}

impl<S: Service> Life<S> {
    pub fn new(case: Case<S::Kind>, service: S) -> Self {
        let mut life = Self {
            case,
            service,
            pauses: Pauses::default(),
            asked: false,
        };
        life.sweep();
        life
    }

    pub fn now(&self) -> Timestamp {
        self.case.world.now
    }

    pub fn sweep(&mut self) {
        self.case.world.sweep();
        self.service.sweep(&mut self.case);
    }

    /// Plans twice, and checks what must hold of every plan.
    fn planned(&self) -> PlanOf<S> {
        let (plan, again) = (self.case.planned(), self.case.plan());
        assert_eq!(
            (&plan.action, &plan.status, plan.look_again),
            (&again.action, &again.status, again.look_again)
        );
        if let Some(action) = &plan.action {
            judge_hands_off(action, &self.case.object);
            self.service.judge(&self.case, action);
        }
        self.service.judge_status(&plan.status);
        let tied = self.case.plan_with(Hands::Tied).action;
        let is_harmless = matches!(tied, None | Some(Action::Release | Action::FollowCopy { .. }));
        assert!(is_harmless, "hands tied: {tied:?}");
        plan
    }

    pub fn reconcile(&mut self, fate: Fate) -> PlanOf<S> {
        self.service.look(&mut self.case);
        self.case.world.end_pass();
        let plan = loop {
            let plan = self.planned();
            match self.case.world.pass.next(&plan) {
                Step::Release | Step::Report => break plan,
                Step::Claim(intent) => {
                    *self.case.object.finalizers_mut() = vec![FINALIZER.into()];
                    intent.iter().for_each(|intent| self.case.object.announce(*intent));
                    self.case.world.pass.claimed(intent);
                }
                Step::Request(action, asked) => {
                    let (generation, now, operation) = (self.case.generation(), self.now(), action.operation());
                    if !self.asked {
                        self.pauses.judge(&action, generation, now);
                    }
                    if let Fate::Failed(class) = fate {
                        self.pauses.failed(&action, class, generation, now);
                    }
                    self.service.take(&mut self.case, action, fate);
                    if fate == Fate::Crash {
                        return plan;
                    }
                    self.case.world.pass.answered(asked, fate.failure(operation));
                }
            }
        };
        self.report(&plan);
        plan
    }

    fn report(&mut self, plan: &PlanOf<S>) {
        release_as_planned(&mut self.case.object, plan.action.as_ref(), plan.status.conditions());
        let pass = self.case.world.end_pass();
        if std::mem::take(&mut self.asked) {
            // Who takes a model out of quarantine asks for another evaluation, whatever came of the one of this pass.
            self.pauses = Pauses::default();
        }
        let before = self.case.object.status().cloned().unwrap_or_default();
        self.case.object.set_status(plan.status.clone());
        let matters = self.service.judge_report(&before, &plan.status);
        if pass.failure().is_none() && plan.action.is_none() && !matters {
            assert_eq!(
                self.planned().status,
                plan.status,
                "the same look gives the same status"
            );
        }
    }

    pub fn happen(&mut self, event: Event<S::Event>) {
        match event {
            Event::Reconcile(fate) => drop(self.reconcile(fate)),
            Event::Sweep => self.sweep(),
            Event::Restart => {
                self.service.forget(&mut self.case);
                self.sweep();
            }
            Event::Finish(good) => self.service.finish(good, self.now()),
            Event::Advance(seconds) => self.case.world.now += SignedDuration::from_secs(seconds),
            Event::Other(event) => {
                let before = self.case.object.annotations().clone();
                self.service.happen(&mut self.case, event);
                self.asked |= *self.case.object.annotations() != before;
            }
        }
    }

    /// Lets time pass without trouble until two looks find nothing to do. `goes_on` tells by what the conditions say whether
    /// there is something to wait for all the same.
    pub fn settle(&mut self, goes_on: impl Fn(&str) -> bool) -> PlanOf<S> {
        self.case.world.link = Link::Ready;
        self.service.heal();
        let mut quiet = 0;
        for _ in 0..200 {
            self.service.finish(true, self.now());
            self.sweep();
            let before = self.case.object.status().cloned();
            let plan = self.reconcile(Fate::Answered);
            let rests = plan.action.is_none() && plan.awaits.is_none();
            let is_news = self.case.object.status() != before.as_ref();
            let done = rests && !is_news && !goes_on(&said(plan.status.conditions()));
            quiet = if done { quiet + 1 } else { 0 };
            if quiet == 2 {
                return plan;
            }
            let soon = plan.look_again.filter(|at| rests && *at < self.now() + S::HORIZON);
            self.case.world.now = soon.unwrap_or(self.now() + minutes(1));
        }
        panic!("no rest: {} {:#?}", self.case.line(), self.case.object.status());
    }

    /// Somebody deletes the object; lets time pass without trouble until it is gone. What is under way goes on for ever
    /// unless the service `finishes` it.
    pub fn end(&mut self, finishes: bool) {
        self.case.world.link = Link::Ready;
        self.service.heal();
        self.case.renew();
        self.case.object.meta_mut().deletion_timestamp = Some(Time(self.now()));
        for _ in 0..200 {
            if self.case.object.finalizers().is_empty() {
                return;
            }
            if finishes {
                self.service.finish(true, self.now());
            }
            self.sweep();
            let again = self.reconcile(Fate::Answered).look_again;
            let soon = again.unwrap_or(self.now() + SignedDuration::from_secs(1));
            self.case.world.now = soon.min(self.now() + minutes(20).min(S::HORIZON));
        }
        panic!("held for ever: {}", self.case.line());
    }
}

/// What no object may have done that must not act, or that is deleted and keeps what it has.
fn judge_hands_off(action: &Action, object: &impl Subject) {
    if action.is_remote() {
        let declared = object.declared();
        assert!(declared.may_act(), "hands off: {action:?}");
        let is_kept = declared.deletion_policy == DeletionPolicy::Retain;
        assert!(
            object.meta().deletion_timestamp.is_none() || !is_kept,
            "retained: {action:?}"
        );
    }
}

/// Releases an object as a pass does, also after a failure: a status in its place would forget since when it waits.
fn release_as_planned(object: &mut impl ResourceExt, action: Option<&Action>, conditions: &[Condition]) {
    if action == Some(&Action::Release) {
        object.finalizers_mut().clear();
    }
    let lets_go = said(conditions).contains("Orphaned");
    assert!(!lets_go || object.finalizers().is_empty(), "told and not done");
}

/// Which steps failed, and when: whatever happens meanwhile, none is taken again at once.
#[derive(Default)]
struct Pauses(BTreeMap<String, (Timestamp, i64)>);

impl Pauses {
    /// A step failed in this pass. Where it may have had an effect, what is read next decides.
    fn failed(&mut self, action: &Action, class: FailureClass, generation: i64, now: Timestamp) {
        if class != FailureClass::Uncertain {
            self.0.insert(what(action), (now, generation));
        }
    }

    /// A step is about to be taken; an edit asks for it at once.
    fn judge(&self, action: &Action, generation: i64, now: Timestamp) {
        let failed = self.0.get(&what(action)).filter(|(_, then)| *then == generation);
        assert!(
            failed.is_none_or(|(at, _)| now.duration_since(*at) >= retry::delay(1)),
            "again at once: {action:?}"
        );
    }
}

/// What a step is for.
fn what(action: &Action) -> String {
    let object = match action {
        Action::UpdateEndpoint { change, .. } => format!("{:?}", change.model()),
        Action::CreateEndpoint(create) => format!("{:?}", create.model),
        Action::CreateEvaluation(create) => format!("{:?} {:?}", create.model1, create.model2),
        Action::DeleteEndpoint(id) | Action::DeleteModel(id) | Action::DeleteEvaluation(id) => id.to_string(),
        Action::Claim(_)
        | Action::Release
        | Action::TrainModel(_)
        | Action::CopyModel(_)
        | Action::FollowCopy { .. }
        | Action::UpdateModel { .. } => String::new(),
    };
    format!("{} {object}", action.operation())
}

#[test]
#[should_panic(expected = "again at once")]
fn a_step_that_is_taken_again_at_once_is_noticed() {
    let swap = Action::UpdateEndpoint {
        id: id(10),
        change: Box::new(speech_service::request::UpdateEndpoint::Model(custom_id(4))),
        urgent: false,
    };
    let mut pauses = Pauses::default();
    pauses.failed(&swap, FailureClass::Refused, 1, at(NOW));
    pauses.judge(&swap, 2, at(NOW)); // an edit
    pauses.judge(&swap, 1, at(NOW) + SignedDuration::from_secs(5));
    pauses.judge(&swap, 1, at(NOW) + SignedDuration::from_secs(4));
}
