//! What the Speech resource of a test holds at first.
use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Value, json};

pub const BASE_OLD: &str = "10000000-0000-4000-8000-000000000001";
pub const BASE_NEW: &str = "10000000-0000-4000-8000-000000000002";
pub const BASE_GERMAN: &str = "10000000-0000-4000-8000-000000000003";
pub const TEXT: &str = "20000000-0000-4000-8000-000000000001";
pub const MORE_TEXT: &str = "20000000-0000-4000-8000-000000000002";
pub const MODEL: &str = "30000000-0000-4000-8000-000000000001";
pub const PROJECT: &str = "40000000-0000-4000-8000-000000000001";
pub const ENDPOINT: &str = "50000000-0000-4000-8000-000000000001";

/// A time so many days from `now`, in whole seconds as the service shows them.
pub fn days(now: Timestamp, days: i64) -> String {
    let time = now + SignedDuration::from_hours(24 * days);
    time.round(Unit::Second).unwrap().to_string()
}

/// Three base models, two datasets, a project, a custom model, and an endpoint that somebody made by hand. Things take
/// tenths of a second.
pub fn resource(name: &str, now: Timestamp) -> Value {
    let base = |id: &str, name: &str, locale: &str, age: i64, trainable: i64, valid: i64| {
        json!({
            "id": id, "displayName": name, "locale": locale, "createdDateTime": days(now, -age),
            "adaptationDateTime": days(now, trainable), "transcriptionDateTime": days(now, valid),
        })
    };
    let text = |id: &str, name: &str| json!({"id": id, "displayName": name, "kind": "Language", "locale": "en-US", "contentUrl": "https://contoso.example/text.txt"});
    json!({
        "key1": key(name, 1), "key2": key(name, 2),
        "timings": {"endpointCreate": 0.3, "endpointUpdate": 0.3, "training": 0.3, "dataset": 0.1},
        "baseModels": [
            base(BASE_OLD, "old base", "en-US", 400, 100, 300),
            base(BASE_NEW, "new base", "en-US", 100, 200, 500),
            base(BASE_GERMAN, "german base", "de-DE", 100, 200, 500),
        ],
        "datasets": [text(TEXT, "phrases"), text(MORE_TEXT, "more phrases")],
        "projects": [{"id": PROJECT, "displayName": "claims", "locale": "en-US"}],
        "models": [{
            "id": MODEL, "displayName": "by hand", "locale": "en-US", "createdDateTime": days(now, -50),
            "transcriptionDateTime": days(now, 400), "baseModel": BASE_OLD, "datasets": [TEXT],
        }],
        "endpoints": [{
            "id": ENDPOINT, "displayName": "by hand", "description": "made in the portal", "locale": "en-US",
            "model": format!("models/{MODEL}"), "createdDateTime": days(now, -50),
            "customProperties": {"team": "claims"},
        }],
    })
}

/// Key 1 or 2 of a test's Speech resource, in the form of Azure's keys.
pub fn key(name: &str, number: u8) -> String {
    let own: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{number}{own:0<31.31}")
}
