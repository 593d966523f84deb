//! What the service refuses once is asked for again: a swap, a training, a creation. And what it refuses of the fields
//! beside the model keeps no swap back.
use crate::{
    case::Case,
    harness::{condition, in_time, message},
    seed::{self, BASE_NEW, PROJECT, TEXT},
    stack::{SOON, alone},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const BASE_FUTURE: &str = "10000000-0000-4000-8000-000000000009";

/// The seed of a test, with a base model that appears in 250 days, when what serves is valid for 250 days more.
pub async fn with_successor(case: &Case, now: Timestamp) {
    let mut resource = seed::resource(&case.name, now);
    resource["baseModels"].as_array_mut().unwrap().push(json!({
        "id": BASE_FUTURE, "displayName": "future base", "locale": "en-US", "createdDateTime": seed::days(now, 250),
        "adaptationDateTime": seed::days(now, 700), "transcriptionDateTime": seed::days(now, 900),
    }));
    case.control.put_resource(&case.name, resource).await.unwrap();
}

/// A day so many days after another.
fn day(now: Timestamp, count: i64) -> Timestamp {
    now + SignedDuration::from_hours(24 * count)
}

async fn refused(case: &Case, kind: &str, name: &str) -> Value {
    case.until(kind, name, "is refused", |object| {
        condition(object, "Stalled")["reason"] == "Refused"
    })
    .await
}

fn status(code: u16) -> Value {
    json!({"status": code, "body": {"error": {"code": "NotNow", "message": "not now"}}})
}

#[test]
fn a_swap_that_is_refused_once_comes_a_quarter_of_an_hour_later() {
    alone("refused-swap", async |case, _| {
        let now = case.control.now().await.unwrap();
        with_successor(case, now).await;
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        case.serves("hotline", BASE_NEW).await;
        case.strike("Endpoints_Update", status(405)).await;
        case.control.set_now(day(now, 251)).await.unwrap();
        let told = refused(case, "SpeechEndpoint", "hotline").await;
        assert!(message(&told, "Stalled").contains("again at"), "{told:#}");
        assert!(told["status"]["target"].is_null(), "it was never accepted: {told:#}");
        assert_eq!(told["status"]["candidate"]["model"], BASE_FUTURE);
        assert!(condition(&told, "AtRisk").is_null(), "the expiry is far away: {told:#}");
        assert_eq!(case.calls("Endpoints_Update").await, 1);
        case.control.advance("16m").await.unwrap();
        case.serves("hotline", BASE_FUTURE).await;
        assert_eq!(case.calls("Endpoints_Update").await, 2);
    });
}

#[test]
fn a_swap_that_is_always_refused_is_a_risk_and_is_asked_for_up_to_the_expiry_and_beyond() {
    alone("refused-always", async |case, _| {
        let now = case.control.now().await.unwrap();
        with_successor(case, now).await;
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"base": {}}, "swap": {"before": "30d"}}))
            .await;
        let serving = case.serves("hotline", BASE_NEW).await;
        let expires: Timestamp = serving["status"]["active"]["expiresAt"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let always = json!({
            "route": {"resource": "refused-always", "method": "PATCH", "path": "/endpoints/*"}, "action": status(422),
        });
        case.control.add_fault(always).await.unwrap();
        case.control.set_now(day(now, 251)).await.unwrap();
        refused(case, "SpeechEndpoint", "hotline").await;
        case.control
            .set_now(expires - SignedDuration::from_hours(29 * 24))
            .await
            .unwrap();
        let told = case
            .until("SpeechEndpoint", "hotline", "is at risk", |endpoint| {
                condition(endpoint, "AtRisk")["reason"] == "Refused"
            })
            .await;
        assert!(message(&told, "AtRisk").contains("NotNow"), "{told:#}");
        // The latest start is an hour ahead: from then on it is asked for often.
        for minutes in [60, 40, 20] {
            let asked = case.calls("Endpoints_Update").await;
            case.control
                .set_now(expires - SignedDuration::from_mins(minutes))
                .await
                .unwrap();
            in_time("the swap is asked for again", SOON, async || {
                match case.calls("Endpoints_Update").await {
                    now if now > asked => Ok(()),
                    now => Err(format!("{now} times, {minutes} minutes ahead")),
                }
            })
            .await;
        }
        case.control
            .set_now(expires + SignedDuration::from_mins(1))
            .await
            .unwrap();
        let told = case
            .until("SpeechEndpoint", "hotline", "says that it has expired", |endpoint| {
                message(endpoint, "AtRisk").contains("expired on")
            })
            .await;
        assert!(!message(&told, "Ready").contains(" serves"), "{told:#}");
        case.control.clear_faults().await.unwrap();
        case.control.advance("61m").await.unwrap();
        let healed = case.serves("hotline", BASE_FUTURE).await;
        assert!(condition(&healed, "AtRisk").is_null(), "{healed:#}");
    });
}

