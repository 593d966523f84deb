//! Accepted and refused manifests, one file of them per kind, tried on the API server.
//!
//! A refused one must be refused at the given field for the given reason and no other. Every rule and every bound of
//! the schemas must be refused by a case, and its field must stand in an accepted one.
use super::{
    harness::HarnessError,
    schema::{Node, crds, has, nodes},
};
use kube::{
    api::{Api, DynamicObject, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

const CONNECTIONS: &str = include_str!("cases/speechconnection.yaml");
const MODELS: &str = include_str!("cases/speechmodel.yaml");
const ENDPOINTS: &str = include_str!("cases/speechendpoint.yaml");
const SWAPS: &str = include_str!("cases/swap.yaml");
const WINDOWS: &str = include_str!("cases/window.yaml");

/// How the API server speaks of a bound. `required` is told at the missing field.
const BOUNDS: &[(&str, &str)] = &[
    ("maxLength", "Too long"),
    ("enum", "Unsupported value"),
    ("minimum", "should be greater than or equal to"),
    ("maximum", "should be less than or equal to"),
    ("minItems", "should have at least"),
    ("maxItems", "Too many"),
    ("maxProperties", "Too many"),
    ("minLength", "should be at least"),
];

const NOT_TRIED: &str = "some validation rules were not checked";

#[derive(Deserialize)]
struct Cases {
    base: Value,
    cases: Vec<Case>,
}

/// One manifest: the base with `with` merged into it, and with `then` an update of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    accepted: Option<String>,
    refused: Option<String>,
    #[serde(default)]
    with: serde_json::Map<String, Value>,
    then: Option<Value>,
    /// The field that the refusal names.
    #[serde(default)]
    at: String,
    /// What the refusal says.
    because: Option<String>,
}

impl Case {
    fn name(&self) -> &str {
        match (&self.accepted, &self.refused) {
            (Some(name), None) | (None, Some(name)) => name,
            _ => panic!("a case needs exactly one of accepted and refused: {}", self.at),
        }
    }
}

fn read(yaml: &str) -> Cases {
    serde_saphyr::from_str(yaml).unwrap()
}

/// The base with all of `patch` merged into it, as RFC 7386 says.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = expand(patch);
        return;
    };
    if let (Some(times), Some(of)) = (patch.get("times"), patch.get("of")) {
        let copies = 0..times.as_u64().unwrap();
        *target = copies.map(|number| numbered(of, number)).collect();
        return;
    }
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let target = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// `<a*70>` in a text becomes 70 times a.
fn expand(value: &Value) -> Value {
    if let Value::Array(items) = value {
        let expanded = |item| {
            let mut copy = Value::Null;
            merge(&mut copy, item);
            copy
        };
        return items.iter().map(expanded).collect();
    }
    let (Some(text), Some(start)) = (value.as_str(), value.as_str().and_then(|text| text.find('<'))) else {
        return value.clone();
    };
    let (head, rest) = text.split_at(start);
    let (inside, tail) = rest[1..].split_once('>').unwrap();
    let (letter, count) = inside.split_once('*').unwrap();
    format!("{head}{}{tail}", letter.repeat(count.parse().unwrap())).into()
}

/// A copy with `{n}` replaced by its number in three digits.
fn numbered(value: &Value, number: u64) -> Value {
    serde_json::from_str(&value.to_string().replace("{n}", &format!("{number:03}"))).unwrap()
}

/// What the API server answers to a case, as (field, message) of each cause.
async fn attempt(api: &Api<DynamicObject>, object: &Value, case: &Case) -> Result<(), Vec<(String, String)>> {
    let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    let mut dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let outcome = if let Some(update) = &case.then {
        dry.dry_run = false;
        let created = api.create(&dry, &object).await;
        let created = created.unwrap_or_else(|error| panic!("{}: the object to update: {error}", case.name()));
        let params = PatchParams::default().dry_run();
        api.patch(&created.metadata.name.unwrap(), &params, &Patch::Merge(update))
            .await
    } else {
        api.create(&dry, &object).await
    };
    match outcome {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => {
            let causes = status.details.map(|details| details.causes).unwrap_or_default();
            let causes = causes.into_iter().map(|cause| (cause.field, cause.message));
            // After a broken bound the rules are not tried at all, which is told beside it.
            Err(causes.filter(|(_, message)| !message.contains(NOT_TRIED)).collect())
        }
        Err(error) => panic!("{}: {error}", case.name()),
    }
}

