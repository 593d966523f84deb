//! A control plane, an emulated Speech service, and the operator of a release as a process.
use crate::{
    harness::{EMULATOR, EmulatorProcess, OPERATOR, OperatorProcess, Plane, Tenant, in_time, is_ready},
    seed,
};
use kube::Client;
use serde_json::{Value, json};
use std::time::Duration;

/// How long anything may take that needs no waiting for the service.
pub const SOON: Duration = Duration::from_secs(60);

pub struct Stage {
    pub plane: Plane,
    pub client: Client,
    pub emulator: EmulatorProcess,
}

impl Stage {
    pub async fn start() -> Self {
        let (plane, emulator) = tokio::try_join!(Plane::start(), EmulatorProcess::start(&EMULATOR, None, &[])).unwrap();
        let client = plane.client().await.unwrap();
        Self {
            plane,
            client,
            emulator,
        }
    }

    pub async fn namespace(&self, name: &str) {
        self.plane.kubectl_ok(&["create", "namespace", name]).await.unwrap();
    }

    /// A namespace with a Speech resource of its own, its key and a connection to it.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let now = self.emulator.control().now().await.unwrap();
        let tenant = Tenant::new(&self.client, &self.emulator, name, seed::resource(name, now)).await;
        tenant.secret(&seed::key(name, 1)).await;
        tenant.connection_named("speech", json!({"pollInterval": "5s"})).await;
        tenant
    }

    /// The operator as the Deployment of a release runs it: its options, its variables, its account, in a pod of this name.
    pub async fn operator(&self, namespace: &str, deployment: &str, pod: &str) -> OperatorProcess {
        let mut operator = self.unready_operator(namespace, deployment, pod).await;
        operator.wait_until_ready(SOON).await.unwrap();
        operator
    }

    pub async fn unready_operator(&self, namespace: &str, deployment: &str, pod: &str) -> OperatorProcess {
        let args = ["get", "deployment", deployment, "-n", namespace, "-o", "json"];
        let found = self.plane.kubectl_ok(&args).await.unwrap();
        let found: Value = serde_json::from_str(&found).unwrap();
        let pod_spec = &found["spec"]["template"]["spec"];
        let account = pod_spec["serviceAccountName"].as_str().unwrap();
        let kubeconfig = self.plane.service_account_kubeconfig(namespace, account).await.unwrap();
        let all = pod_spec["containers"][0]["args"].as_array().unwrap();
        let options: Vec<&str> = all.iter().map(|arg| arg.as_str().unwrap()).collect();
        let (command, options) = options.split_first().unwrap();
        assert_eq!(*command, "run");
        let clock = self.emulator.control().clock_url();
        let emulated = ["--allow-http", "--development-clock", &clock];
        let options = [options, &emulated].concat();
        let env = [("POD_NAME", pod), ("POD_NAMESPACE", namespace)];
        OperatorProcess::start_unready_with_env(&OPERATOR, &kubeconfig, &options, &env).unwrap()
    }

    /// Who holds the Lease of a release.
    pub async fn leader(&self, namespace: &str, lease: &str) -> String {
        let args = [
            "get",
            "lease",
            lease,
            "-n",
            namespace,
            "-o",
            "jsonpath={.spec.holderIdentity}",
        ];
        self.plane.kubectl(&args).await.unwrap().stdout
    }

    pub async fn leads(&self, namespace: &str, lease: &str, pod: &str) {
        in_time(&format!("{pod} leads by {lease}"), SOON, async || {
            match self.leader(namespace, lease).await {
                holder if holder.starts_with(pod) => Ok(()),
                holder => Err(holder),
            }
        })
        .await;
    }
}

/// Waits until an object is Ready; returns it.
pub async fn ready(tenant: &Tenant, kind: &str, name: &str) -> Value {
    tenant.within(SOON, kind, name, "is Ready", is_ready).await
}
