//! What was stored under the CRDs before is still valid and loses nothing: fields are added, never taken away.
use serde_json::{Map, Value};

const FILES: [&str; 3] = ["speechconnections.yaml", "speechmodels.yaml", "speechendpoints.yaml"];

fn crd(folder: &str, file: &str) -> Value {
    let path = format!("{}/{folder}/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_saphyr::from_str(&text).unwrap()
}

fn versions(crd: &Value) -> Vec<(&str, &Value)> {
    let all = crd["spec"]["versions"].as_array().unwrap().iter();
    all.map(|version| (version["name"].as_str().unwrap(), version))
        .collect()
}

fn words(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Collects what an object that is valid under `old` would lose or fail under `new`.
fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if old["type"] != new["type"] {
        found.push(format!("{path}: {} became {}", old["type"], new["type"]));
    }
    let required = words(&old["required"]);
    let more = words(&new["required"])
        .into_iter()
        .filter(|name| !required.contains(name));
    found.extend(more.map(|name| format!("{path}: {name} is required now")));
    let values = words(&new["enum"]);
    if !values.is_empty() {
        let lost = words(&old["enum"]).into_iter().filter(|value| !values.contains(value));
        found.extend(lost.map(|value| format!("{path}: {value} is no value any more")));
    }
    for (bound, is_tighter) in [
        ("maxLength", (|old, new| new < old) as fn(f64, f64) -> bool),
        ("maxItems", |old, new| new < old),
        ("maximum", |old, new| new < old),
        ("minLength", |old, new| new > old),
        ("minimum", |old, new| new > old),
    ] {
        let (was, is) = (old[bound].as_f64(), new[bound].as_f64());
        if is.is_some_and(|is| was.is_none_or(|was| is_tighter(was, is))) {
            found.push(format!("{path}: {bound} went from {was:?} to {is:?}"));
        }
    }
    if old["default"] != new["default"] {
        found.push(format!("{path}: the default changed"));
    }
    let none = Map::new();
    let fields = |schema: &Value| schema["properties"].as_object().unwrap_or(&none).clone();
    let now = fields(new);
    for (name, schema) in fields(old) {
        let path = format!("{path}.{name}");
        match now.get(&name) {
            Some(same) => compare(&path, &schema, same, found),
            None => found.push(format!("{path} is gone")),
        }
    }
    for inner in ["items", "additionalProperties"] {
        if old[inner].is_object() {
            compare(&format!("{path}[]"), &old[inner], &new[inner], found);
        }
    }
}

fn differences(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let now = versions(new);
    for (name, version) in versions(old) {
        match now.iter().find(|(other, _)| *other == name) {
            Some((_, same)) => {
                for flag in ["served", "storage"] {
                    if version[flag] != same[flag] {
                        found.push(format!("{name}: {flag} changed"));
                    }
                }
                let schema = "/schema/openAPIV3Schema";
                compare(
                    name,
                    version.pointer(schema).unwrap(),
                    same.pointer(schema).unwrap(),
                    &mut found,
                );
            }
            None => found.push(format!("version {name} is gone")),
        }
    }
    found
}

#[test]
fn nothing_that_the_crds_before_accepted_is_lost_or_refused() {
    for file in FILES {
        let found = differences(&crd("tests/crds/previous", file), &crd("crds", file));
        assert!(found.is_empty(), "{file}: {found:#?}");
    }
}

#[test]
fn a_lost_field_a_new_duty_and_a_tighter_bound_are_each_found() {
    let old = crd("tests/crds/previous", "speechendpoints.yaml");
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    for (change, told) in [
        (
            (|spec| drop(spec["properties"].as_object_mut().unwrap().remove("adopt"))) as fn(&mut Value),
            "adopt is gone",
        ),
        (
            |spec| spec["required"].as_array_mut().unwrap().push("project".into()),
            "project is required now",
        ),
        (
            |spec| spec["properties"]["locale"]["maxLength"] = 5.into(),
            "maxLength went from",
        ),
        (
            |spec| drop(spec["properties"]["recreate"]["enum"].as_array_mut().unwrap().pop()),
            "is no value any more",
        ),
        (|spec| spec["properties"]["suspend"]["type"] = "string".into(), "became"),
    ] {
        let mut new = old.clone();
        change(new.pointer_mut(spec).unwrap());
        let found = differences(&old, &new);
        assert!(found.len() == 1 && found[0].contains(told), "{told}: {found:?}");
    }
}
