//! A candidate has to show what it can before it serves.
use crate::{
    case::Case,
    harness::{condition, in_time, is_ready},
    seed::{self, MODEL, MORE_TEXT, TEXT},
    stack::{SOON, alone, shared},
};
use serde_json::{Value, json};

pub const CANDIDATE: &str = "30000000-0000-4000-8000-000000000002";
const AUDIO: &str = "20000000-0000-4000-8000-000000000003";

/// A second custom model that expires later, a dataset to evaluate with, and what the two models score.
pub async fn prepare(case: &Case, candidate: f64) {
    let now = case.control.now().await.unwrap();
    let mut resource = seed::resource(&case.name, now);
    resource["timings"]["evaluation"] = json!(0.3);
    let models = resource["models"].as_array_mut().unwrap();
    let mut second = models[0].clone();
    second["id"] = json!(CANDIDATE);
    second["displayName"] = json!("candidate");
    second["transcriptionDateTime"] = json!(seed::days(now, 450));
    models.push(second);
    resource["datasets"].as_array_mut().unwrap().push(json!({
        "id": AUDIO, "displayName": "calls", "kind": "Acoustic", "locale": "en-US", "contentUrl": "https://contoso.example/calls.zip",
    }));
    case.control.put_resource(&case.name, resource).await.unwrap();
    let score = |rate: f64| json!({"wordErrorRate": rate, "wordCount": 2000});
    let scores = json!({format!("models/{MODEL}"): score(0.121), format!("models/{CANDIDATE}"): score(candidate)});
    case.control.set_scores(&case.name, scores).await.unwrap();
    case.connect("60s").await;
    follow(case, MODEL).await;
}

pub async fn follow(case: &Case, model: &str) {
    case.model("claims", json!({"source": {"existing": {"id": model}}}))
        .await;
}

pub async fn serve(case: &Case, name: &str) {
    let evaluation = json!({"dataset": AUDIO, "maxWordErrorRate": 0.15, "maxRegression": 0.02, "minWords": 1000});
    let spec = json!({"model": {"ref": {"name": "claims"}}, "swap": {"gate": {"evaluation": evaluation}}});
    case.endpoint(name, spec).await;
    serves(case, name, MODEL).await;
}

async fn serves(case: &Case, name: &str, model: &str) -> Value {
    case.until("SpeechEndpoint", name, &format!("serves {model}"), |endpoint| {
        is_ready(endpoint) && endpoint["status"]["active"]["model"] == model
    })
    .await
}

async fn judged(case: &Case, name: &str, verdict: &str) -> Value {
    case.until("SpeechEndpoint", name, &format!("is judged: {verdict}"), |endpoint| {
        endpoint["status"]["gate"]["verdict"] == verdict
    })
    .await
}

async fn no_evaluation_is_left(case: &Case) {
    in_time("the evaluation is deleted", SOON, async || {
        match case.remote("evaluations").await {
            left if left.is_empty() => Ok(()),
            left => Err(format!("{left:#?}")),
        }
    })
    .await;
}

#[test]
fn a_candidate_that_is_worse_goes_into_quarantine_with_the_numbers_and_the_endpoint_keeps_its_model() {
    alone("gate-worse", async |case, _| {
        prepare(case, 0.182).await;
        serve(case, "hotline").await;
        follow(case, CANDIDATE).await;
        let endpoint = judged(case, "hotline", "Fail").await;
        let status = &endpoint["status"];
        assert_eq!(status["gate"]["candidateErrorRate"], 0.182);
        assert_eq!(status["gate"]["activeErrorRate"], 0.121);
        assert_eq!(status["gate"]["words"], 2000);
        let entry = &status["quarantine"][0];
        assert_eq!(
            (&entry["model"], &entry["reason"]),
            (&json!(CANDIDATE), &json!("GateFailed"))
        );
        let message = entry["message"].as_str().unwrap();
        assert!(
            message.starts_with("word error rate 0.182, at most 0.150 allowed; active has 0.121"),
            "{message}"
        );
        assert_eq!(status["active"]["model"], MODEL);
        assert_eq!(condition(&endpoint, "ModelValid")["status"], "True", "{endpoint:#}");
        let id = status["id"].as_str().unwrap();
        assert_eq!(case.who_answers(id).await, (MODEL.to_owned(), false));
        assert_eq!(case.calls("Endpoints_Update").await, 0);

        // The numbers stand in the status; the evaluation goes once nobody can need it any more.
        case.control.advance("3m").await.unwrap();
        no_evaluation_is_left(case).await;
        assert_eq!(case.calls("Evaluations_Delete").await, 1);
        assert_eq!(judged(case, "hotline", "Fail").await["status"]["gate"], status["gate"]);
        assert_eq!(case.calls("Evaluations_Create").await, 1);
    });
}

#[test]
fn a_good_candidate_passes_and_two_endpoints_share_its_evaluation() {
    shared("gate-good", async |case, _| {
        prepare(case, 0.112).await;
        serve(case, "hotline").await;
        serve(case, "branch").await;
        follow(case, CANDIDATE).await;
        for name in ["hotline", "branch"] {
            let endpoint = serves(case, name, CANDIDATE).await;
            let gate = &endpoint["status"]["gate"];
            assert_eq!(
                (&gate["verdict"], &gate["candidate"]),
                (&json!("Pass"), &json!(CANDIDATE)),
                "{gate}"
            );
            assert_eq!(endpoint["status"]["previous"]["model"], MODEL);
        }
        assert_eq!(case.calls("Evaluations_Create").await, 1);
        assert_eq!(
            case.calls("Endpoints_Create").await,
            2,
            "no twin came of the shared announcement"
        );
    });
}

