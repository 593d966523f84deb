//! A cluster of one node, with what the operator meets in one: names, Services, policies, a registry, and Azure.
use crate::{
    azure::Azure,
    daemons::{DNS, Daemons, PAUSE, REGISTRY},
    harness::{HarnessError, NODE, Plane, Site as PlaneSite, condition, eventually, installed},
    images,
    site::{NODE_ADDRESS, PODS, SERVICES, Site},
};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// How long the node may take to be Ready.
const DEADLINE: Duration = Duration::from_secs(120);

/// Dropping it ends everything, the clients before their servers and the namespaces last.
pub struct Cluster {
    pub azure: Azure,
    daemons: Daemons,
    pub plane: Plane,
    pub site: Site,
    pub emulator_image: String,
    /// The root certificate of what stands for Azure.
    pub cloud_root: PathBuf,
}

impl Cluster {
    /// Starts all but the operator. The error says what this machine lacks.
    pub async fn start() -> Result<Self, HarnessError> {
        let assets = installed("tests/node")?;
        installed("tests/chart")?;
        let site = Site::make(assets).await?;
        let enter = site.enter()?;
        let at = PlaneSite::Node {
            enter,
            address: NODE_ADDRESS,
            services: SERVICES.to_owned(),
        };
        let (plane, layouts) = tokio::join!(Plane::start_at(at), layouts());
        let (plane, [operator, emulator]) = (plane?, layouts?);
        let mut daemons = Daemons::new(&site);
        daemons.start_registry(&site).await?;
        images::push_pause(&site, REGISTRY).await?;
        // Under the names that the chart and the emulator's documents have.
        let version = env!("CARGO_PKG_VERSION");
        images::push(
            &site,
            &operator,
            &format!("{REGISTRY}/speech-operator/speech-operator:v{version}"),
        )
        .await?;
        let emulator_image = format!("ghcr.io/speech-operator/speech-emulator:v{version}");
        let pushed = emulator_image.replace("ghcr.io", REGISTRY);
        images::push(&site, &emulator, &pushed).await?;
        daemons.start_containerd(&site, &plane).await?;
        daemons.start_services(&site, &plane)?;
        daemons.start_kubelet(&site, &plane)?;
        let (azure, cloud_root) = (Azure::absent()?, PathBuf::new());
        let mut cluster = Self {
            azure,
            daemons,
            plane,
            site,
            emulator_image,
            cloud_root,
        };
        match cluster.complete().await {
            Ok(()) => Ok(cluster),
            Err(error) => {
                cluster.tell().await;
                Err(error)
            }
        }
    }

    async fn complete(&mut self) -> Result<(), HarnessError> {
        self.plane.apply(&dns().to_string()).await?;
        self.wait_for_the_node().await?;
        let cidr = json!({"spec": {"podCIDR": PODS, "podCIDRs": [PODS]}}).to_string();
        self.plane.kubectl_ok(&["patch", "node", NODE, "-p", &cidr]).await?;
        self.daemons.start_firewall(&self.site, &self.plane)?;
        self.azure = Azure::start(self).await?;
        let (speech, entra) = (self.azure.url(), self.azure.authority());
        self.cloud_root = self.daemons.start_cloud(&self.site, &speech, &entra).await?;
        self.daemons.check()
    }

    async fn wait_for_the_node(&mut self) -> Result<(), HarnessError> {
        let (plane, daemons) = (&self.plane, &mut self.daemons);
        let mut ended = None;
        let ready = eventually("the node is Ready", DEADLINE, async || {
            if let Err(error) = daemons.check() {
                ended = Some(error);
                return Ok(());
            }
            let node = plane
                .kubectl(&["get", "node", NODE, "-o", "json"])
                .await
                .map_err(|error| error.to_string())?;
            let object: Value = serde_json::from_str(&node.stdout).map_err(|_| node.stderr)?;
            let is_tainted = object["spec"]["taints"].is_array();
            match condition(&object, "Ready") {
                condition if condition["status"] == "True" && !is_tainted => Ok(()),
                condition => Err(condition.to_string()),
            }
        });
        ready.await?;
        ended.map_or(Ok(()), Err)
    }

    /// Waits until objects of a namespace are Ready, as a person does with `kubectl wait`.
    pub async fn ready(&self, namespace: &str, objects: &[&str], deadline: Duration) {
        let deadline = format!("--timeout={}s", deadline.as_secs());
        let args = [&["wait", "-n", namespace, "--for=condition=Ready", &deadline], objects].concat();
        self.plane.kubectl_ok(&args).await.unwrap();
    }

    /// What helps to find why a stage failed.
    pub async fn tell(&mut self) {
        if let Err(error) = self.daemons.check() {
            println!("{error}");
        }
        for args in [
            &["get", "pods", "-A", "-o", "wide"][..],
            &["get", "events", "-A", "--sort-by=.lastTimestamp"],
            &["get", "spconn,spmodel,spep", "-A", "-o", "yaml"],
            &[
                "logs",
                "-n",
                "speech-system",
                "-l",
                "app.kubernetes.io/name=speech-operator",
                "--prefix",
                "--tail=30",
            ],
        ] {
            if let Ok(output) = self.plane.kubectl(args).await {
                println!("kubectl {}\n{}{}", args.join(" "), output.stdout, output.stderr);
            }
        }
        println!(
            "logs: {} and {}, which HARNESS_KEEP=1 keeps",
            self.site.folder().path().display(),
            self.plane.folder().path().display()
        );
    }
}

/// The images of the shipped programs, built if they are not.
async fn layouts() -> Result<[PathBuf; 2], HarnessError> {
    Ok([
        images::built("speech-operator").await?,
        images::built("speech-emulator").await?,
    ])
}

/// The Service in front of the DNS server, which runs beside the cluster.
fn dns() -> Value {
    let metadata =
        json!({"name": "kube-dns", "namespace": "kube-system", "labels": {"kubernetes.io/service-name": "kube-dns"}});
    let ports =
        json!([{"name": "dns", "protocol": "UDP", "port": 53}, {"name": "dns-tcp", "protocol": "TCP", "port": 53}]);
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"clusterIP": DNS, "ports": ports}},
        {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4",
            "ports": ports, "endpoints": [{"addresses": [NODE_ADDRESS.to_string()], "conditions": {"ready": true}}],
        },
    ]})
}

/// A Pod that does nothing, with labels; others look out of its network.
pub fn idle_pod(namespace: &str, name: &str, labels: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "idle", "image": PAUSE, "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
            }}],
        },
    })
}
