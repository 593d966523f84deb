//! A connection that leads to another Speech resource, by its address or by its key.
use crate::{
    case::Case,
    harness::{Gateway, condition, in_time, message},
    seed::{self, BASE_OLD, TEXT},
    stack::{SOON, alone, shared},
};
use serde_json::{Value, json};

/// An endpoint that would be made anew, and a model that would be trained anew.
async fn settled(case: &Case) -> String {
    case.connect("5s").await;
    let spec = json!({"source": {"training": {"datasets": [TEXT], "baseModel": {"id": BASE_OLD}}}});
    case.ready_model("claims", spec).await;
    let endpoint = case
        .ready_endpoint(
            "hotline",
            json!({"model": {"base": {"id": BASE_OLD}}, "recreate": "WhenDeleted"}),
        )
        .await;
    endpoint["status"]["id"].as_str().unwrap().to_owned()
}

/// Another resource, with the same keys.
async fn other(case: &Case, name: &str) -> String {
    let now = case.control.now().await.unwrap();
    let mut resource = seed::resource(&case.name, now);
    resource["models"] = json!([]);
    resource["endpoints"] = json!([]);
    case.control.put_resource(name, resource).await.unwrap();
    format!("{}/{name}", case.base_url())
}

async fn writes_to(case: &Case, resource: &str) -> usize {
    let journal = case.control.journal(Some(resource), 0).await.unwrap();
    let entries = journal["entries"].as_array().unwrap();
    entries.iter().filter(|entry| entry["method"] != "GET").count()
}

async fn is_held(case: &Case, name: &str) {
    case.delete("SpeechEndpoint", name).await;
    let held = case.reason("SpeechEndpoint", name, "ConnectionNotReady").await;
    assert_eq!(condition(&held, "Stalled")["status"], "True");
    assert!(
        message(&held, "Stalled").contains("another Speech resource"),
        "{held:#}"
    );
}

