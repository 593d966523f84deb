//! `kubectl speech`, as kubectl finds it on the PATH.
use clap::Parser;
use kubectl_speech::{args::Cli, run};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(Cli::parse()).await
}
