//! A model that expires without a successor: told ahead, counted while it lasts, ended at once.
use crate::{
    harness::{condition, message},
    seed::{self, BASE_NEW},
    stack::alone,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const BASE_FUTURE: &str = "10000000-0000-4000-8000-000000000009";

#[test]
fn an_expiry_without_a_successor_is_told_ahead_and_counted_until_a_newer_model_comes() {
    alone("fallback", async |case, _| {
        let now = case.control.now().await.unwrap();
        let mut resource = seed::resource("fallback", now);
        resource["baseModels"].as_array_mut().unwrap().push(json!({
            "id": BASE_FUTURE, "displayName": "future base", "locale": "en-US", "createdDateTime": seed::days(now, 510),
            "adaptationDateTime": seed::days(now, 700), "transcriptionDateTime": seed::days(now, 900),
        }));
        case.control.put_resource("fallback", resource).await.unwrap();
        case.connect("60s").await;
        // Whatever holds swaps back at other times does not prolong a fallback.
        let swap =
            json!({"policy": "BeforeExpiry", "before": "20d", "windows": [{"kind": "Deny"}], "deadlineOverride": "0s"});
        case.endpoint("hotline", json!({"model": {"base": {}}, "swap": swap}))
            .await;
        let endpoint = case.serves("hotline", BASE_NEW).await;
        let id = endpoint["status"]["id"].as_str().unwrap().to_owned();
        let expiry = endpoint["status"]["active"]["expiresAt"].clone();
        let expires: Timestamp = expiry.as_str().unwrap().parse().unwrap();
        assert!(condition(&endpoint, "AtRisk").is_null(), "{endpoint:#}");
        assert_eq!(endpoint["status"]["plan"][0]["action"], "Expire");
        assert_eq!(endpoint["status"]["plan"][0]["at"], expiry);

        let days = |count: i64| SignedDuration::from_hours(24 * count);
        case.control.set_now(expires - days(21)).await.unwrap();
        let endpoint = case.look("hotline").await;
        assert!(condition(&endpoint, "AtRisk").is_null(), "{endpoint:#}");
        case.control.set_now(expires - days(20)).await.unwrap();
        let endpoint = case
            .until("SpeechEndpoint", "hotline", "is at risk", |endpoint| {
                condition(endpoint, "AtRisk")["reason"] == "NoSuccessor"
            })
            .await;
        assert_eq!(condition(&endpoint, "Ready")["status"], "True");
        assert!(
            message(&endpoint, "AtRisk").contains(&expiry.as_str().unwrap()[..10]),
            "{endpoint:#}"
        );
        case.event("hotline", "NoSuccessor").await;

        case.control.set_now(expires + days(1)).await.unwrap();
        let endpoint = case
            .until("SpeechEndpoint", "hotline", "has fallen back", |endpoint| {
                condition(endpoint, "ModelValid")["status"] == "False"
            })
            .await;
        assert_eq!(endpoint["status"]["fallback"]["since"], expiry);

        case.control
            .set_now(seed::days(now, 511).parse().unwrap())
            .await
            .unwrap();
        let endpoint = case.serves("hotline", BASE_FUTURE).await;
        assert_eq!(condition(&endpoint, "ModelValid")["status"], "True");
        assert!(condition(&endpoint, "AtRisk").is_null(), "{endpoint:#}");
        let fallback = &endpoint["status"]["fallback"];
        assert!(fallback["since"].is_null(), "{endpoint:#}");
        let counted = fallback["seconds"].as_i64().unwrap();
        let lasted = 11 * 24 * 3600;
        assert!((lasted..lasted + 600).contains(&counted), "{counted} s");
        assert_eq!(case.who_answers(&id).await, (BASE_FUTURE.to_owned(), false));
        assert_eq!(case.calls("Endpoints_Update").await, 1);
    });
}
