//! What a namespace cannot do to another one, and where the operator does not call.
use crate::{
    case::Case,
    harness::{condition, in_time, is_ready, message},
    seed::{self, BASE_NEW, MODEL, TEXT},
    stack::{SOON, shared},
};
use serde_json::{Value, json};

/// A namespace of somebody else.
async fn stranger(case: &Case) -> Case {
    let name = format!("{}-stranger", case.name);
    case.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        .await;
    case.in_namespace(&name)
}

/// The conditions of an object, without what differs from pass to pass and from name to name.
fn told(object: &Value, name: &str) -> String {
    let mut conditions = object["status"]["conditions"].clone();
    for condition in conditions.as_array_mut().unwrap() {
        condition.as_object_mut().unwrap().remove("lastTransitionTime");
    }
    conditions.to_string().replace(name, "NAME")
}

#[test]
fn an_address_that_the_platform_forbids_is_told_at_once_and_never_called() {
    shared("border-hosts", async |case, _| {
        case.secret(&seed::key("border-hosts", 1)).await;
        let port = case.base_url().rsplit(':').next().unwrap().to_owned();
        for endpoint in [
            "https://evil.example".to_owned(),
            "https://169.254.169.254".to_owned(),
            "https://168.63.129.16".to_owned(),
            "https://2852039166".to_owned(),
            "https://10.0.0.1".to_owned(),
            "https://kubernetes.default.svc".to_owned(),
            // The emulator itself, by names that were not allowed.
            format!("http://localhost:{port}/border-hosts"),
            format!("http://[::1]:{port}/border-hosts"),
            format!("https://127.0.0.2:{port}/border-hosts"),
            format!("https://[::ffff:127.0.0.2]:{port}/border-hosts"),
        ] {
            case.connection(json!({"endpoint": endpoint})).await;
            let generation = case.get("SpeechConnection", "speech").await["metadata"]["generation"].clone();
            let connection = case
                .until(
                    "SpeechConnection",
                    "speech",
                    &format!("refuses {endpoint}"),
                    |connection| {
                        connection["status"]["observedGeneration"] == generation
                            && condition(connection, "Ready")["reason"] == "HostNotAllowed"
                    },
                )
                .await;
            assert_eq!(condition(&connection, "Stalled")["status"], "True", "{endpoint}");
            assert!(
                message(&connection, "Ready").contains("--allowed-hosts"),
                "{connection:#}"
            );
        }
        assert_eq!(case.journal().await.len(), 0, "nobody was called");
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        case.reason("SpeechEndpoint", "hotline", "ConnectionNotReady").await;
        case.connection(json!({})).await;
        case.ready("SpeechConnection", "speech").await;
        case.ready("SpeechEndpoint", "hotline").await;
    });
}

#[test]
fn a_stranger_cannot_tell_a_connection_that_does_not_allow_him_from_none() {
    shared("border-infer", async |case, _| {
        case.connect("60s").await;
        let guest = stranger(case).await;
        let refer = |name: &str| json!({"name": name, "namespace": case.name});
        for name in ["speech", "absent"] {
            let endpoint =
                json!({"connectionRef": refer(name), "model": {"base": {}}, "adopt": {"id": seed::ENDPOINT}});
            guest.endpoint(name, endpoint).await;
            let model = json!({"connectionRef": refer(name), "source": {"training": {"datasets": [TEXT]}}});
            guest.model(name, model).await;
        }
        for kind in ["SpeechEndpoint", "SpeechModel"] {
            let there = guest.reason(kind, "speech", "NamespaceNotAllowed").await;
            let absent = guest.reason(kind, "absent", "NamespaceNotAllowed").await;
            assert_eq!(told(&there, "speech"), told(&absent, "absent"), "{kind}");
            let decision = |object: &serde_json::Value| object["status"]["decision"].clone();
            assert_eq!(decision(&there), decision(&absent), "{kind}");
            for object in [&there, &absent] {
                let status = object["status"].as_object().unwrap();
                let written: Vec<_> = status
                    .keys()
                    .filter(|key| !["conditions", "decision", "observedGeneration"].contains(&key.as_str()))
                    .collect();
                assert!(written.is_empty(), "{kind}: {written:?}");
            }
        }
        assert_eq!(case.remote_writes().await.len(), 0);

        // Nor does his reference keep the connection, or show there.
        case.remove("SpeechConnection", "speech").await;
    });
}