#[test]
fn a_training_and_a_creation_that_are_refused_once_come_a_quarter_of_an_hour_later() {
    alone("refused-orders", async |case, _| {
        case.connect("5s").await;
        case.strike("Models_Create", status(422)).await;
        case.model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        refused(case, "SpeechModel", "claims").await;
        case.strike("Endpoints_Create", status(405)).await;
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        refused(case, "SpeechEndpoint", "hotline").await;
        case.control.advance("16m").await.unwrap();
        case.ready("SpeechModel", "claims").await;
        case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(case.calls("Models_Create").await, 2);
        assert_eq!(case.calls("Endpoints_Create").await, 2);
    });
}

#[test]
fn a_project_that_is_gone_and_logging_that_is_refused_keep_no_swap_back() {
    alone("refused-fields", async |case, _| {
        let now = case.control.now().await.unwrap();
        with_successor(case, now).await;
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        case.serves("hotline", BASE_NEW).await;
        case.control
            .delete_entity("refused-fields", "projects", PROJECT)
            .await
            .unwrap();
        let spec = json!({"project": PROJECT, "loggingEnabled": true, "description": "calls"});
        case.patch("SpeechEndpoint", "hotline", json!({"spec": spec})).await;
        let told = case
            .until("SpeechEndpoint", "hotline", "names what is refused", |endpoint| {
                let words = message(endpoint, "FieldsRefused");
                words.contains("project") && words.contains("loggingEnabled")
            })
            .await;
        assert_eq!(condition(&told, "Ready")["status"], "True", "{told:#}");
        assert_eq!(condition(&told, "Ready")["reason"], "Serving");
        let remote = case.marked("endpoints", "hotline").await;
        assert_eq!(remote[0]["description"], "calls", "what is not refused is changed");
        case.event("hotline", "Refused").await;
        case.control.set_now(day(now, 251)).await.unwrap();
        let moved = case.serves("hotline", BASE_FUTURE).await;
        assert!(message(&moved, "FieldsRefused").contains("project"), "{moved:#}");
        // What can be had in the end is had, and nothing is said any more.
        case.patch(
            "SpeechEndpoint",
            "hotline",
            json!({"spec": {"project": null, "loggingEnabled": false}}),
        )
        .await;
        case.until("SpeechEndpoint", "hotline", "refuses nothing", |endpoint| {
            condition(endpoint, "FieldsRefused").is_null() && endpoint["status"]["sideFailures"].is_null()
        })
        .await;
    });
}

#[test]
fn the_project_of_a_model_is_kept_after_its_training() {
    alone("model-project", async |case, _| {
        case.connect("5s").await;
        case.ready_model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        case.patch("SpeechModel", "claims", json!({"spec": {"project": PROJECT}}))
            .await;
        case.ready("SpeechModel", "claims").await;
        let trained = case.marked("models", "claims").await;
        assert_eq!(trained.len(), 1, "nothing is trained for it");
        assert!(
            trained[0]["project"].as_str().unwrap_or_default().contains(PROJECT),
            "{trained:#?}"
        );
    });
}
