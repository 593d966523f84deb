//! A real node: the chart installed by helm, its image pulled and run by kubelet and containerd, its NetworkPolicy enforced, and
//! the commands of README.md and docs/authentication.md run word for word.
//!
//! ```text
//! tests/node/install.sh                  # once per machine: kubelet, containerd, ...
//! cargo test --test node                 # the whole story on one node
//! cargo test --test node -- policy       # as far as the stages whose names contain this
//! SPEECH_NODE_TESTS=skip cargo test      # leaves it out, on purpose
//! ```
//!
//! The node needs root, because it has namespaces, mounts and cgroups of its own (`site.rs`). All of it ends with this process,
//! however that ends, and with it all that ran in it. Azure is played by the emulator, which runs in a Pod, and by `cloud/`,
//! which answers under Azure's own host names outside of the cluster; `az` is played by `stand-ins/az`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code; the lints only know functions marked #[test]"
)]

mod azure;
mod cluster;
mod daemons;
mod document;
#[path = "../harness/mod.rs"]
mod harness;
mod images;
#[path = "../harness/libtest.rs"]
mod libtest;
mod options;
mod owner;
mod pods;
#[path = "../e2e/seed.rs"]
#[allow(dead_code)]
mod seed;
mod site;
mod stages;

use cluster::Cluster;
use futures::FutureExt as _;
use options::Options;
use std::{panic::AssertUnwindSafe, process::ExitCode, time::Instant};

const LEFT_OUT: &str = "To leave these tests out on purpose: SPEECH_NODE_TESTS=skip";

fn main() -> ExitCode {
    let options = Options::of_command_line();
    let wanted = options.wanted();
    if options.own_a_site {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime
            .block_on(owner::own())
            .map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    if options.list {
        wanted.iter().for_each(|stage| println!("{}: test", stage.name));
        return ExitCode::SUCCESS;
    }
    if wanted.is_empty() {
        return ExitCode::SUCCESS;
    }
    if std::env::var("SPEECH_NODE_TESTS").is_ok_and(|value| value == "skip") {
        println!(
            "\n!!! SPEECH_NODE_TESTS=skip: {} tests on a real node are LEFT OUT\n",
            wanted.len()
        );
        return ExitCode::SUCCESS;
    }
    if let Err(error) = site::demand_machine() {
        println!("{error}\n{LEFT_OUT}\ntest result: FAILED");
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match runtime.block_on(run(&wanted)) {
        0 => ExitCode::SUCCESS,
        failed => {
            println!("\ntest result: FAILED. {failed} of {} failed", wanted.len());
            ExitCode::FAILURE
        }
    }
}

/// Runs the stages one after the other on one node; returns how many failed.
async fn run(stages: &[&stages::Stage]) -> usize {
    let began = Instant::now();
    let mut failed = 0;
    match owner::nothing_is_left_when_the_owner_of_a_node_is_killed().await {
        Ok(()) => println!("test {} ... ok ({:.1} s)", owner::NAME, began.elapsed().as_secs_f32()),
        Err(error) => {
            println!("{error}\ntest {} ... FAILED", owner::NAME);
            failed += 1;
        }
    }
    let began = Instant::now();
    let mut cluster = match Cluster::start().await {
        Ok(cluster) => cluster,
        Err(error) => {
            println!("{error}\n{LEFT_OUT}");
            return stages.len();
        }
    };
    println!("the node is ready after {:.1} s", began.elapsed().as_secs_f32());
    for stage in stages {
        let began = Instant::now();
        let outcome = AssertUnwindSafe((stage.run)(&mut cluster)).catch_unwind().await;
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!(
            "test {} ... {word} ({:.1} s)",
            stage.name,
            began.elapsed().as_secs_f32()
        );
        if outcome.is_err() {
            failed += 1;
            cluster.tell().await;
        }
    }
    let ending = Instant::now();
    drop(cluster);
    let (all, end) = (began.elapsed().as_secs_f32(), ending.elapsed().as_secs_f32());
    println!("the node took {all:.1} s, {end:.1} s of them to end");
    failed
}
