//! Deletions without a connection or a key, several claims of one endpoint, and objects that come back.
use crate::{
    case::Case,
    harness::{condition, in_time, is_ready, message},
    seed::{self, ENDPOINT, MODEL, TEXT},
    stack::{SOON, alone, shared},
};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use std::time::Duration;

async fn serving(case: &Case, name: &str, spec: Value) -> String {
    let mut all = json!({"model": {"base": {}}});
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let endpoint = case.ready_endpoint(name, all).await;
    endpoint["status"]["id"].as_str().unwrap().to_owned()
}

/// Removes a connection by force, as somebody does who empties its finalizers.
async fn force_away(case: &Case) {
    case.delete("SpeechConnection", "speech").await;
    let free = json!({"metadata": {"finalizers": null}});
    case.patch("SpeechConnection", "speech", free).await;
    case.gone("SpeechConnection", "speech").await;
}

#[test]
fn without_a_connection_an_object_goes_at_once_or_after_its_time_and_tells_what_it_leaves() {
    shared("orphan", async |case, stack| {
        case.connect("60s").await;
        serving(
            case,
            "kept",
            json!({"deletionPolicy": "Retain", "forceOrphanAfter": "168h"}),
        )
        .await;
        let id = serving(case, "lost", json!({"forceOrphanAfter": "3s"})).await;
        serving(case, "patient", json!({"forceOrphanAfter": "1h"})).await;
        force_away(case).await;
        for name in ["kept", "lost", "patient"] {
            case.delete("SpeechEndpoint", name).await;
        }
        for name in ["kept", "lost"] {
            case.gone("SpeechEndpoint", name).await;
        }
        case.event("lost", "Orphaned").await;
        assert!(stack.said().contains(&format!("endpoint {id} could not be deleted")));
        let metrics = stack.operator.metrics().await.unwrap();
        let orphaned = r#"speech_orphaned_total{kind="SpeechEndpoint"} "#;
        let orphaned = metrics.lines().find_map(|line| line.strip_prefix(orphaned));
        assert!(orphaned.is_some_and(|count| count != "0"), "{metrics}");
        let waits = case.reason("SpeechEndpoint", "patient", "ConnectionNotFound").await;
        assert_eq!(condition(&waits, "Stalled")["status"], "True");
        assert!(message(&waits, "Stalled").contains("is released at"), "{waits}");
        assert_eq!(case.calls("Endpoints_Delete").await, 0);

        // The connection comes back in time: what waits is deleted after all.
        case.connect("60s").await;
        case.gone("SpeechEndpoint", "patient").await;
        assert_eq!(case.marked("endpoints", "patient").await.len(), 0);
        assert_eq!(case.marked("endpoints", "lost").await.len(), 1);
    });
}

#[test]
fn a_key_that_the_service_refuses_holds_up_no_deletion_for_ever() {
    shared("refused-key", async |case, _| {
        case.connect("5s").await;
        serving(case, "hotline", json!({"forceOrphanAfter": "4s"})).await;
        let other = json!({"key1": "another-another-another-another-1", "key2": "another-another-another-another-2"});
        case.control.set_keys("refused-key", other).await.unwrap();
        case.remove("SpeechEndpoint", "hotline").await;
        case.event("hotline", "Orphaned").await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 1);
    });
}

#[test]
fn that_deletions_still_use_a_key_without_a_secret_is_told() {
    shared("last-key", async |case, _| {
        case.connect("60s").await;
        serving(case, "hotline", json!({})).await;
        case.delete("Secret", "speech-key").await;
        let connection = case.reason("SpeechConnection", "speech", "SecretNotFound").await;
        assert!(
            message(&connection, "Ready").contains("pending deletions may use the previous key until"),
            "{connection}"
        );
        case.secret(&seed::key("last-key", 1)).await;
        case.ready("SpeechConnection", "speech").await;
    });
}

#[test]
fn a_connection_whose_last_key_is_forgotten_is_at_rest() {
    alone("forgotten-key", async |case, stack| {
        case.connect("60s").await;
        serving(case, "hotline", json!({})).await;
        case.delete("Secret", "speech-key").await;
        case.reason("SpeechConnection", "speech", "SecretNotFound").await;
        case.control.advance("20m").await.unwrap();
        let is_forgotten = |connection: &Value| !message(connection, "Ready").contains("the last key until");
        case.until("SpeechConnection", "speech", "forgets the key", is_forgotten)
            .await;
        // Whoever waits for something of the service asks for a look, which nobody can take.
        case.delete("SpeechEndpoint", "hotline").await;
        case.reason("SpeechEndpoint", "hotline", "ConnectionNotReady").await;
        case.look_at_connection().await;
        in_time("the operator rests", SOON, async || {
            let before = stack.operator.process().cpu_seconds().unwrap();
            tokio::time::sleep(Duration::from_secs(3)).await;
            match stack.operator.process().cpu_seconds().unwrap() - before {
                used if used < 0.5 => Ok(()),
                used => Err(format!("{used} s of processor in 3 s")),
            }
        })
        .await;
        case.secret(&seed::key("forgotten-key", 1)).await;
        case.gone("SpeechEndpoint", "hotline").await;
    });
}

