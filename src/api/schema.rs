//! The CRDs as they are installed: what the derive gives, and what it cannot say.
use super::{SpeechConnection, SpeechEndpoint, SpeechModel};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

/// All CRDs with their file names, in the order in which they are applied.
pub fn crds() -> Vec<(&'static str, CustomResourceDefinition)> {
    vec![
        ("speechconnections.yaml", finish(SpeechConnection::crd())),
        ("speechmodels.yaml", finish(SpeechModel::crd())),
        ("speechendpoints.yaml", finish(SpeechEndpoint::crd())),
    ]
}

fn finish(crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let mut value = serde_json::to_value(crd).unwrap_or_default();
    if let Some(versions) = value.pointer_mut("/spec/versions").and_then(Value::as_array_mut) {
        for version in versions {
            if let Some(status) = version.pointer_mut("/schema/openAPIV3Schema/properties/status") {
                default_observed_generation(status);
            }
            if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
                tidy(schema);
            }
        }
    }
    serde_json::from_value(value).unwrap_or_default()
}

/// kstatus takes an object without conditions for Current. With -1 it sees that nobody has looked yet.
fn default_observed_generation(status: &mut Value) {
    if let Some(status) = status.as_object_mut() {
        status.insert("default".into(), json!({ "observedGeneration": -1 }));
        status.remove("nullable");
    }
    if let Some(field) = status
        .pointer_mut("/properties/observedGeneration")
        .and_then(Value::as_object_mut)
    {
        field.insert("default".into(), json!(-1));
    }
}

/// An absent optional field is left out, never written as null, so `nullable` would only accept what nobody sends and
/// hide mistakes.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("nullable") == Some(&Value::Bool(true)) {
                map.remove("nullable");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
