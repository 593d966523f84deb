//! The operator's Pods, and what can be reached from a Pod.
use crate::{
    cluster::Cluster,
    harness::{condition, in_time},
};
use serde_json::Value;
use std::{process::Stdio, time::Duration};
use tokio::process::Command;

pub const NAMESPACE: &str = "speech-system";
pub const RELEASE: &str = "speech-operator";
/// How long a Pod may take to be Ready.
pub const SOON: Duration = Duration::from_secs(120);
const SELECTOR: &str = "app.kubernetes.io/name=speech-operator";

pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready")["status"] == "True" && pod["metadata"]["deletionTimestamp"].is_null()
}

impl Cluster {
    pub async fn object(&self, namespace: &str, kind: &str, name: &str) -> Value {
        let object = self
            .plane
            .kubectl_ok(&["get", kind, name, "-n", namespace, "-o", "json"])
            .await
            .unwrap();
        serde_json::from_str(&object).unwrap()
    }

    pub async fn objects(&self, namespace: &str, kind: &str, selector: &str) -> Vec<Value> {
        let args = ["get", kind, "-n", namespace, "-l", selector, "-o", "json"];
        let mut list: Value = serde_json::from_str(&self.plane.kubectl_ok(&args).await.unwrap()).unwrap();
        serde_json::from_value(list["items"].take()).unwrap()
    }

    /// The operator's Pods, as soon as there are two, both Ready, none ending, and all of the Deployment's present template.
    pub async fn replicas(&self) -> Vec<Value> {
        in_time("both replicas are Ready", SOON, async || {
            let deployment = self.object(NAMESPACE, "deployment", RELEASE).await;
            let status = &deployment["status"];
            let is_seen = status["observedGeneration"] == deployment["metadata"]["generation"];
            let pods = self.objects(NAMESPACE, "pods", SELECTOR).await;
            if is_seen && status["updatedReplicas"] == 2 && pods.len() == 2 && pods.iter().all(is_ready) {
                return Ok(pods);
            }
            Err(format!("{status}"))
        })
        .await
    }

    /// The Pod that acts: the holder of the Lease.
    pub async fn leader(&self) -> String {
        let lease = self.object(NAMESPACE, "lease", RELEASE).await;
        lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }

    /// Applies a Pod and waits until it is Ready; returns it.
    pub async fn pod(&self, pod: &Value) -> Value {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap();
        in_time("a Pod is applied", SOON, async || {
            // Its namespace may have no ServiceAccount yet.
            self.plane
                .apply(&pod.to_string())
                .await
                .map_err(|error| error.to_string())
        })
        .await;
        in_time("a Pod is Ready", SOON, async || {
            match self.object(namespace, "pod", name(pod)).await {
                pod if is_ready(&pod) => Ok(pod),
                pod => Err(pod["status"].to_string()),
            }
        })
        .await
    }

    /// Runs a program of this machine in the network of a Pod; returns its output if it succeeds.
    pub async fn in_network_of(&self, pod: &Value, command: &[&str]) -> Option<String> {
        let uid = pod["metadata"]["uid"].as_str().unwrap();
        let process = *self
            .site
            .processes(uid)
            .first()
            .unwrap_or_else(|| panic!("{} has no process", name(pod)));
        let output = Command::new("nsenter")
            .arg(format!("--net=/proc/{process}/ns/net"))
            .args(command)
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The process of an operator's Pod, by its id on this machine.
    pub fn operator_process(&self, pod: &Value) -> u32 {
        let uid = pod["metadata"]["uid"].as_str().unwrap();
        let is_operator = |id: &u32| {
            let name = std::fs::read_to_string(format!("/proc/{id}/comm"));
            name.is_ok_and(|name| name.trim() == RELEASE)
        };
        self.site.processes(uid).into_iter().find(is_operator).unwrap()
    }

    /// Whether a connection from a Pod to an address and port is made within two seconds.
    pub async fn reaches(&self, pod: &Value, address: &str, port: u16) -> bool {
        let connect = format!("exec 3<>/dev/tcp/{address}/{port}");
        self.in_network_of(pod, &["timeout", "2", "bash", "-c", &connect])
            .await
            .is_some()
    }
}
