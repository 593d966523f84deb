//! What kube-state-metrics would tell by our configuration: the part of its rules that the configuration uses, applied to
//! real objects. kube-state-metrics itself is not run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::documents::yaml;

fn config() -> Value {
    yaml("deploy/monitoring/kube-state-metrics.yaml")
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

fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, word| &value[*word])
}

fn label(name: &str, value: &Value) -> String {
    format!("{name}=\"{}\"", value.as_str().unwrap())
}

/// The exposition for these objects, each with its `kind`.
pub fn exposition(objects: &[Value]) -> String {
    let config = config();
    let mut text = String::new();
    let mut series = BTreeSet::new();
    for (resource, metric) in metrics(&config) {
        let name = name(resource, metric);
        text.push_str(&format!(
            "# HELP {name} {}\n# TYPE {name} gauge\n",
            metric["help"].as_str().unwrap()
        ));
        assert_eq!(metric["each"]["type"], "Gauge");
        let gauge = &metric["each"]["gauge"];
        for object in objects
            .iter()
            .filter(|object| object["kind"] == resource["groupVersionKind"]["kind"])
        {
            let found = at(object, &words(&gauge["path"]));
            let items: Vec<&Value> = match found {
                Value::Null => Vec::new(), // what is not known has no series
                Value::Array(items) => items.iter().collect(),
                one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![one],
            };
            for item in items {
                let Some(date) = at(item, &words(&gauge["valueFrom"])).as_str() else {
                    continue;
                };
                let date: Timestamp = date.parse().unwrap();
                let common = resource["labelsFromPath"].as_object().unwrap().iter();
                let mut labels: Vec<String> = common
                    .map(|(name, path)| label(name, at(object, &words(path))))
                    .collect();
                for (name, path) in gauge["labelsFromPath"].as_object().into_iter().flatten() {
                    labels.push(label(name, at(item, &words(path))));
                }
                let one = format!("{name}{{{}}}", labels.join(","));
                assert!(series.insert(one.clone()), "{one} would be told twice");
                text.push_str(&format!("{one} {}\n", date.as_second()));
            }
        }
    }
    text
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
        for path in paths.chain([&gauge["valueFrom"]]) {
            let end = words(path)
                .iter()
                .fold(found.clone(), |schema, word| step(&schema, word));
            assert_eq!(end["type"], "string", "{kind} {} {path}", gauge["path"]);
        }
    }
}
