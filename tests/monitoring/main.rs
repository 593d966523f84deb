//! Metrics, rules and dashboard as their users have them: promtool, and a real Prometheus that scrapes a real operator beside
//! a real kube-apiserver and the emulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../harness/mod.rs"]
mod harness;

// The stack and the cases of the end-to-end tests.
#[path = "../e2e/case.rs"]
#[allow(dead_code)]
mod case;
#[path = "../e2e/seed.rs"]
#[allow(dead_code)]
mod seed;
#[path = "../e2e/stack.rs"]
#[allow(dead_code)]
mod stack;

mod definitions;
mod documents;
mod kube_state;
mod live;
mod prometheus;
mod scene;