#[test]
fn another_address_at_which_nothing_of_ours_exists_is_told_and_changes_nothing() {
    alone("stranger-address", async |case, stack| {
        let id = settled(case).await;
        case.ready_endpoint("second", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        let north = other(case, "stranger-address-north").await;
        let writes = case.remote_writes().await.len();
        case.connection(json!({"endpoint": north, "pollInterval": "5s"})).await;
        let told = case.reason("SpeechConnection", "speech", "DifferentResource").await;
        assert_eq!(condition(&told, "Stalled")["status"], "True");
        for words in [
            north.as_str(),
            &case.url(),
            "accept-resource",
            "of the 3 remote entities",
        ] {
            assert!(message(&told, "Ready").contains(words), "{words}: {told:#}");
        }
        case.event("speech", "DifferentResource").await;
        is_held(case, "second").await;
        case.endpoint("third", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        case.reason("SpeechEndpoint", "third", "ConnectionNotReady").await;
        // Who takes over knows it from the status.
        stack.kill_operator();
        stack.restart_operator().await;
        case.patch("SpeechEndpoint", "third", json!({"spec": {"description": "calls"}}))
            .await;
        case.until("SpeechEndpoint", "third", "was looked at", |object| {
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await;
        case.reason("SpeechConnection", "speech", "DifferentResource").await;
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        assert_eq!(
            (&endpoint["status"]["id"], &condition(&endpoint, "Ready")["status"]),
            (&json!(id), &json!("True"))
        );
        assert_eq!(writes_to(case, "stranger-address-north").await, 0);
        assert_eq!(case.remote_writes().await.len(), writes);

        // Pointing back heals, and what was held goes on.
        case.connection(json!({"pollInterval": "5s"})).await;
        case.ready("SpeechConnection", "speech").await;
        case.gone("SpeechEndpoint", "second").await;
        case.ready("SpeechEndpoint", "third").await;
        let endpoint = case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(endpoint["status"]["id"], id.as_str());
        case.ready("SpeechModel", "claims").await;
        assert_eq!(case.marked("endpoints", "second").await.len(), 0);
        assert_eq!(case.calls("Endpoints_Create").await, 3);
        assert_eq!(case.calls("Models_Create").await, 1);
        assert_eq!(case.calls("Endpoints_Delete").await, 1);
        assert_eq!(writes_to(case, "stranger-address-north").await, 0);
    });
}

#[test]
fn a_key_of_another_resource_is_told_and_changes_nothing() {
    alone("stranger-key", async |case, _| {
        settled(case).await;
        // Another resource answers at the address from now on, to another key.
        let was = case.control.resource("stranger-key").await.unwrap();
        case.control.delete_resource("stranger-key").await.unwrap();
        let key = "abcdefabcdefabcdefabcdefabcdefab";
        let now = case.control.now().await.unwrap();
        let mut resource = seed::resource("stranger-key", now);
        resource["key1"] = json!(key);
        resource["endpoints"] = json!([]);
        resource["models"] = json!([]);
        case.control.put_resource("stranger-key", resource).await.unwrap();
        case.secret(key).await;
        let told = case.reason("SpeechConnection", "speech", "DifferentResource").await;
        assert!(message(&told, "Ready").contains("the key or identity for"), "{told:#}");
        is_held(case, "hotline").await;
        assert_eq!(case.remote("endpoints").await, [] as [Value; 0]);
        assert_eq!(case.remote("models").await, [] as [Value; 0]);
        // The right resource and its key are back.
        case.control.delete_resource("stranger-key").await.unwrap();
        case.control.put_resource("stranger-key", was).await.unwrap();
        case.secret(&seed::key("stranger-key", 1)).await;
        case.gone("SpeechEndpoint", "hotline").await;
        case.ready("SpeechModel", "claims").await;
        assert_eq!(case.marked("models", "claims").await.len(), 1);
    });
}

#[test]
fn another_way_to_the_same_resource_stays_free_and_silent() {
    shared("stranger-same", async |case, _| {
        let id = settled(case).await;
        let writes = case.remote_writes().await.len();
        let gateway = Gateway::to("/custom-domain", &case.url(), false).await.unwrap();
        let domain = gateway.url();
        case.connection(json!({"endpoint": domain, "pollInterval": "5s"})).await;
        case.until(
            "SpeechConnection",
            "speech",
            "is known by its other address",
            |connection| {
                connection["status"]["resource"]["endpoint"] == json!(domain)
                    && condition(connection, "Ready")["status"] == "True"
            },
        )
        .await;
        let before = case.get("SpeechConnection", "speech").await["status"]["resource"]["secret"].clone();
        case.secret(&seed::key("stranger-same", 2)).await;
        case.until(
            "SpeechConnection",
            "speech",
            "is known by its other key",
            |connection| connection["status"]["resource"]["secret"] != before,
        )
        .await;
        let endpoint = case.look("hotline").await;
        assert_eq!(endpoint["status"]["id"], id.as_str());
        assert_eq!(condition(&endpoint, "Ready")["status"], "True");
        assert!(!case.events("speech").await.contains(&"DifferentResource".to_owned()));
        assert_eq!(case.remote_writes().await.len(), writes);
    });
}

#[test]
fn another_resource_that_somebody_accepts_is_begun_anew_in() {
    shared("stranger-accept", async |case, _| {
        let id = settled(case).await;
        let north = other(case, "stranger-accept-north").await;
        case.connection(json!({"endpoint": north, "pollInterval": "5s"})).await;
        case.reason("SpeechConnection", "speech", "DifferentResource").await;
        case.annotate("SpeechConnection", "speech", "accept-resource", json!("127.0.0.1"))
            .await;
        case.ready("SpeechConnection", "speech").await;
        let endpoint = case
            .until("SpeechEndpoint", "hotline", "is made anew", |endpoint| {
                endpoint["status"]["formerIds"] == json!([id]) && condition(endpoint, "Ready")["status"] == "True"
            })
            .await;
        assert_ne!(endpoint["status"]["id"], id.as_str());
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 1, "the old one stays");
    });
}

#[test]
fn a_secret_that_is_written_again_with_the_same_key_holds_up_no_deletion_that_is_being_proven() {
    alone("stranger-same-key", async |case, _| {
        case.connect("5s").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        // What our object names is gone by our own hand, and the proof is on its way while the Secret gets a label.
        let route = json!({"resource": case.name, "path": "Endpoints_Get"});
        case.control
            .add_fault(json!({"route": route, "action": {"delayMs": 3000}}))
            .await
            .unwrap();
        case.delete("SpeechEndpoint", "hotline").await;
        in_time("the deletion is sent", SOON, async || {
            match case.calls("Endpoints_Delete").await {
                0 => Err("none".to_owned()),
                _ => Ok(()),
            }
        })
        .await;
        let label = json!({"metadata": {"labels": {"rotated-by": "nobody"}}});
        case.patch("Secret", "speech-key", label).await;
        case.gone("SpeechEndpoint", "hotline").await;
        let connection = case.get("SpeechConnection", "speech").await;
        assert_eq!(condition(&connection, "Ready")["status"], "True", "{connection:#}");
        assert_eq!(case.calls("Endpoints_Delete").await, 1, "deleted once");
    });
}
