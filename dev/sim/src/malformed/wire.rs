//! The way to the emulated service, on which answers are replaced.
use axum::{Router, body::Body};
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use speech_fuzz::Garble;
use speech_service::{
    Transport,
    error::{BodyProblem, TransportKind},
    transport::{Limits, TransportError},
};
use std::sync::Mutex;
use tokio_util::bytes::Bytes;

/// How answers are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// They are not.
    True,
    /// By what can mean nothing: no JSON, half of one, another shape, another status, no answer.
    Malformed,
    /// By well-formed answers in which something is wrong.
    Lies,
}

/// The way to the emulator.
pub struct Wire {
    pub router: Router,
    pub state: Mutex<State>,
}

pub struct State {
    pub service: Service,
    pub garble: Garble,
    /// Mutations that were asked for.
    pub asked: Vec<(Method, String)>,
}

impl Wire {
    async fn answer(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        if request.method() != Method::GET {
            let asked = (request.method().clone(), request.uri().to_string());
            self.state.lock().unwrap().asked.push(asked);
        }
        let answer = tower::ServiceExt::oneshot(self.router.clone(), request.map(Body::from));
        let (head, body) = answer.await.unwrap().into_parts();
        let answer = Response::from_parts(head, axum::body::to_bytes(body, usize::MAX).await.unwrap());
        let mut state = self.state.lock().unwrap();
        let service = state.service;
        match service {
            Service::True => Ok(answer),
            _ if state.garble.hits(0.3) => Ok(answer),
            Service::Malformed => malformed(&mut state.garble, answer, limits),
            Service::Lies => Ok(lie(&mut state.garble, answer)),
        }
    }
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(self.answer(request, limits))
    }
}

/// An answer without meaning.
fn malformed(garble: &mut Garble, answer: Response<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
    let (mut head, body) = answer.into_parts();
    let failed = |kind, perhaps_sent| TransportError::Failed {
        kind,
        perhaps_sent,
        source: None,
    };
    let body = match garble.below(12) {
        0 => return Err(failed(TransportKind::Timeout, true)),
        1 => return Err(failed(TransportKind::Connect, false)),
        2 => return Err(TransportError::Body(BodyProblem::Cut)),
        3 => return Err(TransportError::Body(BodyProblem::TooLarge { limit: limits.body })),
        4 => {
            // Not 404: in the service's own words it would mean that there is no such entity.
            let refusals = [301, 307, 400, 401, 403, 408, 409, 429, 500, 502, 503, 599];
            head.status = StatusCode::from_u16(*garble.pick(&refusals)).unwrap();
            if let Ok(value) = HeaderValue::from_bytes(&garble.bytes()) {
                head.headers.insert("retry-after", value);
            }
            garble.bytes()
        }
        5 => body.slice(..garble.below(body.len())).to_vec(),
        6 => b"<html><body>It works!</body></html>".to_vec(),
        7 => json!({"values": garble.word()}).to_string().into_bytes(),
        8 => json!({"value": [], "error": garble.value()}).to_string().into_bytes(),
        9 => json!([garble.value()]).to_string().into_bytes(),
        10 => json!({"values": (0..3).map(|_| json!({garble.word(): 1})).collect::<Vec<_>>()})
            .to_string()
            .into_bytes(),
        _ => {
            let mut bytes = garble.bytes();
            bytes.insert(0, b'?');
            bytes
        }
    };
    Ok(Response::from_parts(head, body.into()))
}

/// An answer in which something is wrong.
fn lie(garble: &mut Garble, answer: Response<Bytes>) -> Response<Bytes> {
    let (head, body) = answer.into_parts();
    let mut value: Value = serde_json::from_slice(&body).unwrap_or_default();
    garble.lie(&mut value);
    Response::from_parts(head, value.to_string().into())
}
