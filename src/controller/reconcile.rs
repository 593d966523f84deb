//! The reconcile of models and endpoints: observe, plan, act, report. What a pass may do, [`Pass`] says.
mod request;
mod telling;

use super::{
    Context, export,
    failpoint::Failpoint,
    guard::ReconcileError,
    managed::Managed,
    observe::{self, Surrounding},
    queues::Sleeper,
    references::connection_of,
    residence::{Finding, is_home_ending},
    routes::{self, Place},
    wake,
    workqueue::WorkQueue,
    write::{self, WriteError},
};
use jiff::Timestamp;
use kube::runtime::{controller, reflector::ObjectRef};
use speech_api::{Reason, annotation::CreationIntent, is_held};
use speech_plan::{Action, Asked, List, Notice, Pass, Plan, Step, Surroundings, lead_time::Took, queue::Want};
use speech_resource::Undone;
use std::{sync::Arc, time::Duration};

/// A pass over an object that waits where it has to; what it does next, its [`Pass`] says.
struct Reconciler<'a, K: Managed> {
    context: &'a Context,
    workers: &'a WorkQueue<K>,
    /// Its place among those that may wait for its Speech resource.
    place: Option<Place<'a>>,
    object: Arc<K>,
    around: Surrounding,
    /// Whether a deletion may delete something remote.
    stay: Finding,
    pass: Pass,
}

/// Brings one object closer to what is declared.
pub async fn reconcile<K: Managed>(
    object: Arc<K>,
    context: Arc<Context>,
    workers: Arc<WorkQueue<K>>,
) -> Result<controller::Action, ReconcileError> {
    let object = K::mutation_cache(&context).freshest(object);
    let who = K::sleeper(ObjectRef::from_obj(&*object));
    // Given back at every end of the pass.
    let place = routes::invitation(&context, &who);
    let around = Surrounding::of(&context, &*object);
    let need = observe::need(&*object, context.hands);
    if !need.deleted && is_home_ending(&context) {
        return Ok(controller::Action::await_change());
    }
    // Asked anew in every pass, because it may be another one who deletes now.
    let stay = if need.deleted && need.deletes_remote && is_held(&*object) {
        context.residence.now().await
    } else {
        Finding::Stays
    };
    let leaves_alone = need.deleted && (!need.deletes_remote || matches!(stay, Finding::Ends(_)));
    if around.is_pending() && !leaves_alone {
        return Ok(controller::Action::await_change());
    }
    let mut reconciler = Reconciler {
        context: &context,
        workers: &workers,
        place,
        object,
        around,
        stay,
        pass: Pass::begin(context.hands),
    };
    let ended = reconciler.run(&who).await;
    if let Err(ReconcileError::Write(WriteError::Refused(refused))) = &ended {
        reconciler.tell_refusal(refused).await;
    }
    ended.or_else(ReconcileError::settle)
}

