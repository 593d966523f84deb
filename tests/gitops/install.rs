//! The whole page on an empty cluster: Flux installs the operator's chart, then what a team has in Git.
use crate::{
    flux::{Flux, HELM, KUSTOMIZE, SOURCE},
    git::Repository,
    harness::{EMULATOR, EmulatorProcess, OPERATOR, OperatorProcess, Plane, Tenant, condition, in_time, is_ready},
    page, seed,
};
use serde_json::Value;
use std::{path::Path, time::Duration};

const TEAM: &str = "gitops-install";
/// How long Flux may take for the chart, and then for the team's objects.
const INSTALLED: Duration = Duration::from_secs(120);

/// Copies a folder of the working tree into a repository.
fn copy(repository: &Repository, folder: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let path = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
        match root.join(&path).is_dir() {
            true => copy(repository, &path),
            false => repository.write(&path, Some(&std::fs::read_to_string(root.join(&path)).unwrap())),
        }
    }
}

async fn ready(plane: &Plane, kind: &str, name: &str) {
    in_time(&format!("{kind} {name} is Ready"), INSTALLED, async || {
        let args = ["get", kind, name, "-n", "flux-system", "-o", "json"];
        let text = plane.kubectl_ok(&args).await.map_err(|error| error.to_string())?;
        let object: Value = serde_json::from_str(&text).unwrap();
        match condition(&object, "Ready")["status"] == "True" {
            true => Ok(()),
            false => Err(object["status"].to_string()),
        }
    })
    .await;
}

#[tokio::test]
async fn flux_installs_the_chart_and_then_the_fleet_in_an_empty_cluster() {
    let plane = Plane::start().await.unwrap();
    let options = plane.entra_options().await.unwrap();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let emulator = EmulatorProcess::start(&EMULATOR, None, &options).await.unwrap();
    let client = plane.client().await.unwrap();
    let now = emulator.control().now().await.unwrap();
    let tenant = Tenant::new(&client, &emulator, TEAM, seed::resource(TEAM, now)).await;
    let flux = Flux::start(&plane, &[SOURCE, KUSTOMIZE, HELM]).await;

    let repository = Repository::serve().await;
    let authority = emulator.authority().unwrap();
    for (path, text) in page::team(&tenant, authority).await {
        repository.write(&path, Some(&text));
    }
    copy(&repository, "deploy/chart");
    let url = repository.url();
    repository.write("infrastructure/speech-operator.yaml", Some(&page::infrastructure(&url)));
    repository.commit("Speech in Git");
    plane.apply(&page::cluster(TEAM, "flux-system", &url)).await.unwrap();

    ready(&plane, "helmrelease", "speech-operator").await;
    // In place of the Pods of the Deployment.
    let kubeconfig = plane.operator_kubeconfig().await.unwrap();
    let root = plane.entra_root().display().to_string();
    let clock = emulator.control().clock_url();
    let options = [
        "--allow-http",
        "--development-clock",
        &clock,
        "--allowed-authorities",
        authority,
    ];
    let env = [("SSL_CERT_FILE", root.as_str())];
    let mut operator = OperatorProcess::start_unready_with_env(&OPERATOR, &kubeconfig, &options, &env).unwrap();
    operator.wait_until_ready(INSTALLED).await.unwrap();
    ready(&plane, "kustomization", "speech-operator").await;
    ready(&plane, "kustomization", "speech").await;
    tenant
        .within(INSTALLED, "SpeechEndpoint", "claims-hotline", "is Ready", is_ready)
        .await;
    drop(flux);
}
