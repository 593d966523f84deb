//! Dump and load of everything.
use super::{Answer, Refusal, json_of};
use crate::{Emulator, clock::ClockChange, seed::Seed};
use axum::{Json, body::Bytes, extract::State};
use http::StatusCode;
use serde_json::to_value;

/// Clock and Speech resources, in the form of a seed.
pub async fn dump(State(emulator): State<Emulator>) -> Answer {
    let seed = emulator.world().dump();
    to_value(seed)
        .map(Json)
        .map_err(|error| Refusal::bad(error.to_string()))
}

/// Replaces all Speech resources, and the clock where the state names a time or a rate.
pub async fn load(State(emulator): State<Emulator>, body: Bytes) -> Result<StatusCode, Refusal> {
    let seed = Seed::from_value(json_of(&body)?).map_err(Refusal::bad)?;
    let mut world = emulator.world();
    if seed.now.is_some() || seed.rate.is_some() {
        let change = ClockChange {
            now: seed.now,
            rate: seed.rate,
            advance: None,
            force: true,
        };
        world.clock.change(change).map_err(Refusal::bad)?;
    }
    let now = world.clock.now();
    world.put_resources(seed.resources, now);
    let version = world.clock.version();
    drop(world);
    emulator.tell_clock_version(version);
    Ok(StatusCode::NO_CONTENT)
}
