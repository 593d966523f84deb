//! The reflector of a Speech resource: reads its lists once per interval, more often what somebody waits for, and wakes
//! the objects whose remote side changed. At rest there is no request per object.
use super::{
    super::{Context, wake},
    Link, Remote, recognition,
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use kube::runtime::reflector::ObjectRef;
use speech_api::{Reason, SpeechConnection};
use speech_plan::{
    connection::{Contact, link::LinkSource},
    endpoint::may_be_urgent,
    recognition::Recognition,
    relations::{Recorded, holds_evaluations_of},
    view::View,
};
use speech_resource::{Look, Pace, Schedule, Seen, read};
use speech_service::{Error, ErrorKind};
use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The shortest time between two looks at what is under way.
const FASTEST: Duration = Duration::from_secs(1);
/// The longest that the service may put off a look.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// The longest that a sweep may take, waits for the budget included.
const LONGEST_SWEEP: Duration = Duration::from_secs(30 * 60);
/// The time between two signs of life.
const STIR: Duration = Duration::from_secs(60);

/// The loop's own memory.
struct Sweeper {
    context: Arc<Context>,
    key: ObjectRef<SpeechConnection>,
    remote: Arc<Remote>,
    schedule: Schedule,
    /// What its failures were made with.
    tried: Option<LinkSource>,
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
                remote
                    .peers()
                    .iter()
                    .for_each(|peer| context.wakes.wake_connection(peer));
            }
        }
    };
    let mut sweeper = Sweeper {
        context,
        key,
        remote,
        schedule: Schedule::default(),
        tried: None,
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
            // A look that finds nothing to do must not keep the others from theirs.
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = token.cancelled() => {}
        () = tell => {}
        () = work => {}
    }
}

impl Sweeper {
    fn pace(&self) -> Pace {
        self.pace_at(self.context.clock.now())
    }

    fn pace_at(&self, now: Timestamp) -> Pace {
        Pace {
            now,
            interval: SignedDuration::try_from(self.remote.poll_interval()).unwrap_or(SignedDuration::MAX),
        }
    }