async fn try_all(kind: &str, yaml: &str) -> Result<(), HarnessError> {
    let client = super::plane().await?.client().await?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("customspeech.dev", "v1alpha1", kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client, "default", &resource);
    let cases = read(yaml);
    let mut failures = Vec::new();
    for (number, case) in cases.cases.iter().enumerate() {
        let mut object = cases.base.clone();
        object["metadata"]["name"] = format!("case-{number}").into();
        merge(&mut object, &Value::Object(case.with.clone()));
        let answer = attempt(&api, &object, case).await;
        let as_expected = match (&answer, &case.because) {
            (Ok(()), None) => case.accepted.is_some(),
            (Err(causes), Some(because)) => {
                case.refused.is_some()
                    && matches!(&causes[..], [(field, message)] if *field == case.at && message.contains(because))
            }
            _ => false,
        };
        if !as_expected {
            failures.push(format!("{}: {answer:?}", case.name()));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    Ok(())
}

#[tokio::test]
async fn manifests_of_connections_are_accepted_or_refused_with_what_to_write_instead() -> Result<(), HarnessError> {
    try_all("SpeechConnection", CONNECTIONS).await
}

#[tokio::test]
async fn manifests_of_models_are_accepted_or_refused_with_what_to_write_instead() -> Result<(), HarnessError> {
    try_all("SpeechModel", MODELS).await
}

#[tokio::test]
async fn windows_of_swaps_are_accepted_or_refused_with_what_to_write_instead() -> Result<(), HarnessError> {
    try_all("SpeechEndpoint", WINDOWS).await
}

#[tokio::test]
async fn choices_and_swaps_are_accepted_or_refused_with_what_to_write_instead() -> Result<(), HarnessError> {
    try_all("SpeechEndpoint", SWAPS).await
}

#[tokio::test]
async fn manifests_of_endpoints_are_accepted_or_refused_with_what_to_write_instead() -> Result<(), HarnessError> {
    try_all("SpeechEndpoint", ENDPOINTS).await
}

/// A field as a refusal names it, in the words of the schema: items are `[]`.
fn place(at: &str) -> String {
    let mut place = String::new();
    for part in at.split_inclusive(['[', ']']) {
        if !part.ends_with(']') {
            place.push_str(part);
        } else {
            place.push(']');
        }
    }
    if place == "<nil>" { String::new() } else { place }
}

/// What can be refused at a place: the field, the words, and the field that an accepted case must have.
fn refusals(node: &Node) -> Vec<(String, String, String)> {
    let path = &node.path;
    let mut all = Vec::new();
    let rules = node.schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    for rule in rules {
        all.push((path.clone(), rule["message"].as_str().unwrap().to_owned(), path.clone()));
    }
    if !path.starts_with("spec") {
        return all; // the status is not written by users, and `spec` is required of the whole object
    }
    for (keyword, words) in BOUNDS {
        if !node.schema[keyword].is_null() {
            all.push((path.clone(), (*words).to_owned(), path.clone()));
        }
    }
    for field in node.schema["required"].as_array().into_iter().flatten() {
        let field = format!("{path}.{}", field.as_str().unwrap());
        all.push((field.clone(), "Required value".to_owned(), field));
    }
    all
}

#[test]
fn every_rule_and_every_bound_has_a_refused_and_an_accepted_case() {
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    let files: [&[&str]; 3] = [&[CONNECTIONS], &[MODELS], &[ENDPOINTS, SWAPS, WINDOWS]];
    assert_eq!(crds().len(), files.len(), "each kind has its cases");
    for ((kind, crd), files) in crds().into_iter().zip(files) {
        let files: Vec<Cases> = files.iter().map(|yaml| read(yaml)).collect();
        let all = || {
            files
                .iter()
                .flat_map(|file| file.cases.iter().map(|case| (&file.base, case)))
        };
        let accepted: Vec<Value> = all()
            .filter(|(_, case)| case.accepted.is_some())
            .map(|(base, case)| {
                let mut object = base.clone();
                merge(&mut object, &Value::Object(case.with.clone()));
                object
            })
            .collect();
        let refused: BTreeSet<(String, &str)> = all()
            .filter_map(|(_, case)| case.because.as_deref().map(|because| (place(&case.at), because)))
            .collect();
        for (field, words, needed) in nodes(&crd).iter().flat_map(refusals) {
            seen += 1;
            // A map's values are named by their key.
            let at = field.replace("{}", ".long");
            if !refused
                .iter()
                .any(|(place, because)| *place == at && (words.contains(because) || because.starts_with(&*words)))
            {
                missing.insert(format!("{kind} {field}: no refused case says {words:?}"));
            }
            if !accepted.iter().any(|object| has(object, &needed)) {
                missing.insert(format!("{kind} {needed}: stands in no accepted case"));
            }
        }
    }
    assert!(seen > 60, "only {seen} rules and bounds were found");
    assert!(missing.is_empty(), "{missing:#?}");
}
