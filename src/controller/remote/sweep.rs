//! The reflector of a Speech resource: reads its lists once per interval, more often what somebody waits for, and wakes
//! the objects whose remote side changed. At rest there is no request per object.
use super::{
    super::{Context, wake},
    Link, Remote, broken,
    last_look::LastLook,
    reader::Reader,
};
use crate::{
    api::SpeechConnection,
    plan::{
        List,
        connection::{Contact, Counts},
    },
    speech::{Client, Error, ErrorKind, Lane},
    view::{Changes, View},
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use kube::runtime::reflector::ObjectRef;
use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Base models appear a few times a year; datasets and evaluations seldom change unless an object waits for one.
const RARE_INTERVAL: SignedDuration = SignedDuration::from_mins(10);
/// The shortest time between two looks at what is under way.
const FASTEST: Duration = Duration::from_secs(1);
/// The longest that the service may put off a look.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// So many sweeps may fail for reasons that pass by themselves before the connection counts as broken.
const PATIENCE: u32 = 3;

/// The longest that a sweep may take, waits for the budget included.
const LONGEST_SWEEP: Duration = Duration::from_secs(30 * 60);
/// The time between two signs of life.
const STIR: Duration = Duration::from_secs(60);

/// What a sweep reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub endpoints: bool,
    pub models: bool,
    pub base_models: bool,
    pub datasets: bool,
    pub evaluations: bool,
}

/// The loop's own memory.
struct Sweeper {
    context: Arc<Context>,
    key: ObjectRef<SpeechConnection>,
    remote: Arc<Remote>,
    failures: u32,
    full_at: Option<Timestamp>,
    base_models_at: Option<Timestamp>,
    datasets_at: Option<Timestamp>,
    evaluations_at: Option<Timestamp>,
    last_look: LastLook,
}

/// Sweeps until the connection goes.
pub async fn run(
    context: Arc<Context>,
    key: ObjectRef<SpeechConnection>,
    remote: Arc<Remote>,
    token: CancellationToken,
) {
    let tell = {
        let (context, key, remote) = (Arc::clone(&context), key.clone(), Arc::clone(&remote));
        async move {
            loop {
                remote.budget.throttling_changed().await;
                context.wakes.wake_connection(&key);
            }
        }
    };
    let mut sweeper = Sweeper {
        context,
        key,
        remote,
        failures: 0,
        full_at: None,
        base_models_at: None,
        datasets_at: None,
        evaluations_at: None,
        last_look: LastLook::new(),
    };
    let pulse = Arc::clone(sweeper.remote.pulse());
    let name = format!(
        "{}/{}",
        sweeper.key.namespace.as_deref().unwrap_or_default(),
        sweeper.key.name
    );
    sweeper.context.metrics.liveness().sweep(&name, &pulse);
    let work = async {
        loop {
            {
                // While there is nothing to read the task shows that it could.
                let mut due = pin!(sweeper.wait());
                while tokio::time::timeout(STIR, &mut due).await.is_err() {
                    pulse.stir();
                }
            }
            pulse.stir();
            let swept = tokio::time::timeout(LONGEST_SWEEP, sweeper.sweep());
            match AssertUnwindSafe(swept).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => sweeper.broke_off("it took too long"),
                Err(_) => sweeper.broke_off("it panicked"),
            }
            pulse.stir();
        }
    };
    tokio::select! {
        () = token.cancelled() => {}
        () = tell => {}
        () = work => {}
    }
}

