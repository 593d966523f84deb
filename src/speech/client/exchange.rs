//! One request and its answer: budget, key, limits, metrics, and the verdict on the status.
//!
//! A patient client asks again what the service refused with 429, which certainly had no effect, for as long as the lane
//! may wait; and what only reads, a few times after a 5xx or a body that broke off. Every try draws on the budget. What
//! gets no turn within that time was not sent, and ends like a 429.
use super::{Answer, BODY_LIMIT, Inner, Key, REQUEST_TIMEOUT};
use crate::speech::{
    budget::Lane,
    error::{Error, ErrorKind},
    failure::Failure,
    retry_after::retry_after,
    transport::{Limits, TransportError},
    wire::{FromDocument, Payload, read_one},
};
use http::{HeaderValue, Method, Request, Response, header};
use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
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
const KEY_HEADER: &str = "ocp-apim-subscription-key";
const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Inner {
    /// GET.
    pub(super) async fn read(&self, route: &'static str, lane: Lane, url: String) -> Result<Response<Bytes>, Error> {
        self.exchange(route, lane, Method::GET, &url, Bytes::new()).await
    }

    /// GET of one entity.
    pub(super) async fn read_entity<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        url: String,
    ) -> Result<Answer<T>, Error> {
        entity(route, &self.read(route, lane, url).await?)
    }

    /// POST or PATCH that answers with the entity.
    pub(super) async fn write_entity<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        method: Method,
        url: String,
        payload: &Payload<'_>,
    ) -> Result<Answer<T>, Error> {
        entity(route, &self.write(route, lane, method, &url, payload).await?)
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
        // What cannot be sent is told before it waits.
        let (mut request, mut key) = self.request(route, &method, url, &body)?;
        if !self.is_patient {
            self.budget.acquire(lane).await;
            return self.send(route, request, &key).await;
        }
        let end = tokio::time::Instant::now() + longest_wait(lane);
        let mut pauses = READ_PAUSES.iter();
        loop {
            if tokio::time::timeout_at(end, self.budget.acquire(lane)).await.is_err() {
                return Err(Box::new(Failure::no_turn(route, self.budget.usage().blocked_for())).into());
            }
            if self.is_closed.load(Ordering::Relaxed) {
                return Err(Box::new(Failure::no_turn(route, None)).into());
            }
            if !Arc::ptr_eq(&key, &self.key()) {
                // It was changed while this request waited.
                (request, key) = self.request(route, &method, url, &body)?;
            }
            let again = method == Method::GET;
            let result = self.send(route, request, &key).await;
            let pause = match &result {
                Err(error) if error.kind() == ErrorKind::Throttled => Some(&Duration::ZERO),
                Err(Error::Api(failure)) if failure.status >= 500 && again => pauses.next(),
                Err(Error::Body { .. }) if again => pauses.next(),
                Ok(_) | Err(_) => None,
            };
            match pause.filter(|pause| tokio::time::Instant::now() + **pause < end) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return result,
            }
            (request, key) = self.request(route, &method, url, &body)?;
        }
    }

    /// Sends a request whose turn has come.
    async fn send(&self, route: &'static str, request: Request<Bytes>, key: &Key) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        let sent = self.timing.as_ref().map(|timing| (timing.now)());
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
            Ok(answer) => self.judge(route, answer, key),
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

    /// The key of this moment.
    pub(super) fn key(&self) -> Arc<Key> {
        Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn request(
        &self,
        route: &'static str,
        method: &Method,
        url: &str,
        body: &Bytes,
    ) -> Result<(Request<Bytes>, Arc<Key>), Error> {
        let key = self.key();
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
        headers.insert(KEY_HEADER, key.header.clone());
        headers.insert(header::ACCEPT, JSON);
        if has_body {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        Ok((request, key))
    }

    /// The status decides what an answer is, before its body is looked at.
    fn judge(&self, route: &'static str, answer: Response<Bytes>, key: &Key) -> Result<Response<Bytes>, Error> {
        let status = answer.status();
        if status.as_u16() == 429 {
            self.budget.throttled(retry_after(answer.headers()));
        } else if !status.is_server_error() {
            self.budget.succeeded();
        }
        if status.is_success() {
            Ok(answer)
        } else if status.is_redirection() {
            Err(Error::Redirect {
                route,
                host: self.redirect_host(&answer),
            })
        } else {
            Err(Box::new(Failure::read(route, &answer, key.key.expose())).into())
        }
    }

    fn redirect_host(&self, answer: &Response<Bytes>) -> Option<String> {
        let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
        let base = Url::parse(self.address.base().as_str()).ok()?;
        Some(base.join(location).ok()?.host_str()?.to_owned())
    }

    /// Refuses a link to anywhere but this resource: the key would travel there.
    pub(super) fn own_link(&self, route: &'static str, link: &str) -> Result<String, Error> {
        match Url::parse(link) {
            Ok(url) if self.address.base().covers(&url) => Ok(url.into()),
            Ok(url) => Err(Error::ForeignLink {
                route,
                host: url.origin().ascii_serialization(),
            }),
            Err(_) => Err(Error::ForeignLink {
                route,
                host: "a place that is no URL".to_owned(),
            }),
        }
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

#[cfg(test)]
impl super::Client {
    /// The URL that would be asked for a link of an answer, if it may be.
    pub(in crate::speech) fn own_link(&self, link: &str) -> Result<String, Error> {
        self.inner.own_link("test", link)
    }
}

/// Reads the entity in an answer.
pub(super) fn entity<T: FromDocument>(route: &'static str, answer: &Response<Bytes>) -> Result<Answer<T>, Error> {
    let value = read_one(answer.body()).map_err(|problem| Error::Body { route, problem })?;
    Ok(Answer {
        value,
        retry_after: retry_after(answer.headers()),
    })
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
