//! Checks bodies against the schemas of the reference, stricter than JSON Schema: undeclared members are refused.
use serde_json::Value;
use std::{collections::BTreeSet, sync::LazyLock};

/// The reference: operations, schemas and examples.
pub static REFERENCE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("azure-speech-api.json")).unwrap());

/// Members that a version has beyond the schema of 2024-11-15.
fn extra_members(version: &str) -> &'static [&'static str] {
    match version {
        "v3.2" => &[
            "project",
            "duration",
            "email",
            "supportsTranscriptions",
            "copyTo",
            "supportsAdaptationsWith",
        ],
        "2025-10-15" => &["project"],
        _ => &[],
    }
}

/// The schema a version uses for an entity.
fn schema_name(entity: &str, version: &str) -> String {
    let is_own = version == "v3.2" && REFERENCE["schemas"].get(format!("V32{entity}")).is_some();
    if is_own {
        format!("V32{entity}")
    } else {
        entity.to_owned()
    }
}

/// Fails when a body does not fit its schema.
pub fn assert_valid(entity: &str, version: &str, body: &Value) {
    let mut errors = Vec::new();
    let schema = &REFERENCE["schemas"][schema_name(entity, version)];
    assert!(schema.is_object(), "the reference has no schema {entity}");
    check(schema, body, "$", extra_members(version), &mut errors);
    assert!(errors.is_empty(), "{entity} of {version}: {errors:#?} in {body:#}");
}

fn resolved(schema: &'static Value) -> &'static Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => resolved(REFERENCE.pointer(reference.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

fn declared(schema: &'static Value, names: &mut BTreeSet<&'static str>) {
    let schema = resolved(schema);
    if let Some(properties) = schema["properties"].as_object() {
        names.extend(properties.keys().map(String::as_str));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        declared(part, names);
    }
}

fn check(schema: &'static Value, value: &Value, path: &str, extra: &[&str], errors: &mut Vec<String>) {
    let schema = resolved(schema);
    if let Some(options) = schema["anyOf"].as_array() {
        let fits = options.iter().any(|option| {
            let mut inner = Vec::new();
            check(option, value, path, extra, &mut inner);
            inner.is_empty()
        });
        if !fits {
            errors.push(format!("{path}: fits none of the alternatives"));
        }
        return;
    }
    check_type(schema, value, path, errors);
    check_bounds(schema, value, path, errors);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let mut inner = Vec::new();
        check(part, value, path, extra, &mut inner);
        errors.extend(inner.into_iter().filter(|error| !error.contains("is not declared")));
    }
    for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            check(&schema["items"], entry, &format!("{path}[{index}]"), extra, errors);
        }
    }
    let Some(members) = value.as_object() else { return };
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !members.contains_key(name) {
            errors.push(format!("{path}.{name} is missing"));
        }
    }
    let mut names = BTreeSet::new();
    declared(schema, &mut names);
    let free = schema["additionalProperties"].is_object() || schema["additionalProperties"] == Value::Bool(true);
    for (name, member) in members {
        let path = format!("{path}.{name}");
        if let Some(inner) = schema["properties"].get(name) {
            check(inner, member, &path, extra, errors);
        } else if schema["additionalProperties"].is_object() {
            check(&schema["additionalProperties"], member, &path, extra, errors);
        } else if !free && !names.contains(name.as_str()) && !extra.contains(&name.as_str()) {
            errors.push(format!("{path} is not declared"));
        }
    }
}

fn check_type(schema: &Value, value: &Value, path: &str, errors: &mut Vec<String>) {
    let fits = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the checker does not know the type {other}"),
    };
    let one = schema["type"].as_str();
    let several = schema["type"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let wanted: Vec<&str> = one.into_iter().chain(several).collect();
    if wanted.is_empty() {
        return;
    }
    if !wanted.iter().any(|name| fits(name)) {
        errors.push(format!("{path} is not of type {wanted:?}"));
    }
}

fn check_bounds(schema: &Value, value: &Value, path: &str, errors: &mut Vec<String>) {
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        errors.push(format!("{path} is none of {words:?}"));
    }
    if let Some(number) = value.as_f64() {
        let below = schema["minimum"].as_f64().is_some_and(|minimum| number < minimum);
        let above = schema["maximum"].as_f64().is_some_and(|maximum| number > maximum);
        if below || above {
            errors.push(format!("{path} is out of bounds"));
        }
    }
    let Some(text) = value.as_str() else { return };
    if schema["minLength"]
        .as_u64()
        .is_some_and(|length| (text.len() as u64) < length)
    {
        errors.push(format!("{path} is too short"));
    }
    let is_well_formed = match schema["format"].as_str() {
        Some("uri") => url::Url::parse(text).is_ok(),
        Some("date-time") => text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z') && text.len() == 20,
        Some("uuid") => uuid::Uuid::parse_str(text).is_ok(),
        _ => true,
    };
    if !is_well_formed {
        errors.push(format!("{path} is not of format {}", schema["format"]));
    }
}

#[test]
fn the_checker_finds_wrong_types_missing_and_undeclared_members() {
    let mut errors = Vec::new();
    let wrong = serde_json::json!({ "displayName": 7, "colour": "red", "status": "Expired", "createdDateTime": "now" });
    check(&REFERENCE["schemas"]["CustomModel"], &wrong, "$", &[], &mut errors);
    for part in [
        "$.displayName is not of type",
        "$.colour is not declared",
        "$.locale is missing",
        "$.status",
        "date-time",
    ] {
        assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:?}");
    }
}

#[test]
fn the_examples_of_the_reference_pass_the_checker() {
    for (name, example) in REFERENCE["examples"].as_object().unwrap() {
        let mut errors = Vec::new();
        let schema = &REFERENCE["schemas"][example["schema"].as_str().unwrap()];
        check(schema, &example["value"], "$", &[], &mut errors);
        errors.retain(|error| !error.contains("is not declared") && !error.contains("$.code is none of"));
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}
