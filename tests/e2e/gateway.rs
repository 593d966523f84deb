//! Answers that are not the service's own word: nothing vanishes, nothing is made anew, deletions are held and told.
use crate::{
    case::Case,
    harness::{condition, in_time, message},
    seed::{BASE_OLD, ENDPOINT, TEXT},
    stack::{SOON, Stack, alone, shared},
};
use serde_json::{Value, json};

const GATEWAY: fn() -> Value = || json!({"error": {"code": "404", "message": "Resource not found"}});

/// Lets something before the service answer from now on; returns what ends that.
async fn gateway(case: &Case, method: &str, path: &str, action: Value) -> u64 {
    let route = json!({"resource": case.name, "method": method, "path": path});
    let fault = json!({"route": route, "action": action});
    case.control.add_fault(fault).await.unwrap()["id"].as_u64().unwrap()
}

async fn heal(case: &Case, fault: u64) {
    case.control.remove_fault(fault).await.unwrap();
}

fn orphans(metrics: &str, kind: &str) -> u64 {
    let name = format!("speech_orphaned_total{{kind=\"{kind}\"}} ");
    let count = metrics.lines().find_map(|line| line.strip_prefix(&name));
    count.map_or(0, |count| count.parse().unwrap())
}

async fn orphaned(stack: &Stack, kind: &str) -> u64 {
    orphans(&stack.operator.metrics().await.unwrap(), kind)
}

async fn serving(case: &Case, name: &str, spec: Value) -> String {
    let mut all = json!({"model": {"base": {"id": BASE_OLD}}});
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let endpoint = case.ready_endpoint(name, all).await;
    endpoint["status"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_deletion_that_a_gateway_answers_is_held_and_goes_on_when_the_gateway_is_gone() {
    shared("gateway-delete", async |case, _| {
        case.connect("5s").await;
        for (number, action) in [
            json!({"status": 404, "body": GATEWAY()}),
            json!({"status": 404}),
            json!({"status": 204}),
            json!({"status": 410, "body": GATEWAY()}),
            json!({"status": 405, "text": "<html>Not Allowed</html>"}),
            json!({"status": 200, "text": "<html>Sign in</html>"}),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("line-{number}");
            serving(case, &name, json!({})).await;
            let fault = gateway(case, "DELETE", "/endpoints/*", action.clone()).await;
            case.delete("SpeechEndpoint", &name).await;
            let held = case.reason("SpeechEndpoint", &name, "DeletionUnproven").await;
            assert_eq!(condition(&held, "Stalled")["status"], "True", "{action}");
            assert!(message(&held, "Stalled").contains("is released at"), "{held:#}");
            assert_eq!(case.marked("endpoints", &name).await.len(), 1, "{action}");
            heal(case, fault).await;
            case.gone("SpeechEndpoint", &name).await;
            assert_eq!(case.marked("endpoints", &name).await.len(), 0, "{action}");
            assert!(!case.events(&name).await.contains(&"Orphaned".to_owned()));
        }
    });
}

#[test]
fn a_deletion_that_nothing_ever_proves_ends_as_an_orphan_that_is_told_and_counted() {
    shared("gateway-orphan", async |case, stack| {
        case.connect("5s").await;
        serving(case, "hotline", json!({"forceOrphanAfter": "6s"})).await;
        let spec = json!({"source": {"training": {"datasets": [TEXT], "baseModel": {"id": BASE_OLD}}}, "forceOrphanAfter": "6s"});
        case.ready_model("claims", spec).await;
        let before = (
            orphaned(stack, "SpeechEndpoint").await,
            orphaned(stack, "SpeechModel").await,
        );
        for path in ["/endpoints/*", "/models/*"] {
            gateway(case, "DELETE", path, json!({"status": 404, "body": GATEWAY()})).await;
        }
        for (kind, name, remote) in [
            ("SpeechEndpoint", "hotline", "endpoints"),
            ("SpeechModel", "claims", "models"),
        ] {
            case.remove(kind, name).await;
            case.event(name, "Orphaned").await;
            assert_eq!(case.marked(remote, name).await.len(), 1);
        }
        let after = (
            orphaned(stack, "SpeechEndpoint").await,
            orphaned(stack, "SpeechModel").await,
        );
        assert!(after.0 > before.0 && after.1 > before.1, "{before:?} {after:?}");
    });
}

#[test]
fn a_typo_in_the_endpoint_holds_deletions_and_loses_nothing() {
    shared("gateway-typo", async |case, _| {
        case.connect("5s").await;
        serving(case, "hotline", json!({})).await;
        case.connection(json!({"endpoint": format!("{}/elsewhere", case.url()), "pollInterval": "5s"}))
            .await;
        case.reason("SpeechConnection", "speech", "NotASpeechResource").await;
        case.delete("SpeechEndpoint", "hotline").await;
        let held = case.reason("SpeechEndpoint", "hotline", "ConnectionNotReady").await;
        assert_eq!(condition(&held, "Stalled")["status"], "True");
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 1);
        case.connection(json!({"pollInterval": "5s"})).await;
        case.gone("SpeechEndpoint", "hotline").await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 0);
    });
}

