//! The reconcile of a SpeechConnection: observe, plan, act, report. How it is reached comes first ([`link`]).
mod credential;
mod link;

use super::{
    Context,
    failpoint::Failpoint,
    guard::ReconcileError,
    observe, refusal,
    remote::{self, Remote},
    residence::{Finding, is_home_ending},
    workqueue::WorkQueue,
    write::{self, WriteError},
};
use jiff::Timestamp;
use kube::{
    Resource,
    runtime::{controller::Action, reflector::ObjectRef},
};
use speech_api::SpeechConnection;
use speech_plan::{
    self as plan,
    connection::{
        Plan, Settings, Snapshot, Step,
        collection::{self, Next, Outcome},
        plan,
    },
    evaluation::Unneeded,
    skew::Skew,
};
use speech_resource::{Undone, act};
use speech_service::{Budget, EntityId};
use std::{sync::Arc, time::Duration};

/// How long a deletion of what nobody needs may take.
const COLLECTION_PATIENCE: Duration = Duration::from_secs(3);

/// A pass over a connection.
struct Reconciler<'a> {
    context: &'a Context,
    workers: &'a WorkQueue<SpeechConnection>,
    key: ObjectRef<SpeechConnection>,
    object: Arc<SpeechConnection>,
    remote: Arc<Remote>,
}

/// Looks after one connection.
pub async fn reconcile(
    connection: Arc<SpeechConnection>,
    context: Arc<Context>,
    workers: Arc<WorkQueue<SpeechConnection>>,
) -> Result<Action, ReconcileError> {
    let object = context.written.connections.freshest(connection);
    if object.meta().deletion_timestamp.is_none() && is_home_ending(&context) {
        return Ok(Action::await_change());
    }
    let key = ObjectRef::from_obj(&*object);
    let remote = remote_of(&context, &key, &object);
    let mut reconciler = Reconciler {
        context: &context,
        workers: &workers,
        key,
        object,
        remote,
    };
    let ended = reconciler.run().await;
    if let Err(ReconcileError::Write(WriteError::Refused(refused))) = &ended {
        let object = &reconciler.object;
        if let Some(written) = refusal::tell(
            &context,
            &**object,
            object.status.as_ref(),
            |status| (&mut status.conditions, &mut status.decision),
            refused,
        )
        .await
        {
            reconciler.keep(written);
        }
    }
    ended.or_else(ReconcileError::settle)
}

