//! Whatever happens around a creation, one object never has two remote entities.
use crate::{
    case::Case,
    harness::{condition, eventually, in_time, is_ready},
    seed::{BASE_OLD, TEXT},
    stack::{SOON, Stack, alone, shared},
};
use serde_json::{Value, json};
use std::time::Duration;

const INTENT: &str = "customspeech.dev/creation-intent";

fn base() -> Value {
    json!({"model": {"base": {"id": BASE_OLD}}})
}

/// Waits until a fault has struck, that is until the request has arrived; then it is not listed any more.
pub async fn struck(case: &Case, fault: u64) {
    in_time("the request has arrived", SOON, async || {
        let faults = case
            .control
            .request(reqwest::Method::GET, "faults", None)
            .await
            .unwrap();
        let mut waiting = faults["faults"].as_array().unwrap().iter();
        match waiting.find(|one| one["id"] == fault) {
            Some(one) => Err(one.to_string()),
            None => Ok(()),
        }
    })
    .await;
}

/// Exactly one remote entity of the object, and it is the one in the status.
async fn is_the_only_one(case: &Case, kind: &str, object: &Value) {
    let name = object["metadata"]["name"].as_str().unwrap();
    let marked = case.marked(kind, name).await;
    assert_eq!(marked.len(), 1, "{marked:#?}");
    let id = object["status"]["id"]
        .as_str()
        .or(object["status"]["current"]["id"].as_str());
    assert_eq!(marked[0]["id"].as_str(), id);
}

pub async fn kill_and_restart(stack: &mut Stack) {
    stack.kill_operator();
    stack.restart_operator().await;
}