/// An empty list beside a 404 that is a gateway's: for endpoints, models and all at once.
#[test]
fn an_empty_list_and_a_gateways_404_let_nothing_vanish() {
    alone("gateway-lists", async |case, stack| {
        case.connect("5s").await;
        let id = serving(case, "hotline", json!({"recreate": "WhenDeleted"})).await;
        let spec = json!({"source": {"training": {"datasets": [TEXT], "baseModel": {"id": BASE_OLD}}}});
        case.ready_model("claims", spec).await;
        let writes = case.remote_writes().await.len();
        for answer in [
            json!({"status": 404, "body": GATEWAY()}),
            json!({"status": 410}),
            json!({"status": 404, "text": "<html>"}),
            json!({"status": 404, "body": {"code": "NotFound", "message": "API version v3.2 is retired."}}),
        ] {
            let mut faults = Vec::new();
            for kind in ["endpoints", "models"] {
                faults.push(
                    gateway(
                        case,
                        "GET",
                        &format!("/{kind}"),
                        json!({"status": 200, "body": {"values": []}}),
                    )
                    .await,
                );
                faults.push(gateway(case, "GET", &format!("/{kind}/*"), answer.clone()).await);
            }
            let reason = if answer["body"]["code"] == "NotFound" {
                "ApiVersionUnsupported"
            } else {
                "NotASpeechResource"
            };
            case.reason("SpeechConnection", "speech", reason).await;
            // A leader that begins anew knows no more than the statuses.
            stack.kill_operator();
            stack.restart_operator().await;
            case.until("SpeechConnection", "speech", "is not Ready", |connection| {
                condition(connection, "Ready")["status"] != "True"
            })
            .await;
            assert_eq!(case.remote_writes().await.len(), writes, "{answer}");
            for fault in faults {
                heal(case, fault).await;
            }
            case.ready("SpeechConnection", "speech").await;
            let endpoint = case.ready("SpeechEndpoint", "hotline").await;
            assert_eq!(endpoint["status"]["id"], id.as_str());
            case.ready("SpeechModel", "claims").await;
            assert_eq!(case.remote_writes().await.len(), writes, "{answer}");
        }
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 1);
        assert_eq!(case.marked("models", "claims").await.len(), 1);
    });
}

/// After a restart nothing is remembered of a list, so one that is empty could be believed.
#[test]
fn an_empty_list_of_datasets_makes_none_of_them_unknown() {
    alone("gateway-datasets", async |case, stack| {
        case.connect("5s").await;
        let training = |dataset: &str| json!({"source": {"training": {"datasets": [dataset]}}});
        case.ready_model("claims", training(TEXT)).await;
        let empty = json!({"status": 200, "body": {"values": []}});
        let faults = [
            gateway(case, "GET", "/datasets", empty).await,
            gateway(case, "GET", "/datasets/*", json!({"status": 404, "body": GATEWAY()})).await,
        ];
        stack.kill_operator();
        stack.restart_operator().await;
        case.model("letters", training(TEXT)).await;
        let waits = case.reason("SpeechModel", "letters", "DatasetNotReady").await;
        assert!(
            message(&waits, "Reconciling").contains("asked whether it exists"),
            "{waits:#}"
        );
        let claims = case.ready("SpeechModel", "claims").await;
        assert!(condition(&claims, "AtRisk").is_null(), "{claims:#}");
        for fault in faults {
            heal(case, fault).await;
        }
        case.ready("SpeechModel", "letters").await;
        // What the service itself does not know is told.
        case.model("unknown", training("20000000-0000-4000-8000-00000000dead"))
            .await;
        case.reason("SpeechModel", "unknown", "DatasetNotFound").await;
    });
}

#[test]
fn an_adoption_that_was_refused_deletes_nothing() {
    shared("gateway-adopt", async |case, _| {
        case.connect("5s").await;
        let adopts = json!({"model": {"base": {"id": BASE_OLD}}, "adopt": {"id": ENDPOINT}});
        // The marking is answered with a 5xx, again and again.
        let fault = gateway(case, "PATCH", "/endpoints/*", json!({"status": 503})).await;
        case.endpoint("first", adopts.clone()).await;
        case.until("SpeechEndpoint", "first", "is asked for again", |object| {
            condition(object, "Reconciling")["reason"] == "Retrying"
        })
        .await;
        case.remove("SpeechEndpoint", "first").await;
        heal(case, fault).await;
        // There is no room for the mark.
        let full: serde_json::Map<String, Value> = (0..9).map(|n| (format!("key{n}"), json!("value"))).collect();
        case.control
            .patch_entity(&case.name, "endpoints", ENDPOINT, json!({"customProperties": full}))
            .await
            .unwrap();
        case.endpoint("second", adopts.clone()).await;
        case.reason("SpeechEndpoint", "second", "Refused").await;
        case.remove("SpeechEndpoint", "second").await;
        assert!(case.remote_entity("endpoints", ENDPOINT).await.is_some());
        assert_eq!(case.calls("Endpoints_Delete").await, 0);
    });
}

#[test]
fn a_creation_that_was_refused_leaves_no_orphan_behind() {
    shared("gateway-refused", async |case, _| {
        case.connect("5s").await;
        let refusal = json!({"code": "InvalidRequest", "message": "No."});
        gateway(case, "POST", "/endpoints", json!({"status": 400, "body": refusal})).await;
        case.endpoint("hotline", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        case.reason("SpeechEndpoint", "hotline", "Refused").await;
        case.delete("Secret", "speech-key").await;
        case.reason("SpeechConnection", "speech", "SecretNotFound").await;
        case.delete("SpeechEndpoint", "hotline").await;
        in_time("the object is gone at once", SOON, async || {
            match case.find("SpeechEndpoint", "hotline").await {
                None => Ok(()),
                Some(object) => Err(object.to_string()),
            }
        })
        .await;
        assert!(!case.events("hotline").await.contains(&"Orphaned".to_owned()));
    });
}
