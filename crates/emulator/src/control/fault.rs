//! Setting and removing faults.
use super::{Answer, Refusal, read};
use crate::{Emulator, fault::FaultSpec};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use http::StatusCode;
use serde_json::{Value, json};

/// All faults.
pub async fn list(State(emulator): State<Emulator>) -> Answer {
    Ok(Json(json!({ "faults": emulator.world().faults.list() })))
}

/// Sets a fault.
pub async fn add(State(emulator): State<Emulator>, body: Bytes) -> Result<(StatusCode, Json<Value>), Refusal> {
    let spec: FaultSpec = read(&body)?;
    spec.check().map_err(Refusal::bad)?;
    let id = emulator.world().faults.add(spec);
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

/// Removes one fault.
pub async fn remove(State(emulator): State<Emulator>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let id = id.parse().map_err(|_| Refusal::bad("a fault's id is a whole number"))?;
    if emulator.world().faults.remove(id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found(format!("there is no fault {id}")))
    }
}

/// Removes all faults.
pub async fn clear(State(emulator): State<Emulator>) -> StatusCode {
    emulator.world().faults.clear();
    StatusCode::NO_CONTENT
}
