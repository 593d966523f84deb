//! The operator's command line: reads options and dispatches.
use clap::Parser;
use speech_operator::{
    calendar::command,
    cli::{Cli, Command, CrdsArgs, PlanArgs},
    generate, last_word, run, simulate, telemetry,
};
use std::{error::Error, process::ExitCode};

/// What a process ends with that could not do its work.
const FAILED: u8 = 1;

/// One thread: the operator waits for others nearly all the time. A second thread would add wake-ups between threads and
/// another arena of the allocator, for no gain.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Crds(args) => crds(&args),
        Command::Run(args) => match run::run(*args).await {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => {
                last_word::failed(&error, FAILED);
                // At once: the end of `main` would wait for threads that look up names, and a leader that lost its Lease must go.
                std::process::exit(FAILED.into())
            }
        },
        Command::Plan(args) => return plan(&args).await,
        Command::Simulate(args) => simulate::command(&args).map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speech-operator: {}", telemetry::chain(error.as_ref()));
            ExitCode::from(FAILED)
        }
    }
}

/// As `grep` and `diff` do: 1 is an answer, 2 is trouble.
async fn plan(args: &PlanArgs) -> ExitCode {
    match command::plan("speech-operator", args).await {
        Ok(at_risk) if at_risk && args.fail_on_risk => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speech-operator: {}", telemetry::chain(&error));
            ExitCode::from(2)
        }
    }
}

fn crds(args: &CrdsArgs) -> Result<(), Box<dyn Error>> {
    match (&args.write, &args.check) {
        (Some(root), _) => generate::write(root)?,
        (None, Some(root)) => generate::check(root)?,
        (None, None) => {
            for file in generate::files()?.iter().filter(|file| file.path.starts_with("crds")) {
                println!("---\n{}", file.content);
            }
        }
    }
    Ok(())
}
