//! Walks through the schemas as they stand in `crds/`.
use serde_json::Value;
use speech_api::schema;

/// One place in a schema.
pub struct Node {
    /// Such as `spec.model.id`; items of a list are `[]`, values of a map `{}`, the whole object is empty.
    pub path: String,
    /// The schema there.
    pub schema: Value,
}

/// All kinds with their whole CRDs.
pub fn crds() -> Vec<(String, Value)> {
    let value = |crd| serde_json::to_value(crd).unwrap();
    let crds = schema::crds().into_iter().map(|(_, crd)| value(crd));
    crds.map(|crd| (crd["spec"]["names"]["kind"].as_str().unwrap().to_owned(), crd))
        .collect()
}

/// The schema of a CRD's only version.
pub fn root(crd: &Value) -> &Value {
    assert_eq!(crd["spec"]["versions"].as_array().map(Vec::len), Some(1));
    &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

/// All places of a kind's schema, the whole object included.
pub fn nodes(crd: &Value) -> Vec<Node> {
    let mut found = Vec::new();
    walk(&mut found, String::new(), root(crd));
    found
}

fn walk(found: &mut Vec<Node>, path: String, schema: &Value) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let dot = if path.is_empty() { "" } else { "." };
        walk(found, format!("{path}{dot}{name}"), field);
    }
    if schema["items"].is_object() {
        walk(found, format!("{path}[]"), &schema["items"]);
    }
    if schema["additionalProperties"].is_object() {
        walk(found, format!("{path}{{}}"), &schema["additionalProperties"]);
    }
    let schema = schema.clone();
    found.push(Node { path, schema });
}

/// Whether an object has a value at a path.
pub fn has(object: &Value, path: &str) -> bool {
    if path.is_empty() {
        return !object.is_null();
    }
    let end = path.find(['.', '[', '{']).unwrap_or(path.len());
    let (head, rest) = path.split_at(end);
    match rest.get(..1) {
        _ if head.is_empty() && path.starts_with("[]") => {
            let items = object.as_array().into_iter().flatten();
            items.into_iter().any(|item| has(item, after(path)))
        }
        _ if head.is_empty() && path.starts_with("{}") => {
            let values = object.as_object().into_iter().flatten();
            values.into_iter().any(|(_, value)| has(value, after(path)))
        }
        Some(".") => has(&object[head], &rest[1..]),
        _ => has(&object[head], rest),
    }
}

/// What follows `[]` or `{}`.
fn after(path: &str) -> &str {
    path[2..].trim_start_matches('.')
}

#[test]
fn a_path_is_found_only_where_there_is_a_value() {
    let object = serde_json::json!({"spec": {"list": [{"a": 1}, {"b": 2}], "map": {"k": "v"}, "empty": {}}});
    for path in [
        "",
        "spec.list",
        "spec.list[]",
        "spec.list[].b",
        "spec.map{}",
        "spec.empty",
    ] {
        assert!(has(&object, path), "{path}");
    }
    for path in [
        "status",
        "spec.list[].c",
        "spec.list[].b.c",
        "spec.empty{}",
        "spec.empty.x",
        "spec.map[]",
    ] {
        assert!(!has(&object, path), "{path}");
    }
}
