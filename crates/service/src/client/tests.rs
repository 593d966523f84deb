//! The client against small services that answer by script.
mod lists;
mod network;
mod presence;
mod refusals;
mod requests;
mod tokens;

use super::*;
use crate::{
    entity::OwnerTag,
    id::{EntityId, ModelId},
    key::SubscriptionKey,
    transport::{InProcess, Limits, TransportError},
};
use axum::{Router, body::Bytes, extract::State, response::IntoResponse, response::Response};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const ID: &str = "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11";
const OTHER_ID: &str = "b7b2f0de-0a6f-4f0d-8c11-6a1d3e5f7a02";
const EXAMPLES: &str = include_str!("../testdata/examples.json");

/// A request as the service saw it.
#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A service that gives its answers in order and remembers what it was asked.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Response>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    fn of(answers: impl IntoIterator<Item = Response>) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            seen: Arc::default(),
        }
    }

    fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn client(&self, version: ApiVersion) -> Client {
        client(InProcess(self.router()), "https://x.example/west", version)
    }
}

async fn answer(State(script): State<Script>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    script.seen.lock().unwrap().push(Seen {
        method,
        uri,
        headers,
        body,
    });
    let next = script.answers.lock().unwrap().pop_front();
    next.unwrap_or_else(|| (StatusCode::IM_A_TEAPOT, "the script has ended").into_response())
}

fn client(transport: impl Transport + 'static, base: &str, version: ApiVersion) -> Client {
    Client::new(
        Arc::new(transport),
        BaseUrl::parse(base, true).unwrap(),
        version,
        SubscriptionKey::parse(KEY.as_bytes()).unwrap(),
        Arc::new(Budget::new(100, Duration::from_secs(10))),
        Arc::new(()),
    )
}

fn json(status: u16, body: impl ToString) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

fn with_header(mut answer: Response, name: &'static str, value: &str) -> Response {
    answer.headers_mut().insert(name, value.parse().unwrap());
    answer
}

fn example(name: &str) -> serde_json::Value {
    serde_json::from_str::<serde_json::Value>(EXAMPLES).unwrap()[name].clone()
}

fn id() -> EntityId {
    ID.parse().unwrap()
}

fn other_id() -> EntityId {
    OTHER_ID.parse().unwrap()
}

fn owner() -> OwnerTag {
    OwnerTag {
        uid: "u-1".into(),
        object: "ns/claims".into(),
        cluster: "c-1".into(),
        attempt: 1,
        revision: None,
        inputs: None,
    }
}

/// A transport that fails by script.
struct Failing(Mutex<Option<TransportError>>);

impl Transport for Failing {
    fn send(
        &self,
        _request: Request<tokio_util::bytes::Bytes>,
        _limits: Limits,
    ) -> futures::future::BoxFuture<'_, Result<http::Response<tokio_util::bytes::Bytes>, TransportError>> {
        let error = self.0.lock().unwrap().take().expect("asked twice");
        Box::pin(async move { Err(error) })
    }
}
