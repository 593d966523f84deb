//! A fleet of some teams with something of everything, as a cluster would give it: `dev/xtask` has the planners write it. It
//! is plain JSON, so that tests change what they like, and tests outside of the library use it too.
use serde_json::Value;

const SAMPLE: &str = include_str!("sample.yaml");

/// The present of the sample.
pub const NOW: &str = "2026-11-21T07:00:00Z";

/// Connections, models and endpoints.
#[derive(Default)]
pub struct Sample {
    pub connections: Vec<Value>,
    pub models: Vec<Value>,
    pub endpoints: Vec<Value>,
}

/// The fleet.
pub fn fleet() -> Sample {
    let mut sample = Sample::default();
    for document in SAMPLE.split("---\n").skip(1) {
        let object: Value = serde_saphyr::from_str(document).unwrap();
        match object["kind"].as_str() {
            Some("SpeechConnection") => sample.connections.push(object),
            Some("SpeechModel") => sample.models.push(object),
            Some("SpeechEndpoint") => sample.endpoints.push(object),
            kind => panic!("the sample holds {kind:?}"),
        }
    }
    sample
}

/// A fleet of so many endpoints, like the one above again and again.
pub fn many(count: usize) -> Sample {
    let mut sample = fleet();
    let endpoints = sample.endpoints.iter().cycle().zip(0..count);
    let endpoints = endpoints.map(|(endpoint, number)| {
        let mut object = endpoint.clone();
        let name = format!("{}-{number}", object["metadata"]["name"].as_str().unwrap());
        object["metadata"]["uid"] = format!("SpeechEndpoint {name}").into();
        object["metadata"]["name"] = name.into();
        object
    });
    sample.endpoints = endpoints.collect();
    sample
}
