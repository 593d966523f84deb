//! What is missing or wrong gets a reason, and heals by a watch, long before the next poll.
use crate::{
    case::Case,
    harness::{condition, is_ready},
    seed::{self, BASE_GERMAN, BASE_OLD, TEXT},
    stack::shared,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Far below every poll interval here (60 s), with room for a busy machine.
const BY_WATCH: Duration = Duration::from_secs(5);
const BASE: fn() -> Value = || json!({"model": {"base": {"id": BASE_OLD}}});

/// Waits until the endpoint's reason changes from what it was, measured from now: that is the healing itself.
async fn heals(case: &Case, name: &str, from: &str) {
    let began = std::time::Instant::now();
    case.until("SpeechEndpoint", name, "is looked at again", |endpoint| {
        condition(endpoint, "Ready")["reason"] != from
    })
    .await;
    let took = began.elapsed();
    assert!(took < BY_WATCH, "{name} healed only after {took:?}");
    case.ready("SpeechEndpoint", name).await;
}

async fn connected(case: &Case) {
    case.within(BY_WATCH, "SpeechConnection", "speech", "is Ready", is_ready)
        .await;
}

#[test]
fn a_connection_that_appears_later_is_used_at_once() {
    shared("heal-connection", async |case, _| {
        case.endpoint("hotline", BASE()).await;
        let told = case.reason("SpeechEndpoint", "hotline", "ConnectionNotFound").await;
        assert_eq!(condition(&told, "Stalled")["status"], "True");
        case.connect("60s").await;
        heals(case, "hotline", "ConnectionNotFound").await;
    });
}

#[test]
fn a_secret_and_a_key_in_it_that_appear_later_are_used_at_once() {
    shared("heal-secret", async |case, _| {
        case.connection(json!({})).await;
        case.endpoint("hotline", BASE()).await;
        let told = case.reason("SpeechConnection", "speech", "SecretNotFound").await;
        assert!(
            condition(&told, "Ready")["message"]
                .as_str()
                .unwrap()
                .contains("speech-key")
        );
        case.reason("SpeechEndpoint", "hotline", "ConnectionNotReady").await;

        let without = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "speech-key"}, "stringData": {"other": "x"}});
        case.apply(without).await;
        case.reason("SpeechConnection", "speech", "SecretKeyInvalid").await;

        case.secret(&seed::key("heal-secret", 2)).await;
        connected(case).await;
        heals(case, "hotline", "ConnectionNotReady").await;
    });
}

#[test]
fn a_refused_key_is_told_and_the_right_one_is_used_at_once() {
    shared("heal-key", async |case, _| {
        case.secret("0123456789abcdef0123456789abcdef").await;
        case.connection(json!({})).await;
        case.endpoint("hotline", BASE()).await;
        case.reason("SpeechConnection", "speech", "CredentialInvalid").await;
        case.reason("SpeechEndpoint", "hotline", "ConnectionNotReady").await;
        case.secret(&seed::key("heal-key", 1)).await;
        connected(case).await;
        heals(case, "hotline", "ConnectionNotReady").await;

        // A regenerated key: the next request tells, and the new one heals.
        let new = "fedcba9876543210fedcba9876543210";
        case.control
            .set_keys(
                "heal-key",
                json!({"key1": new, "key2": "unused-unused-unused-unused-1234"}),
            )
            .await
            .unwrap();
        case.patch("SpeechEndpoint", "hotline", json!({"spec": {"description": "calls"}}))
            .await;
        case.reason("SpeechConnection", "speech", "CredentialInvalid").await;
        case.secret(new).await;
        connected(case).await;
        case.ready("SpeechEndpoint", "hotline").await;
        let remote = case.marked("endpoints", "hotline").await;
        assert_eq!(remote.len(), 1);
        assert_eq!(remote[0]["description"], "calls");
    });
}

#[test]
fn a_model_that_appears_later_is_used_at_once() {
    shared("heal-model", async |case, _| {
        case.connect("60s").await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        case.reason("SpeechEndpoint", "hotline", "ModelNotFound").await;
        case.model("claims", json!({"source": {"base": {"id": BASE_OLD}}}))
            .await;
        heals(case, "hotline", "ModelNotFound").await;
    });
}

#[test]
fn a_namespace_that_is_allowed_later_by_label_or_spec_is_served_at_once() {
    shared("heal-namespace", async |case, _| {
        let selector = json!({"from": "Selector", "selector": {"matchLabels": {"speech": "yes"}}});
        case.secret(&seed::key("heal-namespace", 1)).await;
        case.connection(json!({"allowedNamespaces": selector})).await;
        connected(case).await;
        let guest = "heal-namespace-guest";
        case.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": guest}}))
            .await;
        let guest = case.in_namespace(guest);
        let spec =
            |model: Value| json!({"connectionRef": {"name": "speech", "namespace": "heal-namespace"}, "model": model});
        guest.endpoint("hotline", spec(json!({"base": {}}))).await;
        guest.reason("SpeechEndpoint", "hotline", "NamespaceNotAllowed").await;
        case.patch(
            "Namespace",
            &guest.name,
            json!({"metadata": {"labels": {"speech": "yes"}}}),
        )
        .await;
        heals(&guest, "hotline", "NamespaceNotAllowed").await;

        case.connection(json!({"allowedNamespaces": {"from": "Same"}})).await;
        guest.reason("SpeechEndpoint", "hotline", "NamespaceNotAllowed").await;
        case.connection(json!({"allowedNamespaces": {"from": "All"}})).await;
        heals(&guest, "hotline", "NamespaceNotAllowed").await;
    });
}

