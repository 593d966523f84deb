//! What someone at the command line sees of the kinds.
use super::{
    harness::{CommandOutput, HarnessError},
    plane,
};
use serde_json::Value;

const OBJECTS: &str = r#"
apiVersion: customspeech.dev/v1alpha1
kind: SpeechConnection
metadata: {name: west, namespace: NAMESPACE}
spec: {endpoint: "https://westeurope.api.cognitive.microsoft.com", auth: {keySecretRef: {name: key}}}
---
apiVersion: customspeech.dev/v1alpha1
kind: SpeechModel
metadata: {name: claims, namespace: NAMESPACE}
spec: {connectionRef: {name: west}, locale: en-US, source: {base: {}}}
---
apiVersion: customspeech.dev/v1alpha1
kind: SpeechEndpoint
metadata: {name: hotline, namespace: NAMESPACE}
spec: {connectionRef: {name: west}, locale: en-US, model: {ref: {name: claims}}, project: null, managementPolicy: null}
"#;

/// Makes a namespace with one object of each kind.
async fn objects_in(namespace: &str) -> Result<(), HarnessError> {
    let plane = plane().await?;
    plane.kubectl_ok(&["create", "namespace", namespace]).await?;
    plane.apply(&OBJECTS.replace("NAMESPACE", namespace)).await?;
    Ok(())
}

async fn get(namespace: &str, object: &str) -> Result<Value, HarnessError> {
    let text = plane()
        .await?
        .kubectl_ok(&["get", object, "-n", namespace, "-o", "json"])
        .await?;
    Ok(serde_json::from_str(&text).unwrap())
}

