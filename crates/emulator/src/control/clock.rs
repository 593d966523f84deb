//! Reading, following and setting the clock.
use super::{Answer, Refusal, number, query_with, read};
use crate::{
    Emulator,
    clock::{ClockChange, parse_duration},
};
use axum::{
    Json,
    body::Bytes,
    extract::{RawQuery, State},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::timeout;

/// The longest a reader is kept waiting, in seconds.
const MAX_WAIT: u64 = 300;

/// The clock; with `after`, once its version is higher or the time is up. With `offsetSeconds` it is that of a machine
/// whose clock is so far ahead, or behind if negative.
pub async fn get(State(emulator): State<Emulator>, RawQuery(query): RawQuery) -> Answer {
    let query = query_with(query.as_deref(), &["after", "timeoutSeconds", "offsetSeconds"])?;
    let offset = match query.get("offsetSeconds").map(str::parse::<i32>) {
        Some(Ok(seconds)) => SignedDuration::from_secs(i64::from(seconds)),
        Some(Err(_)) => return Err(Refusal::bad("offsetSeconds must be a whole number")),
        None => SignedDuration::ZERO,
    };
    let seconds = number(&query, "timeoutSeconds")?.unwrap_or(20).min(MAX_WAIT);
    if let Some(after) = number(&query, "after")? {
        let mut version = emulator.clock_version();
        // Both ends are good: a newer version, or the time is up.
        let _ = timeout(
            Duration::from_secs(seconds),
            version.wait_for(|version| *version > after),
        )
        .await;
    }
    Ok(Json(emulator.world().clock.describe(offset)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    now: Option<Timestamp>,
    advance: Option<String>,
    rate: Option<f64>,
    #[serde(default)]
    force: bool,
}

/// Sets time, rate or both.
pub async fn put(State(emulator): State<Emulator>, body: Bytes) -> Answer {
    let request: Request = read(&body)?;
    let advance = match &request.advance {
        Some(text) => Some(parse_duration(text).ok_or_else(|| {
            Refusal::bad(format!(
                "advance must be a number with d, h, m or s, as 90d or 36h, not '{text}'"
            ))
        })?),
        None => None,
    };
    let change = ClockChange {
        now: request.now,
        advance,
        rate: request.rate,
        force: request.force,
    };
    let mut world = emulator.world();
    world.clock.change(change).map_err(Refusal::bad)?;
    world.advance();
    let (answer, version) = (world.clock.describe(SignedDuration::ZERO), world.clock.version());
    drop(world);
    emulator.tell_clock_version(version);
    Ok(Json(answer))
}
