//! A stub of recognition: it hears nothing, but tells which model answered.
use super::{
    entity::{Endpoint, LogFile, find, wire_time},
    error::ServiceError,
    link::Links,
    query::Query,
    reference::ModelRef,
    reply::Reply,
    resource::Resource,
};
use jiff::Timestamp;
use serde_json::json;

/// The locale when neither endpoint nor request names one.
const DEFAULT_LOCALE: &str = "en-US";

/// True for the paths, behind the resource, under which recognition answers.
pub fn is_path(segments: &[&str]) -> bool {
    matches!(
        segments,
        ["stt", "speech", "universal", "v2"]
            | ["speech", "universal", "v2"]
            | [
                "speech",
                "recognition",
                "interactive" | "conversation" | "dictation",
                "cognitiveservices",
                "v1"
            ]
    )
}

/// Answers one recognition.
///
/// A model that cannot answer is replaced silently, as the service does: only two headers of the emulator tell.
pub fn answer(
    resource: &mut Resource,
    links: &Links,
    query: &Query,
    audio: usize,
    now: Timestamp,
) -> Result<Reply, ServiceError> {
    let cid = query.get("cid");
    let endpoint = cid
        .and_then(|cid| cid.parse().ok())
        .and_then(|id| find(&resource.endpoints, id));
    let language = query.get("language");
    let locale = endpoint
        .map(|endpoint| endpoint.header.locale.as_str())
        .or(language)
        .unwrap_or(DEFAULT_LOCALE);
    let own = endpoint.and_then(|endpoint| valid_model(resource, endpoint, now));
    let answering = match own {
        Some(model) => Some(model),
        None => resource
            .newest_deployable(locale, now)
            .map(|base| ModelRef::Base(base.header.id)),
    };
    let Some(answering) = answering else {
        return Err(ServiceError::invalid(
            "InvalidLocale",
            format!("No base model of '{locale}' can answer."),
        ));
    };
    let is_fallback = cid.is_some() && own.is_none();
    let name = display_name(resource, answering);
    let keeps_log =
        endpoint.is_some_and(|endpoint| endpoint.logging_enabled) || query.get("storeAudio") == Some("true");
    if keeps_log {
        let log = LogFile {
            id: format!("{}_{:08}", wire_time(now).replace(':', ""), resource.logs.len()),
            endpoint: endpoint.map(|endpoint| endpoint.header.id),
            locale: locale.to_owned(),
            created_date_time: now,
            size: u64::try_from(audio).unwrap_or(0),
        };
        resource.logs.push(log);
    }
    let body = json!({
        "RecognitionStatus": "Success",
        "DisplayText": format!("Recognized by {name}."),
        "Offset": 0,
        "Duration": 0,
    });
    Ok(Reply::ok(body)
        .header("x-emulator-answered-by", answering.link(links))
        .header("x-emulator-fallback", is_fallback.to_string()))
}

/// The model of the endpoint that may answer: deployed, still there and not expired.
fn valid_model(resource: &Resource, endpoint: &Endpoint, now: Timestamp) -> Option<ModelRef> {
    let serving = endpoint.serving?;
    let facts = resource.model_facts(serving, now)?;
    (now < facts.transcription_end).then_some(serving)
}

fn display_name(resource: &Resource, model: ModelRef) -> String {
    let name = match model {
        ModelRef::Custom(id) => find(&resource.models, id).map(|model| &model.header.display_name),
        ModelRef::Base(id) => find(&resource.base_models, id).map(|model| &model.header.display_name),
    };
    name.cloned().unwrap_or_default()
}
