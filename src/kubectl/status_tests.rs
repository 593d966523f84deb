use super::*;
use crate::plan::testing::{endpoint, model};
use kube::Resource;
use serde_json::{Value, json};

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

fn at(name: &str, conditions: Value, more: Value) -> crate::api::SpeechEndpoint {
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

fn fleet() -> Vec<Row> {
    let ready = condition("Ready", "True", "Serving", "model 20251112 serves");
    let risk = condition(
        "AtRisk",
        "True",
        "NoSuccessor",
        "nothing newer follows the active model, which expires soon",
    );
    let swap = json!([{"action": "Swap", "at": "2026-04-15T00:00:00Z", "to": "20260201", "reason": "BeforeExpiry"}]);
    let candidate = json!({"model": "10000000-0000-4000-8000-000000000002", "name": "20260201", "since": NOW});
    let waits = condition(
        "Ready",
        "True",
        "SwapScheduled",
        "model 20251112 serves; model 20260201 waits for its day",
    );
    let expired = json!([
        condition(
            "Ready",
            "False",
            "BaseModelAnswers",
            "model 20251112 expired on 2026-02-01"
        ),
        condition(
            "Stalled",
            "True",
            "BaseModelAnswers",
            "model 20251112 expired on 2026-02-01"
        ),
        condition(
            "ModelValid",
            "False",
            "BaseModelAnswers",
            "model 20251112 expired on 2026-02-01"
        ),
    ]);
    let mut trained = named(model("source: {base: {}}"), "claims");
    trained.status = Some(
        serde_json::from_value(json!({
            "observedGeneration": 1, "conditions": [condition("Ready", "True", "Synced", "revision 3 is current")],
            "current": {"revision": 3, "id": "3", "self": "3", "name": "claims", "createdAt": NOW, "expiresAt": "2027-01-15T00:00:00Z"},
        }))
        .unwrap(),
    );
    let mut fleet = vec![
        row(&Object::Endpoint(&at("hotline", json!([ready]), json!({})))),
        row(&Object::Endpoint(&at(
            "letters",
            json!([waits]),
            json!({"plan": swap, "candidate": candidate}),
        ))),
        row(&Object::Endpoint(&at("late", json!([ready, risk]), json!({})))),
        row(&Object::Endpoint(&at("expired", expired, json!({})))),
        row(&Object::Endpoint(&named(endpoint("model: {base: {}}"), "new"))),
        row(&Object::Model(&trained)),
    ];
    sort(&mut fleet);
    fleet
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

#[test]
fn a_fleet_is_shown_the_worst_first() {
    let text = overview(&fleet(), now(), Colours(false), false, false);
    insta::assert_snapshot!(text);
    assert!(crate::kubectl::DOCUMENT.contains(&text));
}

#[test]
fn one_object_is_told_line_by_line() {
    let rows = fleet();
    let letters = rows.iter().find(|row| row.name == "letters").unwrap();
    let text = detail(letters, now(), Colours(false));
    insta::assert_snapshot!(text);
    assert!(crate::kubectl::DOCUMENT.contains(&text));
}

#[test]
fn attention_is_needed_where_something_is_not_as_declared_or_at_risk() {
    let rows = fleet();
    let attention = |name: &str| {
        let row = rows.iter().find(|row| row.name == name).unwrap();
        (row.state, row.state.needs_attention())
    };
    assert_eq!(attention("hotline"), (State::Ready, false));
    assert_eq!(attention("letters"), (State::Waiting, false));
    assert_eq!(attention("late"), (State::AtRisk, true));
    assert_eq!(attention("expired"), (State::Expired, true));
    assert_eq!(attention("new"), (State::Unknown, true));
    let working = json!([
        condition("Ready", "True", "Serving", ""),
        condition("Reconciling", "True", "Swapping", "moving"),
    ]);
    let working = row(&Object::Endpoint(&at("x", working, json!({}))));
    assert_eq!((working.state, working.message.as_str()), (State::Working, "moving"));
    let mut edited = at("x", json!([condition("Ready", "True", "Serving", "")]), json!({}));
    edited.metadata.generation = Some(2);
    assert_eq!(row(&Object::Endpoint(&edited)).state, State::Unknown);
}
