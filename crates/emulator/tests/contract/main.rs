//! The emulator against the contract of the public API: shapes, codes and status numbers, in each API version.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

mod control;
mod copy;
mod dataset;
mod endpoint;
mod entra;
mod error;
mod evaluation;
mod example;
mod expiry;
mod fault;
mod harness;
mod list;
mod model;
mod process;
mod project;
mod schema;
