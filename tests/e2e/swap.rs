//! From one model to the next, at the same endpoint.
use crate::{
    case::Case,
    harness::{condition, is_ready},
    seed::{BASE_NEW, BASE_OLD, MODEL, MORE_TEXT, TEXT},
    stack::{alone, shared},
};
use futures::StreamExt as _;
use kube::api::{WatchEvent, WatchParams};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Every state that an endpoint is in from now on.
async fn recorded(case: &Case, name: &str) -> Arc<Mutex<Vec<Value>>> {
    let states = Arc::new(Mutex::new(Vec::new()));
    let from = case.get("SpeechEndpoint", name).await;
    let version = from["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let only = WatchParams::default().fields(&format!("metadata.name={name}"));
    let watch = case.api("SpeechEndpoint").watch(&only, &version).await.unwrap();
    let record = Arc::clone(&states);
    tokio::spawn(async move {
        let mut watch = std::pin::pin!(watch);
        while let Some(Ok(event)) = watch.next().await {
            if let WatchEvent::Modified(object) = event {
                record.lock().unwrap().push(serde_json::to_value(object).unwrap());
            }
        }
    });
    states
}

fn current(model: &Value) -> String {
    model["status"]["current"]["id"].as_str().unwrap().to_owned()
}

fn training(datasets: &[&str], weight: u8) -> Value {
    json!({"training": {"datasets": datasets, "baseModel": {"id": BASE_OLD}, "customModelWeightPercent": weight}})
}

async fn revision(case: &Case, number: u32) -> Value {
    case.until("SpeechModel", "claims", &format!("has revision {number}"), |model| {
        model["status"]["current"]["revision"] == number && is_ready(model)
    })
    .await
}

#[test]
fn a_changed_training_makes_a_revision_and_the_endpoint_swaps_while_it_stays_ready() {
    shared("swap", async |case, _| {
        // Slow enough to look on, and shown as Running, so that what is said can be compared with who answers.
        let timings = json!({"endpointCreate": 0.3, "endpointUpdate": 3, "training": 0.3});
        let slow = json!({"timings": timings, "updateStatus": "Running"});
        case.control.put_resource("swap", slow).await.unwrap();
        case.connect("60s").await;
        case.model("claims", json!({"source": training(&[TEXT], 30)})).await;
        let before = case
            .ready_endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        let old = current(&case.get("SpeechModel", "claims").await);
        let id = before["status"]["id"].as_str().unwrap().to_owned();
        let states = recorded(case, "hotline").await;

        case.model("claims", json!({"source": training(&[TEXT, MORE_TEXT], 30)}))
            .await;
        let moving = case
            .until("SpeechEndpoint", "hotline", "moves", |endpoint| {
                endpoint["status"]["target"].is_object()
            })
            .await;
        assert_eq!(moving["status"]["active"]["model"], old.as_str());
        assert_ne!(moving["status"]["target"]["model"], old.as_str());
        assert_eq!(case.who_answers(&id).await, (old.clone(), false));
        case.until("SpeechEndpoint", "hotline", "is told to swap", |endpoint| {
            condition(endpoint, "Reconciling")["reason"] == "Swapping"
        })
        .await;
        let after = case
            .until("SpeechEndpoint", "hotline", "serves the new model", |endpoint| {
                is_ready(endpoint) && endpoint["status"]["active"]["model"] != old.as_str()
            })
            .await;
        let new = current(&case.get("SpeechModel", "claims").await);
        assert_eq!(after["status"]["id"], id.as_str());
        assert_eq!(after["status"]["active"]["model"], new.as_str());
        assert_eq!(after["status"]["active"]["revision"], 2);
        assert!(after["status"]["target"].is_null(), "{after}");
        assert_eq!(case.who_answers(&id).await, (new, false));
        for state in states.lock().unwrap().iter() {
            assert_eq!(condition(state, "Ready")["status"], "True", "{state:#}");
        }
        assert!(states.lock().unwrap().len() >= 2, "{states:?}");
        assert_eq!(case.calls("Endpoints_Create").await, 1);
        assert_eq!(case.calls("Endpoints_Update").await, 1);
    });
}

#[test]
fn old_revisions_go_beyond_the_limit_but_never_one_that_an_endpoint_uses() {
    alone("swap-history", async |case, _| {
        case.connect("60s").await;
        case.model(
            "claims",
            json!({"source": training(&[TEXT], 10), "revisionHistoryLimit": 1}),
        )
        .await;
        let first = current(&revision(case, 1).await);
        // Somebody else's endpoint uses the first revision.
        case.ready_endpoint("pinned", json!({"model": {"id": first}})).await;
        for (number, weight) in [(2, 20), (3, 30), (4, 40)] {
            case.model(
                "claims",
                json!({"source": training(&[TEXT], weight), "revisionHistoryLimit": 1}),
            )
            .await;
            if number == 3 {
                let waits = |model: &Value| {
                    let message = condition(model, "Reconciling")["message"].to_string();
                    message.contains("the spec was changed again shortly after the last request")
                };
                case.until("SpeechModel", "claims", "is not trained at each edit", waits)
                    .await;
                case.control.advance("3m").await.unwrap();
            }
            revision(case, number).await;
        }
        let kept = |model: &Value| {
            let history = model["status"]["history"].as_array().cloned().unwrap_or_default();
            history
                .iter()
                .map(|past| past["revision"].as_i64().unwrap())
                .collect::<Vec<_>>()
        };
        // Two are beyond the current one, one more than allowed: only revision 1 may be the one too many, being used.
        let model = case
            .until(
                "SpeechModel",
                "claims",
                "keeps the used revision and no other",
                |model| is_ready(model) && (kept(model) == [1] || kept(model) == [3, 1]),
            )
            .await;
        assert!(kept(&model).contains(&1), "{model:#}");
        assert!(case.remote_entity("models", &first).await.is_some());
        assert_eq!(case.calls("Models_Create").await, 4);

        case.remove("SpeechEndpoint", "pinned").await;
        case.until("SpeechModel", "claims", "is within its limit", |model| {
            kept(model).len() <= 1
        })
        .await;
    });
}

#[test]
fn a_change_of_the_fixed_model_in_the_spec_moves_the_endpoint() {
    shared("swap-fixed", async |case, _| {
        case.connect("60s").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        for (model, expected) in [
            (json!({"id": MODEL}), MODEL),
            (json!({"base": {"id": BASE_NEW}}), BASE_NEW),
        ] {
            case.endpoint("hotline", json!({"model": model})).await;
            case.until("SpeechEndpoint", "hotline", "serves what is declared", |endpoint| {
                is_ready(endpoint) && endpoint["status"]["active"]["model"] == expected
            })
            .await;
        }
        assert_eq!(case.calls("Endpoints_Create").await, 1);
        let events = case.events("hotline").await;
        assert_eq!(
            events.iter().filter(|reason| *reason == "Serving").count(),
            events.len(),
            "{events:?}"
        );
    });
}

#[test]
fn a_model_that_expires_earlier_is_not_swapped_to() {
    shared("swap-earlier", async |case, _| {
        case.connect("60s").await;
        case.model("claims", json!({"source": {"existing": {"id": MODEL}}}))
            .await;
        case.ready_endpoint("hotline", json!({"model": {"base": {"id": BASE_NEW}}}))
            .await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        let told = case
            .until("SpeechEndpoint", "hotline", "tells why it stays", |endpoint| {
                endpoint["status"].to_string().contains("ModelExpiresEarlier")
            })
            .await;
        assert_eq!(told["status"]["active"]["model"], BASE_NEW);
        assert_eq!(case.calls("Endpoints_Update").await, 0);
    });
}

#[test]
fn a_failed_deployment_is_told_and_the_next_model_is_tried() {
    shared("swap-failed", async |case, _| {
        case.connect("60s").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        let fault = json!({
            "route": {"resource": "swap-failed"},
            "action": {"failNext": {"kind": "endpoint", "code": "DeploymentError", "message": "no room"}},
        });
        case.control.add_fault(fault).await.unwrap();
        case.endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        let failed = case
            .until("SpeechEndpoint", "hotline", "tells of the failure", |endpoint| {
                condition(endpoint, "Stalled")["reason"] == "DeploymentFailed"
            })
            .await;
        assert!(failed["status"].to_string().contains("no room"), "{failed}");
        let endpoint = case
            .ready_endpoint("hotline", json!({"model": {"base": {"id": BASE_NEW}}}))
            .await;
        assert_eq!(endpoint["status"]["active"]["model"], BASE_NEW);
    });
}
