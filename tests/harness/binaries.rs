//! Where the control plane's programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::HarnessError;

/// The folder with etcd, kube-apiserver, kube-controller-manager and kubectl, as the install script finds it. Nothing
/// is installed here: a test must not be the one that takes minutes.
pub(super) fn folder() -> Result<PathBuf, HarnessError> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane/install.sh");
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
        _ => Err(HarnessError::BinariesMissing(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}
