//! The chart: judged by helm and its companions, and installed into a real API server. There is no kubelet, so the operator
//! runs as a process beside it, with the options, the account and the roles that the chart gives it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code; the lints only know functions marked #[test]"
)]

#[path = "../harness/mod.rs"]
mod harness;
mod judged;
mod life;
mod overlap;
mod release;
mod scope;
#[path = "../e2e/seed.rs"]
#[allow(dead_code)]
mod seed;
mod stage;

use std::path::PathBuf;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn chart() -> String {
    repository().join("deploy/chart").display().to_string()
}

/// The files of values that every judge gets.
fn values() -> Vec<String> {
    let folder = std::fs::read_dir(repository().join("tests/chart/values")).unwrap();
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path().display().to_string()).collect();
    files.sort();
    assert!(files.len() >= 4, "{files:?}");
    files
}

fn documents(yaml: &str) -> Vec<serde_json::Value> {
    let all: Vec<serde_json::Value> = serde_saphyr::from_multiple(yaml).unwrap();
    all.into_iter().filter(|object| !object.is_null()).collect()
}
