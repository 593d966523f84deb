//! kube-state-metrics with our configuration, as a process, and the configuration itself.
use crate::{
    documents::yaml,
    harness::{Folder, Plane, Process, free_address, in_time, installed},
};
use jiff::Timestamp;
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

const CONFIG: &str = "deploy/monitoring/kube-state-metrics.yaml";

/// It finds the definitions of our kinds first, and then reads the objects.
const LOADED: Duration = Duration::from_secs(60);

fn config() -> Value {
    yaml(CONFIG)
}

fn words(path: &Value) -> Vec<&str> {
    path.as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect()
}

/// Each resource of the configuration with each of its metrics.
fn metrics(config: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let resources = config["spec"]["resources"].as_array().unwrap().iter();
    resources.flat_map(|resource| {
        resource["metrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(move |metric| (resource, metric))
    })
}

fn name(resource: &Value, metric: &Value) -> String {
    let part = |value: &Value| value.as_str().unwrap().to_owned();
    format!("{}_{}", part(&resource["metricNamePrefix"]), part(&metric["name"]))
}

/// The names of all metrics that are configured.
pub fn names() -> Vec<String> {
    let config = config();
    metrics(&config)
        .map(|(resource, metric)| name(resource, metric))
        .collect()
}

/// A running kube-state-metrics with the shipped configuration, under the shipped role.
pub struct KubeState {
    process: Process,
    address: String,
    _folder: Folder,
}

impl KubeState {
    /// Starts it and waits until it tells something.
    pub async fn start(plane: &Plane) -> Self {
        let role = "deploy/monitoring/kube-state-metrics-role.yaml";
        let role = format!("{}/{role}", env!("CARGO_MANIFEST_DIR"));
        let bind = "create clusterrolebinding kube-state-metrics-speech --clusterrole=kube-state-metrics-speech --serviceaccount=kube-system:kube-state-metrics";
        for args in [
            "create serviceaccount kube-state-metrics -n kube-system",
            &format!("apply -f {role}"),
            bind,
        ] {
            let args: Vec<&str> = args.split(' ').collect();
            plane.kubectl_ok(&args).await.unwrap();
        }
        let kubeconfig = plane.service_account_kubeconfig("kube-system", "kube-state-metrics");
        let kubeconfig = kubeconfig.await.unwrap();
        let place = Folder::new("kube-state-metrics").unwrap();
        let (address, own) = (free_address().unwrap(), free_address().unwrap());
        let port = |address: &str| address.rsplit(':').next().unwrap().to_owned();
        let config = format!("{}/{CONFIG}", env!("CARGO_MANIFEST_DIR"));
        let args = [
            format!("--kubeconfig={}", kubeconfig.display()),
            "--custom-resource-state-only".to_owned(),
            format!("--custom-resource-state-config-file={config}"),
            "--host=127.0.0.1".to_owned(),
            format!("--port={}", port(&address)),
            "--telemetry-host=127.0.0.1".to_owned(),
            format!("--telemetry-port={}", port(&own)),
        ];
        let program = installed("tests/kube-state-metrics")
            .unwrap()
            .join("kube-state-metrics");
        let log = place.path().join("log");
        let process = Process::start("kube-state-metrics", &program, &args, &[], &log).unwrap();
        Self {
            process,
            address,
            _folder: place,
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until it tells exactly the dates that stand in the status of these objects.
    pub async fn tells_the_dates_of(&mut self, objects: impl AsyncFn() -> Vec<Value>) {
        let url = format!("http://{}/metrics", self.address);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        in_time(
            "kube-state-metrics tells the dates of the objects",
            LOADED,
            async || {
                self.process.check_running().unwrap();
                let told = http
                    .get(&url)
                    .send()
                    .await
                    .and_then(reqwest::Response::error_for_status);
                let told = told.map_err(|error| error.to_string())?;
                let told = series(&told.text().await.map_err(|error| error.to_string())?);
                let expected = dates(&objects().await);
                assert!(expected.len() > 10, "{expected:?}");
                let differ: Vec<_> = told.symmetric_difference(&expected).collect();
                if differ.is_empty() {
                    Ok(())
                } else {
                    Err(format!("{differ:#?}"))
                }
            },
        )
        .await;
    }
}

/// One series: its name, namespace, object, action and value.
type Series = (String, String, String, String, i64);

/// What an exposition tells.
fn series(exposition: &str) -> BTreeSet<Series> {
    let lines = exposition.lines().filter(|line| !line.starts_with('#'));
    let one = |line: &str| {
        let (name, rest) = line.split_once('{').unwrap();
        let (labels, value) = rest.split_once("} ").unwrap();
        let label = |name: &str| {
            let found = labels
                .split(',')
                .find_map(|label| label.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_default().trim_matches('"').to_owned()
        };
        let value: f64 = value.parse().unwrap();
        #[allow(clippy::cast_possible_truncation)]
        let value = value as i64;
        (
            name.to_owned(),
            label("namespace"),
            label("name"),
            label("action"),
            value,
        )
    };
    lines.map(one).collect()
}

/// What should be told of these objects, each with its `kind`.
fn dates(objects: &[Value]) -> BTreeSet<Series> {
    let mut all = BTreeSet::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for object in objects {
        let (stem, serving) = match object["kind"].as_str() {
            Some("SpeechEndpoint") => ("kube_customresource_speech_endpoint", "active"),
            _ => ("kube_customresource_speech_model", "current"),
        };
        let of = |name: &str, action: String, date: &Value| {
            let date: Timestamp = date.as_str()?.parse().unwrap();
            let name = format!("{stem}_{name}_timestamp_seconds");
            let metadata = &object["metadata"];
            Some((
                name,
                text(&metadata["namespace"]),
                text(&metadata["name"]),
                action,
                date.as_second(),
            ))
        };
        all.extend(of("expiry", String::new(), &object["status"][serving]["expiresAt"]));
        for step in object["status"]["plan"].as_array().into_iter().flatten() {
            all.extend(of("step", text(&step["action"]), &step["at"]));
        }
    }
    all
}

#[test]
fn the_configuration_has_the_members_that_kube_state_metrics_knows_and_no_others() {
    let config = config();
    let only = |value: &Value, allowed: &[&str]| {
        for key in value.as_object().unwrap().keys() {
            assert!(allowed.contains(&key.as_str()), "{key} in {value}");
        }
    };
    assert_eq!(config["kind"], "CustomResourceStateMetrics");
    only(&config, &["kind", "spec"]);
    only(&config["spec"], &["resources"]);
    for (resource, metric) in metrics(&config) {
        only(
            resource,
            &["groupVersionKind", "metricNamePrefix", "labelsFromPath", "metrics"],
        );
        only(&resource["groupVersionKind"], &["group", "version", "kind"]);
        only(metric, &["name", "help", "each"]);
        only(&metric["each"], &["type", "gauge"]);
        only(&metric["each"]["gauge"], &["path", "labelsFromPath", "valueFrom"]);
    }
}

#[test]
fn every_path_is_one_of_the_schema() {
    let config = config();
    for (resource, metric) in metrics(&config) {
        let kind = resource["groupVersionKind"]["kind"].as_str().unwrap().to_lowercase();
        let crd = yaml(&format!("crds/{kind}s.yaml"));
        assert_eq!(resource["groupVersionKind"]["group"], crd["spec"]["group"]);
        let version = &crd["spec"]["versions"][0];
        assert_eq!(resource["groupVersionKind"]["version"], version["name"]);
        let step = |schema: &Value, word: &str| schema["properties"][word].clone();
        let gauge = &metric["each"]["gauge"];
        let mut found = words(&gauge["path"])
            .iter()
            .fold(version["schema"]["openAPIV3Schema"].clone(), |s, word| step(&s, word));
        if found["items"].is_object() {
            found = found["items"].clone();
        }
        let paths = gauge["labelsFromPath"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, path)| path);
        for path in paths.chain(gauge.get("valueFrom")) {
            let end = words(path)
                .iter()
                .fold(found.clone(), |schema, word| step(&schema, word));
            assert_eq!(end["type"], "string", "{kind} {} {path}", gauge["path"]);
        }
        if gauge["valueFrom"].is_null() {
            assert_eq!(found["type"], "string", "{kind} {}", gauge["path"]);
        }
    }
}