/// Waits until so many revisions are there or in the making, and gives the newest a word error rate before it is judged.
async fn newest_revision_scores(case: &Case, count: usize, rate: f64) -> String {
    let mut newest = String::new();
    in_time("the next revision is in the making", SOON, async || {
        let mut models = case.marked("models", "claims").await;
        if models.len() < count {
            let object = case.find("SpeechModel", "claims").await;
            return Err(format!("{} of {count}: {object:#?}", models.len()));
        }
        models.sort_by_key(|model| model["createdDateTime"].to_string());
        newest = models.last().unwrap()["id"].as_str().unwrap().to_owned();
        Ok(())
    })
    .await;
    let scores = json!({format!("models/{newest}"): {"wordErrorRate": rate, "wordCount": 2000}});
    case.control.set_scores(&case.name, scores).await.unwrap();
    newest
}

#[test]
fn what_a_gate_refused_is_trained_again_and_served_once_it_is_good() {
    alone("gate-retrain", async |case, _| {
        let trained = |dataset: &str| json!({"source": {"training": {"datasets": [dataset]}}, "renewal": {"before": "730d"}, "revisionHistoryLimit": 5});
        prepare(case, 0.1).await;
        let slow =
            json!({"timings": {"training": 2.0, "endpointCreate": 0.3, "endpointUpdate": 0.3, "evaluation": 0.3}});
        case.control.put_resource(&case.name, slow).await.unwrap();
        case.remove("SpeechModel", "claims").await;
        case.model("claims", trained(TEXT)).await;
        let first = newest_revision_scores(case, 1, 0.11).await;
        let evaluation = json!({"dataset": AUDIO, "maxWordErrorRate": 0.15, "minWords": 1000});
        let gated = json!({"model": {"ref": {"name": "claims"}}, "swap": {"gate": {"evaluation": evaluation}}});
        case.endpoint("hotline", gated).await;
        serves(case, "hotline", &first).await;

        case.model("claims", trained(MORE_TEXT)).await;
        let bad = newest_revision_scores(case, 2, 0.6).await;
        judged(case, "hotline", "Fail").await;
        let model = case
            .until("SpeechModel", "claims", "plans to train again", |model| {
                model["status"]["plan"][0]["reason"] == "GateFailed"
            })
            .await;
        assert_eq!(model["status"]["current"]["id"], *bad);
        assert!(is_ready(&model), "{model:#}");

        // What serves expires in 803 or so days; a fleet is spread over seven.
        case.control.advance("84d").await.unwrap();
        let good = newest_revision_scores(case, 3, 0.1).await;
        serves(case, "hotline", &good).await;
        assert_eq!(case.calls("Models_Create").await, 3, "nothing was trained beside");
    });
}

#[test]
fn an_evaluation_that_fails_is_told_and_made_anew() {
    alone("gate-error", async |case, _| {
        prepare(case, 0.112).await;
        serve(case, "hotline").await;
        let fail = json!({"failNext": {"kind": "evaluation", "code": "NoLuck", "message": "not this time"}});
        let fault = json!({"route": {"resource": case.name}, "action": fail, "times": 1});
        case.control.add_fault(fault).await.unwrap();
        follow(case, CANDIDATE).await;
        let endpoint = judged(case, "hotline", "Error").await;
        let gate = &endpoint["status"]["gate"];
        assert_eq!(gate["errors"], 1);
        assert!(
            gate["message"].as_str().unwrap().contains("not this time (NoLuck)"),
            "{gate}"
        );
        assert_eq!(endpoint["status"]["active"]["model"], MODEL);

        case.control.advance("11m").await.unwrap();
        let endpoint = serves(case, "hotline", CANDIDATE).await;
        assert_eq!(endpoint["status"]["gate"]["verdict"], "Pass");
        assert_eq!(case.calls("Evaluations_Create").await, 2);
        case.control.advance("3m").await.unwrap();
        no_evaluation_is_left(case).await;
    });
}

#[test]
fn an_operator_that_dies_after_it_asked_for_an_evaluation_does_not_ask_again() {
    alone("gate-crash", async |case, stack| {
        prepare(case, 0.112).await;
        serve(case, "hotline").await;
        let lose = json!({
            "route": {"resource": case.name, "path": "Evaluations_Create"}, "action": {"delayMs": 2000}, "times": 1,
        });
        case.control.add_fault(lose).await.unwrap();
        follow(case, CANDIDATE).await;
        in_time("the request has arrived", SOON, async || {
            match case.calls("Evaluations_Create").await {
                0 => Err("not yet".to_owned()),
                _ => Ok(()),
            }
        })
        .await;
        stack.kill_operator();
        stack.restart_operator().await;
        serves(case, "hotline", CANDIDATE).await;
        assert_eq!(case.calls("Evaluations_Create").await, 1);
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}
