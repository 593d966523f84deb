//! The fleet of docs/kubectl-speech.md, as a cluster would give it: `dev/xtask` has the planners write it.
use jiff::Timestamp;
use serde_json::Value;
use speech_fleet::fleet::Objects;

const SAMPLE: &str = include_str!("sample.yaml");

/// The objects.
pub fn objects() -> Objects {
    let mut objects = Objects::default();
    for document in SAMPLE.split("---\n").skip(1) {
        let value: Value = serde_saphyr::from_str(document).unwrap();
        match value["kind"].as_str() {
            Some("SpeechConnection") => objects.connections.push(serde_json::from_value(value).unwrap()),
            Some("SpeechModel") => objects.models.push(serde_json::from_value(value).unwrap()),
            Some("SpeechEndpoint") => objects.endpoints.push(serde_json::from_value(value).unwrap()),
            kind => panic!("the sample holds {kind:?}"),
        }
    }
    objects
}

/// The present of the sample.
pub fn now() -> Timestamp {
    "2026-03-01T10:00:00Z".parse().unwrap()
}
