//! A case: an object in its world, and what the planner of its kind says of it.
use super::*;
use speech_api::{Subject, SubjectStatus};
use std::fmt::Debug;

/// A kind of object, as tests declare and plan it.
pub trait Kind: Subject<Status: Debug> + Meta + Clone + Debug {
    /// What it refers to, and who refers to it.
    type Related: Default;
    /// The rules that decide about it.
    fn chain() -> Vec<RuleName>;

    fn declare(spec: &str) -> Self;
    /// Puts the spec of another object in place of its own.
    fn take_spec(&mut self, from: Self);
    fn plan(&self, related: &Self::Related, around: Surroundings<'_>) -> Plan<Self::Status>;
}

/// A snapshot that can be changed between plans.
pub struct Case<K: Kind> {
    pub world: World,
    pub object: K,
    pub related: K::Related,
}

impl<K: Kind> Case<K> {
    pub fn new(world: World, object: K) -> Self {
        Self {
            world,
            object,
            related: K::Related::default(),
        }
    }

    /// Ours since attempt 1, long ago, and shown once.
    pub fn of(world: World, object: K) -> Self {
        let mut case = Self::new(world, object.announces(1, LONG_AGO));
        case.show();
        case
    }

    /// The same, of a spec.
    pub fn declared(world: World, spec: &str) -> Self {
        Self::of(world, K::declare(spec))
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The spec is edited: a new generation.
    pub fn edit(&mut self, spec: &str) {
        self.object.take_spec(K::declare(spec));
        self.renew();
    }

    /// The apiserver counts a change of what is declared.
    pub fn renew(&mut self) {
        *self.object.meta_mut().generation.get_or_insert_default() += 1;
    }

    pub fn generation(&self) -> i64 {
        self.object.meta().generation.unwrap()
    }

    pub fn plan(&self) -> Plan<K::Status> {
        self.plan_with(self.world.hands)
    }

    /// The same in a process with other hands.
    pub fn plan_with(&self, hands: Hands) -> Plan<K::Status> {
        let around = Surroundings {
            hands,
            ..self.world.around()
        };
        self.object.plan(&self.related, around)
    }

    /// Plans and writes the status, as after a pass.
    pub fn show(&mut self) -> Plan<K::Status> {
        let plan = self.plan();
        self.object.set_status(plan.status.clone());
        plan
    }

    /// Plans, and checks what holds of every plan.
    pub fn planned(&self) -> Plan<K::Status> {
        let mut plan = self.plan();
        let observed = *plan.status.fields_mut().observed_generation;
        let conditions = plan.status.conditions();
        assert_lawful(self.object.conditions(), conditions, self.generation(), observed);
        assert_decided(plan.status.decision(), conditions, &K::chain());
        let again = plan.look_again;
        assert!(again.is_none_or(|again| again > self.world.now), "{again:?} is past");
        plan
    }

    pub fn line(&self) -> String {
        let plan = self.planned();
        line(&plan, plan.status.conditions())
    }
}

/// Runs a table of cases: name, case, line.
pub fn check<K: Kind>(cases: Vec<(&str, Case<K>, &str)>) {
    for (name, case, expected) in cases {
        assert_eq!(case.line(), expected, "{name}: {:#?}", case.plan().status.conditions());
    }
}
