//! The definitions of the kinds of Argo CD and Flux.
use crate::harness::{Plane, in_time};
use std::{path::Path, time::Duration};

/// Applies a file or a folder with definitions and waits until the API server knows all kinds.
pub async fn define(plane: &Plane, path: &Path) {
    let path = path.display().to_string();
    let args = ["apply", "--server-side", "--force-conflicts", "--filename", &path];
    plane.kubectl_ok(&args).await.unwrap();
    // kubectl gives up on a definition that has no conditions yet.
    in_time("all kinds are known", Duration::from_secs(30), async || {
        plane.know_all_kinds().await.map_err(|error| error.to_string())
    })
    .await;
}
