//! Programs that are run for what they print.
use std::{io, path::Path, process::Command};

/// Why a program gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error("{program} cannot be started")]
    Start { program: String, source: io::Error },
    #[error("{program} failed: {message}")]
    Failed { program: String, message: String },
}

/// What a program prints on standard output.
pub fn output(program: &str, args: &[&str], folder: &Path) -> Result<String, ToolError> {
    let output = Command::new(program).args(args).current_dir(folder).output();
    let output = output.map_err(|source| ToolError::Start {
        program: program.to_owned(),
        source,
    })?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(ToolError::Failed {
            program: program.to_owned(),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}
