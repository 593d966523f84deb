//! The way to the Speech service: within the process, with the failures of a real network and a count of what was sent.
use super::{
    impolite::{self, Instead, Manners},
    mark,
    request_log::RequestLog,
};
use axum::{Router, body::Body};
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use speech_emulator::{Emulator, Work};
use speech_fuzz::{is_below, weigh};
use speech_service::{
    Transport,
    error::{BodyProblem, TransportKind},
    transport::{Limits, TransportError},
};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::bytes::Bytes;

/// The window in which requests are counted.
const WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// The longest time after which a request whose answer never came takes effect. Shorter than what the operator waits for.
const LATEST_EFFECT: u64 = 100;

/// How often what goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// Share of requests that fail.
    pub failed_requests: f64,
    /// Share of trainings that take a week.
    pub slow_trainings: f64,
    /// Share of trainings that end in failure.
    pub failed_trainings: f64,
    /// Share of deployments of another model that end in failure.
    pub failed_deployments: f64,
    /// Share of evaluations that end in failure.
    pub failed_evaluations: f64,
    /// Share of trained models that are worse than any gate allows.
    pub bad_models: f64,
    /// What else answers and refuses, and who deletes.
    pub manners: Manners,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            failed_requests: 0.01,
            slow_trainings: 0.05,
            failed_trainings: 0.01,
            failed_deployments: 0.01,
            failed_evaluations: 0.02,
            bad_models: 0.02,
            manners: Manners::default(),
        }
    }
}

/// What became of all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were sent.
    pub requests: u64,
    /// Requests that failed, whatever the way.
    pub failures: u64,
    /// Trainings that began.
    pub trainings: u64,
    /// Trainings that took a week.
    pub slow_trainings: u64,
    /// Trainings that were made to fail.
    pub failed_trainings: u64,
    /// Deployments that were made to fail.
    pub failed_deployments: u64,
    /// Models that are worse than any gate allows.
    pub bad_models: u64,
    /// Evaluations that began.
    pub evaluations: u64,
    /// Requests that somebody else answered.
    pub answered_by_others: u64,
    /// Changing requests that the service refused.
    pub refused: u64,
    /// Deployments, trainings and evaluations that seemed never to end.
    pub endless: u64,
    /// The most requests in any window of ten seconds.
    pub peak: usize,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// Refused by the service with a 5xx, without effect.
    Unavailable,
    /// Refused with a 429.
    Throttled(u64),
    /// It never leaves.
    Unsent,
    /// It takes effect, and nobody hears of it.
    Unheard,
    /// It takes effect after so many seconds, and nobody hears of it.
    Late(u64),
    /// The service never sees it, or refuses it.
    Instead(Instead),
}

/// The network of one Speech resource.
pub struct Network {
    emulator: Emulator,
    router: Router,
    resource: String,
    seed: u64,
    habits: Habits,
    state: Mutex<State>,
}

struct State {
    now: Timestamp,
    recent: VecDeque<Timestamp>,
    late: Vec<(Timestamp, Request<Bytes>)>,
    throttled: Option<SignedDuration>,
    changed: bool,
    tally: Tally,
    request_log: RequestLog,
}

