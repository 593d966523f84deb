//! What is trained can be deployed, or nothing is bought.
use crate::{
    case::Case,
    harness::message,
    seed::{self, BASE_NEW, BASE_OLD, TEXT},
    stack::shared,
};
use serde_json::{Value, json};

/// Models that are trained from these base models of the seed can be deployed by nobody.
async fn without_endpoints(case: &Case, base_models: &[usize]) {
    let now = case.control.now().await.unwrap();
    let mut resource = seed::resource(&case.name, now);
    for number in base_models {
        resource["baseModels"][number]["features"] = json!({"supportsEndpoints": false});
    }
    case.control.put_resource(&case.name, resource).await.unwrap();
    case.connect("5s").await;
}

fn training() -> Value {
    json!({"source": {"training": {"datasets": [TEXT]}}})
}

#[test]
fn a_model_is_trained_from_the_newest_base_model_that_endpoints_can_take() {
    shared("deployable", async |case, _| {
        without_endpoints(case, &[1]).await;
        let follows = |name: &str| json!({"model": {"ref": {"name": name}}});
        case.endpoint("hotline", follows("claims")).await;
        let model = case.ready_model("claims", training()).await;
        let id = model["status"]["current"]["id"].as_str().unwrap();
        let remote = case.remote_entity("models", id).await.unwrap();
        let base = remote["baseModel"].as_str().unwrap();
        assert!(base.ends_with(BASE_OLD), "{remote}");
        case.serves("hotline", id).await;
        // Whoever names the other one is refused before anything is billed.
        case.endpoint("mail", follows("pinned")).await;
        let mut pinned = training();
        pinned["source"]["training"]["baseModel"] = json!({"id": BASE_NEW});
        case.model("pinned", pinned).await;
        let refused = case.reason("SpeechModel", "pinned", "ModelNotDeployable").await;
        assert!(
            message(&refused, "Stalled").contains("nothing is trained"),
            "{refused:#}"
        );
        assert_eq!(case.calls("Models_Create").await, 1);
    });
}

#[test]
fn where_no_base_model_makes_what_can_be_deployed_nothing_is_trained() {
    shared("undeployable", async |case, _| {
        without_endpoints(case, &[0, 1]).await;
        case.model("claims", training()).await;
        case.reason("SpeechModel", "claims", "NoBaseModel").await;
        assert_eq!(case.calls("Models_Create").await, 0);
    });
}
