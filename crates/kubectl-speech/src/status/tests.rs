use super::*;
use crate::{fleet::all, sample};
use kube::Resource;
use serde_json::{Value, json};
use speech_plan::testing::endpoint;

const NOW: &str = "2026-03-01T10:00:00Z";

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": NOW, "observedGeneration": 1,
    })
}

fn named<K: Resource>(mut object: K, name: &str) -> K {
    object.meta_mut().name = Some(name.to_owned());
    object.meta_mut().namespace = Some("shop".to_owned());
    object
}

fn at(name: &str, conditions: Value, more: Value) -> speech_api::SpeechEndpoint {
    let mut object = named(endpoint("model: {base: {}}"), name);
    let mut status = json!({
        "observedGeneration": 1, "id": "50000000-0000-4000-8000-000000000001", "conditions": conditions,
        "active": {
            "model": "10000000-0000-4000-8000-000000000001", "name": "20251112",
            "expiresAt": "2026-08-08T00:00:00Z", "since": NOW,
        },
    });
    status
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    object.status = Some(serde_json::from_value(status).unwrap());
    object
}

fn sampled() -> Vec<Row> {
    let objects = sample::objects();
    let mut rows: Vec<Row> = all(&objects, None, &Kind::ALL)
        .iter()
        .map(|object| row(object, sample::now()))
        .collect();
    sort(&mut rows);
    rows
}

#[test]
fn a_fleet_is_shown_the_worst_first() {
    let text = overview(&sampled(), sample::now(), Colours(false), false, false);
    insta::assert_snapshot!(text);
    assert!(crate::DOCUMENT.contains(&text));
}

#[test]
fn one_object_is_told_line_by_line() {
    let rows = sampled();
    let letters = rows.iter().find(|row| row.name == "letters").unwrap();
    let text = detail(letters, sample::now(), Colours(false));
    insta::assert_snapshot!(text);
    assert!(crate::DOCUMENT.contains(&text));
}

#[test]
fn attention_is_needed_where_something_is_not_as_declared_or_at_risk() {
    let rows = sampled();
    let expected = [
        ("archive", State::Expired, true),
        ("dictation", State::AtRisk, true),
        ("kiosk", State::Unknown, true),
        ("letters", State::Waiting, false),
        ("support", State::Working, false),
        ("wiki", State::Ready, false),
        ("west", State::Ready, false),
    ];
    for (name, state, attention) in expected {
        let row = rows.iter().find(|row| row.name == name).unwrap();
        assert_eq!((row.state, row.state.needs_attention()), (state, attention), "{name}");
    }
    let support = rows.iter().find(|row| row.name == "support").unwrap();
    assert!(
        support.message.starts_with("the service is moving to model 20260201"),
        "{}",
        support.message
    );
    let mut edited = at("x", json!([condition("Ready", "True", "Serving", "")]), json!({}));
    edited.metadata.generation = Some(2);
    assert_eq!(row(&Object::Endpoint(&edited), sample::now()).state, State::Unknown);
}

#[test]
fn a_suspended_object_is_suspended_unless_it_is_at_risk_or_expired() {
    let suspended = |conditions: Value| {
        let mut object = at("x", conditions, json!({}));
        object.spec.suspend = true;
        object.metadata.generation = Some(1);
        row(&Object::Endpoint(&object), sample::now()).state
    };
    let ready = condition("Ready", "True", "Suspended", "");
    let stalled = condition("Stalled", "True", "Suspended", "");
    let risk = condition("AtRisk", "True", "NoSuccessor", "");
    let expired = condition("ModelValid", "False", "BaseModelAnswers", "");
    assert_eq!(suspended(json!([ready])), State::Suspended);
    assert_eq!(suspended(json!([ready, stalled])), State::Suspended);
    assert_eq!(suspended(json!([ready, stalled, risk])), State::AtRisk);
    assert_eq!(suspended(json!([ready, risk, expired])), State::Expired);
}