impl<K: Managed> Reconciler<'_, K> {
    /// Decides and takes steps until there is none to take.
    async fn run(&mut self, who: &Sleeper) -> Result<controller::Action, ReconcileError> {
        loop {
            let plan = self.decide();
            let step = self.pass.next(&plan);
            if let (Step::Claim(_) | Step::Request(..), Some(action)) = (&step, &plan.action)
                && !self.finds_place(who, action)
            {
                // Decided again when there is a place, or when the time comes.
                return Ok(self.look_again(&plan));
            }
            match step {
                Step::Claim(intent) => self.claim(intent).await?,
                Step::Request(action, asked) => self.ask(action, asked, &plan).await?,
                Step::Release => {
                    self.release(&plan.notices).await?;
                    return Ok(controller::Action::await_change());
                }
                Step::Report => {
                    routes::forget(self.context, who);
                    return self.report(plan).await;
                }
            }
        }
    }

    /// Looks and decides; no I/O.
    fn decide(&self) -> Plan<K::Status> {
        let source = self.object.source(self.context);
        let one_at_a_time = self.around.remote.as_ref().map(|remote| remote.deciding());
        if self.deletes() {
            self.around.look_at_deletions(self.context);
        }
        let looked = self.around.look();
        let around = Surroundings {
            now: looked.agenda().skew.later(self.context.clock.now()),
            cluster: &self.context.cluster,
            connection: looked.state(),
            learned: self.pass.learned(),
            agenda: looked.agenda(),
            stay: self.stay.stay(),
            hands: self.context.hands,
            namespace_ends: self.namespace_ends(),
        };
        let plan = self.object.plan(self.context, &source, around);
        drop(looked);
        // At once, and before any await: who decides next has to know.
        self.line_up(plan.wants);
        if self.deletes() {
            self.note_deletion(&plan);
        }
        drop(one_at_a_time);
        plan
    }

    fn namespace_ends(&self) -> bool {
        let namespace = self.object.meta().namespace.as_deref();
        namespace.is_some_and(|namespace| observe::ending(self.context, namespace).is_some())
    }

    /// Whether the object is being deleted, and something remote with it.
    fn deletes(&self) -> bool {
        let need = observe::need(&*self.object, self.context.hands);
        need.deleted && need.deletes_remote
    }

    /// What begins counts from now on, and what is held the connection has to tell.
    fn note_deletion(&self, plan: &Plan<K::Status>) {
        let Some(remote) = &self.around.remote else { return };
        if plan.action.as_ref().is_some_and(Action::deletes) {
            remote.agenda_mut().guard.begin(self.uid());
        } else if remote.agenda().guard.holds(self.uid()) {
            let key = connection_of(&*self.object);
            self.context.wakes.wake_connection(&key);
        }
    }

    /// Takes or leaves a place in the queue of the connection. Who leaves it, or begins, lets others go on.
    fn line_up(&self, want: Option<Want>) {
        let Some(remote) = &self.around.remote else { return };
        let changed = remote.agenda_mut().queue.set(self.uid(), want);
        if changed && want.is_none() {
            wake::next_in_queue(self.context, &remote.resource);
        }
    }

    /// Notes how long work took. A longer time than all before concerns the connection, which writes it down, and all
    /// that is planned by it.
    fn learn(&self, took: &[Took]) {
        let Some(remote) = self.around.remote.as_ref().filter(|_| !took.is_empty()) else {
            return;
        };
        let mut agenda = remote.agenda_mut();
        let mut news = false;
        for took in took {
            news |= agenda.durations.learn(self.object.declared().locale, *took);
        }
        drop(agenda);
        if news {
            let key = connection_of(&*self.object);
            self.context.wakes.wake_connection(&key);
            wake::dependents(self.context, &key);
        }
    }

    /// Whether there is room for one more that waits for the Speech resource. An announcement needs it as well: the request
    /// that it announces has to leave in the same pass.
    fn finds_place(&mut self, who: &Sleeper, action: &Action) -> bool {
        let route = self.object.route(self.context);
        if self.place.as_ref().is_none_or(|place| !place.is_on(&route)) {
            self.place = None;
            self.place = routes::enter(self.context, who, route, action.lane());
        }
        self.place.is_some()
    }

    async fn claim(&mut self, intent: Option<CreationIntent>) -> Result<(), ReconcileError> {
        let (before, after) = Failpoint::around(&Action::Claim(intent));
        self.is_at(before);
        let written = write::claim(self.context, &*self.object, intent).await?;
        self.keep(written);
        self.pass.claimed(intent);
        self.is_at(after);
        Ok(())
    }

    async fn release(&self, notices: &[Notice]) -> Result<(), ReconcileError> {
        let (before, after) = Failpoint::around(&Action::Release);
        self.is_at(before);
        self.context.events.publish(&*self.object, notices);
        write::release(self.context, &*self.object).await?;
        let is_told = |reason| notices.iter().find(|notice| notice.reason == reason);
        if matches!(self.stay, Finding::Ends(_)) || is_told(Reason::ObserveOnly).is_some() {
            self.tell_released(notices);
        }
        if let Some(orphan) = is_told(Reason::Orphaned) {
            self.tell_orphan(orphan);
        }
        self.is_at(after);
        self.stop_awaiting();
        Ok(())
    }

    async fn ask(&mut self, action: Action, asked: Asked, plan: &Plan<K::Status>) -> Result<(), ReconcileError> {
        let (before, after) = Failpoint::around(&action);
        self.is_at(before);
        let failure = match self.workers.away(self.request(&action)).await {
            Ok(()) => None,
            Err(Undone::Failed(failure)) => Some(failure),
            // Nothing was sent, so an announcement still is this pass's own.
            Err(Undone::Withheld) => {
                self.context.leadership.secured().await?;
                return Ok(());
            }
        };
        self.tell_drift(plan);
        self.pass.answered(asked, failure);
        self.is_at(after);
        Ok(())
    }

    fn is_at(&self, point: Option<Failpoint>) {
        if let Some(point) = point {
            point.reached(|| self.name());
        }
    }

    /// Reports: what applications need, the status if it says something new, events, and when to look again.
    async fn report(&mut self, mut plan: Plan<K::Status>) -> Result<controller::Action, ReconcileError> {
        if self.pass.publishes()
            && let Err(problem) = export::publish(self.context, &*self.object, plan.export.as_ref()).await
        {
            self.pass.not_published(problem);
            plan = self.decide();
        }
        self.learn(&plan.took);
        self.mind_remote(plan.awaits);
        if self.object.status() != Some(&plan.status) {
            self.is_at(Some(Failpoint::BeforeStatus));
            let ended = self.object.ended(&plan.status);
            let written = write::status(self.context, &*self.object, &plan.status).await;
            if self.pass.has_created() && matches!(written, Err(WriteError::Gone)) {
                self.undo_creation().await;
            }
            let written = written.map_err(ReconcileError::Write)?;
            self.is_at(Some(Failpoint::AfterStatus));
            self.keep(written);
            ended.into_iter().for_each(|ended| self.context.metrics.ended(ended));
            self.context.events.publish(&*self.object, &plan.notices);
        }
        if self.pass.goes_on(&plan) {
            return Ok(controller::Action::requeue(Duration::from_millis(1)));
        }
        Ok(self.look_again(&plan))
    }

    /// When time alone may change the decision.
    fn look_again(&self, plan: &Plan<K::Status>) -> controller::Action {
        plan.look_again.map_or_else(controller::Action::await_change, |at| {
            controller::Action::requeue(self.context.clock.wait_for(self.on_our_clock(at)))
        })
    }

    /// What our clock shows at a time of a plan, which is made for the later of the service's clock and ours.
    fn on_our_clock(&self, at: Timestamp) -> Timestamp {
        let remote = self.around.remote.as_ref();
        remote.map_or(at, |remote| remote.agenda().skew.local_of_later(at))
    }

    fn mind_remote(&self, awaits: Option<List>) {
        match (&self.around.remote, awaits) {
            (Some(remote), Some(list)) => remote.await_change(self.uid(), list),
            (Some(_), None) | (None, _) => self.stop_awaiting(),
        }
    }

    fn stop_awaiting(&self) {
        if let Some(remote) = &self.around.remote {
            remote.stop_awaiting(self.uid());
        }
    }

    /// Goes on with an object as we left it.
    fn keep(&mut self, written: Arc<K>) {
        self.context.predicate.note(&*written, written.status());
        K::mutation_cache(self.context).wrote(Arc::clone(&written));
        self.object = written;
    }

    fn uid(&self) -> &str {
        self.object.meta().uid.as_deref().unwrap_or_default()
    }

    fn name(&self) -> String {
        let meta = self.object.meta();
        format!(
            "{}/{}",
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default()
        )
    }
}