#[test]
fn of_several_claims_the_oldest_wins_and_the_next_follows_when_it_goes() {
    shared("claims", async |case, stack| {
        case.connect("60s").await;
        let claim = json!({"model": {"id": MODEL}, "adopt": {"id": ENDPOINT}, "deletionPolicy": "Retain"});
        let names: Vec<String> = (0..5).map(|n| format!("claim-{n}")).collect();
        for name in &names {
            case.endpoint(name, claim.clone()).await;
        }
        let mut left = names.clone();
        while !left.is_empty() {
            let holder = in_time("one holds and all others are told of it", SOON, async || {
                let mut all = Vec::new();
                for name in &left {
                    all.push(case.get("SpeechEndpoint", name).await);
                }
                let holds: Vec<_> = all.iter().filter(|object| is_ready(object)).collect();
                let [holder] = holds.as_slice() else {
                    return Err(format!("{} hold it", holds.len()));
                };
                let name = holder["metadata"]["name"].as_str().unwrap().to_owned();
                let told = format!("SpeechEndpoint claims/{name} holds this remote endpoint");
                let is_told = |object: &&Value| message(object, "Stalled").contains(&told);
                match all.iter().filter(is_told).count() + 1 == left.len() {
                    true => Ok(name),
                    false => Err(format!("not all others were told of {name}")),
                }
            })
            .await;
            case.remove("SpeechEndpoint", &holder).await;
            left.retain(|name| *name != holder);
        }
        let marks = case.calls("Endpoints_Update").await;
        assert_eq!(marks, names.len(), "one mark for each that held it");
        for name in &names {
            let mut ready = Vec::new();
            for write in case.writes(stack).iter().filter(|write| write.name == *name) {
                let conditions = write.body["status"]["conditions"].as_array().into_iter().flatten();
                let found = conditions.filter(|one| one["type"] == "Ready");
                ready.extend(found.map(|one| one["status"] == "True"));
            }
            ready.dedup();
            // Whoever came first may have to give way to another one of the same second with a smaller uid, and hold later.
            let gave_way = ready == [true, false, true];
            assert!(ready.len() <= 2 || gave_way, "{name} went to and fro: {ready:?}");
        }
    });
}

/// Deletes an object without a word to the Speech service, as when a cluster is lost, and applies it anew from its
/// backup: the same manifest with its annotations, another uid, no status.
async fn lose_and_restore(case: &Case, kind: &str, name: &str) {
    let before = case.get(kind, name).await;
    case.patch(
        kind,
        name,
        json!({"metadata": {"finalizers": null}, "spec": {"suspend": true}}),
    )
    .await;
    case.remove(kind, name).await;
    let metadata = json!({"name": name, "namespace": case.name, "annotations": before["metadata"]["annotations"]});
    let backup = json!({
        "apiVersion": before["apiVersion"], "kind": kind, "metadata": metadata, "spec": before["spec"],
    });
    let restored = case.api(kind);
    let params = PatchParams::apply("velero").force();
    restored.patch(name, &params, &Patch::Apply(&backup)).await.unwrap();
}

#[test]
fn a_restore_without_status_takes_over_what_is_there_and_sends_nothing() {
    alone("restore", async |case, _| {
        case.connect("60s").await;
        let model = case
            .ready_model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        let line = case
            .ready_endpoint("line", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        case.ready_endpoint("ours", json!({"model": {"id": MODEL}, "adopt": {"id": ENDPOINT}}))
            .await;
        let writes = case.remote_writes().await.len();
        for (kind, name) in [
            ("SpeechEndpoint", "line"),
            ("SpeechEndpoint", "ours"),
            ("SpeechModel", "claims"),
        ] {
            lose_and_restore(case, kind, name).await;
        }
        case.reason("SpeechModel", "claims", "AwaitingCreation").await;
        case.control.advance("3m").await.unwrap();
        let restored = case.ready("SpeechModel", "claims").await;
        assert_ne!(restored["metadata"]["uid"], model["metadata"]["uid"]);
        assert_eq!(restored["status"]["current"]["id"], model["status"]["current"]["id"]);
        let again = case.ready("SpeechEndpoint", "line").await;
        assert_eq!(again["status"]["id"], line["status"]["id"]);
        assert_eq!(case.ready("SpeechEndpoint", "ours").await["status"]["id"], ENDPOINT);
        assert_eq!(case.remote_writes().await.len(), writes, "0 creates, 0 patches");

        case.remove("SpeechEndpoint", "line").await;
        case.remove("SpeechModel", "claims").await;
        assert_eq!(case.marked("endpoints", "line").await.len(), 0);
        assert_eq!(case.marked("models", "claims").await.len(), 0);
    });
}

#[test]
fn what_applies_the_same_manifests_again_and_again_finds_nothing_to_do() {
    shared("gitops", async |case, stack| {
        case.connect("60s").await;
        let spec = json!({"model": {"base": {}}, "exportTo": {"configMap": {"name": "out"}}});
        let training = json!({"source": {"training": {"datasets": [TEXT]}}});
        case.model("claims", training.clone()).await;
        case.endpoint("line", spec.clone()).await;
        case.ready("SpeechModel", "claims").await;
        case.ready("SpeechEndpoint", "line").await;
        let seen = async || {
            let (line, claims) = (
                case.get("SpeechEndpoint", "line").await,
                case.get("SpeechModel", "claims").await,
            );
            let facts = |object: &Value| {
                (
                    object["metadata"]["generation"].clone(),
                    object["metadata"]["resourceVersion"].clone(),
                )
            };
            (facts(&line), facts(&claims))
        };
        case.look("line").await;
        let (before, writes) = (seen().await, case.writes(stack).len());
        for _ in 0..20 {
            case.connection(json!({"pollInterval": "60s"})).await;
            case.model("claims", training.clone()).await;
            case.endpoint("line", spec.clone()).await;
        }
        assert_eq!(seen().await, before);
        assert_eq!(case.writes(stack).len(), writes);
    });
}
