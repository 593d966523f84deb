//! Two clusters from one backup: an operator that only observes, and two parties that undo each other's work.
use crate::{
    case::Case,
    harness::{condition, message},
    seed::{self, BASE_NEW, BASE_OLD, MODEL, MORE_TEXT, TEXT},
    stack::{Stack, alone},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{task::JoinHandle, time::sleep};

/// Three corrections, each with the deployments of both.
const CONTEST: Duration = Duration::from_secs(90);
/// So long the other operator leaves a model in place, longer than ours takes between two looks at what it awaits. What was
/// changed back before ours saw it serve looks like a deployment that the service hides, which is waited for far longer.
const SEEN: Duration = Duration::from_millis(1500);

fn training(datasets: &[&str]) -> Value {
    json!({"source": {"training": {"datasets": datasets, "baseModel": {"id": BASE_OLD}}}})
}

fn id_of(object: &Value) -> String {
    object["status"]["id"].as_str().unwrap().to_owned()
}

/// Replaces the operator by one that only observes.
async fn observe_only(stack: &mut Stack) {
    stack.kill_operator();
    stack.is_usual = false;
    stack.operator = stack.start_replica(crate::harness::POD, &["--observe-only"]).await;
}

async fn would(case: &Case, kind: &str, name: &str, what: &str) -> Value {
    case.until(kind, name, &format!("would {what}"), |object| {
        condition(object, "Stalled")["reason"] == "ObserveOnly" && message(object, "Stalled").contains(what)
    })
    .await
}

#[test]
fn an_operator_that_only_observes_says_what_it_would_do_and_changes_nothing() {
    alone("clones-observe", async |case, stack| {
        case.connect("5s").await;
        case.model("claims", training(&[TEXT])).await;
        case.model("old", training(&[TEXT])).await;
        for name in ["claims", "old"] {
            case.ready("SpeechModel", name).await;
        }
        let exported = json!({"model": {"base": {"id": BASE_OLD}}, "exportTo": {"configMap": {"name": "hotline"}}});
        case.endpoint("hotline", exported).await;
        case.endpoint("doomed", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        let hotline = id_of(&case.ready("SpeechEndpoint", "hotline").await);
        let doomed = id_of(&case.ready("SpeechEndpoint", "doomed").await);
        let published = case.get("ConfigMap", "hotline").await;
        let writes = case.remote_writes().await.len();

        observe_only(stack).await;
        // A swap, a creation, a training, a name, and deletions of both kinds.
        case.endpoint(
            "hotline",
            json!({"model": {"base": {"id": BASE_NEW}}, "displayName": "New", "exportTo": {"configMap": {"name": "hotline"}}}),
        )
        .await;
        let exported = json!({"model": {"base": {"id": BASE_OLD}}, "exportTo": {"configMap": {"name": "second"}}});
        case.endpoint("second", exported).await;
        case.model("claims", training(&[TEXT, MORE_TEXT])).await;
        case.model("third", training(&[TEXT])).await;
        case.delete("SpeechEndpoint", "doomed").await;
        case.delete("SpeechModel", "old").await;

        let serves = would(case, "SpeechEndpoint", "hotline", "change model, displayName").await;
        assert_eq!(
            condition(&serves, "Ready")["status"],
            "True",
            "it still serves: {serves:#}"
        );
        assert_eq!(serves["status"]["active"]["model"], BASE_OLD);
        let second = would(case, "SpeechEndpoint", "second", "create the endpoint").await;
        assert_eq!(condition(&second, "Ready")["status"], "False");
        assert!(second["metadata"]["finalizers"].is_null(), "{second:#}");
        assert!(
            second["metadata"]["annotations"].is_null(),
            "nothing is announced: {second:#}"
        );
        would(case, "SpeechModel", "claims", "train revision 2").await;
        would(case, "SpeechModel", "third", "train revision 1").await;
        for (kind, name) in [("SpeechEndpoint", "doomed"), ("SpeechModel", "old")] {
            case.gone(kind, name).await;
            case.event(name, "ObserveOnly").await;
        }
        case.until(
            "SpeechConnection",
            "speech",
            "tells that nothing is changed",
            |object| {
                condition(object, "ObserveOnly")["status"] == "True" && condition(object, "Ready")["status"] == "True"
            },
        )
        .await;
        case.look("hotline").await;
        assert_eq!(
            case.remote_writes().await.len(),
            writes,
            "{:#?}",
            case.remote_writes().await
        );
        assert!(case.remote_entity("endpoints", &doomed).await.is_some());
        assert_eq!(case.marked("models", "old").await.len(), 1);
        assert_eq!(case.get("ConfigMap", "hotline").await["data"], published["data"]);
        assert!(case.find("ConfigMap", "second").await.is_none());
        assert!(
            stack
                .operator
                .metrics()
                .await
                .unwrap()
                .contains("speech_observe_only 1")
        );

        // Who takes over for good goes on where the other stopped.
        stack.kill_operator();
        stack.restart_operator().await;
        let swapped = case.serves("hotline", BASE_NEW).await;
        assert_eq!(id_of(&swapped), hotline);
        case.ready("SpeechEndpoint", "second").await;
        case.until("SpeechConnection", "speech", "says no more of it", |object| {
            condition(object, "ObserveOnly").is_null()
        })
        .await;
    });
}

/// Another party that moves an endpoint to a model of its own as soon as it is at another, by the second key.
fn rival(case: &Case, endpoint: &str) -> JoinHandle<()> {
    let (url, key) = (format!("{}/speechtotext", case.url()), seed::key(&case.name, 2));
    let endpoint = format!("{url}/endpoints/{endpoint}?api-version=2025-10-15");
    let own = format!("{url}/models/{MODEL}?api-version=2025-10-15");
    tokio::spawn(async move {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = async |request: reqwest::RequestBuilder| {
            let answer = request.header("Ocp-Apim-Subscription-Key", &key).send().await.unwrap();
            answer.json::<Value>().await.unwrap()
        };
        loop {
            let found = sent(http.get(&endpoint)).await;
            let model = found["model"]["self"].as_str().unwrap_or_default();
            if found["status"] == "Succeeded" && !model.contains(MODEL) {
                sleep(SEEN).await;
                sent(http.patch(&endpoint).json(&json!({"model": {"self": own}}))).await;
            }
            sleep(Duration::from_millis(300)).await;
        }
    })
}

/// How often the operator has moved an endpoint so far, by the first key.
async fn corrections(case: &Case) -> usize {
    let mut journal = case.journal().await;
    journal.retain(|entry| {
        entry["method"] == "PATCH"
            && entry["keyUsed"] == 1
            && entry["status"] == 200
            && entry["requestBody"]["model"].is_object()
    });
    journal.len()
}

async fn put_back(case: &Case, times: i64) -> Value {
    let what = format!("was put back {times} times and waits");
    case.within(CONTEST, "SpeechEndpoint", "hotline", &what, |object| {
        object["status"]["drift"][0]["count"] == times && condition(object, "Reconciling")["reason"] == "DriftRepeated"
    })
    .await
}

#[test]
fn what_another_operator_changes_each_time_is_put_back_ever_more_rarely_and_told_once() {
    alone("clones-contest", async |case, stack| {
        let timings = json!({"endpointCreate": 0.3, "endpointUpdate": 1});
        let slow = json!({"timings": timings, "updateStatus": "Running"});
        case.control.put_resource("clones-contest", slow).await.unwrap();
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        let id = id_of(&case.ready("SpeechEndpoint", "hotline").await);
        let rival = rival(case, &id);

        let held = put_back(case, 3).await;
        let told = condition(&held, "Contested");
        assert_eq!(
            (&told["status"], &told["reason"]),
            (&json!("True"), &json!("DriftRepeated"))
        );
        let words = format!("model of endpoint {id} was changed by somebody else and put back 3 times");
        assert!(message(&held, "Contested").contains(&words), "{held:#}");
        assert!(message(&held, "Contested").contains("docs/clones.md"));
        assert_eq!(condition(&held, "Ready")["status"], "True", "a model serves: {held:#}");
        assert_eq!(corrections(case).await, 3);

        // Another operator of the same cluster remembers.
        stack.kill_operator();
        stack.restart_operator().await;
        case.look_at_connection().await;
        sleep(Duration::from_secs(10)).await;
        assert_eq!(corrections(case).await, 3);

        case.control.advance("1m").await.unwrap();
        put_back(case, 4).await;
        assert_eq!(corrections(case).await, 4);
        case.event("hotline", "DriftRepeated").await;

        // The other one ends.
        rival.abort();
        case.control.advance("2m").await.unwrap();
        let back = case.serves("hotline", BASE_OLD).await;
        assert_eq!(corrections(case).await, 5);
        assert_eq!(
            condition(&back, "Contested")["status"],
            "True",
            "it may come again: {back:#}"
        );
        case.control.advance("6h30m").await.unwrap();
        case.until("SpeechEndpoint", "hotline", "is contested no more", |object| {
            condition(object, "Contested").is_null() && object["status"]["drift"].is_null()
        })
        .await;
        let events = case.events("hotline").await;
        let told = events.iter().filter(|reason| *reason == "DriftRepeated").count();
        assert_eq!(told, 1, "{events:?}");
    });
}
