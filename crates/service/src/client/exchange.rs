//! One request and its answer: budget, credential, limits, metrics, and the verdict on the status.
//!
//! A patient client asks again what the service refused with 429, which certainly had no effect, for as long as the lane
//! may wait; and what only reads, a few times after a 5xx or a body that broke off. What is refused with a token that was
//! good is sent once more with a new one. Every try draws on the budget. What gets no turn within that time was not sent,
//! and ends like a 429.
use super::{Answer, BODY_LIMIT, Inner, REQUEST_TIMEOUT};
use crate::{
    base_url::ForeignLink,
    credential::{Credential, Pass},
    error::{Error, ErrorKind},
    failure::{Failure, Role},
    id::EntityId,
    request::Lane,
    retry_after::retry_after,
    token::{TokenError, TokenTrouble},
    transport::{Limits, TransportError},
    wire::{FromDocument, Payload, read_one},
};
use http::{HeaderValue, Method, Request, Response, header};
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio_util::bytes::Bytes;
use url::Url;

const LIMITS: Limits = Limits {
    timeout: REQUEST_TIMEOUT,
    body: BODY_LIMIT,
};
/// How long a patient client waits before it asks again what only reads.
const READ_PAUSES: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
];
const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Inner {
    /// GET.
    pub(super) async fn read(&self, route: &'static str, lane: Lane, url: String) -> Result<Response<Bytes>, Error> {
        self.exchange(route, lane, Method::GET, &url, Bytes::new()).await
    }

    /// GET of what has no id of its own.
    pub(super) async fn read_entity<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        url: String,
    ) -> Result<Answer<T>, Error> {
        self.entity(route, &self.read(route, lane, url).await?)
    }

    /// GET of the entity with an id.
    pub(super) async fn read_named<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        (id, url): (EntityId, String),
    ) -> Result<Answer<T>, Error> {
        self.named(route, id, &self.read(route, lane, url).await?)
    }

    /// POST that answers with a new entity.
    pub(super) async fn write_entity<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        url: String,
        payload: &Payload<'_>,
    ) -> Result<Answer<T>, Error> {
        self.entity(route, &self.write(route, lane, Method::POST, &url, payload).await?)
    }

    /// PATCH of the entity with an id, which answers with it.
    pub(super) async fn change_entity<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        (id, url): (EntityId, String),
        payload: &Payload<'_>,
    ) -> Result<Answer<T>, Error> {
        self.named(route, id, &self.write(route, lane, Method::PATCH, &url, payload).await?)
    }

    /// POST or PATCH.
    pub(super) async fn write(
        &self,
        route: &'static str,
        lane: Lane,
        method: Method,
        url: &str,
        payload: &impl serde::Serialize,
    ) -> Result<Response<Bytes>, Error> {
        let body = serde_json::to_vec(payload).map_err(|error| Error::Unsendable {
            route,
            problem: error.to_string(),
        })?;
        self.exchange(route, lane, method, url, body.into()).await
    }

    /// DELETE. A 404 is an error of its kind: whether it is good news, the caller knows.
    pub(super) async fn delete(&self, route: &'static str, lane: Lane, url: String) -> Result<(), Error> {
        self.exchange(route, lane, Method::DELETE, &url, Bytes::new())
            .await
            .map(drop)
    }

    async fn exchange(
        &self,
        route: &'static str,
        lane: Lane,
        method: Method,
        url: &str,
        body: Bytes,
    ) -> Result<Response<Bytes>, Error> {
        let end = tokio::time::Instant::now() + longest_wait(lane);
        // What cannot be sent is told before it waits.
        let mut pass = self.pass(end).await?;
        let mut request = self.request(route, &method, url, &body, &pass)?;
        if !self.is_patient {
            self.budget.acquire(lane).await;
            return self.send(route, request, &pass).await;
        }
        let mut pauses = READ_PAUSES.iter();
        let mut tokens = [Duration::ZERO].iter();
        loop {
            let pause = self.budget.pause(lane);
            let is_long = pause > longest_pause(lane);
            if is_long || tokio::time::timeout_at(end, self.budget.acquire(lane)).await.is_err() {
                let pause = Some(self.budget.pause(lane)).filter(|pause| !pause.is_zero());
                return Err(Box::new(Failure::no_turn(route, pause)).into());
            }
            let present = self.pass(end).await?;
            let changes = method != Method::GET;
            if self.is_closed.load(Ordering::Relaxed) || (changes && !self.is_trusted.load(Ordering::SeqCst)) {
                return Err(Box::new(Failure::withheld(route)).into());
            }
            if !present.is_same(&pass) {
                // The credential was changed, or a token has ended, while this request waited.
                request = self.request(route, &method, url, &body, &present)?;
                pass = present;
            }
            let again = method == Method::GET;
            let result = self.send(route, request, &pass).await;
            let pause = match &result {
                Err(error) if error.kind() == ErrorKind::Throttled => {
                    Some(&Duration::ZERO).filter(|_| self.budget.pause(lane) <= longest_pause(lane))
                }
                Err(error) if error.kind() == ErrorKind::Unauthorized && pass.refused() => tokens.next(),
                Err(Error::Api(failure)) if failure.status >= 500 && again => pauses.next(),
                // What is too large will be again.
                Err(Error::Body { problem, .. }) if again && !problem.is_too_large() => pauses.next(),
                Ok(_) | Err(_) => None,
            };
            match pause.filter(|pause| tokio::time::Instant::now() + **pause < end) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return result,
            }
            request = self.request(route, &method, url, &body, &pass)?;
        }
    }

    /// Sends a request whose turn has come.
    async fn send(&self, route: &'static str, request: Request<Bytes>, pass: &Pass) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        let sent = self.timing.as_ref().map(|timing| (timing.now)());
        let role = pass.is_token().then(|| Role::for_request(request.method()));
        let result = self.transport.send(request, LIMITS).await;
        let took = start.elapsed();
        if let (Some(timing), Some(sent), Ok(answer)) = (&self.timing, sent, &result) {
            timing.meter.note(answer.headers(), sent, (timing.now)());
        }
        let outcome = match &result {
            Ok(answer) => status_label(answer.status().as_u16()),
            Err(TransportError::Failed { kind, .. }) => kind.as_str(),
            Err(TransportError::Body(_)) => "body",
            Err(TransportError::Withheld(_)) => "withheld",
        };
        self.observer.answered(route, outcome, took);
        match result {
            Ok(answer) => self.judge(route, answer, pass, role),
            Err(TransportError::Failed {
                kind,
                perhaps_sent,
                source,
            }) => Err(Error::Transport {
                route,
                kind,
                perhaps_sent,
                source,
            }),
            Err(TransportError::Body(problem)) => Err(Error::Body { route, problem }),
            Err(TransportError::Withheld(source)) => Err(Error::Withheld { route, source }),
        }
    }

    /// The credential of this moment.
    pub(super) fn credential(&self) -> Credential {
        self.credential.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a request carries. Nobody waits for a token longer than for a turn; a key is there, and needs no clock.
    async fn pass(&self, end: tokio::time::Instant) -> Result<Pass, TokenError> {
        let keeper = match self.credential() {
            Credential::Key(key) => return Ok(Pass::Key(key)),
            Credential::Token(keeper) => keeper,
        };
        let kept = tokio::time::timeout_at(end, keeper.token()).await;
        let kept = kept.unwrap_or_else(|_| Err(TokenError::new(TokenTrouble::Unavailable, "no token came in time")));
        kept.map(|kept| Pass::Token(keeper, kept))
    }

    fn request(
        &self,
        route: &'static str,
        method: &Method,
        url: &str,
        body: &Bytes,
        pass: &Pass,
    ) -> Result<Request<Bytes>, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .body(body.clone())
            .map_err(|_| Error::Unsendable {
                route,
                problem: "its address cannot be written as a URL".to_owned(),
            })?;
        let has_body = !request.body().is_empty();
        let headers = request.headers_mut();
        let (name, value) = pass.header();
        headers.insert(name, value);
        headers.insert(header::ACCEPT, JSON);
        if has_body {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        Ok(request)
    }

    /// The status decides what an answer is, before its body is looked at.
    fn judge(
        &self,
        route: &'static str,
        answer: Response<Bytes>,
        pass: &Pass,
        role: Option<Role>,
    ) -> Result<Response<Bytes>, Error> {
        let status = answer.status();
        let refused = status.is_client_error() || status.is_server_error();
        let read = || Failure {
            role,
            ..Failure::read(route, &answer, pass.secret().expose())
        };
        let failure = refused.then(read);
        match &failure {
            Some(failure) if failure.is_throttling() => self.budget.throttled(failure.retry_after),
            Some(_) if status.is_server_error() => {}
            Some(_) | None => self.budget.succeeded(),
        }
        if status.is_success() {
            pass.accepted();
            return Ok(answer);
        }
        Err(match failure {
            Some(failure) => Box::new(failure).into(),
            None if status.is_redirection() => Error::Redirect {
                route,
                host: self.redirect_host(&answer),
            },
            // 1xx is no answer, and comes from no client.
            None => Box::new(read()).into(),
        })
    }

    fn redirect_host(&self, answer: &Response<Bytes>) -> Option<String> {
        let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
        let base = Url::parse(self.address.base().as_str()).ok()?;
        Some(base.join(location).ok()?.host_str()?.to_owned())
    }

    /// Reads the entity in an answer.
    pub(super) fn entity<T: FromDocument>(
        &self,
        route: &'static str,
        answer: &Response<Bytes>,
    ) -> Result<Answer<T>, Error> {
        let value: T = read_one(answer.body()).map_err(|problem| Error::Body { route, problem })?;
        Ok(self.learned(value, answer))
    }

    /// Reads the entity in an answer, which has to be the one that was asked for.
    fn named<T: FromDocument>(
        &self,
        route: &'static str,
        asked: EntityId,
        answer: &Response<Bytes>,
    ) -> Result<Answer<T>, Error> {
        let value: T = read_one(answer.body()).map_err(|problem| Error::Body { route, problem })?;
        match value.id() {
            Some(told) if told != asked => Err(Error::OtherEntity { route, asked, told }),
            Some(_) | None => Ok(self.learned(value, answer)),
        }
    }

    fn learned<T: FromDocument>(&self, value: T, answer: &Response<Bytes>) -> Answer<T> {
        self.learn(&value);
        Answer {
            value,
            retry_after: retry_after(answer.headers()),
        }
    }

    /// Where to ask for a link of an answer to the request for `at`: always at this resource, so that the credential stays home.
    pub(super) fn own_link(&self, route: &'static str, link: &str, at: &str) -> Result<String, Error> {
        let own = self.address.own(link, at);
        own.map_err(|ForeignLink(host)| Error::ForeignLink { route, host })
    }
}

