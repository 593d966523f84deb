//! An endpoint that the service deletes: told, and made anew only where the spec says so.
use crate::{
    harness::{condition, is_ready, message},
    seed::BASE_OLD,
    stack::alone,
};
use serde_json::{Value, json};

fn id(endpoint: &Value) -> String {
    endpoint["status"]["id"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_endpoint_of_a_free_resource_is_gone_after_seven_days_and_made_anew_where_the_spec_says_so() {
    alone("recreate", async |case, _| {
        let free = json!({"tier": "F0", "endpoints": []});
        case.control.put_resource("recreate", free).await.unwrap();
        case.connect("60s").await;
        let spec = |recreate: &str| {
            json!({
                "model": {"base": {"id": BASE_OLD}}, "recreate": recreate,
                "exportTo": {"configMap": {"name": "hotline"}},
            })
        };
        case.endpoint("hotline", spec("Never")).await;
        let first = id(&case.serves("hotline", BASE_OLD).await);

        case.control.advance("7d").await.unwrap();
        let told = case.reason("SpeechEndpoint", "hotline", "RemoteDeleted").await;
        assert_eq!(condition(&told, "Stalled")["status"], "True");
        assert!(message(&told, "Stalled").contains(&first), "{told:#}");
        assert!(message(&told, "Stalled").contains("recreate: WhenDeleted"), "{told:#}");
        case.event("hotline", "RemoteDeleted").await;
        case.look("hotline").await;
        assert_eq!(case.calls("Endpoints_Create").await, 1);

        case.endpoint("hotline", spec("WhenDeleted")).await;
        let endpoint = case.serves("hotline", BASE_OLD).await;
        let second = id(&endpoint);
        assert_ne!(second, first);
        assert_eq!(endpoint["status"]["formerIds"], json!([first]));
        let published = async |id: &str| {
            case.until("ConfigMap", "hotline", "tells the new id", |map| {
                map["data"]["endpointId"] == id
                    && map["data"]["endpointUri"].as_str().is_some_and(|uri| uri.contains(id))
            })
            .await;
        };
        published(&second).await;
        case.event("hotline", "Recreating").await;
        assert_eq!(case.who_answers(&second).await, (BASE_OLD.to_owned(), false));

        // The next time nobody has to say anything.
        case.control.advance("7d").await.unwrap();
        let endpoint = case
            .until("SpeechEndpoint", "hotline", "is made anew", |endpoint| {
                is_ready(endpoint) && id(endpoint) != second
            })
            .await;
        assert_eq!(endpoint["status"]["formerIds"], json!([second, first]));
        published(&id(&endpoint)).await;
        assert_eq!(case.calls("Endpoints_Create").await, 3);
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 1);
    });
}
