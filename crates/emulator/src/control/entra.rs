//! Declaring applications of Entra ID.
use super::{Refusal, parse_id, read};
use crate::{Emulator, entra::Application};
use axum::{
    body::Bytes,
    extract::{Path, State},
};
use http::StatusCode;

/// Declares an application, or replaces one; its tokens stay.
pub async fn declare(State(emulator): State<Emulator>, body: Bytes) -> Result<StatusCode, Refusal> {
    let application: Application = read(&body)?;
    emulator.world().entra.declare(application);
    Ok(StatusCode::CREATED)
}

/// Removes an application.
pub async fn remove(State(emulator): State<Emulator>, Path(client): Path<String>) -> Result<StatusCode, Refusal> {
    if emulator.world().entra.remove(parse_id(&client)?) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found(format!("there is no application {client}")))
    }
}

/// Ends all tokens of an application.
pub async fn revoke(State(emulator): State<Emulator>, Path(client): Path<String>) -> Result<StatusCode, Refusal> {
    emulator.world().entra.revoke(parse_id(&client)?);
    Ok(StatusCode::NO_CONTENT)
}
