//! The operator's process: the watches, the controllers, who acts, and what is shown over HTTP.
//!
//! `docs/architecture.md` is the map, `docs/internals.md` has the details. What is decided is decided in `speech_plan`;
//! all requests to the Speech service go through `speech_resource` and `speech_service`. Nothing but `xtask` depends on
//! this crate.
pub mod cli;
pub mod controller;
pub mod exposition;
pub mod fleet_page;
pub mod last_word;
pub mod lead;
pub mod liveness;
pub mod metrics;
pub mod run;
pub mod serve;
pub mod telemetry;
