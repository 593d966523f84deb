//! The reconcile of models and endpoints: look, decide, take at most one remote step, report.
mod telling;

use super::{
    Context,
    act::{Undone, act},
    copy, export,
    guard::ReconcileError,
    managed::Managed,
    observe::{self, Surrounding},
    passes::Passes,
    point::Point,
    residence::{Finding, is_home_ending},
    routes::{self, Place},
    wake::{self, Sleeper},
    write::{self, WriteError},
};
use jiff::Timestamp;
use kube::runtime::{controller, reflector::ObjectRef};
use speech_api::{Reason, is_held};
use speech_plan::{
    self as plan, Action, Failure, List, Notice, Plan, Surroundings, drift::Correction, lead_time::Took, line::Want,
};
use std::{sync::Arc, time::Duration};

/// One pass over an object.
struct Pass<'a, K: Managed> {
    context: &'a Context,
    workers: &'a Passes<K>,
    /// Its place among those that may wait for its Speech resource.
    place: Option<Place<'a>>,
    object: Arc<K>,
    around: Surrounding,
    /// Whether a deletion may delete something remote.
    stay: Finding,
    announced: Option<u32>,
    failure: Option<Failure>,
    /// The word of the remote step that was taken.
    asked: Option<&'static str>,
    /// What that step put back, where somebody else had changed it.
    corrected: Option<Correction>,
    /// Whether something was made in the Speech service that no status names yet.
    created: bool,
}

/// What a pass does next.
enum Turn {
    /// Decide again, with what was learned.
    Again,
    /// The object is let go.
    Released,
}

/// Whether a step may end the use of a model by an endpoint.
pub fn frees_model(action: &Action) -> bool {
    match action {
        Action::DeleteEndpoint(_) => true,
        Action::UpdateEndpoint { change, .. } => change.model().is_some(),
        Action::Claim(_) | Action::Release | Action::CreateEndpoint(_) | Action::TrainModel(_) => false,
        Action::UpdateModel { .. } | Action::DeleteModel(_) => false,
        Action::CopyModel(_) | Action::FollowCopy { .. } => false,
        Action::CreateEvaluation(_) | Action::DeleteEvaluation(_) => false,
    }
}

fn connection_gone(action: &Action) -> Undone {
    Undone::Failed(Failure {
        operation: action.operation(),
        code: "connection".into(),
        message: "the connection is gone".into(),
        class: plan::FailureClass::Transient { retry_after: None },
    })
}

/// Brings one object closer to what is declared.
pub async fn reconcile<K: Managed>(
    object: Arc<K>,
    context: Arc<Context>,
    workers: Arc<Passes<K>>,
) -> Result<controller::Action, ReconcileError> {
    let object = K::recent(&context).freshest(object);
    let who = K::sleeper(ObjectRef::from_obj(&*object));
    // Given back at every end of the pass.
    let place = routes::invitation(&context, &who);
    let around = Surrounding::of(
        &context,
        object.connection_ref(),
        object.meta().namespace.as_deref().unwrap_or_default(),
    );
    let need = object.need(context.hands);
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
    let mut pass = Pass {
        context: &context,
        workers: &workers,
        place,
        object,
        around,
        stay,
        announced: None,
        failure: None,
        asked: None,
        corrected: None,
        created: false,
    };
    let ended = pass.run(&who).await;
    if let Err(ReconcileError::Write(WriteError::Refused(refused))) = &ended {
        pass.tell_refusal(refused).await;
    }
    ended.or_else(settle_error)
}

/// A conflict means that a newer object is on its way and will wake us; a missing object needs nothing.
fn settle_error(error: ReconcileError) -> Result<controller::Action, ReconcileError> {
    match error {
        ReconcileError::Write(WriteError::Conflict) => Ok(controller::Action::requeue(Duration::from_millis(100))),
        ReconcileError::Write(WriteError::Gone) => Ok(controller::Action::await_change()),
        error @ (ReconcileError::Write(WriteError::Api(_) | WriteError::Refused(_))
        | ReconcileError::Withheld(_)
        | ReconcileError::Read(_)
        | ReconcileError::Deadline
        | ReconcileError::Panicked(_)) => Err(error),
    }
}

