//! A person agrees to one model, by its id.
use crate::{
    case::Case,
    harness::{condition, message},
    seed::{self, BASE_NEW, BASE_OLD, MODEL},
    stack::shared,
};
use serde_json::{Value, json};

const BASE_NEWEST: &str = "10000000-0000-4000-8000-000000000009";
const APPROVED: &str = "approved-model";

/// Lets the SpeechModel `claims` be this base model.
async fn claims(case: &Case, base: &str) {
    case.claims(base).await;
    case.until("SpeechModel", "claims", &format!("is {base}"), |model| {
        model["status"]["current"]["id"] == base
    })
    .await;
}

/// A third base model, the endpoint `hotline` with these terms, and a candidate that waits.
async fn waiting(case: &Case, swap: Value) -> Value {
    let now = case.control.now().await.unwrap();
    let mut resource = seed::resource(&case.name, now);
    resource["baseModels"].as_array_mut().unwrap().push(json!({
        "id": BASE_NEWEST, "displayName": "newest base", "locale": "en-US", "createdDateTime": seed::days(now, -10),
        "adaptationDateTime": seed::days(now, 300), "transcriptionDateTime": seed::days(now, 600),
    }));
    case.control.put_resource(&case.name, resource).await.unwrap();
    case.connect("60s").await;
    claims(case, BASE_OLD).await;
    case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}, "swap": swap}))
        .await;
    case.serves("hotline", BASE_OLD).await;
    claims(case, BASE_NEW).await;
    case.says("hotline", "approval of new base").await
}

/// Puts an id into the annotation and waits until the endpoint says this of it.
async fn told_of(case: &Case, id: &str, words: &str) {
    case.annotate("SpeechEndpoint", "hotline", APPROVED, id.into()).await;
    let told = case.says("hotline", words).await;
    assert_eq!(told["status"]["active"]["model"], BASE_OLD);
}

#[test]
fn a_swap_waits_for_approval_and_the_right_id_lets_exactly_that_model_through() {
    shared("approve", async |case, _| {
        let told = waiting(case, json!({"approval": "Required"})).await;
        let asked = format!("annotation customspeech.dev/{APPROVED}={BASE_NEW}");
        assert!(message(&told, "Ready").contains(&asked), "{told:#}");
        assert_eq!(condition(&told, "Ready")["reason"], "ApprovalAwaited");
        assert_eq!(told["status"]["candidate"]["model"], BASE_NEW);
        let step = &told["status"]["plan"][0];
        assert_eq!(step["action"], "Swap", "{told:#}");
        assert!(step["blockedBy"][0].as_str().unwrap().contains(&asked), "{told:#}");

        told_of(case, MODEL, &format!("names by hand ({MODEL})")).await;
        let nowhere = "3fffffff-0000-4000-8000-000000000001";
        told_of(
            case,
            nowhere,
            &format!("{nowhere}, which the Speech resource does not have"),
        )
        .await;
        told_of(case, "yes please", "holds no id").await;
        assert_eq!(case.calls("Endpoints_Update").await, 0);

        let uri = format!(
            "{}/speechtotext/models/base/{BASE_NEW}?api-version=2025-10-15",
            case.url()
        );
        case.annotate("SpeechEndpoint", "hotline", APPROVED, uri.into()).await;
        let swapped = case.serves("hotline", BASE_NEW).await;
        assert!(swapped["status"]["candidate"].is_null(), "{swapped:#}");

        // That was for one model only.
        claims(case, BASE_NEWEST).await;
        let told = case.says("hotline", "approval of newest base").await;
        assert_eq!(told["status"]["active"]["model"], BASE_NEW);
        case.annotate("SpeechEndpoint", "hotline", APPROVED, BASE_NEWEST.into())
            .await;
        case.serves("hotline", BASE_NEWEST).await;
        assert_eq!(case.calls("Endpoints_Update").await, 2);
    });
}

#[test]
fn with_the_policy_manual_only_the_model_that_a_person_names_serves() {
    shared("approve-manual", async |case, _| {
        let told = waiting(case, json!({"policy": "Manual"})).await;
        assert_eq!(told["status"]["plan"][0]["reason"], "Manual");
        case.look("hotline").await;
        assert_eq!(case.calls("Endpoints_Update").await, 0);
        // Named before it is the candidate, a model is let through as soon as it is.
        told_of(case, BASE_NEWEST, "names newest base").await;
        claims(case, BASE_NEWEST).await;
        case.serves("hotline", BASE_NEWEST).await;
        assert_eq!(case.calls("Endpoints_Update").await, 1);
    });
}
