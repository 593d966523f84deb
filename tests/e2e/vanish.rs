//! What vanishes is made anew: the first time at once, then ever later; and revisions keep their numbers for themselves.
use crate::{
    case::Case,
    copy, gate,
    harness::condition,
    seed::{BASE_OLD, MODEL, TEXT},
    stack::alone,
};
use serde_json::{Value, json};
use speech_plan::creation::{MOST_PER_DAY, MOST_PER_HOUR, MOST_PER_MINUTE};
use std::time::Duration;

fn id(object: &Value, of: &str) -> String {
    let id = if of == "SpeechModel" {
        &object["status"]["current"]["id"]
    } else {
        &object["status"]["id"]
    };
    id.as_str().unwrap_or_default().to_owned()
}

/// Has what an object made deleted by somebody else; waits until it is replaced.
async fn replaced(case: &Case, kind: &str, name: &str, collection: &str) -> Value {
    let before = id(&case.ready(kind, name).await, kind);
    case.control
        .delete_entity(&case.name, collection, &before)
        .await
        .unwrap();
    case.until(kind, name, "has another", |object| {
        crate::harness::is_ready(object) && id(object, kind) != before
    })
    .await
}

/// The same where the replacement has to wait.
async fn held(case: &Case, kind: &str, name: &str, collection: &str) -> Value {
    let before = id(&case.ready(kind, name).await, kind);
    case.control
        .delete_entity(&case.name, collection, &before)
        .await
        .unwrap();
    case.reason(kind, name, "RecreationDelayed").await
}

#[test]
fn what_is_deleted_again_and_again_is_made_anew_ever_later() {
    alone("vanish", async |case, _| {
        let timings = json!({"timings": {"training": 0.2, "endpointCreate": 0.2}});
        case.control.put_resource("vanish", timings).await.unwrap();
        case.connect("5s").await;
        let training = json!({"source": {"training": {"datasets": [TEXT]}}});
        case.model("claims", training).await;
        let second = replaced(case, "SpeechModel", "claims", "models").await;
        assert_eq!(second["status"]["current"]["revision"], 2);
        case.event("claims", "RemoteDeleted").await;
        let told = held(case, "SpeechModel", "claims", "models").await;
        assert_eq!(condition(&told, "Reconciling")["status"], "True");
        case.event("claims", "RecreationDelayed").await;
        assert_eq!(case.calls("Models_Create").await, 2);
        case.control.advance("11m").await.unwrap();
        let third = case.ready("SpeechModel", "claims").await;
        assert_eq!(third["status"]["current"]["revision"], 3);
        held(case, "SpeechModel", "claims", "models").await;
        case.control.advance("11m").await.unwrap();

        let spec = json!({"model": {"base": {"id": BASE_OLD}}, "recreate": "WhenDeleted"});
        case.endpoint("hotline", spec).await;
        let oldest = id(&case.ready("SpeechEndpoint", "hotline").await, "SpeechEndpoint");
        replaced(case, "SpeechEndpoint", "hotline", "endpoints").await;
        let told = held(case, "SpeechEndpoint", "hotline", "endpoints").await;
        let former = told["status"]["formerIds"].as_array().unwrap();
        assert_eq!(former.last(), Some(&json!(oldest)), "what applications knew first");
        assert_eq!(case.calls("Endpoints_Create").await, 2);
        assert_eq!(
            case.calls("Models_Create").await,
            3,
            "the next one waits for twenty minutes"
        );
        case.control.advance("11m").await.unwrap();
        let third = case.ready("SpeechModel", "claims").await;
        assert_eq!(third["status"]["current"]["revision"], 4);
    });
}

/// Deletes whatever is made, for so long that the operator looks several times.
async fn taken_away(case: &Case, collection: &str, kept: &[&str]) {
    for _ in 0..14 {
        for entity in case.remote(collection).await {
            let id = entity["id"].as_str().unwrap();
            if !kept.contains(&id) {
                // It may have gone by itself.
                let _ = case.control.delete_entity(&case.name, collection, id).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// How often something is asked for while all that comes of it goes at once.
async fn is_bounded(case: &Case, collection: &str, kept: &[&str], asked: impl AsyncFn() -> usize) {
    taken_away(case, collection, kept).await;
    let at_first = asked().await;
    assert!(
        (1..=MOST_PER_MINUTE).contains(&at_first),
        "{at_first} in the first minute"
    );
    for step in ["11m", "21m", "20m"] {
        case.control.advance(step).await.unwrap();
        taken_away(case, collection, kept).await;
    }
    let within_hour = asked().await;
    assert!(within_hour <= MOST_PER_HOUR, "{within_hour} in the first hour");
    for _ in 0..5 {
        case.control.advance("4h30m").await.unwrap();
        taken_away(case, collection, kept).await;
    }
    let within_day = asked().await;
    assert!(within_day <= MOST_PER_DAY, "{within_day} in the first day");
    assert!(within_day > at_first, "it is tried again");
}

#[test]
fn evaluations_that_vanish_are_asked_for_ever_more_rarely() {
    alone("vanish-evaluation", async |case, _| {
        gate::prepare(case, 0.10).await;
        case.connection(json!({"pollInterval": "5s"})).await;
        gate::serve(case, "hotline").await;
        let slow = json!({"timings": {"evaluation": 36000.0}});
        case.control.put_resource(&case.name, slow).await.unwrap();
        gate::follow(case, gate::CANDIDATE).await;
        let asked = async || case.calls("Evaluations_Create").await;
        is_bounded(case, "evaluations", &[], asked).await;
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        assert_eq!(endpoint["status"]["active"]["model"], MODEL, "nothing moved unjudged");
    });
}

#[test]
fn copies_that_vanish_are_asked_for_ever_more_rarely() {
    alone("vanish-north", async |case, stack| {
        let west = copy::source(stack, "vanish-west", 0.3).await;
        case.connect("5s").await;
        case.model("claims", copy::copy_by_id(&west)).await;
        let asked = async || west.calls("Models_Copy").await;
        is_bounded(case, "models", &[MODEL], asked).await;
    });
}
