//! Odd objects, drawn from the schemas as they ship: whatever a field admits is a value for it.
use crate::seed::{BASE_OLD, ENDPOINT, MODEL, PROJECT, TEXT};
use serde_json::{Map, Value, json};
use speech_api::schema;
use speech_fuzz::Chance;

/// The id of nothing.
const ABSENT: &str = "99999999-0000-4000-8000-000000000009";

/// Texts that are legal somewhere and usual nowhere.
const TEXTS: [&str; 24] = [
    "",
    " ",
    "0",
    "a",
    "null",
    "true",
    "-1s",
    "0s",
    "1s",
    "1h",
    "8760h",
    "999999h",
    "2026-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "en-US",
    "de-de",
    "zz-ZZ",
    "*",
    "../..",
    "usual",
    "\u{202e}gnitset\u{0}",
    "Straße 東京 🎙️ \u{0301}",
    "00000000-0000-0000-0000-000000000000",
    "FREQ=DAILY",
];

/// The annotations that are read.
const ANNOTATIONS: [&str; 9] = [
    "customspeech.dev/reconcile-requested-at",
    "customspeech.dev/creation-intent",
    "customspeech.dev/approved-model",
    "customspeech.dev/swap-now",
    "customspeech.dev/train-revision",
    "customspeech.dev/clear-quarantine",
    "customspeech.dev/restored-from",
    "customspeech.dev/accept-resource",
    "customspeech.dev/allow-deletions",
];

/// The schemas of all specs.
pub struct Odd {
    specs: Map<String, Value>,
    /// Where the Speech resource is.
    url: String,
}

/// What is odd about an object.
#[derive(Debug)]
pub struct Change {
    /// The fields, such as `spec.swap.windows`, or annotations.
    places: Vec<String>,
    /// What they were set to.
    values: Vec<String>,
}

impl Change {
    /// Whether these words are about one of the fields, or its value; or the reason is.
    pub fn is_named_in(&self, words: &str, reason: &str) -> bool {
        let text = format!("{words} {reason}").to_lowercase();
        let parts = self.places.iter().flat_map(|place| place.split(['.', '/']));
        let named = parts
            .filter(|part| part.len() > 3 && *part != "spec")
            .any(|part| text.contains(&part.trim_end_matches("Ref").trim_end_matches('s').to_lowercase()));
        let valued = self
            .values
            .iter()
            .any(|value| value.len() > 1 && text.contains(&value.to_lowercase()));
        named || valued
    }
}

impl Odd {
    /// Reads the schemas.
    pub fn read(url: &str) -> Self {
        let specs = schema::crds().into_iter().map(|(_, crd)| {
            let crd = serde_json::to_value(crd).unwrap();
            let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
            let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
            (kind, spec.clone())
        });
        Self {
            specs: specs.collect(),
            url: url.to_owned(),
        }
    }