#[cfg(test)]
impl super::Client {
    /// The URL that would be asked for a link of an answer, if it may be.
    pub(crate) fn own_link(&self, link: &str) -> Result<String, Error> {
        let base = self.base().to_string();
        self.inner.own_link("test", link, &base)
    }
}

/// How long a patient client waits for its turns at most. A pass over an object waits for a mutation, and must end before
/// its own deadline; for the end of a sweep nobody waits.
fn longest_wait(lane: Lane) -> Duration {
    match lane {
        Lane::Deadline => Duration::from_secs(45),
        Lane::UserChange => Duration::from_secs(30),
        Lane::Sweep => Duration::from_secs(300),
    }
}

/// How long a pause of the service may be for a request to wait for its end; the sweep that it belongs to waits as well.
fn longest_pause(lane: Lane) -> Duration {
    longest_wait(lane).min(Duration::from_secs(30))
}

/// The statuses that have a label of their own; a closed list, so that no answer can invent a new time series.
const STATUS_LABELS: [(u16, &str); 16] = [
    (200, "200"),
    (201, "201"),
    (202, "202"),
    (204, "204"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (409, "409"),
    (415, "415"),
    (422, "422"),
    (429, "429"),
    (500, "500"),
    (502, "502"),
    (503, "503"),
    (504, "504"),
];

fn status_label(status: u16) -> &'static str {
    let own = STATUS_LABELS.iter().find(|(known, _)| *known == status);
    own.map_or_else(
        || match status / 100 {
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        },
        |(_, label)| label,
    )
}
