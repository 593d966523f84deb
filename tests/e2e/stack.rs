//! A control plane, an emulator and an operator, and one Speech resource and namespace per test.
use crate::harness::{EmulatorProcess, HarnessError, OperatorProcess, Plane, eventually};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// How long anything may take that needs no waiting for the service.
pub const SOON: Duration = Duration::from_secs(30);

const OPERATOR: &str = env!("CARGO_BIN_EXE_speech-operator");
const EMULATOR: &str = env!("CARGO_BIN_EXE_speech-emulator");

/// Everything that runs.
pub struct Stack {
    pub plane: Plane,
    pub emulator: EmulatorProcess,
    pub operator: OperatorProcess,
}

impl Stack {
    /// Starts all, the operator under its own ServiceAccount.
    pub async fn start() -> Result<Self, HarnessError> {
        let plane = Plane::start().await?;
        install(&plane).await?;
        let emulator = EmulatorProcess::start(Path::new(EMULATOR), None, &[]).await?;
        let operator = start_operator(&plane, &emulator).await?;
        Ok(Self {
            plane,
            emulator,
            operator,
        })
    }
}

/// Applies what `deploy/` ships, as a user does, but for the Deployment: the operator runs as a process here.
async fn install(plane: &Plane) -> Result<(), HarnessError> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    plane.kubectl_ok(&["apply", "-f", &format!("{root}crds")]).await?;
    plane
        .kubectl_ok(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"])
        .await?;
    plane.kubectl_ok(&["create", "namespace", "speech-system"]).await?;
    plane
        .kubectl_ok(&["apply", "-f", &format!("{root}deploy/base/rbac.yaml")])
        .await?;
    Ok(())
}

/// Starts an operator beside the emulator's clock.
pub async fn start_operator(plane: &Plane, emulator: &EmulatorProcess) -> Result<OperatorProcess, HarnessError> {
    let kubeconfig = plane
        .service_account_kubeconfig("speech-system", "speech-operator")
        .await?;
    let clock = emulator.control().clock_url();
    OperatorProcess::start_with_emulator(Path::new(OPERATOR), &kubeconfig, &clock, &[]).await
}