#[test]
fn an_endpoint_whose_creation_answered_to_a_dead_operator_is_adopted() {
    alone("crash-delay", async |case, stack| {
        case.connect("60s").await;
        let fault = case.strike("Endpoints_Create", json!({"delayMs": 3000})).await;
        case.endpoint("hotline", base()).await;
        struck(case, fault).await;
        assert!(case.get("SpeechEndpoint", "hotline").await["metadata"]["annotations"][INTENT].is_string());
        kill_and_restart(stack).await;
        case.reason("SpeechEndpoint", "hotline", "AwaitingCreation").await;
        let endpoint = case.ready("SpeechEndpoint", "hotline").await;
        is_the_only_one(case, "endpoints", &endpoint).await;
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}

#[test]
fn an_endpoint_whose_answer_was_lost_is_adopted_without_a_second_post() {
    shared("crash-lost", async |case, _| {
        case.connect("60s").await;
        case.strike("Endpoints_Create", json!({"loseResponse": true})).await;
        let endpoint = case.ready_endpoint("hotline", base()).await;
        is_the_only_one(case, "endpoints", &endpoint).await;
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}

#[test]
fn an_answer_lost_together_with_the_operator_makes_no_twin() {
    alone("crash-both", async |case, stack| {
        case.connect("60s").await;
        let fault = case
            .strike("Endpoints_Create", json!({"loseResponse": true, "delayMs": 300}))
            .await;
        case.endpoint("hotline", base()).await;
        struck(case, fault).await;
        kill_and_restart(stack).await;
        let endpoint = case.ready("SpeechEndpoint", "hotline").await;
        is_the_only_one(case, "endpoints", &endpoint).await;
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}

#[test]
fn a_post_that_takes_effect_late_is_waited_for_and_adopted() {
    alone("crash-late", async |case, stack| {
        case.connect("60s").await;
        let fault = case
            .strike("Endpoints_Create", json!({"commitLate": {"delayMs": 4000}}))
            .await;
        case.endpoint("hotline", base()).await;
        struck(case, fault).await;
        kill_and_restart(stack).await;
        // A minute is less than the time after which a second attempt may leave.
        case.control.advance("1m").await.unwrap();
        case.reason("SpeechEndpoint", "hotline", "AwaitingCreation").await;
        let endpoint = case.ready("SpeechEndpoint", "hotline").await;
        is_the_only_one(case, "endpoints", &endpoint).await;
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}

#[test]
fn a_post_that_takes_effect_when_nobody_expects_it_any_more_loses_its_twin() {
    alone("crash-twin", async |case, stack| {
        case.connect("5s").await;
        let fault = case
            .strike("Endpoints_Create", json!({"commitLate": {"delayMs": 8000}}))
            .await;
        case.endpoint("hotline", base()).await;
        struck(case, fault).await;
        kill_and_restart(stack).await;
        case.reason("SpeechEndpoint", "hotline", "AwaitingCreation").await;
        case.control.advance("3m").await.unwrap();
        let endpoint = case.ready("SpeechEndpoint", "hotline").await;
        in_time("the late one has come and gone", SOON, async || {
            match (
                case.calls("Endpoints_Create").await,
                case.marked("endpoints", "hotline").await.len(),
            ) {
                (2, 1) if case.calls("Endpoints_Delete").await == 1 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        is_the_only_one(case, "endpoints", &endpoint).await;
    });
}

#[test]
fn a_training_ordered_by_a_dead_operator_is_found_and_not_ordered_again() {
    alone("crash-training", async |case, stack| {
        case.connect("60s").await;
        let fault = case.strike("Models_Create", json!({"delayMs": 3000})).await;
        case.model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        struck(case, fault).await;
        kill_and_restart(stack).await;
        case.reason("SpeechModel", "claims", "AwaitingCreation").await;
        let model = case.ready("SpeechModel", "claims").await;
        is_the_only_one(case, "models", &model).await;
        assert_eq!(case.calls("Models_Create").await, 1);
    });
}

#[test]
fn a_training_whose_answer_was_lost_is_not_ordered_again() {
    shared("crash-training-lost", async |case, _| {
        case.connect("60s").await;
        case.strike("Models_Create", json!({"loseResponse": true})).await;
        let model = case
            .ready_model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        is_the_only_one(case, "models", &model).await;
        assert_eq!(case.calls("Models_Create").await, 1);
    });
}

#[test]
fn a_list_that_lags_behind_makes_no_twin_and_no_false_alarm() {
    alone("crash-lag", async |case, stack| {
        let lag = json!({"route": {"resource": "crash-lag"}, "action": {"listLag": {"seconds": 30}}});
        case.control.add_fault(lag).await.unwrap();
        case.connect("5s").await;
        case.ready_endpoint("seen", base()).await;
        let fault = case.strike("Endpoints_Create", json!({"loseResponse": true})).await;
        case.endpoint("lost", base()).await;
        struck(case, fault).await;
        kill_and_restart(stack).await;
        case.reason("SpeechEndpoint", "lost", "AwaitingCreation").await;
        let seen = case.get("SpeechEndpoint", "seen").await;
        assert_eq!(condition(&seen, "Ready")["status"], "True", "{seen:#}");
        case.control.advance("40s").await.unwrap();
        let endpoint = case.ready("SpeechEndpoint", "lost").await;
        is_the_only_one(case, "endpoints", &endpoint).await;
        assert_eq!(case.calls("Endpoints_Create").await, 2);
        assert_eq!(case.marked("endpoints", "seen").await.len(), 1);
    });
}

#[test]
fn an_object_deleted_while_its_creation_is_uncertain_leaves_no_orphan() {
    alone("crash-delete", async |case, stack| {
        case.connect("5s").await;
        let fault = case
            .strike("Endpoints_Create", json!({"commitLate": {"delayMs": 3000}}))
            .await;
        case.endpoint("hotline", base()).await;
        struck(case, fault).await;
        stack.kill_operator();
        case.delete("SpeechEndpoint", "hotline").await;
        stack.restart_operator().await;
        in_time("the late endpoint has come and gone", SOON, async || {
            match case.calls("Endpoints_Delete").await {
                1 => Ok(()),
                other => Err(format!("{other}")),
            }
        })
        .await;
        case.control.advance("3m").await.unwrap();
        case.gone("SpeechEndpoint", "hotline").await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 0);
    });
}

#[test]
fn operators_killed_again_and_again_make_one_endpoint_for_each_object() {
    const COUNT: usize = 40;
    alone("crash-storm", async |case, stack| {
        let slow = json!({"latencyMs": 20, "rateLimit": {"requests": 0, "perSeconds": 10}});
        case.control.put_resource("crash-storm", slow).await.unwrap();
        case.connect("5s").await;
        for number in 0..COUNT {
            case.endpoint(&format!("line-{number}"), base()).await;
            if number % 10 == 5 {
                // Somewhere between an announcement, a request and its answer; elsewhere each time.
                let made = case.calls("Endpoints_Create").await;
                eventually("another request has left", Duration::from_secs(10), async || {
                    let now = case.calls("Endpoints_Create").await;
                    if now > made {
                        Ok(())
                    } else {
                        Err(format!("{now} as before"))
                    }
                })
                .await
                .ok();
                kill_and_restart(stack).await;
            }
        }
        case.control.advance("3m").await.unwrap();
        for number in 0..COUNT {
            let name = format!("line-{number}");
            let endpoint = case
                .within(Duration::from_secs(60), "SpeechEndpoint", &name, "is Ready", is_ready)
                .await;
            is_the_only_one(case, "endpoints", &endpoint).await;
        }
    });
}

#[test]
fn what_was_made_for_an_object_that_is_gone_meanwhile_is_deleted() {
    shared("crash-gone", async |case, _| {
        case.connect("60s").await;
        let fault = case.strike("Endpoints_Create", json!({"delayMs": 2000})).await;
        case.endpoint("hotline", base()).await;
        struck(case, fault).await;
        // The same as a deletion that meets the finalizer on its way: the apiserver does not wait for us.
        case.delete("SpeechEndpoint", "hotline").await;
        case.patch("SpeechEndpoint", "hotline", json!({"metadata": {"finalizers": null}}))
            .await;
        case.gone("SpeechEndpoint", "hotline").await;
        in_time("the endpoint is deleted", SOON, async || {
            match case.calls("Endpoints_Delete").await {
                0 => Err("not yet".to_owned()),
                _ => Ok(()),
            }
        })
        .await;
        assert_eq!(case.calls("Endpoints_Create").await, 1);
        assert!(case.marked("endpoints", "hotline").await.is_empty());
    });
}
