//! Azure, as far as the node knows it: the emulator in a Pod.
use crate::{
    cluster::Cluster,
    harness::{Control, HarnessError, ISSUER, eventually},
    seed,
};
use serde_json::{Value, json};
use std::time::Duration;

/// The namespace of the emulator.
pub const NAMESPACE: &str = "azure";
pub const SERVICE: &str = "speech-emulator";
const DEADLINE: Duration = Duration::from_secs(120);
/// The datasets that README.md names, and one more.
pub const DATASETS: [&str; 2] = ["4c6b2f18-3d5e-4b7a-9c8d-0e1f2a3b4c04", seed::MORE_TEXT];

/// The Speech resources, by the addresses of the emulator's Pod.
pub struct Azure {
    pub control: Control,
    address: String,
}

impl Azure {
    /// Where the emulator is reached from outside of the cluster.
    pub fn url(&self) -> String {
        format!("http://{}:8765", self.address)
    }

    pub fn authority(&self) -> String {
        format!("https://{}:8766", self.address)
    }

    /// One that nobody can ask, until the Pod runs.
    pub fn absent() -> Result<Self, HarnessError> {
        Self::at("192.0.2.1")
    }

    fn at(address: &str) -> Result<Self, HarnessError> {
        let control = Control::new(&format!("http://{address}:8765"))?;
        Ok(Self {
            control,
            address: address.to_owned(),
        })
    }

    /// Starts the emulator in a Pod behind a Service, and gives it two Speech resources: one with a key, one without.
    pub async fn start(cluster: &Cluster) -> Result<Self, HarnessError> {
        let keys = cluster.plane.kubectl_ok(&["get", "--raw", "/openid/v1/jwks"]).await?;
        for object in [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "jwks", "namespace": NAMESPACE}, "data": {"jwks.json": keys}}),
            pod(&cluster.emulator_image),
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE, "namespace": NAMESPACE},
                "spec": {"selector": {"app": SERVICE}, "ports": [{"port": 80, "targetPort": 8765}]},
            }),
        ] {
            cluster.plane.apply(&object.to_string()).await?;
        }
        let address = eventually("the emulator is Ready", DEADLINE, async || {
            let args = ["get", "pod", SERVICE, "-n", NAMESPACE, "-o", "json"];
            let pod = cluster
                .plane
                .kubectl_ok(&args)
                .await
                .map_err(|error| error.to_string())?;
            let pod: Value = serde_json::from_str(&pod).map_err(|error| error.to_string())?;
            let is_ready = crate::harness::condition(&pod, "Ready")["status"] == "True";
            let address = pod["status"]["podIP"].as_str().filter(|_| is_ready);
            address.map(str::to_owned).ok_or_else(|| pod["status"].to_string())
        })
        .await?;
        let azure = Self::at(&address)?;
        let now = azure.control.now().await?;
        for name in ["westeurope", "my-speech"] {
            let mut resource = seed::resource(name, now);
            resource["datasets"] = json!(DATASETS.map(|id| json!({
                "id": id, "displayName": "phrases", "kind": "Language", "locale": "en-US",
                "contentUrl": "https://contoso.example/text.txt",
            })));
            resource["models"][0]["datasets"] = json!([DATASETS[0]]);
            resource["rateLimit"] = json!({"requests": 0, "perSeconds": 10});
            azure.control.put_resource(name, resource).await?;
        }
        // As a resource of a team that has switched its keys off.
        azure
            .control
            .put_resource("my-speech", json!({"disableLocalAuth": true}))
            .await?;
        Ok(azure)
    }

    /// The requests to a Speech resource that could change something.
    pub async fn writes(&self, resource: &str) -> usize {
        self.journal(resource)
            .await
            .iter()
            .filter(|entry| entry["method"] != "GET")
            .count()
    }

    pub async fn journal(&self, resource: &str) -> Vec<Value> {
        let path = format!("journal?resource={resource}&limit=200000");
        let mut answer = self.control.request(reqwest::Method::GET, &path, None).await.unwrap();
        serde_json::from_value(answer["entries"].take()).unwrap()
    }
}

fn pod(image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE, "labels": {"app": SERVICE}},
        "spec": {
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532},
            "containers": [{
                "name": "emulator", "image": image,
                "args": [
                    "--now", jiff::Timestamp::now().to_string(), // as the node's own clock
                    "--listen", "0.0.0.0:8765", "--entra-listen", "0.0.0.0:8766", "--entra-ca", "/root-certificate/ca.pem",
                    "--entra-issuer", ISSUER, "--entra-jwks", "/jwks/jwks.json",
                ],
                "ports": [{"name": "speech", "containerPort": 8765}],
                "readinessProbe": {"tcpSocket": {"port": 8765}, "periodSeconds": 1},
                "volumeMounts": [
                    {"name": "jwks", "mountPath": "/jwks", "readOnly": true},
                    {"name": "root-certificate", "mountPath": "/root-certificate"},
                ],
            }],
            "volumes": [
                {"name": "jwks", "configMap": {"name": "jwks"}},
                {"name": "root-certificate", "emptyDir": {}},
            ],
        },
    })
}
