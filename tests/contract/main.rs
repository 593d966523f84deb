//! The emulator against the contract of the public API: shapes, codes and status numbers, in each API version.

mod control;
mod copy;
mod dataset;
mod endpoint;
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
