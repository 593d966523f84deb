//! The CRDs, the roles and the samples, judged by a real API server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code; the lints only know functions marked #[test]"
)]

mod behaviour;
mod cases;
mod deploy;
mod gitops;
#[path = "../harness/mod.rs"]
mod harness;
mod lint;
mod previous;
mod schema;

use harness::{HarnessError, Plane};
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

/// The plane that all tests of this binary share, with the CRDs installed. It dies with the process.
async fn plane() -> Result<&'static Plane, HarnessError> {
    static PLANE: OnceCell<Plane> = OnceCell::const_new();
    let start = async || {
        let plane = Plane::start().await?;
        let folder = repository().join("crds");
        plane.kubectl_ok(&["apply", "--filename", &text(&folder)]).await?;
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        plane.kubectl_ok(&established).await?;
        Ok(plane)
    };
    PLANE.get_or_try_init(start).await
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
