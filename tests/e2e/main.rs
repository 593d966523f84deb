//! The operator as users see it: a real process under its shipped permissions, against a real kube-apiserver and the
//! emulator, judged by what kubectl shows and by the emulator's journal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../harness/argo_cd.rs"]
mod argo_cd;
#[path = "../harness/mod.rs"]
mod harness;

// The laws of the chaos tests, whose own program has no room for tests of them.
#[path = "../chaos/evidence.rs"]
#[allow(dead_code)]
mod evidence;
#[path = "../chaos/law/mod.rs"]
#[allow(dead_code)]
mod law;

mod approve;
mod border;
mod case;
mod choose;
mod clones;
mod copy;
mod crash;
mod create;
mod deployable;
mod endless;
mod entra;
mod expiry;
mod fallback;
mod fleet_page;
mod flux;
mod flux_controller;
mod gate;
mod gateway;
mod guard;
mod heal;
mod isolation;
mod last_word;
mod lead;
mod liveness;
mod orphan;
mod ownership;
mod plan;
mod prefix;
mod pressure;
mod process;
mod proxy;
mod recreate;
mod refusals;
mod refused;
mod remove;
mod renewal;
mod rest;
mod rollback;
mod schedule;
mod seed;
mod shared;
mod speech;
mod stack;
mod stranger;
mod swap;
mod throttle403;
mod turns;
mod uninstall;
mod vanish;
mod words;
