//! The operator's command line: reads options and dispatches.
use clap::Parser;
use speech_fleet::command::{self, PlanArgs};
use speech_operator::{
    cli::{Cli, Command},
    last_word, run,
};
use speech_service::error::chain;
use std::process::ExitCode;

/// What a process ends with that could not do its work.
const FAILED: u8 = 1;

/// One thread: the operator waits for others nearly all the time. A second thread would add wake-ups between threads and
/// another arena of the allocator, for no gain.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => match run::run(*args).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                last_word::failed(&error, FAILED);
                // At once: the end of `main` would wait for threads that look up names, and a leader that lost its Lease must go.
                std::process::exit(FAILED.into())
            }
        },
        Command::Plan(args) => plan(&args).await,
    }
}

/// As `grep` and `diff` do: 1 is an answer, 2 is trouble.
async fn plan(args: &PlanArgs) -> ExitCode {
    match command::plan("speech-operator", args).await {
        Ok(at_risk) if at_risk && args.fail_on_risk => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speech-operator: {}", chain(&error));
            ExitCode::from(2)
        }
    }
}
