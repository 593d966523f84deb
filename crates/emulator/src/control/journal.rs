//! Reading the journal.
use super::{Answer, number, query_with};
use crate::Emulator;
use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;

/// Entries of one page when the request names no limit.
const DEFAULT_LIMIT: u64 = 1_000;

/// Entries behind `after`.
pub async fn read(State(emulator): State<Emulator>, RawQuery(query): RawQuery) -> Answer {
    let query = query_with(query.as_deref(), &["resource", "after", "limit"])?;
    let after = number(&query, "after")?.unwrap_or(0);
    let limit = usize::try_from(number(&query, "limit")?.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
    Ok(Json(emulator.world().journal.read(query.get("resource"), after, limit)))
}

/// Forgets all entries.
pub async fn clear(State(emulator): State<Emulator>) -> StatusCode {
    emulator.world().journal.clear();
    StatusCode::NO_CONTENT
}
