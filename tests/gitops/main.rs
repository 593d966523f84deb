//! Argo CD and Flux as their users run them: the scripts for Argo CD in Argo CD's own Lua, and Flux' own controllers that
//! apply a Git repository to a real API server, beside an operator and the emulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../harness/argo_cd.rs"]
mod argo_cd;
#[path = "../harness/mod.rs"]
mod harness;

// The case of the end-to-end tests: each test has a namespace and a Speech resource of its own.
#[path = "../e2e/case.rs"]
#[allow(dead_code)]
mod case;
#[path = "../e2e/seed.rs"]
#[allow(dead_code)]
mod seed;
#[path = "../e2e/stack.rs"]
#[allow(dead_code)]
mod stack;

mod actions;
mod application;
mod argo_cd_whole;
mod definitions;
mod fleet;
mod flux;
mod git;
mod health;
mod install;
mod judge;
mod page;