impl Reconciler<'_> {
    /// Decides, holds or releases the object, and writes what is new.
    async fn run(&mut self) -> Result<Action, ReconcileError> {
        let last_key_until = link::reach(self.context, &self.object, &self.remote).await?;
        let plan = self.decide(last_key_until);
        if plan.looks_now {
            self.remote.resource.look_soon();
        }
        match plan.step {
            Some(Step::Hold) => {
                let written = write::set_finalizer(self.context, &*self.object, true).await?;
                self.keep(written);
            }
            Some(Step::Release) => {
                write::release(self.context, &*self.object).await?;
                return Ok(Action::await_change());
            }
            None => {}
        }
        if self.object.status.as_ref() != Some(&plan.status) {
            let written = write::status(self.context, &*self.object, &plan.status).await?;
            self.keep(written);
            self.context.events.publish(&*self.object, &plan.notices);
        }
        // What nobody needs because its kind is being removed is not deleted.
        if let Some(id) = plan.collect
            && self.context.residence.now().await == Finding::Stays
        {
            return Ok(self.workers.away(self.collect(id)).await);
        }
        let wait = |at| Action::requeue(self.context.clock.wait_for(at));
        Ok(plan.look_again.map_or_else(Action::await_change, wait))
    }

    /// Looks and decides; no I/O.
    fn decide(&self, last_key_until: Option<Timestamp>) -> Plan {
        let (context, remote) = (self.context, &self.remote);
        let contact = remote.contact().clone();
        let dependents = observe::dependents(context, &self.key);
        observe::look_at_deletions(context, &self.object, remote);
        let (durations, skew, held) = {
            let agenda = remote.agenda();
            (agenda.durations.clone(), agenda.skew, agenda.guard.held())
        };
        plan(&Snapshot {
            object: &self.object,
            contact: &contact,
            recognised: remote.is_recognised(),
            dependents,
            last_key_until,
            durations: &durations,
            skew,
            throttled: remote.budget.usage().is_throttled,
            sharing: &remote.sharing(&self.key),
            unneeded: unneeded(context, remote, skew),
            collect_from: remote.collect_from(),
            held,
            resource: remote.known().as_ref(),
            hands: context.hands,
            now: context.clock.now(),
        })
    }

    /// Deletes an evaluation that nobody needs.
    async fn collect(&self, id: EntityId) -> Action {
        let Some(link) = self.remote.link() else {
            return Action::await_change();
        };
        let connection = crate::telemetry::name(&self.key);
        let name = || {
            format!(
                "{}/{}",
                self.key.namespace.as_deref().unwrap_or_default(),
                self.key.name
            )
        };
        let action = plan::Action::DeleteEvaluation(id);
        Failpoint::BeforeDeleteEvaluation.reached(name);
        // Where requests are scarce, this is not what they are kept for; and meanwhile nobody would look at the Secret.
        let deletion = act(&self.remote.resource, &link.client, &action);
        let deletion = tokio::time::timeout(COLLECTION_PATIENCE, deletion).await;
        Failpoint::AfterDeleteEvaluation.reached(name);
        let outcome = match deletion.unwrap_or(Err(Undone::Withheld)) {
            Ok(()) => {
                tracing::info!(%connection, evaluation = %id, "deleted an evaluation that nobody needs");
                Outcome::Deleted
            }
            Err(Undone::Withheld) => Outcome::Withheld,
            Err(Undone::Failed(failure)) => {
                tracing::warn!(%connection, evaluation = %id, code = failure.code, reason = failure.message, "an evaluation that nobody needs could not be deleted");
                Outcome::Failed
            }
        };
        let clock = &self.context.clock;
        match outcome.next(clock.now()) {
            Next::After(pause) => Action::requeue(pause),
            Next::NotBefore(at) => {
                self.remote.collect_no_sooner(at);
                Action::requeue(clock.wait_for(at))
            }
        }
    }

    /// Goes on with the object as we left it.
    fn keep(&mut self, written: Arc<SpeechConnection>) {
        self.context.predicate.note(&*written, written.status.as_ref());
        self.context.written.connections.wrote(Arc::clone(&written));
        self.object = written;
    }
}

/// What the gates have left behind in the Speech resource.
fn unneeded(context: &Context, remote: &Remote, skew: Skew) -> Unneeded {
    let view = remote.view();
    if view.evaluations.is_empty() {
        return Unneeded::default();
    }
    let endpoints = context.stores.endpoints.that_may_need_evaluations(&view);
    let endpoints = endpoints.iter().map(|endpoint| &**endpoint);
    collection::unneeded(
        &view,
        &context.cluster,
        &context.scope,
        endpoints,
        skew,
        context.clock.now(),
    )
}

/// The Speech resource of the connection, with its settings brought up to date.
fn remote_of(context: &Arc<Context>, key: &ObjectRef<SpeechConnection>, connection: &SpeechConnection) -> Arc<Remote> {
    let settings = Settings::of(&connection.spec);
    let known = context.remotes.get(key);
    let remote = known.unwrap_or_else(|| begin(context, key, connection, &settings));
    let mut agenda = remote.agenda_mut();
    agenda.limits = settings.limits;
    agenda.ends_since = connection.meta().deletion_timestamp.as_ref().map(|time| time.0);
    drop(agenda);
    remote.set_poll_interval(settings.poll_interval);
    remote.set_rate(settings.rate);
    context.remotes.settle_budget(key);
    remote
}

/// Begins to look after a Speech resource, with what was learned of it before a restart, before anything is planned.
fn begin(
    context: &Arc<Context>,
    key: &ObjectRef<SpeechConnection>,
    connection: &SpeechConnection,
    settings: &Settings,
) -> Arc<Remote> {
    context.metrics.begins(key);
    let (requests, per) = settings.rate;
    let budget = Budget::new(requests, per);
    let (remote, token) = context.remotes.add(key.clone(), budget, settings.poll_interval);
    if let Some(status) = &connection.status {
        remote.agenda_mut().durations.learn_from_status(&status.durations);
        status.resource.iter().cloned().for_each(|known| remote.know_by(known));
    }
    let sweeps = remote::run(Arc::clone(context), key.clone(), Arc::clone(&remote), token);
    tokio::spawn(sweeps);
    remote
}
