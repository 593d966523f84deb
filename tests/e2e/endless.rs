//! Work that fails for ever or never ends, and a connection that is broken: each is a risk from `before` on, and what never
//! ends takes no turn.
use crate::{
    case::Case,
    harness::{OPERATOR, condition, message},
    refusals::with_successor,
    seed::{self, BASE_NEW, BASE_OLD, MODEL, TEXT},
    stack::{Stack, alone},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::process::Command;

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

fn expiry(endpoint: &Value) -> Timestamp {
    let text = endpoint["status"]["active"]["expiresAt"].as_str();
    text.unwrap().parse().unwrap()
}

/// Waits until an object is at risk; returns what it says.
async fn at_risk(case: &Case, kind: &str, name: &str) -> String {
    let told = case
        .until(kind, name, "is at risk", |object| {
            condition(object, "AtRisk")["status"] == "True"
        })
        .await;
    format!("{} {}", condition(&told, "AtRisk")["reason"], message(&told, "AtRisk"))
}

/// How `plan --fail-on-risk` ends.
async fn plan_ends(case: &Case, stack: &Stack) -> Option<i32> {
    let mut command = Command::new(&*OPERATOR);
    command.args(["plan", "--fail-on-risk", "-n", &case.name, "--kubeconfig"]);
    command.arg(stack.plane.kubeconfig()).env_remove("KUBECONFIG");
    command.output().await.unwrap().status.code()
}

#[test]
fn a_move_that_fails_for_ever_and_one_that_never_ends_are_risks_before_the_expiry_and_after_it() {
    alone("endless-move", async |case, stack| {
        let now = case.control.now().await.unwrap();
        with_successor(case, now).await;
        case.connect("5s").await;
        let swap = json!({"before": "48h"});
        for name in ["fails", "endless"] {
            case.endpoint(name, json!({"model": {"base": {}}, "swap": swap})).await;
            case.serves(name, BASE_NEW).await;
        }
        let expires = expiry(&case.get("SpeechEndpoint", "fails").await);
        let id = case.get("SpeechEndpoint", "fails").await["status"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let fault = json!({
            "route": {"resource": "endless-move", "method": "PATCH", "path": format!("/endpoints/{id}")},
            "action": {"status": 500},
        });
        case.control.add_fault(fault).await.unwrap();
        let slow = json!({"timings": {"endpointUpdate": 999_999_999.0}, "updateStatus": "Running"});
        case.control.put_resource("endless-move", slow).await.unwrap();
        case.control.set_now(now + hours(251 * 24)).await.unwrap();
        case.until("SpeechEndpoint", "endless", "moves", |endpoint| {
            condition(endpoint, "Reconciling")["reason"] == "Swapping"
        })
        .await;
        case.control.set_now(expires - hours(49)).await.unwrap();
        for name in ["fails", "endless"] {
            let endpoint = case.look(name).await;
            assert!(
                condition(&endpoint, "AtRisk").is_null(),
                "nobody has to care yet: {endpoint:#}"
            );
        }
        case.control.set_now(expires - hours(47)).await.unwrap();
        let fails = at_risk(case, "SpeechEndpoint", "fails").await;
        assert!(fails.contains("cannot follow it"), "{fails}");
        let endless = at_risk(case, "SpeechEndpoint", "endless").await;
        assert!(
            endless.contains("Overdue") && endless.contains("at the longest"),
            "{endless}"
        );
        case.event("endless", "Overdue").await;
        assert_eq!(plan_ends(case, stack).await, Some(1));
        case.control.set_now(expires + hours(1)).await.unwrap();
        for name in ["fails", "endless"] {
            case.until("SpeechEndpoint", name, "has expired", |endpoint| {
                message(endpoint, "AtRisk").contains("expired on")
            })
            .await;
        }
        assert_eq!(plan_ends(case, stack).await, Some(1));
    });
}

#[test]
fn a_training_that_never_ends_is_a_risk_of_the_model_and_of_the_endpoint_that_waits_for_it() {
    alone("endless-training", async |case, _| {
        case.connect("5s").await;
        let training = json!({"training": {"datasets": [TEXT], "baseModel": {"id": BASE_OLD}}});
        let renewal = json!({"on": ["BeforeExpiry"], "before": "30d"});
        case.model("claims", json!({"source": training, "renewal": renewal}))
            .await;
        case.endpoint(
            "hotline",
            json!({"model": {"ref": {"name": "claims"}}, "swap": {"before": "10d"}}),
        )
        .await;
        case.ready("SpeechModel", "claims").await;
        let endpoint = case.ready("SpeechEndpoint", "hotline").await;
        let expires = expiry(&endpoint);
        // By then the pinned base model cannot be trained from any more.
        let now = case.control.now().await.unwrap();
        case.model(
            "claims",
            json!({"source": {"training": {"datasets": [TEXT]}}, "renewal": renewal}),
        )
        .await;
        let mut bases = seed::resource("endless-training", now)["baseModels"].clone();
        for base in bases.as_array_mut().unwrap() {
            base["adaptationDateTime"] = json!(seed::days(now, 2000));
            base["transcriptionDateTime"] = json!(seed::days(now, 3000));
        }
        let slow = json!({"timings": {"training": 999_999_999.0}, "baseModels": bases});
        case.control.put_resource("endless-training", slow).await.unwrap();
        case.control.set_now(expires - hours(20 * 24)).await.unwrap();
        case.until("SpeechModel", "claims", "is being trained", |model| {
            model["status"]["candidate"]["state"] != Value::Null
        })
        .await;
        case.control.set_now(expires - hours(12)).await.unwrap();
        at_risk(case, "SpeechModel", "claims").await;
        let told = at_risk(case, "SpeechEndpoint", "hotline").await;
        assert!(told.contains("SpeechModel claims"), "{told}");
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        for step in endpoint["status"]["plan"].as_array().unwrap() {
            let at: Timestamp = step["at"].as_str().unwrap().parse().unwrap();
            assert!(at >= expires - hours(12), "a forecast lies in the past: {endpoint:#}");
        }
    });
}

#[test]
fn what_never_ends_takes_no_turn() {
    alone("endless-turn", async |case, _| {
        let now = case.control.now().await.unwrap();
        with_successor(case, now).await;
        let slow = json!({"timings": {"endpointUpdate": 999_999_999.0}, "updateStatus": "Running"});
        case.control.put_resource("endless-turn", slow).await.unwrap();
        case.secret(&seed::key("endless-turn", 1)).await;
        case.connection(json!({"pollInterval": "5s", "maxConcurrentSwaps": 1}))
            .await;
        case.ready("SpeechConnection", "speech").await;
        case.endpoint("first", json!({"model": {"id": MODEL}})).await;
        case.serves("first", MODEL).await;
        case.endpoint("second", json!({"model": {"base": {}}})).await;
        case.serves("second", BASE_NEW).await;
        // The first moves without end, and holds the only turn.
        case.endpoint("first", json!({"model": {"base": {"id": BASE_NEW}}}))
            .await;
        case.until("SpeechEndpoint", "first", "moves", |endpoint| {
            condition(endpoint, "Reconciling")["reason"] == "Swapping"
        })
        .await;
        let fast = json!({"timings": {"endpointUpdate": 0.3}});
        case.control.put_resource("endless-turn", fast).await.unwrap();
        case.control.set_now(now + hours(251 * 24)).await.unwrap();
        case.until(
            "SpeechEndpoint",
            "second",
            "moves though the first never ends",
            |endpoint| endpoint["status"]["active"]["model"] != BASE_NEW,
        )
        .await;
        let first = case.get("SpeechEndpoint", "first").await;
        assert_eq!(first["status"]["active"]["model"], MODEL, "{first:#}");
    });
}

#[test]
fn a_broken_connection_is_the_obstacle_of_what_expires() {
    alone("endless-broken", async |case, _| {
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"base": {}}, "swap": {"before": "48h"}}))
            .await;
        let expires = expiry(&case.serves("hotline", BASE_NEW).await);
        case.delete("Secret", "speech-key").await;
        case.reason("SpeechConnection", "speech", "SecretNotFound").await;
        case.control.set_now(expires - hours(50)).await.unwrap();
        let endpoint = case
            .until("SpeechEndpoint", "hotline", "waits for its connection", |endpoint| {
                condition(endpoint, "Reconciling")["reason"] == "ConnectionNotReady"
            })
            .await;
        assert!(condition(&endpoint, "AtRisk").is_null(), "{endpoint:#}");
        case.control.set_now(expires - hours(12)).await.unwrap();
        let told = at_risk(case, "SpeechEndpoint", "hotline").await;
        assert!(
            told.contains("ConnectionNotReady") && told.contains("SpeechConnection speech"),
            "{told}"
        );
        case.secret(&seed::key("endless-broken", 1)).await;
        case.until("SpeechEndpoint", "hotline", "has no successor", |endpoint| {
            condition(endpoint, "AtRisk")["reason"] == "NoSuccessor"
        })
        .await;
    });
}

#[test]
fn an_endpoint_that_does_not_exist_any_more_serves_nothing_valid() {
    alone("endless-gone", async |case, stack| {
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        let endpoint = case.serves("hotline", BASE_NEW).await;
        let id = endpoint["status"]["id"].as_str().unwrap();
        case.control
            .delete_entity("endless-gone", "endpoints", id)
            .await
            .unwrap();
        let gone = case.reason("SpeechEndpoint", "hotline", "RemoteDeleted").await;
        assert_eq!(condition(&gone, "ModelValid")["status"], "False", "{gone:#}");
        assert_eq!(condition(&gone, "ModelValid")["reason"], "RemoteDeleted");
        let metrics = stack.operator.metrics().await.unwrap();
        let intended = metrics.lines().find(|line| {
            line.starts_with("speech_endpoint_intended_model") && line.contains("namespace=\"endless-gone\"")
        });
        assert!(
            intended.is_some_and(|line| line.ends_with(" 0") || line.ends_with(" 0.0")),
            "{intended:?}"
        );
    });
}
