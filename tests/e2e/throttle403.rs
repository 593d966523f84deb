//! A 403 that speaks of a quota of calls: the service asks to slow down, as with 429, and means it.
use crate::{
    harness::{condition, in_time},
    seed::MODEL,
    stack::shared,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// What a gateway before Azure's services says when a volume of calls is used up.
const OUT_OF_QUOTA: &str = "Out of call volume quota. Quota will be replenished in 00:01:00.";

#[test]
fn an_exhausted_quota_of_calls_is_throttling_and_its_pause_is_kept() {
    shared("throttle403", async |case, _| {
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        case.serves("hotline", MODEL).await;
        let body = json!({"statusCode": 403, "message": OUT_OF_QUOTA});
        let fault = json!({"route": {"resource": "throttle403"}, "action": {"status": 403, "body": body}});
        case.control.add_fault(fault).await.unwrap();
        let connection = case
            .until("SpeechConnection", "speech", "is Throttled", |object| {
                condition(object, "Throttled")["status"] == "True"
            })
            .await;
        assert_ne!(
            condition(&connection, "Ready")["reason"],
            "PermissionDenied",
            "{connection}"
        );
        // Lists that had left already may still end; after that nothing leaves for as long as was asked for.
        let quiet_for = Duration::from_secs(15);
        let (mut since, mut count) = (Instant::now(), case.journal().await.len());
        in_time(
            "nothing is asked during the pause",
            Duration::from_secs(40),
            async || {
                let now = case.journal().await.len();
                if now != count {
                    (since, count) = (Instant::now(), now);
                }
                if since.elapsed() >= quiet_for {
                    return Ok(());
                }
                Err(format!("{count} requests, quiet for {:?}", since.elapsed()))
            },
        )
        .await;
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        assert_eq!(
            condition(&endpoint, "Ready")["status"],
            "True",
            "what serves is not disturbed"
        );
    });
}
