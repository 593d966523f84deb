//! Keeps Azure custom-speech models and endpoints as declared in Kubernetes, and swaps models before they expire.
//!
//! `docs/architecture.md` is the map, `docs/internals.md` has the details. Arrows point one way: `api`, `speech` and `view`
//! know nothing of the rest; `plan` decides from them, purely; `controller` has the effects. `emulator` stands alone.
pub mod api;
pub mod calendar;
#[cfg(test)]
mod check;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod emulator;
pub mod fleet_page;
#[cfg(test)]
mod fuzz;
pub mod generate;
pub mod kubectl;
pub mod last_word;
pub mod lead;
pub mod liveness;
pub mod metrics;
pub mod plan;
pub mod proxy;
pub mod run;
pub mod serve;
pub mod simulate;
pub mod speech;
pub mod telemetry;
pub mod view;