impl Network {
    /// The network of a resource of the emulator.
    pub fn new(emulator: Emulator, resource: String, seed: u64, habits: Habits, now: Timestamp) -> Self {
        Self {
            router: emulator.router(),
            emulator,
            resource,
            seed,
            habits,
            state: Mutex::new(State {
                now,
                recent: VecDeque::new(),
                late: Vec::new(),
                throttled: None,
                changed: false,
                tally: Tally::default(),
                request_log: RequestLog::default(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the time on; requests that were on their way take effect.
    pub fn advance(&self, now: Timestamp) {
        self.emulator.stand_at(now);
        let due: Vec<_> = {
            let mut state = self.state();
            state.now = now;
            let due = state.late.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>();
            state.changed |= !due.is_empty();
            due
        };
        for (_, request) in due {
            // Nobody hears the answer.
            drop(futures::executor::block_on(self.perform(request, usize::MAX)));
        }
    }

    /// When the next request that is on its way takes effect.
    pub fn next_effect(&self) -> Option<Timestamp> {
        self.state().late.iter().map(|(at, _)| *at).min()
    }

    /// Whether anything was changed through it since the last question.
    pub fn take_changed(&self) -> bool {
        std::mem::take(&mut self.state().changed)
    }

    /// For how long the service asked to be left alone since the last question.
    pub fn take_throttled(&self) -> Option<SignedDuration> {
        self.state().throttled.take()
    }

    /// Counts requests that were left out because they would have shown nothing new.
    pub fn count_idle(&self, requests: usize) {
        let mut state = self.state();
        (0..requests).for_each(|_| state.count());
    }

    /// Until when a window that has room for so many requests has no room for another; none when it has. The budget of the
    /// client would see to that, but it lives in real time.
    pub fn full_until(&self, room: usize) -> Option<Timestamp> {
        let mut state = self.state();
        state.forget_old();
        let oldest = state.recent.len().checked_sub(room.max(1))?;
        state.recent.get(oldest).map(|at| *at + WINDOW)
    }

    /// What has to be judged of all requests so far.
    pub fn request_log(&self) -> impl std::ops::DerefMut<Target = RequestLog> + '_ {
        struct Held<'a>(MutexGuard<'a, State>);
        impl std::ops::Deref for Held<'_> {
            type Target = RequestLog;
            fn deref(&self) -> &RequestLog {
                &self.0.request_log
            }
        }
        impl std::ops::DerefMut for Held<'_> {
            fn deref_mut(&mut self) -> &mut RequestLog {
                &mut self.0.request_log
            }
        }
        Held(self.state())
    }

    /// Somebody deletes an endpoint or a model in the service.
    pub fn delete(&self, id: uuid::Uuid) {
        self.emulator.remove(&self.resource, id);
        self.state().changed = true;
    }

    /// What became of all requests so far.
    pub fn tally(&self) -> Tally {
        self.state().tally
    }

    async fn exchange(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        let fate = self.fate(&request);
        let writes = request.method() != Method::GET;
        {
            let mut state = self.state();
            state.count();
            state.tally.requests += 1;
            state.tally.failures += u64::from(fate != Fate::Answered);
            let now = state.now;
            match fate {
                Fate::Throttled(_) | Fate::Unsent => {}
                Fate::Instead(Instead::Gateway(_)) => state.tally.answered_by_others += 1,
                Fate::Instead(Instead::Refused { lasts, .. }) => {
                    state.tally.refused += 1;
                    state.request_log.ordered(&request, now);
                    if lasts {
                        state.request_log.hampered(&request);
                    }
                }
                Fate::Answered | Fate::Unavailable | Fate::Unheard | Fate::Late(_) => {
                    state.request_log.ordered(&request, now)
                }
            }
        }
        match fate {
            Fate::Instead(instead) => Ok(impolite::answer(instead, request.method(), request.uri().path())),
            Fate::Answered => self.perform(request, limits.body).await,
            Fate::Unavailable => Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, None)),
            Fate::Throttled(seconds) => {
                let wait = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(1));
                self.state().throttled = Some(wait);
                Ok(refusal(StatusCode::TOO_MANY_REQUESTS, Some(seconds)))
            }
            Fate::Unsent => Err(lost(TransportKind::Connect, false)),
            Fate::Late(seconds) if writes => {
                let mut state = self.state();
                let delay = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(1));
                let at = state.now.saturating_add(delay).unwrap_or(state.now);
                state.late.push((at, request));
                Err(lost(TransportKind::Timeout, true))
            }
            Fate::Unheard | Fate::Late(_) => {
                drop(self.perform(request, limits.body).await);
                Err(lost(TransportKind::Other, true))
            }
        }
    }

    /// What becomes of a request follows from its content and time, so that the order of requests at one time does not
    /// matter.
    fn fate(&self, request: &Request<Bytes>) -> Fate {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        let asked = (self.state().now, request.method().as_str(), target, request.body());
        let seed = weigh(self.seed, "fate");
        let (manners, now) = (&self.habits.manners, self.state().now);
        if let Some(instead) = impolite::instead(seed, manners, now, request.method(), target) {
            return Fate::Instead(instead);
        }
        if !is_below(weigh(seed, asked), self.habits.failed_requests) {
            return Fate::Answered;
        }
        let kind = weigh(seed, (asked, "kind"));
        let length = weigh(seed, (asked, "length"));
        match kind % 10 {
            0..=2 => Fate::Unavailable,
            3 | 4 => Fate::Throttled(1 + length % 30),
            5 | 6 => Fate::Unsent,
            7 | 8 => Fate::Unheard,
            _ => Fate::Late(1 + length % LATEST_EFFECT),
        }
    }

    /// Lets the service do what was asked.
    async fn perform(&self, request: Request<Bytes>, limit: usize) -> Result<Response<Bytes>, TransportError> {
        let method = request.method().clone();
        if method != Method::GET {
            self.prepare(&request);
        }
        if method == Method::DELETE {
            self.note_deletion(request.uri().path());
        }
        let trains = method == Method::POST && request.uri().path().ends_with("/models");
        let answer = tower::ServiceExt::oneshot(self.router.clone(), request.map(Body::from));
        let (head, body) = answer.await.unwrap_or_else(|never| match never {}).into_parts();
        let body = axum::body::to_bytes(body, limit).await;
        let body = body.map_err(|_| TransportError::Body(BodyProblem::Cut))?;
        if trains && head.status.is_success() {
            self.spoil(&body);
        }
        Ok(Response::from_parts(head, body))
    }

    /// Some models come out worse than any gate allows; only an evaluation tells.
    fn spoil(&self, answer: &[u8]) {
        let model: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
        let uri = model
            .get("self")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        let path = uri.split('?').next().unwrap_or_default();
        let id = path.rsplit('/').next().and_then(|id| id.parse::<uuid::Uuid>().ok());
        if let Some(id) = id.filter(|id| is_below(weigh(self.seed, ("bad", id)), self.habits.bad_models)) {
            self.emulator.set_word_error_rate(&self.resource, id, 0.6);
            self.state().tally.bad_models += 1;
        }
    }

    /// Who had made what is deleted now.
    fn note_deletion(&self, path: &str) {
        let Some(id) = path.rsplit('/').next().and_then(|id| id.parse::<uuid::Uuid>().ok()) else {
            return;
        };
        let mut owner = None;
        let mut look = |found: uuid::Uuid, properties: &std::collections::BTreeMap<String, String>| {
            if found == id {
                owner = properties.get(mark::UID).cloned();
            }
        };
        self.emulator
            .endpoints(&self.resource, |one| look(one.id, one.custom_properties));
        self.emulator
            .models(&self.resource, |one| look(one.id, one.custom_properties));
        if let Some(owner) = owner {
            self.state().request_log.deleted(id, owner);
        }
    }

    /// Decides how long the work takes that is about to begin, and how it ends.
    fn prepare(&self, request: &Request<Bytes>) {
        let (method, path) = (request.method(), request.uri().path());
        let mut state = self.state();
        state.changed = true;
        let draw = |what: &str| weigh(self.seed, (what, path, state.now, state.tally.requests));
        let hours = |hours: f64| hours * 3600.0;
        let minutes = |most: u64| 120.0 + (draw("minutes") % (most * 60)) as f64;
        let (work, seconds, failure) = match (method.as_str(), path.rsplit('/').next().unwrap_or_default()) {
            ("POST", "endpoints") => (Work::CreateEndpoint, minutes(10), None),
            ("POST", "evaluations") => {
                let fails = is_below(draw("evaluation fails"), self.habits.failed_evaluations);
                (Work::Evaluation, minutes(120), fails.then_some("evaluation"))
            }
            ("POST", "models") => {
                let slow = is_below(draw("slow"), self.habits.slow_trainings);
                let fails = is_below(draw("training fails"), self.habits.failed_trainings);
                let seconds = if slow { hours(7.0 * 24.0) } else { minutes(600) };
                (Work::Training, seconds, (fails && !slow).then_some("model"))
            }
            ("PATCH", _) if path.contains("/endpoints/") => {
                let fails = is_below(draw("deployment fails"), self.habits.failed_deployments);
                (Work::UpdateEndpoint, minutes(20), fails.then_some("endpoint"))
            }
            (_, verb) if verb.ends_with(":copy") => (Work::Copy, minutes(60), None),
            _ => return,
        };
        // What never ends and is shown as done cannot be noticed by anybody, so that no law can ask for it.
        let takes_part = match work {
            Work::UpdateEndpoint => !self.emulator.hides_deployments(&self.resource),
            Work::Training | Work::Evaluation => true,
            Work::CreateEndpoint | Work::Copy => false,
        };
        let endless = takes_part && is_below(draw("endless"), self.habits.manners.endless_work);
        let seconds = if endless { impolite::ENDLESS } else { seconds };
        let failure = failure.filter(|_| !endless);
        if endless {
            state.tally.endless += 1;
            state.request_log.hampered(request);
        }
        let tally = &mut state.tally;
        tally.trainings += u64::from(work == Work::Training);
        tally.evaluations += u64::from(work == Work::Evaluation);
        tally.slow_trainings += u64::from(work == Work::Training && seconds > hours(24.0) && !endless);
        tally.failed_trainings += u64::from(failure == Some("model"));
        tally.failed_deployments += u64::from(failure == Some("endpoint"));
        drop(state);
        self.emulator.set_duration(&self.resource, work, seconds);
        if let Some(kind) = failure {
            self.emulator.fail_next(&self.resource, kind);
        }
    }
}

impl State {
    fn forget_old(&mut self) {
        let now = self.now;
        while self.recent.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
            self.recent.pop_front();
        }
    }

    fn count(&mut self) {
        self.forget_old();
        self.recent.push_back(self.now);
        self.tally.peak = self.tally.peak.max(self.recent.len());
    }
}

impl Transport for Network {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request, limits))
    }
}

fn lost(kind: TransportKind, perhaps_sent: bool) -> TransportError {
    TransportError::Failed {
        kind,
        perhaps_sent,
        source: None,
    }
}

fn refusal(status: StatusCode, retry_after: Option<u64>) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(
        br#"{"error":{"code":"Unavailable","message":"The service is not available now."}}"#,
    ));
    *answer.status_mut() = status;
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}
