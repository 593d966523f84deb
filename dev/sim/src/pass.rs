//! One pass over an object, as the controller makes it: look, decide, take at most one remote step, report.
use super::{
    cluster::{self, Key, Kind},
    event::Place,
    fleet,
    law::{self, Laws},
    operator::FASTEST,
    region::Region,
};
use jiff::Timestamp;
use kube::ResourceExt;
use speech_api::{Reason, SpeechEndpoint, SpeechModel, SubjectStatus};
use speech_plan::{
    Action, ConnectionState, Failure, Hands, Pass, Plan, Stay, Step, Surroundings,
    connection::{Contact, Obstacle},
    relations::has_history,
};
use speech_resource::{Undone, act};

/// What becomes of the object after a pass.
enum End<K> {
    /// It stays, as it is now.
    Stays(K),
    /// It was let go.
    Released,
}

impl Region {
    /// Looks at an object.
    pub(super) fn pass_over(&mut self, key: Key) {
        match key {
            Key::Model(index) => self.pass::<SpeechModel>(index),
            Key::Endpoint(index) => self.pass::<SpeechEndpoint>(index),
        }
    }

    fn pass<K: Kind>(&mut self, index: usize) {
        let key = K::key(index);
        let Some(object) = K::slot(&mut self.cluster, index).and_then(Option::take) else {
            if let Some(operator) = &mut self.operator {
                operator.mind(key, None, self.now);
                operator.look_again(key, None);
            }
            return;
        };
        self.laws.passed(&mut self.report, key, self.now);
        let end = self.turn(key, object);
        if let Some(slot) = K::slot(&mut self.cluster, index) {
            *slot = match end {
                End::Stays(object) => Some(object),
                End::Released => None,
            };
        }
        if let Key::Endpoint(index) = key {
            self.show(index);
        }
    }

    /// Decides and acts until there is nothing more to do in this pass.
    fn turn<K: Kind>(&mut self, key: Key, mut object: K) -> End<K> {
        let mut pass = Pass::begin(Hands::Free);
        let mut taken = None;
        loop {
            let Some(plan) = self.decide(&object, &pass) else {
                return End::Stays(object);
            };
            match pass.next(&plan) {
                Step::Claim(intent) => {
                    cluster::claim(&mut object, intent);
                    pass.claimed(intent);
                    if self.dies(Place::AfterClaim) {
                        return End::Stays(object);
                    }
                }
                Step::Release => {
                    if plan.notices.iter().any(|notice| notice.reason == Reason::Orphaned) {
                        self.laws.orphaned(&object.uid().unwrap_or_default());
                    }
                    self.released(key, &object);
                    return End::Released;
                }
                Step::Request(action, asked) => {
                    let failure = self.request(key, &action);
                    pass.answered(asked, failure);
                    if taken.replace(action).is_some() {
                        let what = "took two remote steps in one pass";
                        Laws::broken(&mut self.report, self.now, fleet::name(key), what);
                    }
                    if self.dies(Place::AfterRequest) {
                        return End::Stays(object);
                    }
                }
                Step::Report => {
                    self.judge(key, &plan, &pass, taken.as_ref());
                    if !self.dies(Place::BeforeStatus) {
                        self.settle(key, &mut object, plan, &pass);
                    }
                    return End::Stays(object);
                }
            }
        }
    }

    /// Looks and decides; nothing happens.
    fn decide<K: Kind>(&mut self, object: &K, pass: &Pass) -> Option<Plan<K::Status>> {
        self.report.steps += 1;
        let operator = self.operator.as_ref()?;
        let (view, agenda) = (operator.resource.view(), operator.resource.agenda());
        let plan = object.plan(
            &self.cluster,
            Surroundings {
                now: self.now,
                cluster: cluster::UID,
                connection: state(&operator.contact, self.cluster.connection.broken_since(), &view),
                learned: pass.learned(),
                agenda: &agenda,
                stay: Stay::Certain,
                hands: Hands::Free,
                namespace_ends: false,
            },
        );
        drop((view, agenda));
        let uid = object.meta().uid.as_deref().unwrap_or_default();
        let mut agenda = operator.resource.agenda_mut();
        let mut learned = false;
        for took in &plan.took {
            learned |= agenda.durations.learn(object.declared().locale, *took);
        }
        let left = agenda.queue.set(uid, plan.wants) && plan.wants.is_none();
        drop(agenda);
        if left {
            self.wake_queue();
        }
        if learned {
            // All that is planned by it.
            let keys = self.cluster.keys();
            if let Some(operator) = &mut self.operator {
                operator.woken.extend(keys);
            }
            self.pass_over_connection();
        }
        Some(plan)
    }

