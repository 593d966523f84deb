//! The operator's command line: reads options and dispatches.
use clap::Parser;
use speech_operator::{
    cli::{Cli, Command, CrdsArgs},
    generate, run, simulate, telemetry,
};
use std::{error::Error, process::ExitCode};

/// One thread: the operator waits for others nearly all the time. A second thread would add wake-ups between threads and
/// another arena of the allocator, for no gain.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Crds(args) => crds(&args),
        Command::Run(args) => run::run(args).await.map_err(Into::into),
        Command::Simulate(args) => simulate::command(&args).map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speech-operator: {}", telemetry::chain(error.as_ref()));
            ExitCode::FAILURE
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