    /// An object that would be Ready but for what is odd about it, and what that is.
    pub fn object(&self, chance: &mut Chance, kind: &str, name: &str) -> (Value, Change) {
        let mut spec = self.usual(chance, kind);
        let mut change = Change {
            places: Vec::new(),
            values: Vec::new(),
        };
        for _ in 0..=chance.below(3) {
            self.mutate(chance, &self.specs[kind], &mut spec, "spec", &mut change);
        }
        let mut annotations = Map::new();
        if chance.hits(0.3) {
            let key = *chance.pick(&ANNOTATIONS).unwrap();
            let value = any_text(chance, &json!({}));
            change.places.push(key.to_owned());
            change.values.push(value.to_string());
            annotations.insert(key.to_owned(), json!(value.as_str().unwrap_or_default()));
        }
        let object = json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "annotations": annotations}, "spec": spec,
        });
        (object, change)
    }

    /// A spec that is Ready after a while.
    fn usual(&self, chance: &mut Chance, kind: &str) -> Value {
        let shared = json!({"connectionRef": {"name": "speech"}, "locale": "en-US"});
        let own = match kind {
            "SpeechConnection" => {
                json!({"endpoint": self.url, "auth": {"keySecretRef": {"name": "speech-key"}}})
            }
            "SpeechModel" => {
                let sources = [
                    json!({"source": {"training": {"datasets": [TEXT]}}}),
                    json!({"source": {"base": {}}}),
                    json!({"source": {"existing": {"id": MODEL}}}),
                ];
                chance.pick(&sources).unwrap().clone()
            }
            _ => {
                let models = [
                    json!({"model": {"base": {"id": BASE_OLD}}}),
                    json!({"model": {"base": {}}}),
                    json!({"model": {"ref": {"name": "usual-model"}}}),
                    json!({"model": {"id": MODEL}, "swap": {"policy": "BeforeExpiry"}}),
                ];
                chance.pick(&models).unwrap().clone()
            }
        };
        let mut spec = if kind == "SpeechConnection" { json!({}) } else { shared };
        spec.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        spec
    }

    /// Goes down to a field by chance and sets it.
    fn mutate(&self, chance: &mut Chance, schema: &Value, value: &mut Value, place: &str, change: &mut Change) {
        let fields = schema["properties"].as_object();
        let names: Vec<&String> = fields.into_iter().flat_map(Map::keys).collect();
        let (Some(name), Some(members)) = (chance.pick(&names), value.as_object_mut()) else {
            return;
        };
        let (field, place) = (&schema["properties"][name.as_str()], format!("{place}.{name}"));
        let goes_deeper = field["properties"].is_object() && members.get(*name).is_some_and(Value::is_object);
        if goes_deeper && chance.hits(0.7) {
            return self.mutate(chance, field, &mut members[*name], &place, change);
        }
        if chance.hits(0.15) {
            members.remove(*name);
        } else {
            let odd = any(chance, field, 0);
            change.values.push(odd.to_string().trim_matches('"').to_owned());
            members.insert((*name).clone(), odd);
        }
        change.places.push(place);
    }
}

/// Any value that a schema admits, and some that only look so.
fn any(chance: &mut Chance, schema: &Value, depth: u32) -> Value {
    if let Some(values) = schema["enum"].as_array() {
        return chance.pick(values).unwrap().clone();
    }
    match schema["type"].as_str() {
        Some("boolean") => json!(chance.hits(0.5)),
        Some("integer") => {
            let bounds = [&schema["minimum"], &schema["maximum"]]
                .into_iter()
                .filter_map(Value::as_i64);
            let odd = [0, 1, -1, 2, i64::from(i32::MAX), i64::MAX].into_iter();
            json!(chance.pick(&bounds.chain(odd).collect::<Vec<_>>()).unwrap())
        }
        Some("number") => json!(chance.pick(&[0.0, 1.0, 0.5, -0.0, 1e-300, 1e300]).unwrap()),
        Some("array") => {
            let most = schema["maxItems"].as_u64().unwrap_or(3).min(64);
            let count = *chance.pick(&[0, 1, 2, most]).unwrap();
            (0..count).map(|_| any(chance, &schema["items"], depth + 1)).collect()
        }
        Some("object") => any_object(chance, schema, depth),
        _ => any_text(chance, schema),
    }
}

fn any_object(chance: &mut Chance, schema: &Value, depth: u32) -> Value {
    let mut members = Map::new();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = required.iter().any(|one| one == name.as_str());
        if is_required || (depth < 4 && chance.hits(0.4)) {
            members.insert(name.clone(), any(chance, field, depth + 1));
        }
    }
    if schema["additionalProperties"].is_object() {
        for _ in 0..chance.below(3) {
            let key = any_text(chance, &json!({}));
            let value = any(chance, &schema["additionalProperties"], depth + 1);
            members.insert(key.as_str().unwrap_or_default().to_owned(), value);
        }
    }
    Value::Object(members)
}

fn any_text(chance: &mut Chance, schema: &Value) -> Value {
    let most = schema["maxLength"].as_u64().unwrap_or(300).min(5_000);
    match chance.below(8) {
        0 => json!("x".repeat(usize::try_from(most).unwrap())),
        1 => json!(
            *chance
                .pick(&[TEXT, MODEL, ENDPOINT, PROJECT, BASE_OLD, ABSENT])
                .unwrap()
        ),
        2 => json!("東".repeat(usize::try_from(most).unwrap())),
        _ => json!(*chance.pick(&TEXTS).unwrap()),
    }
}
