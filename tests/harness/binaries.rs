//! Where the programs and files are that the scripts of `tests` install.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::HarnessError;

/// The folder with what `tests/WHAT/install.sh` installs. Nothing is installed here: a test must not be the one that takes
/// minutes.
///
/// # Errors
///
/// When it is missing; the script says what to do.
pub fn installed(what: &str) -> Result<PathBuf, HarnessError> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/{what}/install.sh"));
    let output = Command::new(&script)
        .arg("--print")
        .output()
        .map_err(|source| HarnessError::Spawn {
            program: script.clone(),
            source,
        })?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    match stdout.lines().last() {
        Some(folder) if output.status.success() => Ok(PathBuf::from(folder)),
        _ => Err(HarnessError::NotInstalled {
            what: what.to_owned(),
            told: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}
