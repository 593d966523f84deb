//! Objects of the cluster as JSON: where they are, and what they say of themselves.
#![allow(clippy::panic, clippy::indexing_slicing)] // a test that names what is not there fails
use kube::{
    Api, Client,
    api::DynamicObject,
    core::{ApiResource, GroupVersionKind},
};
use serde_json::Value;

/// The operator's user, as the audit log names it.
pub const OPERATOR_USER: &str = "system:serviceaccount:speech-system:speech-operator";

/// Our kinds.
pub const KINDS: [&str; 3] = ["SpeechEndpoint", "SpeechModel", "SpeechConnection"];

/// The API of a kind, in one namespace or in all.
pub fn api_of(client: &Client, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let (group, version, plural) = match kind {
        "SpeechConnection" => ("customspeech.dev", "v1alpha1", "speechconnections"),
        "SpeechModel" => ("customspeech.dev", "v1alpha1", "speechmodels"),
        "SpeechEndpoint" => ("customspeech.dev", "v1alpha1", "speechendpoints"),
        "PlainEndpoint" => ("bench.example.com", "v1alpha1", "plainendpoints"), // of benches/plain
        "Namespace" => ("", "v1", "namespaces"),
        "Secret" => ("", "v1", "secrets"),
        "ConfigMap" => ("", "v1", "configmaps"),
        "ServiceAccount" => ("", "v1", "serviceaccounts"),
        "Role" => ("rbac.authorization.k8s.io", "v1", "roles"),
        "RoleBinding" => ("rbac.authorization.k8s.io", "v1", "rolebindings"),
        "Lease" => ("coordination.k8s.io", "v1", "leases"),
        other => panic!("no test needs the kind {other}"),
    };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    match namespace {
        Some(namespace) if kind != "Namespace" => Api::namespaced_with(client.clone(), namespace, &resource),
        Some(_) | None => Api::all_with(client.clone(), &resource),
    }
}

/// Members of `special` beside or in place of those of `usual`.
pub fn merged(mut usual: Value, special: Value) -> Value {
    match (&mut usual, special) {
        (Value::Object(usual), Value::Object(special)) => usual.extend(special),
        (_, special) => panic!("an object is needed, not {special}"),
    }
    usual
}

/// A condition of an object; null when it has none of the kind.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == kind));
    found.unwrap_or(&Value::Null)
}

/// What a condition of an object says.
pub fn message<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind)["message"].as_str().unwrap_or_default()
}

/// Whether an object's newest generation is Ready and nothing is under way.
pub fn is_ready(object: &Value) -> bool {
    condition(object, "Ready")["status"] == "True"
        && condition(object, "Reconciling").is_null()
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}
