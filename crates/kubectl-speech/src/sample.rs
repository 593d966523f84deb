//! The fleet of docs/kubectl-speech.md, its picture and the tests, as a cluster would give it.
use super::{
    fleet::{Kind, all},
    status,
    table::Colours,
    why,
};
use jiff::Timestamp;
use serde_json::Value;
use speech_fleet::fleet::Objects;
use std::error::Error;

const SAMPLE: &str = include_str!("sample.yaml");
/// The present of the sample.
pub const NOW: &str = "2026-03-01T10:00:00Z";

/// Why the sample cannot be shown.
pub type SampleError = Box<dyn Error + Send + Sync>;

pub fn objects() -> Result<Objects, SampleError> {
    let mut objects = Objects::default();
    for document in SAMPLE.split("---\n").skip(1) {
        let value: Value = serde_saphyr::from_str(document)?;
        match value.get("kind").and_then(Value::as_str) {
            Some("SpeechConnection") => objects.connections.push(serde_json::from_value(value)?),
            Some("SpeechModel") => objects.models.push(serde_json::from_value(value)?),
            Some("SpeechEndpoint") => objects.endpoints.push(serde_json::from_value(value)?),
            kind => return Err(format!("the sample holds {kind:?}").into()),
        }
    }
    Ok(objects)
}

/// The present.
pub fn now() -> Result<Timestamp, SampleError> {
    Ok(NOW.parse()?)
}

/// Two commands, and what they print of the sample in colours: the picture of docs/kubectl-speech.md.
///
/// # Errors
///
/// When the sample cannot be read.
pub fn session() -> Result<[(&'static str, String); 2], SampleError> {
    let (objects, now) = (objects()?, now()?);
    let fleet = all(&objects, None, &Kind::ALL);
    let letters = fleet.iter().find(|object| object.name() == "letters");
    let letters = letters.ok_or("the sample lacks letters")?;
    let why = why::text(&why::why(letters, now), Colours(true));
    Ok([
        ("kubectl speech status", status::fleet(&fleet, now, Colours(true))),
        ("kubectl speech why letters", why),
    ])
}
