//! The simulator's command line.
use clap::Parser;
use speech_service::error::chain;
use speech_sim::{SimulateArgs, command};
use std::process::ExitCode;

fn main() -> ExitCode {
    match command(&SimulateArgs::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speech-sim: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}
