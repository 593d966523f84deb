//! A deployment that fails: back to the last good model, and the failed one is not tried again.
use crate::{
    case::Case,
    harness::{condition, in_time, message},
    seed::{BASE_NEW, BASE_OLD},
    stack::{SOON, alone, shared},
};
use serde_json::{Value, json};

/// Waits until the failed model is in quarantine and the endpoint serves as before.
async fn rolled_back(case: &Case) -> Value {
    let endpoint = case.says("hotline", "in quarantine").await;
    assert_eq!(endpoint["status"]["active"]["model"], BASE_OLD);
    let quarantine = endpoint["status"]["quarantine"].as_array().unwrap();
    assert_eq!(quarantine.len(), 1, "{endpoint:#}");
    assert_eq!(quarantine[0]["model"], BASE_NEW);
    assert_eq!(quarantine[0]["reason"], "DeploymentFailed");
    assert!(quarantine[0]["message"].as_str().unwrap().contains("no room left"));
    endpoint
}

#[test]
fn a_failed_deployment_goes_back_and_is_not_tried_again_until_somebody_says_so() {
    shared("rollback", async |case, _| {
        case.failing_swap().await;
        let endpoint = rolled_back(case).await;
        assert!(message(&endpoint, "Ready").contains("no room left"), "{endpoint:#}");
        assert_eq!(condition(&endpoint, "AtRisk")["reason"], "DeploymentFailed");
        let id = endpoint["status"]["id"].as_str().unwrap();
        assert_eq!(case.who_answers(id).await, (BASE_OLD.to_owned(), false));
        case.event("hotline", "DeploymentFailed").await;
        for _ in 0..3 {
            case.look("hotline").await;
        }
        assert_eq!(case.calls("Endpoints_Update").await, 2, "there and back");

        case.annotate("SpeechEndpoint", "hotline", "clear-quarantine", BASE_NEW.into())
            .await;
        let endpoint = case.serves("hotline", BASE_NEW).await;
        assert!(endpoint["status"]["quarantine"].is_null(), "{endpoint:#}");
        assert!(condition(&endpoint, "AtRisk").is_null(), "{endpoint:#}");
        case.event("hotline", "QuarantineCleared").await;
        assert_eq!(case.calls("Endpoints_Update").await, 3);
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}

#[test]
fn a_model_that_fails_again_after_it_was_cleared_is_in_quarantine_again() {
    shared("rollback-again", async |case, _| {
        // Meanwhile the service shows the model as deployed, which turns out to be wrong. Times are whole seconds: what fails in the second of the request may be from before it.
        let slow = json!({"timings": {"endpointCreate": 0.3, "endpointUpdate": 1.5}});
        case.control.put_resource(&case.name, slow).await.unwrap();
        case.failing_swap().await;
        rolled_back(case).await;
        let fault = json!({
            "route": {"resource": case.name},
            "action": {"failNext": {"kind": "endpoint", "code": "DeploymentError", "message": "still no room"}},
        });
        case.control.add_fault(fault).await.unwrap();
        case.annotate("SpeechEndpoint", "hotline", "clear-quarantine", "all".into())
            .await;
        let endpoint = case.says("hotline", "still no room").await;
        assert_eq!(endpoint["status"]["active"]["model"], BASE_OLD);
        assert_eq!(endpoint["status"]["quarantine"].as_array().unwrap().len(), 1);
        case.look("hotline").await;
        // The request may come while the service is still on the way back, which it answers with a refusal.
        let mut accepted = case.journal().await;
        accepted.retain(|entry| entry["operation"] == "Endpoints_Update" && entry["status"] != 409);
        assert_eq!(accepted.len(), 4, "there and back, twice");
    });
}

#[test]
fn an_operator_killed_on_the_way_back_finds_the_way() {
    alone("rollback-crash", async |case, stack| {
        let timings = json!({"endpointCreate": 0.3, "endpointUpdate": 1});
        let slow = json!({"timings": timings, "updateStatus": "Running"});
        case.control.put_resource(&case.name, slow).await.unwrap();
        case.failing_swap().await;
        in_time("the way back has begun", SOON, async || {
            match case.calls("Endpoints_Update").await {
                2 => Ok(()),
                other => Err(format!("{other} changes")),
            }
        })
        .await;
        stack.kill_operator();
        stack.restart_operator().await;
        rolled_back(case).await;
        case.look("hotline").await;
        assert_eq!(case.calls("Endpoints_Update").await, 2);
    });
}

#[test]
fn an_operator_killed_before_it_saw_the_failure_goes_back_all_the_same() {
    alone("rollback-unseen", async |case, stack| {
        let timings = json!({"endpointCreate": 0.3, "endpointUpdate": 1});
        let slow = json!({"timings": timings, "updateStatus": "Running"});
        case.control.put_resource(&case.name, slow).await.unwrap();
        case.failing_swap().await;
        case.until("SpeechEndpoint", "hotline", "moves", |endpoint| {
            endpoint["status"]["target"]["model"] == BASE_NEW
        })
        .await;
        in_time("the change has arrived", SOON, async || {
            match case.calls("Endpoints_Update").await {
                1 => Ok(()),
                other => Err(format!("{other} changes")),
            }
        })
        .await;
        stack.kill_operator();
        in_time("the deployment has failed", SOON, async || {
            let remote = case.marked("endpoints", "hotline").await;
            match remote[0]["status"].as_str() {
                Some("Failed") => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        stack.restart_operator().await;
        rolled_back(case).await;
        assert_eq!(case.calls("Endpoints_Update").await, 2);
    });
}