impl Sweeper {
    /// Waits until a list is due, until it is worth looking for what somebody waits for, or until the connection changed.
    async fn wait(&self) {
        loop {
            let due = async {
                match self.full_at {
                    Some(_) if self.remote.link().is_some_and(|link| link.retired.is_some()) => {
                        std::future::pending().await
                    }
                    // Not longer than a whole interval, also when our clock is set back.
                    Some(at) => {
                        let most = self.context.clock.now() + signed(self.remote.poll_interval());
                        self.context.clock.sleep_until(at.min(most)).await;
                    }
                    None if self.remote.link().is_some() => {}
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => return,
                () = self.impatient() => return,
                () = self.remote.nudged.notified() => return,
                // Somebody waits for something else now.
                () = self.remote.hurried.notified() => {}
            }
        }
    }

    /// The moment at which the next look for what is awaited is due: soon at first, then ever less often, and never
    /// before the service says that it is worth it.
    async fn impatient(&self) {
        let Some(waited) = self.remote.impatience().1 else {
            return std::future::pending().await;
        };
        let pause = (waited / 10).clamp(FASTEST, self.remote.poll_interval().max(FASTEST));
        let rest = self.remote.rest().unwrap_or(Timestamp::MIN);
        tokio::join!(tokio::time::sleep(pause), self.context.clock.sleep_until(rest));
    }

    async fn sweep(&mut self) {
        let Some(link) = self.remote.link() else { return };
        let now = self.context.clock.now();
        let (awaited, _) = self.remote.impatience();
        if link.retired.is_some() && awaited.is_empty() {
            return;
        }
        // A date further ahead than it was ever set means that our clock was set back since.
        let past = |at: Timestamp, most: SignedDuration| at <= now || at.duration_since(now) > most;
        let poll = signed(self.remote.poll_interval());
        let full = self.full_at.is_none_or(|at| past(at, poll)) || self.failures > 0 || awaited.is_empty();
        let due = |at: Option<Timestamp>| full && at.is_none_or(|at| past(at, RARE_INTERVAL));
        let collects = due(self.evaluations_at);
        let uses = match due(self.datasets_at) || collects {
            true => wake::uses(&self.context, &self.key),
            false => wake::Uses::default(),
        };
        let held = self.remote.holds_evaluations_of(&self.context.cluster);
        let scope = Scope {
            endpoints: full || awaited.contains(&List::Endpoints),
            models: full || awaited.contains(&List::Models),
            base_models: due(self.base_models_at),
            datasets: awaited.contains(&List::Datasets) || (uses.datasets && due(self.datasets_at)),
            evaluations: awaited.contains(&List::Evaluations)
                || (collects && self.last_look.wants(uses.evaluations, held)),
        };
        if awaited.contains(&List::Evaluations) {
            self.last_look.awaited();
        }
        let began = Instant::now();
        let recorded = match self.is_first(scope) {
            true => wake::recorded(&self.context, &self.key),
            false => wake::Recorded::default(),
        };
        let known_before = self.known();
        let began_at = self.remote.later(now);
        let (seen, outcome) = tokio::select! {
            read = read(&self.remote, &link.client, scope, &recorded, began_at) => read,
            // Of another place this would say nothing.
            () = self.remote.replaced.notified() => return,
        };
        self.compare_clocks();
        if self.known() != known_before {
            // A list may be empty, and still be what somebody waited for.
            wake::users(&self.context, &self.key);
        }
        // A list that only some objects need is read again at the next whole look when it could not be read.
        if seen.has_datasets {
            self.datasets_at = Some(now + RARE_INTERVAL);
        }
        if seen.has_evaluations || (scope.evaluations && collects && !uses.evaluations) {
            self.evaluations_at = Some(now + RARE_INTERVAL);
        }
        if seen.has_evaluations {
            if collects {
                self.last_look.taken(uses.evaluations);
            }
            if full {
                self.context.wakes.wake_connection(&self.key);
            }
        }
        match outcome {
            Ok(()) => self.succeeded(scope, full && link.retired.is_none(), now, seen),
            // The key was changed meanwhile, which asks for another look by itself: of the new one this says nothing.
            Err(error) if error.kind() == ErrorKind::Unauthorized && self.is_outdated(&link) => {
                wake::on_remote(&self.context, &self.key, &self.remote, &seen.changes);
            }
            Err(error) => {
                wake::on_remote(&self.context, &self.key, &self.remote, &seen.changes);
                self.failed(&error, now, link.retired.is_some());
            }
        }
        self.context.metrics.swept(&self.key, began.elapsed());
    }

    /// Whether the resource is reached in another way by now.
    fn is_outdated(&self, link: &Link) -> bool {
        let now = self.remote.link();
        now.is_none_or(|now| now.made_from != link.made_from)
    }

    /// Notes how the clocks differ, and wakes whom it concerns when other conclusions follow from it.
    fn compare_clocks(&self) {
        let mut agenda = self.remote.agenda_mut();
        let before = agenda.skew;
        let skew = before.measured(self.remote.meter.ahead().unwrap_or_default());
        agenda.skew = skew;
        drop(agenda);
        if !skew.is_as(before) {
            tracing::warn!(connection = %self.key, seconds = skew.ahead.as_secs(), "the service's clock differs from ours by another measure");
            self.context.wakes.wake_connection(&self.key);
            wake::dependents(&self.context, &self.key);
        }
    }

    /// Which of the lists that only some objects need have been read.
    fn known(&self) -> (bool, bool) {
        let view = self.remote.view();
        (view.datasets.is_known(), view.evaluations.is_known())
    }

    /// Whether a list is read for the first time, in which case what a status names counts.
    fn is_first(&self, scope: Scope) -> bool {
        let view = self.remote.view();
        !view.is_complete() || (scope.evaluations && !view.evaluations.is_known())
    }

    fn succeeded(&mut self, scope: Scope, full: bool, now: Timestamp, seen: Seen) {
        self.failures = 0;
        self.remote.rest_until(
            seen.retry_after
                .and_then(|wait| now.checked_add(wait.min(LONGEST_REST)).ok()),
        );
        if full {
            self.full_at = Some(now + signed(self.remote.poll_interval()));
            self.context.metrics.swept_whole(&self.key, now);
        }
        if scope.base_models {
            self.base_models_at = Some(now + RARE_INTERVAL);
        }
        wake::on_remote(&self.context, &self.key, &self.remote, &seen.changes);
        if full {
            let counts = counts(&self.remote.view());
            self.remote
                .set_contact(&self.context, &self.key, Contact::Established(counts));
        }
    }

    fn failed(&mut self, error: &Error, now: Timestamp, retired: bool) {
        self.failures = self.failures.saturating_add(1);
        let pause = FASTEST * 2_u32.saturating_pow(self.failures.saturating_sub(1).min(10));
        let pause = error
            .retry_after()
            .unwrap_or(pause)
            .min(self.remote.poll_interval())
            .max(FASTEST);
        self.full_at = Some(now + signed(pause));
        tracing::warn!(connection = %self.key, %error, failures = self.failures, "the Speech resource cannot be read");
        let counts = match &*self.remote.contact() {
            Contact::Established(counts) => Some(*counts),
            Contact::Broken { counts, .. } => *counts,
            Contact::Pending => None,
        };
        let contact = broken(error, counts);
        let passes = matches!(contact, Contact::Broken { transient: true, .. });
        if retired || (passes && self.failures < PATIENCE && counts.is_some()) {
            return;
        }
        self.remote.set_contact(&self.context, &self.key, contact);
    }

    /// A sweep that did not come to an end: our own mistake, which must not end the sweeps of the connection.
    fn broke_off(&mut self, why: &str) {
        self.failures = self.failures.saturating_add(1);
        let interval = signed(self.remote.poll_interval());
        self.full_at = self.context.clock.now().checked_add(interval).ok();
        tracing::error!(connection = %self.key, why, failures = self.failures, "a sweep of the Speech resource broke off");
    }
}

fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

pub(crate) fn counts(view: &View) -> Counts {
    Counts {
        endpoints: view.endpoints.len(),
        models: view.models.len(),
        base_models: view.base_models.len(),
    }
}

/// What a sweep brought.
#[derive(Default)]
pub(crate) struct Seen {
    pub changes: Changes,
    pub retry_after: Option<Duration>,
    pub has_datasets: bool,
    pub has_evaluations: bool,
}

/// Reads the lists side by side. What was learned before an error is told beside it, because the view keeps it.
pub(crate) async fn read(
    remote: &Remote,
    client: &Client,
    scope: Scope,
    recorded: &wake::Recorded,
    now: Timestamp,
) -> (Seen, Result<(), Error>) {
    let reader = Reader { remote, now };
    let endpoints = reader.list(
        scope.endpoints,
        &recorded.endpoints,
        |view| &mut view.endpoints,
        client.list_endpoints(Lane::Sweep, None),
        |id| client.get_endpoint(Lane::Sweep, id),
    );
    let models = reader.list(
        scope.models,
        &recorded.models,
        |view| &mut view.models,
        client.list_custom_models(Lane::Sweep, None),
        |id| client.get_custom_model(Lane::Sweep, id),
    );
    let base_models = reader.list(
        scope.base_models,
        &[],
        |view| &mut view.base_models,
        client.list_base_models(Lane::Sweep, None),
        |id| client.get_base_model(Lane::Sweep, id),
    );
    let datasets = reader.list(
        scope.datasets,
        &[],
        |view| &mut view.datasets,
        client.list_datasets(Lane::Sweep, None),
        |id| client.get_dataset(Lane::Sweep, id),
    );
    let evaluations = reader.list(
        scope.evaluations,
        &recorded.evaluations,
        |view| &mut view.evaluations,
        client.list_evaluations(Lane::Sweep, None),
        |id| client.get_evaluation(Lane::Sweep, id),
    );
    let (endpoints, models, base_models, datasets, evaluations) =
        futures::join!(endpoints, models, base_models, datasets, evaluations);
    let seen = Seen {
        retry_after: (endpoints.0.retry_after)
            .max(models.0.retry_after)
            .max(datasets.0.retry_after)
            .max(evaluations.0.retry_after),
        has_datasets: scope.datasets && is_read("datasets", datasets.1),
        has_evaluations: scope.evaluations && is_read("evaluations", evaluations.1),
        changes: Changes {
            endpoints: endpoints.0.ids,
            models: models.0.ids,
            base_models: base_models.0.ids,
            datasets: datasets.0.ids,
            evaluations: evaluations.0.ids,
        },
    };
    (seen, endpoints.1.and(models.1).and(base_models.1))
}

/// A list that only some objects need: that it cannot be read is no trouble of the connection.
fn is_read(kind: &'static str, outcome: Result<(), Error>) -> bool {
    outcome
        .inspect_err(|error| tracing::warn!(kind, %error, "a list of the Speech resource cannot be read"))
        .is_ok()
}