#[test]
fn models_of_another_locale_or_connection_are_refused_until_the_spec_is_right() {
    shared("heal-mismatch", async |case, _| {
        case.connect("60s").await;
        let usual = json!({"endpoint": case.url(), "auth": {"keySecretRef": {"name": "speech-key"}}});
        case.apply(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechConnection", "metadata": {"name": "other"}, "spec": usual,
        }))
        .await;
        case.ready("SpeechConnection", "other").await;
        case.model(
            "german",
            json!({"locale": "de-DE", "source": {"base": {"id": BASE_GERMAN}}}),
        )
        .await;
        case.model(
            "elsewhere",
            json!({"connectionRef": {"name": "other"}, "source": {"base": {}}}),
        )
        .await;
        case.model("right", json!({"source": {"base": {}}})).await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "german"}}}))
            .await;
        case.reason("SpeechEndpoint", "hotline", "LocaleMismatch").await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "elsewhere"}}}))
            .await;
        case.reason("SpeechEndpoint", "hotline", "ModelOfOtherConnection").await;
        assert_eq!(case.remote_writes().await.len(), 0);
        case.endpoint("hotline", json!({"model": {"ref": {"name": "right"}}}))
            .await;
        heals(case, "hotline", "ModelOfOtherConnection").await;
    });
}

#[test]
fn a_missing_dataset_or_base_model_is_told_and_a_corrected_spec_heals() {
    shared("heal-training", async |case, _| {
        case.connect("60s").await;
        let nowhere = "2fffffff-0000-4000-8000-000000000001";
        let source = |dataset: &str, base: &str| json!({"source": {"training": {"datasets": [dataset], "baseModel": {"id": base}}}});
        case.model("claims", source(TEXT, nowhere)).await;
        case.reason("SpeechModel", "claims", "BaseModelNotFound").await;
        assert_eq!(case.remote_writes().await.len(), 0);
        case.model("claims", source(nowhere, BASE_OLD)).await;
        case.reason("SpeechModel", "claims", "DatasetNotFound").await;
        case.event("claims", "DatasetNotFound").await;
        case.ready_model("claims", source(TEXT, BASE_OLD)).await;
        assert_eq!(case.marked("models", "claims").await.len(), 1);
    });
}

#[test]
fn wrong_addresses_are_told_apart_and_the_right_one_heals() {
    shared("heal-address", async |case, _| {
        case.secret(&seed::key("heal-address", 1)).await;
        case.endpoint("hotline", BASE()).await;
        for (address, reasons) in [
            (
                "https://no-such-host.invalid".to_owned(),
                ["HostNotFound", "Unreachable"].as_slice(),
            ),
            ("http://127.0.0.1:9".to_owned(), &["Unreachable"]),
            (format!("{}/elsewhere", case.url()), &["NotASpeechResource"]),
        ] {
            case.connection(json!({"endpoint": address})).await;
            case.until(
                "SpeechConnection",
                "speech",
                &format!("tells what is wrong with {address}"),
                |connection| {
                    let reason = condition(connection, "Ready")["reason"].as_str().unwrap_or_default();
                    reasons.contains(&reason)
                        && connection["status"]["observedGeneration"] == connection["metadata"]["generation"]
                },
            )
            .await;
            case.reason("SpeechEndpoint", "hotline", "ConnectionNotReady").await;
        }
        case.connection(json!({})).await;
        connected(case).await;
        heals(case, "hotline", "ConnectionNotReady").await;
    });
}

#[test]
fn every_api_version_serves_and_a_project_that_it_lacks_holds_nothing_back() {
    shared("heal-version", async |case, _| {
        case.secret(&seed::key("heal-version", 1)).await;
        case.connection(json!({"apiVersion": "2024-11-15"})).await;
        connected(case).await;
        let with_project = json!({"model": {"base": {"id": BASE_OLD}}, "project": seed::PROJECT});
        let served = case.ready_endpoint("in-project", with_project).await;
        let refused = condition(&served, "FieldsRefused");
        assert!(
            refused["message"].as_str().unwrap().contains("has no projects"),
            "{served:#}"
        );
        let id = served["status"]["id"].as_str().unwrap().to_owned();
        // The model travels all the same.
        case.endpoint(
            "in-project",
            json!({"model": {"base": {"id": seed::BASE_NEW}}, "project": seed::PROJECT}),
        )
        .await;
        case.serves("in-project", seed::BASE_NEW).await;
        case.ready_endpoint("plain", BASE()).await;
        case.connection(json!({"apiVersion": "v3.2"})).await;
        connected(case).await;
        let in_project = case.until("SpeechEndpoint", "in-project", "has its project", |endpoint| {
            is_ready(endpoint) && condition(endpoint, "FieldsRefused").is_null()
        });
        assert_eq!(in_project.await["status"]["id"], id.as_str());
        let remote = case.remote_entity("endpoints", &id).await.unwrap();
        assert!(
            remote["project"]
                .as_str()
                .is_some_and(|project| project.ends_with(seed::PROJECT)),
            "{remote}"
        );
        case.until("SpeechEndpoint", "plain", "has the links of v3.2", |endpoint| {
            is_ready(endpoint) && endpoint["status"]["links"]["restConversation"].is_string()
        })
        .await;
        assert_eq!(case.marked("endpoints", "plain").await.len(), 1);
        assert_eq!(case.calls("Endpoints_Create").await, 2);
    });
}