    /// Takes a remote step with the operator's own code, and tells what went wrong.
    fn request(&mut self, key: Key, action: &Action) -> Option<Failure> {
        let operator = self.operator.as_mut()?;
        let done = futures::executor::block_on(act(&operator.resource, &operator.client, action));
        if let Some(wait) = self.network.take_throttled() {
            operator.rest(wait, self.now);
        }
        if done.is_ok() && action.frees_model() {
            let waits = |model: &SpeechModel| model.metadata.deletion_timestamp.is_some() || has_history(model);
            for (index, model) in self.cluster.models.iter().enumerate() {
                if model.as_ref().is_some_and(waits) {
                    operator.woken.insert(Key::Model(index));
                }
            }
        }
        if done.is_err() {
            self.look_soon(self.now.saturating_add(FASTEST).unwrap_or(self.now));
        } else if let Some(operator) = &mut self.operator {
            // The controller would see it within the interval of its sweeps, whoever waits.
            operator.sweeps.quiet_until = Some(self.now);
        }
        let failure = done.err().and_then(Undone::failure);
        if failure.is_some() {
            self.laws.failed(&mut self.report, key, action.operation(), self.now);
        }
        if let Some(story) = &mut self.story {
            story.takes(self.now, key, action, failure.as_ref());
        }
        failure
    }

    /// What must hold of every plan that a pass ends with.
    fn judge<S>(&mut self, key: Key, plan: &Plan<S>, pass: &Pass, taken: Option<&Action>) {
        let mut broken = |what: String| Laws::broken(&mut self.report, self.now, fleet::name(key), what);
        if let Some(at) = plan.look_again.filter(|at| *at <= self.now) {
            broken(format!("wants to be looked at again at {at}, which is not ahead"));
        }
        if pass.goes_on(plan) && plan.action.as_ref() == taken {
            broken(format!("asks again for a step that was just taken: {:?}", plan.action));
        }
    }

    /// Reports: the status if it says something new, and when to look again.
    fn settle<K: Kind>(&mut self, key: Key, object: &mut K, plan: Plan<K::Status>, pass: &Pass) {
        let Some(operator) = &mut self.operator else { return };
        operator.mind(key, plan.awaits, self.now);
        let again = pass.goes_on(&plan);
        if again {
            operator.woken.insert(key);
        }
        operator.look_again(key, plan.look_again.filter(|_| !again));
        let conditions = plan.status.conditions();
        if let Some(what) = law::presentation(conditions, plan.look_again, plan.awaits.is_some() || again) {
            Laws::broken(&mut self.report, self.now, fleet::name(key), what);
        }
        if object.status() == Some(&plan.status) {
            return;
        }
        if let Some(story) = &mut self.story {
            story.says(self.now, key, object.status(), &plan.status);
        }
        object.set_status(plan.status);
        match key {
            Key::Model(_) => self.wake_followers(&fleet::name(key)),
            Key::Endpoint(_) => operator.woken.extend(object.judged_models(&self.cluster)),
        }
    }

    /// An object is gone.
    fn released<K: Kind>(&mut self, key: Key, object: &K) {
        let Some(operator) = &mut self.operator else { return };
        operator.mind(key, None, self.now);
        operator.look_again(key, None);
        operator.collection.woken = true;
        let left = operator
            .resource
            .agenda_mut()
            .queue
            .leave(&object.uid().unwrap_or_default());
        if left {
            self.wake_queue();
        }
        if let Key::Model(_) = key {
            self.wake_followers(&fleet::name(key));
        }
    }
}

/// What a planner has to know of the connection.
fn state<'a>(contact: &'a Contact, since: Option<Timestamp>, view: &'a speech_plan::view::View) -> ConnectionState<'a> {
    match contact {
        Contact::Established(_) if view.is_complete() => ConnectionState::Ready {
            view,
            has_projects: true,
        },
        Contact::Blocked(Obstacle { message, .. }) | Contact::Broken { message, .. } => ConnectionState::NotReady {
            message,
            view: view.is_complete().then_some(view),
            usable: true,
            since,
        },
        Contact::Established(_) | Contact::Pending => ConnectionState::NotReady {
            message: "the first look at the Speech resource has not ended",
            view: view.is_complete().then_some(view),
            usable: false,
            since: None,
        },
    }
}
