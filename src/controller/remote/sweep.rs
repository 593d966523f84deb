//! The reflector of a Speech resource: reads its lists once per interval, more often what somebody waits for, and wakes
//! the objects whose remote side changed. At rest there is no request per object.
use super::{
    super::{Context, wake},
    Link, LinkSource, Remote, broken,
    last_look::LastLook,
    lists::{Scope, Seen, read},
    recognition,
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use kube::runtime::reflector::ObjectRef;
use speech_api::{Reason, SpeechConnection};
use speech_plan::{
    List,
    connection::{Contact, Counts},
    recognition::Recognition,
    view::View,
};
use speech_service::{Error, ErrorKind};
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
/// The longest time between two looks with a key that is refused, unless the Secret changes.
const LONGEST_REFUSAL: Duration = Duration::from_secs(300);
/// Who is asked to wait so long has not just been throttled for a moment.
const LONG_PAUSE: Duration = Duration::from_secs(60);
/// So many sweeps may fail for reasons that pass by themselves before the connection counts as broken.
const PATIENCE: u32 = 3;

/// The longest that a sweep may take, waits for the budget included.
const LONGEST_SWEEP: Duration = Duration::from_secs(30 * 60);
/// The time between two signs of life.
const STIR: Duration = Duration::from_secs(60);

/// The loop's own memory.
struct Sweeper {
    context: Arc<Context>,
    key: ObjectRef<SpeechConnection>,
    remote: Arc<Remote>,
    failures: u32,
    /// What the failures were made with.
    tried: Option<LinkSource>,
    full_at: Option<Timestamp>,
    /// How far ahead `full_at` was set.
    pause: Duration,
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
        failures: 0,
        tried: None,
        full_at: None,
        pause: Duration::ZERO,
        base_models_at: None,
        datasets_at: None,
        evaluations_at: None,
        last_look: LastLook::default(),
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
    /// Waits until a list is due, until it is worth looking for what somebody waits for, or until the connection changed.
    async fn wait(&self) {
        loop {
            let due = async {
                let is_readable = self.remote.link().is_some_and(|link| link.retired.is_none());
                match self.full_at {
                    // Another key, or another address, asks for a look by itself.
                    _ if !is_readable => std::future::pending().await,
                    // Not longer than it was meant, also when our clock is set back.
                    Some(at) => {
                        let most = self.context.clock.now() + signed(self.remote.poll_interval().max(self.pause));
                        self.context.clock.sleep_until(at.min(most)).await;
                    }
                    None => {}
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
        if self.tried.as_ref() != Some(&link.made_from) {
            // What another key or another place was refused for says nothing of this one.
            (self.failures, self.tried) = (0, Some(link.made_from.clone()));
        }
        let (awaited, _) = self.remote.impatience();
        if link.retired.is_some() && awaited.is_empty() {
            return;
        }
        if !link.client.is_trusted() && !self.recognise(&link, now).await {
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
        let mut recorded = match self.is_first(scope) {
            true => wake::recorded(&self.context, &self.key),
            false => wake::Recorded::default(),
        };
        if scope.datasets {
            recorded.datasets = wake::named_datasets(&self.context, &self.key);
        }
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
                (self.base_models_at, self.datasets_at, self.evaluations_at) = (None, None, None);
                self.remote.know_by(known);
            }
            Ok(Recognition::Different(message)) => {
                tracing::warn!(connection = %crate::telemetry::name(&self.key), message, "the connection leads to another Speech resource");
                self.full_at = Some(now + signed(self.remote.poll_interval()));
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
            self.pause = Duration::ZERO;
            self.context.metrics.swept_whole(&self.key, now);
        }
        if scope.base_models {
            self.base_models_at = Some(now + RARE_INTERVAL);
        }
        wake::on_remote(&self.context, &self.key, &self.remote, &seen.changes);
        if full && self.context.remotes.look_for_peers(&self.key) {
            self.context.wakes.wake_connection(&self.key);
        }
        if full {
            let counts = counts(&self.remote.view());
            self.remote
                .set_contact(&self.context, &self.key, Contact::Established(counts));
        }
    }

    fn failed(&mut self, error: &Error, now: Timestamp, retired: bool) {
        self.failures = self.failures.saturating_add(1);
        let pause = pause_after(error, self.failures, self.remote.poll_interval());
        if !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unintelligible) {
            // Nobody's impatience changes a refusal.
            self.remote.rest_until(now.checked_add(pause).ok());
        }
        self.pause = pause;
        self.full_at = Some(now + signed(pause));
        tracing::warn!(connection = %crate::telemetry::name(&self.key), %error, failures = self.failures, "the Speech resource cannot be read");
        let counts = match &*self.remote.contact() {
            Contact::Established(counts) => Some(*counts),
            Contact::Broken { counts, .. } => *counts,
            Contact::Pending => None,
        };
        let contact = broken(error, counts);
        let passes = matches!(contact, Contact::Broken { transient: true, .. });
        let soon = error.retry_after().is_none_or(|wait| wait < LONG_PAUSE);
        if retired || (passes && soon && self.failures < PATIENCE && counts.is_some()) {
            return;
        }
        self.remote.set_contact(&self.context, &self.key, contact);
    }

    /// A sweep that did not come to an end: our own mistake, which must not end the sweeps of the connection.
    fn broke_off(&mut self, why: &str) {
        self.failures = self.failures.saturating_add(1);
        let interval = signed(self.remote.poll_interval());
        self.full_at = self.context.clock.now().checked_add(interval).ok();
        tracing::error!(connection = %crate::telemetry::name(&self.key), why, failures = self.failures, "a sweep of the Speech resource broke off");
    }
}

/// How long to wait after so many failures in a row: ever longer, and never longer than between two looks. A key that is
/// refused is asked with ever more rarely, and a pause that the service asks for is kept.
fn pause_after(error: &Error, failures: u32, poll: Duration) -> Duration {
    let doubled = FASTEST * 2_u32.saturating_pow(failures.saturating_sub(1).min(10));
    let pause = match error.kind() {
        ErrorKind::Throttled => error.retry_after().unwrap_or(doubled.min(poll)),
        ErrorKind::Unauthorized | ErrorKind::Forbidden => doubled.min(poll.max(LONGEST_REFUSAL)),
        ErrorKind::NotFound
        | ErrorKind::Misrouted
        | ErrorKind::Conflict
        | ErrorKind::Rejected
        | ErrorKind::Unavailable
        | ErrorKind::Unintelligible => error.retry_after().unwrap_or(doubled).min(poll),
    };
    pause.max(FASTEST)
}

fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

pub fn counts(view: &View) -> Counts {
    Counts {
        endpoints: view.endpoints.len(),
        models: view.models.len(),
        base_models: view.base_models.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use speech_service::{Client, InProcess, SubscriptionKey};

    const POLL: Duration = Duration::from_secs(5);

    /// The error that a client gets for such an answer.
    async fn error(status: u16, retry_after: Option<&'static str>, body: &'static str) -> Error {
        let answer = move || async move {
            let mut answer = axum::http::Response::builder().status(status);
            if let Some(wait) = retry_after {
                answer = answer.header("retry-after", wait);
            }
            answer.body(axum::body::Body::from(body)).unwrap()
        };
        let client = Client::new(
            Arc::new(InProcess(axum::Router::new().fallback(answer))),
            speech_service::BaseUrl::parse("https://x.example", false).unwrap(),
            speech_service::ApiVersion::default(),
            SubscriptionKey::parse(b"0123456789abcdef0123456789abcdef").unwrap(),
            Arc::new(speech_service::Budget::unlimited()),
            Arc::new(()),
        );
        client.unwrap().health(speech_service::Lane::Sweep).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_key_is_asked_with_ever_more_rarely_and_a_pause_is_kept() {
        let after = |error: &Error| [1, 2, 3, 4, 8, 30].map(|failures| pause_after(error, failures, POLL).as_secs());
        for refused in [401, 403] {
            assert_eq!(
                after(&error(refused, None, "").await),
                [1, 2, 4, 8, 128, 300],
                "{refused}"
            );
        }
        assert_eq!(after(&error(503, None, "").await), [1, 2, 4, 5, 5, 5]);
        assert_eq!(
            after(&error(503, Some("60"), "").await),
            [5; 6],
            "a disturbance may pass before"
        );
        assert_eq!(after(&error(429, Some("600"), "").await), [600; 6]);
        let quota = "Out of call volume quota. Quota will be replenished in 00:20:00.";
        assert_eq!(after(&error(403, None, quota).await), [1200; 6]);
        assert_eq!(after(&error(429, None, "").await), [1, 2, 4, 5, 5, 5]);
    }
}