impl<K: Managed> Pass<'_, K> {
    /// Decides and takes steps until there is none to take.
    async fn run(&mut self, who: &Sleeper) -> Result<controller::Action, ReconcileError> {
        loop {
            let plan = self.decide();
            let next = match &plan.action {
                Some(action) if self.may_take(action) => {
                    if !self.finds_place(action) {
                        // Decided anew when there is a place, and when the time comes.
                        return Ok(self.look_again(&plan));
                    }
                    self.take(action.clone(), &plan).await?
                }
                Some(_) | None => {
                    routes::forget(self.context, who);
                    return self.settle(plan).await;
                }
            };
            match next {
                Turn::Again => {}
                Turn::Released => return Ok(controller::Action::await_change()),
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
            announced: self.announced,
            asked: self.asked,
            corrected: self.corrected.as_ref(),
            failure: self.failure.as_ref(),
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
        let need = self.object.need(self.context.hands);
        need.deleted && need.deletes_remote
    }

    /// What begins counts from now on, and what is held the connection has to tell.
    fn note_deletion(&self, plan: &Plan<K::Status>) {
        let Some(remote) = &self.around.remote else { return };
        if plan.action.as_ref().is_some_and(Action::deletes) {
            remote.agenda_mut().guard.begin(self.uid());
        } else if remote.agenda().guard.holds(self.uid()) {
            let namespace = self.object.meta().namespace.as_deref().unwrap_or_default();
            let key = wake::connection_key(self.object.connection_ref(), namespace);
            self.context.wakes.wake_connection(&key);
        }
    }

    /// Takes or leaves a place in the line of the connection. Who leaves it, or begins, lets others go on.
    fn line_up(&self, want: Option<Want>) {
        let Some(remote) = &self.around.remote else { return };
        let changed = remote.agenda_mut().line.set(self.uid(), want);
        if changed && want.is_none() {
            wake::line(self.context, remote);
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
            news |= agenda.durations.learn(self.object.locale(), *took);
        }
        drop(agenda);
        if news {
            let namespace = self.object.meta().namespace.as_deref().unwrap_or_default();
            let key = wake::connection_key(self.object.connection_ref(), namespace);
            self.context.wakes.wake_connection(&key);
            wake::dependents(self.context, &key);
        }
    }

    /// At most one remote step per pass, none after a failure, and none that changes anything where we only observe.
    fn may_take(&self, action: &Action) -> bool {
        // A failure may be the very reason to let an object go. A status in place of it would forget since when it waits.
        if *action == Action::Release {
            return true;
        }
        // No plan of a process that only observes names such a step; and the transport would not take it.
        let is_free = self.context.hands.are_free() || matches!(action, Action::FollowCopy { .. });
        is_free
            && self.failure.is_none()
            && !(self.asked.is_some() && (action.is_remote() || matches!(action, Action::Claim(_))))
    }

    /// Whether there is room for one more that waits for the Speech resource. An announcement needs it as well: the request
    /// that it announces has to leave in the same pass.
    fn finds_place(&mut self, action: &Action) -> bool {
        if matches!(action, Action::Release) {
            return true;
        }
        let route = self.object.route(self.context);
        if self.place.as_ref().is_none_or(|place| !place.is_on(&route)) {
            self.place = None;
            let who = K::sleeper(ObjectRef::from_obj(&*self.object));
            self.place = routes::enter(self.context, &who, route, action.lane());
        }
        self.place.is_some()
    }

    async fn take(&mut self, action: Action, plan: &Plan<K::Status>) -> Result<Turn, ReconcileError> {
        let (before, after) = Point::around(&action);
        self.is_at(before);
        match action {
            Action::Claim(intent) => {
                let written = write::claim(self.context, &*self.object, intent).await?;
                self.keep(written);
                self.announced = intent.map(|intent| intent.attempt);
            }
            Action::Release => {
                let notices = &plan.notices;
                self.context.events.publish(&*self.object, notices);
                write::release(self.context, &*self.object).await?;
                if matches!(self.stay, Finding::Ends(_))
                    || notices.iter().any(|notice| notice.reason == Reason::ObserveOnly)
                {
                    self.tell_released(notices);
                }
                if let Some(orphan) = notices.iter().find(|notice| notice.reason == Reason::Orphaned) {
                    self.tell_orphan(orphan);
                }
                self.is_at(after);
                self.stop_awaiting();
                return Ok(Turn::Released);
            }
            action @ (Action::CreateEndpoint(_)
            | Action::UpdateEndpoint { .. }
            | Action::DeleteEndpoint(_)
            | Action::TrainModel(_)
            | Action::CopyModel(_)
            | Action::FollowCopy { .. }
            | Action::UpdateModel { .. }
            | Action::DeleteModel(_)
            | Action::CreateEvaluation(_)
            | Action::DeleteEvaluation(_)) => {
                self.failure = match self.workers.away(self.request(&action)).await {
                    Ok(()) => None,
                    Err(Undone::Failed(failure)) => Some(failure),
                    // Nothing was sent, so an announcement still is this pass's own.
                    Err(Undone::Withheld) => {
                        self.context.leadership.secured().await?;
                        return Ok(Turn::Again);
                    }
                };
                self.tell_drift(plan);
                self.corrected = plan.corrects.clone();
                self.announced = None;
                self.asked = Some(action.operation());
                self.created =
                    self.failure.is_none() && matches!(action, Action::CreateEndpoint(_) | Action::TrainModel(_));
            }
        }
        self.is_at(after);
        Ok(Turn::Again)
    }

    fn is_at(&self, point: Option<Point>) {
        if let Some(point) = point {
            point.reached(|| self.name());
        }
    }

    /// Deletes what this pass has made for an object that is gone: the apiserver removes one that is deleted in the very
    /// moment in which our finalizer is written, finalizer or not. Nobody else would ever look for it.
    async fn undo_creation(&self) {
        let Some(remote) = self
            .around
            .remote
            .as_ref()
            .filter(|_| self.object.need(self.context.hands).deletes_remote)
        else {
            return;
        };
        let uid = self.object.meta().uid.as_deref().unwrap_or_default();
        let made: Vec<Action> = {
            let view = remote.view();
            let endpoints = view.endpoints.owned_by(uid).into_iter();
            let models = view.models.owned_by(uid).into_iter();
            endpoints
                .map(|entry| Action::DeleteEndpoint(entry.entity.header.id))
                .chain(models.map(|entry| Action::DeleteModel(entry.entity.header.id)))
                .collect()
        };
        for action in made {
            // Or it went with its kind, which is no deletion that anybody meant.
            let meant = self.context.residence.now().await == Finding::Stays;
            if !meant || self.request(&action).await.is_err() {
                let note = format!("the object was gone before {action:?} could be asked for with success");
                self.tell_orphan(&Notice {
                    warning: true,
                    reason: Reason::Orphaned,
                    note,
                });
            }
        }
    }

    async fn request(&self, action: &Action) -> Result<(), Undone> {
        let Some((remote, link)) = self
            .around
            .remote
            .as_ref()
            .and_then(|remote| Some((remote, remote.link()?)))
        else {
            // The planner asked for a step through a connection that has gone since: nothing was sent.
            return Err(connection_gone(action));
        };
        let done = if matches!(action, Action::CopyModel(_) | Action::FollowCopy { .. }) {
            let target = copy::Side {
                remote,
                client: &link.client,
            };
            self.act_on_copy(target, action).await
        } else {
            act(remote, &link.client, action).await
        };
        if done.is_ok() && frees_model(action) {
            let namespace = self.object.meta().namespace.as_deref().unwrap_or_default();
            wake::on_model_freed(
                self.context,
                &wake::connection_key(self.object.connection_ref(), namespace),
            );
        }
        match &done {
            Ok(()) if matches!(action, Action::FollowCopy { .. }) => {}
            Ok(()) => {
                tracing::info!(kind = %K::kind(&()), object = %self.name(), step = action.operation(), "took a step")
            }
            Err(Undone::Withheld) => {
                tracing::warn!(kind = %K::kind(&()), object = %self.name(), step = action.operation(), "a step waits for the lease")
            }
            Err(Undone::Failed(failure)) => {
                tracing::warn!(kind = %K::kind(&()), object = %self.name(), step = failure.operation, code = failure.code, reason = failure.message, "a step failed");
            }
        }
        done
    }

    async fn act_on_copy(&self, target: copy::Side<'_>, action: &Action) -> Result<(), Undone> {
        let found = self.object.source_remote(self.context);
        let Some((remote, link)) = found.as_ref().and_then(|remote| Some((remote, remote.link()?))) else {
            return Err(connection_gone(action));
        };
        let source = copy::Side {
            remote,
            client: &link.client,
        };
        copy::act(self.context, &*self.object, source, target, action).await
    }

    /// Reports: what applications need, the status if it says something new, events, and when to look again.
    async fn settle(&mut self, mut plan: Plan<K::Status>) -> Result<controller::Action, ReconcileError> {
        // Who only observes publishes nothing: the applications of a clone must not be led to what another operator changes.
        if self.failure.is_none()
            && self.context.hands.are_free()
            && let Err(problem) = export::publish(self.context, &*self.object, plan.export.as_ref()).await
        {
            self.failure = Some(problem);
            plan = self.decide();
        }
        self.learn(&plan.took);
        self.mind_remote(plan.awaits);
        if self.object.status() != Some(&plan.status) {
            self.is_at(Some(Point::BeforeStatus));
            let ended = self.object.ended(&plan.status);
            let written = write::status(self.context, &*self.object, &plan.status).await;
            if self.created && matches!(written, Err(WriteError::Gone)) {
                self.undo_creation().await;
            }
            let written = written.map_err(ReconcileError::Write)?;
            self.is_at(Some(Point::AfterStatus));
            self.keep(written);
            ended.into_iter().for_each(|ended| self.context.metrics.ended(ended));
            self.context.events.publish(&*self.object, &plan.notices);
        }
        if self.asked.is_some() && self.failure.is_none() && plan.action.is_some() {
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
        self.context.news.is_news(&*written, written.status());
        K::recent(self.context).wrote(Arc::clone(&written));
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
