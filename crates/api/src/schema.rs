//! The CRDs as they are installed: the derived schemas, and what the derive cannot express.
use super::{SpeechConnection, SpeechEndpoint, SpeechModel};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

const SELECTOR_VALUES: (&str, &str) = (
    "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    "operators In and NotIn need values; Exists and DoesNotExist take none",
);

/// The paths of label selectors.
const SELECTORS: [&str; 2] = [
    "/properties/spec/properties/allowedNamespaces/properties/selector/properties",
    "/properties/spec/properties/model/properties/selector/properties",
];

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
                own_whole_values(status);
            }
            if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
                tidy(schema);
                SELECTORS.iter().for_each(|path| bound_selector(schema, path));
            }
        }
    }
    serde_json::from_value(value).unwrap_or_default()
}

/// kstatus treats an object without conditions as Current. The value -1 shows that it has not been reconciled yet.
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

/// Nobody but the operator writes a value of its status, or one of its conditions, in part. So the API server need not track
/// who owns which field of it: that doubles the size of an object, and costs the API server time at every write.
fn own_whole_values(status: &mut Value) {
    let conditions = status.pointer_mut("/properties/conditions/items");
    conditions.into_iter().for_each(own_whole);
    let Some(properties) = status.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    properties
        .values_mut()
        .filter(|schema| schema.get("type") == Some(&json!("object")))
        .for_each(own_whole);
}

fn own_whole(schema: &mut Value) {
    insert(schema, "x-kubernetes-map-type", json!("atomic"));
}

/// The label selector schema of the Kubernetes types checks nothing. A selector that can match nothing, or that cannot
/// be parsed, would only become visible as namespaces that are not allowed or models that are not chosen.
fn bound_selector(schema: &mut Value, path: &str) {
    let Some(selector) = schema.pointer_mut(path) else {
        return;
    };
    if let Some(labels) = selector.get_mut("matchLabels").and_then(Value::as_object_mut) {
        labels.insert("maxProperties".into(), json!(16));
        labels.insert(
            "additionalProperties".into(),
            json!({ "type": "string", "maxLength": 63 }),
        );
    }
    if let Some(expressions) = selector.get_mut("matchExpressions").and_then(Value::as_object_mut) {
        expressions.insert("maxItems".into(), json!(16));
    }
    let Some(expression) = selector.pointer_mut("/matchExpressions/items") else {
        return;
    };
    let (rule, message) = SELECTOR_VALUES;
    insert(
        expression,
        "x-kubernetes-validations",
        json!([{ "rule": rule, "message": message }]),
    );
    let Some(fields) = expression.get_mut("properties") else {
        return;
    };
    if let Some(key) = fields.get_mut("key") {
        insert(key, "maxLength", json!(317)); // 253 for the prefix, '/', 63 for the name
    }
    if let Some(operator) = fields.get_mut("operator") {
        insert(operator, "enum", json!(["In", "NotIn", "Exists", "DoesNotExist"]));
    }
    if let Some(values) = fields.get_mut("values") {
        insert(values, "maxItems", json!(16));
        insert(values, "items", json!({ "type": "string", "maxLength": 63 }));
    }
}

fn insert(schema: &mut Value, keyword: &str, value: Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(keyword.into(), value);
    }
}

/// An absent optional field is left out, never written as null. So `nullable` would only accept what no one sends, and
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
