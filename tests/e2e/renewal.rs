//! Renewing models: what a training needs, whose turn it is, and how long it takes here.
use crate::{
    case::Case,
    crash::kill_and_restart,
    harness::condition,
    seed::{self, MORE_TEXT, TEXT},
    stack::{alone, shared},
};
use serde_json::{Value, json};

const MISSING: &str = "20000000-0000-4000-8000-000000000009";

fn training(dataset: &str) -> Value {
    json!({"source": {"training": {"datasets": [dataset]}}})
}

/// A Speech resource whose trainings take so many seconds, and a connection that allows so many at a time.
async fn connect(case: &Case, seconds: f64, at_a_time: u32) {
    let timings = json!({"timings": {"training": seconds, "endpointCreate": 0.3, "dataset": 0.1}});
    case.control.put_resource(&case.name, timings).await.unwrap();
    case.secret(&seed::key(&case.name, 1)).await;
    case.connection(json!({"pollInterval": "5s", "maxConcurrentTrainings": at_a_time}))
        .await;
}

#[test]
fn a_dataset_that_is_missing_is_told_and_used_as_soon_as_it_appears() {
    shared("renewal-dataset", async |case, _| {
        connect(case, 0.3, 4).await;
        case.model("claims", training(MISSING)).await;
        let told = case.reason("SpeechModel", "claims", "DatasetNotFound").await;
        assert_eq!(condition(&told, "Stalled")["status"], "True");
        assert!(condition(&told, "Ready")["message"].as_str().unwrap().contains(MISSING));
        assert_eq!(case.calls("Models_Create").await, 0, "nothing is asked for");
        let late = json!({"datasets": [{
            "id": MISSING, "displayName": "late", "kind": "Language", "locale": "en-US",
            "contentUrl": "https://contoso.example/text.txt",
        }]});
        case.control.put_resource(&case.name, late).await.unwrap();
        case.ready("SpeechModel", "claims").await;
        assert_eq!(case.marked("models", "claims").await.len(), 1);
    });
}

#[test]
fn trainings_take_turns() {
    shared("renewal-turns", async |case, _| {
        connect(case, 2.0, 1).await;
        case.ready("SpeechConnection", "speech").await;
        for name in ["first", "second", "third"] {
            case.model(name, training(TEXT)).await;
        }
        for name in ["first", "second", "third"] {
            case.ready("SpeechModel", name).await;
        }
        let mut spans = Vec::new();
        for name in ["first", "second", "third"] {
            let models = case.marked("models", name).await;
            assert_eq!(models.len(), 1);
            let at = |field: &str| models[0][field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            spans.push((at("createdDateTime"), at("lastActionDateTime")));
        }
        spans.sort();
        for pair in spans.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "two at a time: {spans:?}");
        }
    });
}

#[test]
fn how_long_work_took_outlives_the_operator_and_counts_in_the_plan() {
    alone("renewal-durations", async |case, stack| {
        connect(case, 0.3, 4).await;
        let short = json!({"source": {"training": {"datasets": [MORE_TEXT]}}, "renewal": {"before": "1h"}});
        case.model("claims", short).await;
        case.ready_endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        let learned = |connection: &Value| {
            let all = connection["status"]["durations"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            all.iter()
                .any(|one| one["locale"] == "en-US" && one["training"] == "1m" && one["deploying"] == "1m")
        };
        let before = case.until("SpeechConnection", "speech", "has learned", learned).await;
        let model = case.ready("SpeechModel", "claims").await;
        let step = &model["status"]["plan"][0];
        assert_eq!(step["action"], "Train");
        // Seconds were seen, so that an hour is enough.
        assert!(
            step["risk"].is_null() && condition(&model, "AtRisk").is_null(),
            "{step:#}"
        );
        kill_and_restart(stack).await;
        case.ready("SpeechConnection", "speech").await;
        let after = case.get("SpeechConnection", "speech").await;
        assert_eq!(after["status"]["durations"], before["status"]["durations"]);
    });
}
