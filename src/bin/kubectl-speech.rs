//! `kubectl speech`, as kubectl finds it on the PATH.
use clap::Parser;
use speech_operator::kubectl::{self, args::Cli};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    kubectl::run(Cli::parse()).await
}
