//! A gateway of one's own before the Speech resource: another host, another path, and links that know nothing of either.
use crate::{
    case::Case,
    harness::{Gateway, INNER_HOST},
    seed::{self, BASE_NEW, MODEL, PROJECT, TEXT},
    stack::{Stack, shared},
};
use serde_json::{Value, json};

/// Every list has several pages, and every reference is answered with `InvalidModelUri` that is not the service's own.
async fn works_behind(case: &Case, relative: bool) {
    let now = case.control.now().await.unwrap();
    let mut resource = seed::resource(&case.name, now);
    resource["maxPageSize"] = json!(1);
    case.control.put_resource(&case.name, resource).await.unwrap();
    let gateway = Gateway::to("/gw/speech/a", &case.url(), relative).await.unwrap();
    case.secret(&seed::key(&case.name, 1)).await;
    case.connection(json!({"endpoint": gateway.url(), "pollInterval": "5s"}))
        .await;
    let connection = case.ready("SpeechConnection", "speech").await;
    assert_eq!(connection["status"]["baseModels"], 3, "{connection}");

    case.endpoint("hotline", json!({"model": {"base": {"id": BASE_NEW}}}))
        .await;
    let endpoint = case.serves("hotline", BASE_NEW).await;
    let own = endpoint["status"]["uri"].as_str().unwrap_or_default().to_owned();
    case.endpoint("hotline", json!({"model": {"id": MODEL}, "project": PROJECT}))
        .await;
    case.serves("hotline", MODEL).await;
    let training =
        json!({"source": {"training": {"datasets": [TEXT]}}, "project": PROJECT, "deletionPolicy": "Delete"});
    let model = case.ready_model("claims", training).await;
    assert_eq!(case.marked("models", "claims").await.len(), 1, "{model}");
    for (kind, name) in [("SpeechEndpoint", "hotline"), ("SpeechModel", "claims")] {
        case.remove(kind, name).await;
    }
    assert!(case.marked("endpoints", "hotline").await.is_empty(), "{own}");
    assert!(case.marked("models", "claims").await.is_empty());

    // Everything went through the gateway, below its own path, and no page was asked for elsewhere.
    let seen = gateway.seen();
    assert!(
        seen.iter().any(|line| line.contains("skip=")),
        "no list had a second page"
    );
    assert!(
        seen.iter().all(|line| line.contains(" /gw/speech/a/speechtotext/")),
        "{seen:?}"
    );
    // What is deleted is asked for afterwards, and the service's own 404 is the proof.
    let is_proof = |entry: &Value| entry["method"] == "GET" && entry["status"] == 404;
    let refused: Vec<_> = case.journal().await;
    assert!(
        refused
            .iter()
            .all(|entry| is_proof(entry) || entry["status"].as_u64().is_some_and(|status| status < 400)),
        "{refused:?}"
    );
}

#[test]
fn a_gateway_with_a_path_of_its_own_whose_links_name_the_inner_host() {
    shared("prefix-inner", async |case: &Case, _: &Stack| {
        works_behind(case, false).await
    });
}

#[test]
fn a_gateway_whose_page_links_are_relative_and_lack_its_path() {
    shared("prefix-relative", async |case: &Case, _: &Stack| {
        works_behind(case, true).await
    });
}

#[test]
fn the_status_names_what_the_service_calls_itself() {
    shared("prefix-self", async |case: &Case, _: &Stack| {
        let gateway = Gateway::to("/gw", &case.url(), false).await.unwrap();
        case.secret(&seed::key(&case.name, 1)).await;
        case.connection(json!({"endpoint": gateway.url(), "pollInterval": "5s"}))
            .await;
        case.endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        let endpoint = case.serves("hotline", MODEL).await;
        assert!(endpoint["status"].to_string().contains(INNER_HOST), "{endpoint}");
    });
}
