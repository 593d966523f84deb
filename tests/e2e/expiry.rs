//! Dates: what happens when a model expires and when a newer one appears.
use crate::{
    harness::{condition, is_ready},
    seed::{self, BASE_NEW, BASE_OLD, MODEL},
    stack::alone,
};
use jiff::Timestamp;
use serde_json::json;

const BASE_FUTURE: &str = "10000000-0000-4000-8000-000000000009";

#[test]
fn an_endpoint_whose_model_expires_says_at_once_that_a_base_model_answers() {
    alone("expiry", async |case, stack| {
        case.connect("60s").await;
        let endpoint = case.ready_endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        let id = endpoint["status"]["id"].as_str().unwrap().to_owned();
        let expires: Timestamp = endpoint["status"]["active"]["expiresAt"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(case.who_answers(&id).await, (MODEL.to_owned(), false));
        let metrics = stack.operator.metrics().await.unwrap();
        let series = format!(
            "speech_endpoint_model_expiry_timestamp_seconds{{namespace=\"expiry\",name=\"hotline\"}} {}",
            expires.as_second()
        );
        assert!(metrics.contains(&series), "{series} in\n{metrics}");

        case.control.set_now(expires).await.unwrap();
        let expired = case
            .until(
                "SpeechEndpoint",
                "hotline",
                "tells that its model has expired",
                |endpoint| condition(endpoint, "ModelValid")["status"] == "False",
            )
            .await;
        assert_eq!(condition(&expired, "ModelValid")["reason"], "BaseModelAnswers");
        assert_eq!(condition(&expired, "Ready")["status"], "False");
        assert_eq!(condition(&expired, "Ready")["reason"], "BaseModelAnswers");
        assert_eq!(expired["status"]["active"]["model"], MODEL);
        case.event("hotline", "BaseModelAnswers").await;
        assert!(case.who_answers(&id).await.1, "the service fell back silently");

        let endpoint = case
            .ready_endpoint("hotline", json!({"model": {"base": {"id": BASE_NEW}}}))
            .await;
        assert_eq!(condition(&endpoint, "ModelValid")["status"], "True");
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}

#[test]
fn endpoints_follow_a_newer_base_model_when_it_appears() {
    alone("expiry-newer", async |case, _| {
        let now = case.control.now().await.unwrap();
        let mut resource = seed::resource("expiry-newer", now);
        resource["baseModels"].as_array_mut().unwrap().push(json!({
            "id": BASE_FUTURE, "displayName": "future base", "locale": "en-US", "createdDateTime": seed::days(now, 30),
            "adaptationDateTime": seed::days(now, 400), "transcriptionDateTime": seed::days(now, 800),
        }));
        case.control.put_resource("expiry-newer", resource).await.unwrap();
        case.connect("60s").await;
        case.model("newest", json!({"source": {"base": {}}})).await;
        case.endpoint("direct", json!({"model": {"base": {}}})).await;
        case.endpoint("by-ref", json!({"model": {"ref": {"name": "newest"}}}))
            .await;
        case.endpoint("fixed", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        for name in ["direct", "by-ref"] {
            let endpoint = case.ready("SpeechEndpoint", name).await;
            assert_eq!(endpoint["status"]["active"]["model"], BASE_NEW);
        }
        case.ready("SpeechEndpoint", "fixed").await;
        case.control
            .set_now(seed::days(now, 31).parse().unwrap())
            .await
            .unwrap();
        for name in ["direct", "by-ref"] {
            let follows = |endpoint: &serde_json::Value| {
                is_ready(endpoint) && endpoint["status"]["active"]["model"] == BASE_FUTURE
            };
            case.until("SpeechEndpoint", name, "follows", follows).await;
        }
        let fixed = case.ready("SpeechEndpoint", "fixed").await;
        assert_eq!(fixed["status"]["active"]["model"], BASE_OLD);
        assert_eq!(case.calls("Endpoints_Update").await, 2);
    });
}