    /// Waits until a list is due, until it is worth looking for what somebody waits for, or until the connection changed.
    async fn wait(&self) {
        loop {
            let due = async {
                let is_readable = self.remote.link().is_some_and(|link| link.retired.is_none());
                match self.schedule.due(self.pace()) {
                    // Another key, or another address, asks for a look by itself.
                    _ if !is_readable => std::future::pending().await,
                    Some(at) => self.context.clock.sleep_until(at).await,
                    None => {}
                }
            };
            tokio::select! {
                () = due => return,
                // Also when who waited has seen meanwhile what it waited for: what is shown as done may turn out to have failed.
                () = self.impatient() => return,
                () = self.remote.resource.look_wanted() => return,
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
        if self.tried.as_ref() != Some(&link.made_from) {
            // What another key or another place was refused for says nothing of this one.
            self.schedule.forgive();
            self.tried = Some(link.made_from.clone());
        }
        let (awaited, _) = self.remote.impatience();
        if link.retired.is_some() && awaited.is_empty() {
            return;
        }
        if !link.client.is_trusted() && !self.recognise(&link, now).await {
            return;
        }
        let held = holds_evaluations_of(&self.remote.view(), &self.context.cluster);
        let uses = || wake::uses(&self.context, &self.key);
        let look = self.schedule.look(self.pace_at(now), &awaited, uses, held);
        let scope = look.scope;
        if look.is_whole {
            self.keep_for_dates(now);
        }
        let began = Instant::now();
        let mut recorded = match self.remote.resource.is_first(scope) {
            true => wake::recorded(&self.context, &self.key),
            false => Recorded::default(),
        };
        if scope.datasets {
            recorded.datasets = wake::named_datasets(&self.context, &self.key);
        }
        let known_before = self.remote.resource.has_read();
        let began_at = self.remote.later(now);
        let (seen, outcome) = tokio::select! {
            read = read(&self.remote.resource, &link.client, scope, &recorded, began_at) => read,
            // Of another place this would say nothing.
            () = self.remote.replaced.notified() => return,
        };
        self.compare_clocks();
        if self.remote.resource.has_read() != known_before {
            // A list may be empty, and still be what somebody waited for.
            wake::users(&self.context, &self.key);
        }
        self.schedule.read(&look, &seen);
        if seen.has_evaluations && look.is_whole {
            self.context.wakes.wake_connection(&self.key);
        }
        match outcome {
            Ok(()) => self.succeeded(&look, look.is_whole && link.retired.is_none(), now, &seen),
            // The key was changed meanwhile, which asks for another look by itself: of the new one this says nothing.
            Err(error) if error.kind() == ErrorKind::Unauthorized && self.is_outdated(&link) => {
                wake::on_remote(&self.context, &self.key, &self.remote.resource, &seen.changes);
            }
            Err(error) => {
                wake::on_remote(&self.context, &self.key, &self.remote.resource, &seen.changes);
                self.failed(&error, now, link.retired.is_some());
            }
        }
        self.context.metrics.swept(&self.key, began.elapsed());
    }

    /// Finds out whether another address or key leads to the resource that is known. Until then nothing is believed of what
    /// is not there, and nothing is changed.
    async fn recognise(&mut self, link: &Link, now: Timestamp) -> bool {
        let asked = tokio::select! {
            asked = recognition::ask(&self.context, &self.key, &self.remote, link) => asked,
            () = self.remote.replaced.notified() => return false,
        };
        if self.is_outdated(link) {
            return false;
        }
        match asked {
            Ok(Recognition::Same(known)) => self.remote.know_by(known),
            Ok(Recognition::Accepted(known)) => {
                tracing::warn!(connection = %crate::telemetry::name(&self.key), endpoint = known.endpoint, "another Speech resource was accepted; the objects begin anew there");
                *self.remote.view_mut() = View::default();
                self.schedule.begin_anew();
                self.remote.know_by(known);
            }
            Ok(Recognition::Different(message)) => {
                tracing::warn!(connection = %crate::telemetry::name(&self.key), message, "the connection leads to another Speech resource");
                self.schedule.put_off(self.pace_at(now));
                let contact = Contact::Broken {
                    reason: Reason::DifferentResource,
                    message,
                    transient: false,
                    counts: None,
                };
                self.remote.set_contact(&self.context, &self.key, contact);
                return false;
            }
            Err(error) => {
                self.failed(&error, now, link.retired.is_some());
                return false;
            }
        }
        link.client.trust(true);
        // What waited for this, and the connection, which writes it down.
        self.context.wakes.wake_connection(&self.key);
        wake::dependents(&self.context, &self.key);
        true
    }

    /// Keeps room for the swaps that may have to go first before the next whole look; all else may have the rest.
    fn keep_for_dates(&self, now: Timestamp) {
        let by = now.saturating_add(self.pace_at(now).interval.saturating_mul(2));
        let by = by.unwrap_or(Timestamp::MAX);
        let agenda = self.remote.agenda();
        let mut endpoints = self.context.stores.endpoints.of(&self.key);
        endpoints.retain(|endpoint| may_be_urgent(endpoint, &agenda.durations, by));
        let dated = u32::try_from(endpoints.len()).unwrap_or(u32::MAX);
        self.remote.budget.keep_for_dates(dated);
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
            tracing::warn!(connection = %crate::telemetry::name(&self.key), seconds = skew.ahead.as_secs(), "the service's clock differs from ours by another measure");
            self.context.wakes.wake_connection(&self.key);
            wake::dependents(&self.context, &self.key);
        }
    }

    fn succeeded(&mut self, look: &Look, full: bool, now: Timestamp, seen: &Seen) {
        self.schedule.succeeded(look, full);
        self.remote.rest_until(
            seen.retry_after
                .and_then(|wait| now.checked_add(wait.min(LONGEST_REST)).ok()),
        );
        if full {
            self.context.metrics.swept_whole(&self.key, now);
        }
        wake::on_remote(&self.context, &self.key, &self.remote.resource, &seen.changes);
        if full && self.context.remotes.look_for_peers(&self.key) {
            self.context.wakes.wake_connection(&self.key);
        }
        if full {
            let contact = self.remote.resource.established();
            self.remote.set_contact(&self.context, &self.key, contact);
        }
    }

    fn failed(&mut self, error: &Error, now: Timestamp, retired: bool) {
        let failed = self.schedule.failed(self.pace_at(now), error, &self.remote.contact());
        if failed.is_refusal {
            self.remote.rest_until(now.checked_add(failed.pause).ok());
        }
        tracing::warn!(connection = %crate::telemetry::name(&self.key), %error, failures = self.schedule.failures(), "the Speech resource cannot be read");
        if let Some(contact) = failed.contact.filter(|_| !retired) {
            self.remote.set_contact(&self.context, &self.key, contact);
        }
    }

    /// A sweep that did not come to an end: our own mistake, which must not end the sweeps of the connection.
    fn broke_off(&mut self, why: &str) {
        self.schedule.broke_off(self.pace());
        tracing::error!(connection = %crate::telemetry::name(&self.key), why, failures = self.schedule.failures(), "a sweep of the Speech resource broke off");
    }
}