async fn write_status(namespace: &str, object: &str, status: &str) -> Result<(), HarnessError> {
    let patch = format!(r#"{{"status": {status}}}"#);
    let args = [
        "patch",
        object,
        "-n",
        namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ];
    plane().await?.kubectl_ok(&args).await.map(drop)
}

async fn wait_ready(namespace: &str, object: &str, timeout: &str) -> Result<CommandOutput, HarnessError> {
    let timeout = format!("--timeout={timeout}");
    plane()
        .await?
        .kubectl(&["wait", "--for=condition=Ready", object, "-n", namespace, &timeout])
        .await
}

const READY: &str = r#"{"type": "Ready", "status": "True", "reason": "Serving", "message": "Serves 20251112.",
    "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}"#;

#[tokio::test]
async fn explain_tells_of_every_choice_of_a_model_and_its_meaning() -> Result<(), HarnessError> {
    let text = plane().await?.kubectl_ok(&["explain", "spep.spec.model"]).await?;
    for line in [
        "KIND:       SpeechEndpoint",
        "VERSION:    v1alpha1",
        "FIELD: model <Object>",
        "The model to serve: exactly one of ref, selector, id, base.",
        "base\t<Object>",
        "A base model: a fixed one, or with `{}` the newest of the locale",
        "id\t<string>",
        "A fixed custom model: a UUID or self URI.",
        "ref\t<Object>",
        "The current revision of a SpeechModel in this namespace",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    Ok(())
}

#[tokio::test]
async fn explain_tells_the_words_of_a_choice_and_its_default() -> Result<(), HarnessError> {
    let text = plane().await?.kubectl_ok(&["explain", "spconn.spec"]).await?;
    for line in [
        "enum: 2025-10-15, 2024-11-15, v3.2",
        "pollInterval\t<string>",
        "auth\t<Object> -required-",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    Ok(())
}

#[tokio::test]
async fn one_command_shows_all_kinds_with_what_someone_on_call_needs() -> Result<(), HarnessError> {
    let namespace = "shown";
    objects_in(namespace).await?;
    let active = r#"{"model": "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11", "name": "20251112", "base": true,
        "expiresAt": "2999-01-15T00:00:00Z", "since": "2026-01-01T00:00:00Z"}"#;
    let status = format!(r#"{{"observedGeneration": 1, "conditions": [{READY}], "active": {active}}}"#);
    write_status(namespace, "spep/hotline", &status).await?;

    let text = plane().await?.kubectl_ok(&["get", "speech", "-A"]).await?;
    let row = |columns: &[&str]| {
        let same = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.starts_with(columns)
        };
        assert!(text.lines().any(same), "{columns:?} is not in\n{text}");
    };
    row(&["NAMESPACE", "NAME", "READY", "REASON", "ENDPOINTS", "MODELS", "AGE"]);
    row(&[
        "NAMESPACE",
        "NAME",
        "READY",
        "REASON",
        "LOCALE",
        "REVISION",
        "EXPIRES",
        "CANDIDATE",
        "RISK",
        "AGE",
    ]);
    row(&[
        "NAMESPACE",
        "NAME",
        "READY",
        "REASON",
        "MODEL",
        "EXPIRES",
        "NEXT",
        "AT",
        "RISK",
        "AGE",
    ]);
    let endpoint = "speechendpoint.customspeech.dev/hotline";
    row(&[
        namespace,
        endpoint,
        "True",
        "Serving",
        "20251112",
        "2999-01-15T00:00:00Z",
    ]);
    row(&[namespace, "speechmodel.customspeech.dev/claims"]);
    row(&[namespace, "speechconnection.customspeech.dev/west"]);
    assert!(!text.contains("<invalid>"), "{text}");

    let wide = plane()
        .await?
        .kubectl_ok(&["get", "spep", "-n", namespace, "-o", "wide"])
        .await?;
    assert!(wide.contains("Serves 20251112."), "{wide}");
    Ok(())
}

#[tokio::test]
async fn a_new_object_says_that_nobody_has_looked_and_nulls_and_defaults_are_settled() -> Result<(), HarnessError> {
    let namespace = "new";
    objects_in(namespace).await?;
    for object in ["spconn/west", "spmodel/claims", "spep/hotline"] {
        let found = get(namespace, object).await?;
        assert_eq!(
            found["status"],
            serde_json::json!({"observedGeneration": -1}),
            "{object}"
        );
    }
    let endpoint = get(namespace, "spep/hotline").await?;
    let expected = serde_json::json!({
        "connectionRef": {"name": "west"}, "locale": "en-US", "model": {"ref": {"name": "claims"}},
        "managementPolicy": "Full", "deletionPolicy": "Delete", "forceOrphanAfter": "15m", "recreate": "Never",
        "swap": {"policy": "OnNewModel", "before": "30d", "approval": "None", "deadlineOverride": "24h"},
    });
    assert_eq!(endpoint["spec"], expected);
    let connection = get(namespace, "spconn/west").await?;
    let expected = serde_json::json!({
        "endpoint": "https://westeurope.api.cognitive.microsoft.com", "apiVersion": "2025-10-15",
        "auth": {"keySecretRef": {"name": "key", "key": "key"}}, "allowedNamespaces": {"from": "Same"},
        "pollInterval": "60s", "requestBudget": {"requests": 80, "per": "10s"},
        "maxConcurrentSwaps": 5, "maxConcurrentTrainings": 4, "deletionGuard": {"maxDeletions": 10, "per": "1m"},
    });
    assert_eq!(connection["spec"], expected);
    Ok(())
}

#[tokio::test]
async fn the_library_reads_what_the_api_server_has_settled() -> Result<(), HarnessError> {
    use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
    let namespace = "read";
    objects_in(namespace).await?;
    let client = plane().await?.client().await?;
    let connection = kube::Api::<SpeechConnection>::namespaced(client.clone(), namespace)
        .get("west")
        .await
        .unwrap();
    let model = kube::Api::<SpeechModel>::namespaced(client.clone(), namespace)
        .get("claims")
        .await
        .unwrap();
    let endpoint = kube::Api::<SpeechEndpoint>::namespaced(client, namespace)
        .get("hotline")
        .await
        .unwrap();
    let generations = [
        connection.status.map(|status| status.observed_generation),
        model.status.map(|status| status.observed_generation),
        endpoint.status.map(|status| status.observed_generation),
    ];
    assert_eq!(generations, [Some(-1); 3]);
    // The defaults of the schema are those of the types.
    let text =
        r#"{"endpoint": "https://westeurope.api.cognitive.microsoft.com", "auth": {"keySecretRef": {"name": "key"}}}"#;
    assert_eq!(connection.spec, serde_json::from_str(text).unwrap());
    Ok(())
}

#[tokio::test]
async fn waiting_for_ready_ends_only_when_the_present_spec_is_ready() -> Result<(), HarnessError> {
    let namespace = "waited-for";
    objects_in(namespace).await?;
    let early = wait_ready(namespace, "spep/hotline", "1s").await?;
    assert!(early.stderr.contains("timed out"), "{early:?}");

    write_status(
        namespace,
        "spep/hotline",
        &format!(r#"{{"observedGeneration": 1, "conditions": [{READY}]}}"#),
    )
    .await?;
    let ready = wait_ready(namespace, "spep/hotline", "30s").await?;
    assert!(ready.success(), "{ready:?}");

    let patch = r#"{"spec": {"displayName": "Hotline"}}"#;
    let args = ["patch", "spep/hotline", "-n", namespace, "--type=merge", "-p", patch];
    plane().await?.kubectl_ok(&args).await?;
    assert_eq!(get(namespace, "spep/hotline").await?["metadata"]["generation"], 2);
    let stale = wait_ready(namespace, "spep/hotline", "1s").await?;
    assert!(stale.stderr.contains("timed out"), "{stale:?}");
    Ok(())
}

#[tokio::test]
async fn a_misspelt_field_is_refused_by_name() -> Result<(), HarnessError> {
    let manifest = "{apiVersion: customspeech.dev/v1alpha1, kind: SpeechModel, metadata: {name: misspelt}, \
        spec: {connectionRef: {name: west}, locale: en-US, source: {base: {}}, suspended: true}}";
    let args = ["apply", "--dry-run=server", "-f", "-"];
    let output = plane().await?.kubectl_stdin(&args, manifest).await?;
    assert!(
        output.stderr.contains(r#"unknown field "spec.suspended""#),
        "{output:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_user_who_writes_a_status_with_the_object_changes_nothing() -> Result<(), HarnessError> {
    let namespace = "pretended";
    objects_in(namespace).await?;
    let patch = r#"{"status": {"id": "pretended"}}"#;
    let args = ["patch", "spep/hotline", "-n", namespace, "--type=merge", "-p", patch];
    plane().await?.kubectl_ok(&args).await?;
    assert_eq!(
        get(namespace, "spep/hotline").await?["status"],
        serde_json::json!({"observedGeneration": -1})
    );
    Ok(())
}
