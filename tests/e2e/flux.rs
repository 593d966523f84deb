//! Events as Flux' notification-controller would take them, and what Argo CD would make of the same objects.
use crate::{
    argo_cd::health,
    case::Case,
    harness::{POD, condition, in_time},
    seed::{self, BASE_NEW, MODEL},
    stack::{SOON, alone},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::{net::TcpListener, task::JoinHandle};

/// What was POSTed, in order.
pub type Told = Arc<Mutex<Vec<Value>>>;

async fn take(State(told): State<Told>, headers: HeaderMap, Json(event): Json<Value>) -> StatusCode {
    assert_eq!(headers["content-type"], "application/json");
    told.lock().unwrap().push(event);
    StatusCode::ACCEPTED
}

/// Takes events at an address, or at any that is free.
pub async fn receive(address: &str, told: &Told) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = axum::Router::new().route("/", post(take)).with_state(Arc::clone(told));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, serving)
}

/// What was told of an object of a case, in order. The operator tells of the objects of all tests before as well.
pub fn about(told: &Told, case: &Case, name: &str) -> Vec<Value> {
    let mut told = told.lock().unwrap().clone();
    told.retain(|event| {
        let object = &event["involvedObject"];
        object["namespace"] == case.name.as_str() && object["name"] == name
    });
    told
}

pub async fn until_told(told: &Told, case: &Case, name: &str, reason: &str) -> Value {
    in_time(&format!("Flux is told {reason} about {name}"), SOON, async || {
        let events = about(told, case, name);
        let found = events.iter().find(|event| event["reason"] == reason).cloned();
        found.ok_or_else(|| format!("{events:?}"))
    })
    .await
}

#[test]
fn flux_is_told_each_event_once_and_its_absence_stops_nothing() {
    alone("flux", async |case, stack| {
        let told = Told::default();
        let (address, serving) = receive("127.0.0.1:0", &told).await;
        stack.kill_operator();
        stack.is_usual = false;
        let url = format!("http://{address}");
        stack.operator = stack.start_replica(POD, &["--flux-events", &url]).await;
        case.connect("60s").await;
        let endpoint = case.ready_endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        assert_eq!(health(&endpoint).0, "Healthy", "{endpoint:#}");
        let serves = until_told(&told, case, "hotline", "Serving").await;
        let involved = json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint", "name": "hotline",
            "namespace": "flux", "uid": endpoint["metadata"]["uid"],
        });
        assert_eq!(serves["involvedObject"], involved);
        assert_eq!(serves["severity"], "info");
        assert_eq!(serves["message"], condition(&endpoint, "Ready")["message"]);
        assert_eq!(serves["reportingController"], "customspeech.dev/speech-operator");
        assert_eq!(serves["reportingInstance"], POD);
        serves["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap();

        let expires = endpoint["status"]["active"]["expiresAt"].as_str().unwrap();
        let expires: Timestamp = expires.parse().unwrap();
        case.control
            .set_now(expires - SignedDuration::from_hours(20 * 24))
            .await
            .unwrap();
        let risk = until_told(&told, case, "hotline", "NoSuccessor").await;
        assert_eq!(risk["severity"], "error");
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        assert_eq!(risk["message"], condition(&endpoint, "AtRisk")["message"]);
        let (word, message) = health(&endpoint);
        assert_eq!(word, "Healthy", "a risk holds up no sync");
        assert!(
            message.ends_with(&format!("(at risk: {})", risk["message"].as_str().unwrap())),
            "{message}"
        );

        // Nobody listens: the operator goes on, and tells what is not too old when somebody does again.
        serving.abort();
        drop(serving.await);
        case.control.set_now(expires).await.unwrap();
        let expired = |endpoint: &Value| condition(endpoint, "ModelValid")["status"] == "False";
        let endpoint = case.until("SpeechEndpoint", "hotline", "has expired", expired).await;
        assert_eq!(health(&endpoint).0, "Degraded", "{endpoint:#}");
        let (_, _serving) = receive(&address, &told).await;
        case.ready_endpoint("other", json!({"model": {"base": {"id": BASE_NEW}}}))
            .await;
        until_told(&told, case, "hotline", "BaseModelAnswers").await;
        until_told(&told, case, "other", "Serving").await;

        for name in ["hotline", "other"] {
            in_time("the same is told as in the cluster", SOON, async || {
                let mut in_cluster = case.events(name).await;
                let told = about(&told, case, name);
                let mut to_flux: Vec<&str> = told.iter().map(|event| event["reason"].as_str().unwrap()).collect();
                in_cluster.sort();
                to_flux.sort_unstable();
                if to_flux == in_cluster {
                    Ok(())
                } else {
                    Err(format!("{name}: {to_flux:?}, {in_cluster:?}"))
                }
            })
            .await;
        }
        let text = serde_json::to_string(&*told.lock().unwrap()).unwrap();
        assert!(!text.contains(&seed::key("flux", 1)));
        let metrics = stack.operator.metrics().await.unwrap();
        assert!(
            metrics.contains("speech_flux_events_total{outcome=\"Dropped\"} 0\n"),
            "{metrics}"
        );
    });
}

#[test]
fn an_address_for_flux_that_is_none_is_told_at_the_start() {
    for (url, words) in [
        ("notification-controller", "not a URL"),
        (
            "http://user:pass@flux.example/",
            "must not contain a user name or password",
        ),
    ] {
        let mut command = std::process::Command::new(&*crate::harness::OPERATOR);
        let output = command.args(["run", "--flux-events", url]).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words) && said.contains("--flux-events"), "{said}");
        assert!(!said.contains("pass@"), "{said}");
    }
}
