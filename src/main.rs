//! The operator's command line: reads options, installs what is global, dispatches.
use clap::Parser;
use speech_operator::{
    cli::{Cli, Command, CrdsArgs},
    generate,
};
use std::{error::Error, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Crds(args) => crds(&args),
        Command::Run(_args) => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speech-operator: {}", chain(error.as_ref()));
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

/// The error and all its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