#[test]
fn a_stranger_cannot_copy_or_name_a_model_of_another_namespace() {
    shared("border-copy", async |case, _| {
        case.connect("5s").await;
        let origin = case
            .ready_model("origin", json!({"source": {"existing": {"id": MODEL}}}))
            .await;
        let guest = stranger(case).await;
        // He has a connection of his own, even to the same Speech resource.
        guest.secret(&seed::key("border-copy", 1)).await;
        guest.connection(json!({"endpoint": case.url()})).await;
        guest.ready("SpeechConnection", "speech").await;
        for name in ["origin", "absent"] {
            let of = json!({"copy": {"modelRef": {"name": name, "namespace": case.name}}});
            guest.model(name, json!({"source": of})).await;
        }
        let there = guest.reason("SpeechModel", "origin", "NamespaceNotAllowed").await;
        let absent = guest.reason("SpeechModel", "absent", "NamespaceNotAllowed").await;
        assert_eq!(told(&there, "origin"), told(&absent, "absent"));
        let id = origin["status"]["current"]["id"].as_str().unwrap();
        assert!(!there["status"].to_string().contains(id), "{there:#}");
        for (name, connection) in [("by-id", "speech"), ("by-id-absent", "absent")] {
            let of = json!({"copy": {"connectionRef": {"name": connection, "namespace": case.name}, "id": MODEL}});
            guest.model(name, json!({"source": of})).await;
        }
        let there = guest.reason("SpeechModel", "by-id", "NamespaceNotAllowed").await;
        let absent = guest.reason("SpeechModel", "by-id-absent", "NamespaceNotAllowed").await;
        assert_eq!(told(&there, "/speech"), told(&absent, "/absent"));
        assert_eq!(case.remote_writes().await.len(), 0);
    });
}

#[test]
fn models_of_another_namespace_are_meant_by_no_name_and_no_label() {
    shared("border-choice", async |case, _| {
        case.secret(&seed::key("border-choice", 1)).await;
        case.connection(json!({"allowedNamespaces": {"from": "All"}})).await;
        case.ready("SpeechConnection", "speech").await;
        case.labelled_model(
            "claims",
            json!({"team": "a"}),
            json!({"source": {"existing": {"id": MODEL}}}),
        )
        .await;
        case.ready("SpeechModel", "claims").await;
        let guest = stranger(case).await;
        let spec = |model: Value| json!({"connectionRef": {"name": "speech", "namespace": case.name}, "model": model});
        guest
            .endpoint("by-name", spec(json!({"ref": {"name": "claims"}})))
            .await;
        guest
            .endpoint("by-label", spec(json!({"selector": {"matchLabels": {"team": "a"}}})))
            .await;
        let by_name = guest.reason("SpeechEndpoint", "by-name", "ModelNotFound").await;
        let by_label = guest.reason("SpeechEndpoint", "by-label", "NoEligibleModel").await;
        for object in [by_name, by_label] {
            assert!(!object["status"].to_string().contains(MODEL), "{object:#}");
        }
        assert_eq!(case.remote_writes().await.len(), 0);
    });
}

#[test]
fn an_export_stays_in_its_namespace_whatever_bears_the_uid_of_its_owner_elsewhere() {
    shared("border-export", async |case, _| {
        case.connect("5s").await;
        let spec = json!({"model": {"base": {"id": BASE_NEW}}, "exportTo": {"configMap": {"name": "speech"}}});
        let endpoint = case.ready_endpoint("hotline", spec).await;
        let published = case
            .until("ConfigMap", "speech", "is published", |map| map["data"].is_object())
            .await;

        // Somebody imitates it in a namespace of his own.
        let guest = stranger(case).await;
        let imitate = |name: &str| {
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "speech-operator"}, "ownerReferences": [{
                    "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint", "name": "hotline",
                    "uid": endpoint["metadata"]["uid"], "controller": true,
                }]},
                "data": published["data"],
            })
        };
        guest.apply(imitate("speech")).await;
        guest.apply(imitate("old")).await;
        case.delete("ConfigMap", "speech").await;
        in_time("the export is back", SOON, async || {
            // A garbage collector takes the imitations, and none runs here; the operator must not.
            match case.find("ConfigMap", "speech").await {
                Some(map) if map["data"] == published["data"] => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        assert!(is_ready(&case.get("SpeechEndpoint", "hotline").await));
        for name in ["speech", "old"] {
            assert!(
                guest.find("ConfigMap", name).await.is_some(),
                "{name} is not ours to delete"
            );
        }
    });
}
