//! The operator's command line: reads options and dispatches.
use clap::Parser;
use speech_operator::{
    calendar::command,
    cli::{Cli, Command, CrdsArgs, PlanArgs},
    generate, run, simulate, telemetry,
};
use std::{error::Error, process::ExitCode};

/// One thread: the operator waits for others nearly all the time. A second thread would add wake-ups between threads and
/// another arena of the allocator, for no gain.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Crds(args) => crds(&args),
        Command::Run(args) => run::run(*args).await.map_err(Into::into),
        Command::Plan(args) => return plan(&args).await,
        Command::Simulate(args) => simulate::command(&args).map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speech-operator: {}", telemetry::chain(error.as_ref()));
            // At once: the end of `main` would wait for threads that look up names, and a leader that lost its Lease must go.
            std::process::exit(1)
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
