//! One file that installs everything without Helm.
use super::ReleaseError;
use crate::tool;
use std::path::Path;

const HEADER: &str = "# The definitions and the operator, for clusters without Helm: kubectl apply -f install.yaml\n\
                      # To delete the operator and keep all objects, do not delete this file's definitions: docs/uninstall.md\n";

/// The definitions and `deploy/base`, as kustomize gives them, with the image by its digest.
pub fn of(root: &Path, image: &str, digest: &str) -> Result<String, ReleaseError> {
    let script = root.join("tests/control-plane/install.sh").display().to_string();
    let programs = tool::output(&script, &["--print"], root)?;
    let kubectl = format!("{}/kubectl", programs.trim());
    let definitions = tool::output(&kubectl, &["kustomize", "crds"], root)?;
    let base = tool::output(&kubectl, &["kustomize", "deploy/base"], root)?;
    pinned(&format!("{HEADER}{definitions}---\n{base}"), image, digest)
}

/// The same objects with the image by its digest. The tag stays, for people.
pub fn pinned(manifest: &str, image: &str, digest: &str) -> Result<String, ReleaseError> {
    let expected = format!("image: {image}\n");
    match manifest.matches(&expected).count() {
        1 => Ok(manifest.replace(&expected, &format!("image: {image}@{digest}\n"))),
        _ => Err(ReleaseError::Unexpected {
            file: "deploy/base",
            expected: expected.trim_end().to_owned(),
        }),
    }
}
