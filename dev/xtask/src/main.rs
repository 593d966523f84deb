//! `cargo xtask`: the tools of this repository.
use clap::{Parser, Subcommand};
use speech_service::error::chain;
use std::{error::Error, path::PathBuf, process::ExitCode};

/// The tools of this repository.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the CustomResourceDefinitions.
    Crds,
    /// Write all generated files into the repository.
    Generate {
        /// Write nothing; fail if a generated file differs from the code.
        #[arg(long)]
        check: bool,
        /// The root of the repository.
        #[arg(long, value_name = "DIR", default_value = ".")]
        root: PathBuf,
    },
    /// Build a static program and write it as an OCI image.
    Image(xtask::ImageArgs),
    /// Make everything that the page of a release holds.
    Release(xtask::ReleaseArgs),
    /// Render the chart into deploy/base, and its table of values. Needs tests/chart/install.sh.
    Render {
        /// Write nothing; fail if a file differs from what the chart gives.
        #[arg(long)]
        check: bool,
        /// The root of the repository.
        #[arg(long, value_name = "DIR", default_value = ".")]
        root: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Crds => {
            for file in xtask::files()?.iter().filter(|file| file.path.starts_with("crds")) {
                println!("---\n{}", file.content);
            }
        }
        Command::Generate { check: true, root } => xtask::check(&root)?,
        Command::Generate { check: false, root } => xtask::write(&root)?,
        Command::Image(args) => xtask::image(&args)?,
        Command::Release(args) => xtask::release(&args)?,
        Command::Render { check, root } => xtask::render(&root, check)?,
    }
    Ok(())
}
