//! The control API under `/control`: clock, faults, journal, state, applications. No key; whoever reaches it may use it.

mod clock;
mod entra;
mod fault;
mod journal;
mod resource;
mod state;

use super::{Emulator, query::Query};
use axum::{
    Json, Router,
    body::Bytes,
    extract::DefaultBodyLimit,
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post, put},
};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

/// Most bytes of a state that is loaded.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// The routes of the control API.
pub fn router() -> Router<Emulator> {
    Router::new()
        .route("/control/clock", get(clock::get).put(clock::put))
        .route(
            "/control/faults",
            get(fault::list).post(fault::add).delete(fault::clear),
        )
        .route("/control/faults/{id}", delete(fault::remove))
        .route("/control/journal", get(journal::read).delete(journal::clear))
        .route("/control/state", get(state::dump).put(state::load))
        .route(
            "/control/resources/{name}",
            put(resource::put).get(resource::get).delete(resource::remove),
        )
        .route("/control/resources/{name}/keys", post(resource::keys))
        .route("/control/resources/{name}/scores", put(resource::scores))
        .route(
            "/control/resources/{name}/{kind}/{id}",
            patch(resource::patch_entity).delete(resource::delete_entity),
        )
        .route("/control/entra/applications", post(entra::declare))
        .route("/control/entra/applications/{client}", delete(entra::remove))
        .route("/control/entra/applications/{client}/tokens", delete(entra::revoke))
        .route("/control", get(nothing_here))
        .route(
            "/control/{*rest}",
            get(nothing_here)
                .put(nothing_here)
                .post(nothing_here)
                .delete(nothing_here),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

async fn nothing_here() -> Refusal {
    Refusal::not_found("the control API has no such path")
}

/// A refusal of the control API.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    reason: String,
}

impl Refusal {
    /// 400 with the reason.
    pub fn bad(reason: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            reason: reason.into(),
        }
    }

    /// 404 with the reason.
    pub fn not_found(reason: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            reason: reason.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.reason }))).into_response()
    }
}

/// What handlers of the control API answer.
pub type Answer = Result<Json<Value>, Refusal>;

fn json_of(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("the body is no JSON: {error}")))
}

/// A body of a known form; its type refuses unknown members.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let value = json_of(body)?;
    if !value.is_object() {
        return Err(Refusal::bad("the body must be an object"));
    }
    serde_json::from_value(value).map_err(|error| Refusal::bad(error.to_string()))
}

fn parse_id(id: &str) -> Result<Uuid, Refusal> {
    Uuid::parse_str(id).map_err(|_| Refusal::bad(format!("'{id}' is no UUID")))
}

/// The query, with no other parameters than these.
fn query_with(text: Option<&str>, known: &[&str]) -> Result<Query, Refusal> {
    let text = text.unwrap_or_default();
    for (name, _) in url::form_urlencoded::parse(text.as_bytes()) {
        if !known.contains(&name.as_ref()) {
            return Err(Refusal::bad(format!("unknown parameter {name}")));
        }
    }
    Ok(Query::parse(text))
}

/// A whole number of the query.
fn number(query: &Query, name: &str) -> Result<Option<u64>, Refusal> {
    let refuse = |_| Refusal::bad(format!("{name} must be a whole number that is not negative"));
    query.get(name).map(|text| text.parse().map_err(refuse)).transpose()
}
