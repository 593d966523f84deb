//! What is sent: URLs, headers and bodies of all three versions.
use super::*;
use crate::request::{
    CreateDataset, CreateEndpoint, CreateEvaluation, CreateModel, UpdateDataset, UpdateEndpoint, UpdateModel,
};
use serde_json::json;

const VERSIONS: [(ApiVersion, &str, &str); 3] = [
    (ApiVersion::V3_2, "/west/speechtotext/v3.2", ""),
    (ApiVersion::V2024_11_15, "/west/speechtotext", "api-version=2024-11-15"),
    (ApiVersion::V2025_10_15, "/west/speechtotext", "api-version=2025-10-15"),
];

fn joined(path: &str, query: &[&str]) -> String {
    let query: Vec<_> = query.iter().copied().filter(|part| !part.is_empty()).collect();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

fn create_endpoint() -> CreateEndpoint {
    CreateEndpoint {
        display_name: "Claims hotline".into(),
        description: Some("Production".into()),
        locale: "en-US".into(),
        model: ModelId::Base(other_id()),
        project: Some(id()),
        logging_enabled: Some(true),
        owner: owner(),
    }
}

#[tokio::test]
async fn every_version_has_its_own_urls() {
    for (version, prefix, parameter) in VERSIONS {
        let script = Script::of((0..8).map(|_| json(404, "")));
        let client = script.client(version);
        let lane = Lane::Sweep;
        client.get_endpoint(lane, id()).await.unwrap_err();
        client
            .list_endpoints(lane, Some("locale eq 'en-US'"))
            .await
            .unwrap_err();
        client.get_base_model(lane, id()).await.unwrap_err();
        client.list_base_models(lane, None).await.unwrap_err();
        client.delete_custom_model(lane, id()).await.unwrap_err();
        client.get_model_manifest(lane, ModelId::Base(id())).await.unwrap_err();
        client.list_evaluation_files(lane, id()).await.unwrap_err();
        let lifetime = if version == ApiVersion::V3_2 {
            "sasValidityInSeconds=3600"
        } else {
            "sasLifetimeMinutes=60"
        };
        let uris: Vec<_> = script
            .seen()
            .iter()
            .map(|seen| seen.uri.path_and_query().unwrap().to_string())
            .collect();
        assert_eq!(
            uris,
            [
                joined(&format!("{prefix}/endpoints/{ID}"), &[parameter]),
                joined(
                    &format!("{prefix}/endpoints"),
                    &["top=100", "filter=locale%20eq%20%27en-US%27", parameter]
                ),
                joined(&format!("{prefix}/models/base/{ID}"), &[parameter]),
                joined(&format!("{prefix}/models/base"), &["top=100", parameter]),
                joined(&format!("{prefix}/models/{ID}"), &[parameter]),
                joined(&format!("{prefix}/models/base/{ID}/manifest"), &[lifetime, parameter]),
                joined(
                    &format!("{prefix}/evaluations/{ID}/files"),
                    &["top=100", lifetime, parameter]
                ),
            ]
        );
        for seen in script.seen() {
            assert_eq!(seen.headers["ocp-apim-subscription-key"], KEY);
            assert!(seen.headers.get("authorization").is_none());
            assert!(!seen.uri.to_string().contains(KEY));
        }
    }
}

#[tokio::test]
async fn a_new_endpoint_is_sent_with_full_references_and_our_mark() {
    for (version, prefix, parameter) in VERSIONS {
        let script = Script::of([json(201, example("endpoint_get_succeeded"))]);
        script
            .client(version)
            .create_endpoint(Lane::UserChange, &create_endpoint())
            .await
            .unwrap();
        let seen = script.seen().remove(0);
        assert_eq!(seen.method, Method::POST);
        assert_eq!(seen.headers["content-type"], "application/json");
        let mut expected = json!({
            "displayName": "Claims hotline", "description": "Production", "locale": "en-US",
            "model": {"self": joined(&format!("https://x.example{prefix}/models/base/{OTHER_ID}"), &[parameter])},
            "project": {"self": joined(&format!("https://x.example{prefix}/projects/{ID}"), &[parameter])},
            "properties": {"loggingEnabled": true},
            "customProperties": {
                "customspeech.dev/uid": "u-1", "customspeech.dev/object": "ns/claims", "customspeech.dev/cluster": "c-1",
                "customspeech.dev/attempt": "1"
            }
        });
        if !version.has_projects() {
            expected.as_object_mut().unwrap().remove("project");
        }
        assert_eq!(seen.json(), expected, "{version}");
    }
}

#[tokio::test]
async fn a_patch_names_only_what_changes_and_logging_by_its_writing_name() {
    let entries = Box::new([("team".into(), "claims".into())]);
    let cases = [
        (
            UpdateEndpoint::LoggingEnabled(false),
            json!({"properties": {"contentLoggingEnabled": false}}),
        ),
        (
            UpdateEndpoint::Model(ModelId::Custom(other_id())),
            json!({"model": {"self": format!("https://x.example/west/speechtotext/models/{OTHER_ID}?api-version=2025-10-15")}}),
        ),
        (UpdateEndpoint::DisplayName("New".into()), json!({"displayName": "New"})),
        (UpdateEndpoint::Description(String::new()), json!({"description": ""})),
        (
            UpdateEndpoint::Project(other_id()),
            json!({"project": {"self": format!("https://x.example/west/speechtotext/projects/{OTHER_ID}?api-version=2025-10-15")}}),
        ),
        (
            UpdateEndpoint::Owner(owner(), entries),
            json!({"customProperties": {
                "team": "claims", "customspeech.dev/uid": "u-1", "customspeech.dev/object": "ns/claims",
                "customspeech.dev/cluster": "c-1", "customspeech.dev/attempt": "1"
            }}),
        ),
    ];
    for (update, expected) in cases {
        let script = Script::of([json(200, example("endpoint_get_succeeded"))]);
        script
            .client(ApiVersion::V2025_10_15)
            .update_endpoint(Lane::UserChange, id(), &update)
            .await
            .unwrap();
        let seen = script.seen().remove(0);
        assert_eq!(seen.method, Method::PATCH);
        assert_eq!(seen.json(), expected);
    }
}

/// An entity as a service gives it that knows itself by our endpoint.
fn at_home(name: &str) -> serde_json::Value {
    let mut value = example(name);
    let uri = value["self"].as_str().unwrap();
    let home = uri.split_once("/speechtotext").unwrap().1;
    value["self"] = json!(format!("https://x.example/west/speechtotext{home}"));
    value
}

#[tokio::test]
async fn a_training_a_dataset_and_an_evaluation_are_sent_as_the_service_wants_them() {
    let script = Script::of([
        json(201, at_home("model_get")),
        json(201, example("evaluation_not_started")),
        json(201, at_home("dataset_get")),
        json(200, at_home("model_get")),
        json(200, at_home("dataset_get")),
    ]);
    let client = script.client(ApiVersion::V2024_11_15);
    let lane = Lane::UserChange;
    let uri =
        |path: &str| json!({"self": format!("https://x.example/west/speechtotext/{path}?api-version=2024-11-15")});
    let mark = json!({
        "customspeech.dev/uid": "u-1", "customspeech.dev/object": "ns/claims", "customspeech.dev/cluster": "c-1",
        "customspeech.dev/attempt": "1", "customspeech.dev/revision": "2", "customspeech.dev/inputs": "f00d"
    });
    let create = CreateModel {
        display_name: "Claims 2".into(),
        description: None,
        locale: "en-US".into(),
        base_model: other_id(),
        datasets: vec![id()],
        weight_percent: Some(40),
        project: Some(id()),
        owner: OwnerTag {
            revision: Some(2),
            inputs: Some("f00d".into()),
            ..owner()
        },
    };
    client.create_custom_model(lane, &create).await.unwrap();
    let evaluation = CreateEvaluation {
        display_name: "Gate".into(),
        locale: "en-US".into(),
        model1: ModelId::Base(id()),
        model2: ModelId::Custom(other_id()),
        dataset: id(),
        project: None,
        owner: owner(),
    };
    client.create_evaluation(lane, &evaluation).await.unwrap();
    let dataset = CreateDataset {
        display_name: "Phrases".into(),
        description: None,
        locale: "en-US".into(),
        kind: "Language".into(),
        content_url: Some("https://store.example/f?sig=SECRET".into()),
        project: None,
        owner: owner(),
    };
    assert!(!format!("{dataset:?}").contains("SECRET"));
    client.create_dataset(lane, &dataset).await.unwrap();
    let rename = UpdateModel::DisplayName("New".into());
    client.update_custom_model(lane, other_id(), &rename).await.unwrap();
    let rename = UpdateDataset {
        display_name: None,
        description: Some("New".into()),
    };
    let dataset: EntityId = "4c6b2f18-3d5e-4b7a-9c8d-0e1f2a3b4c04".parse().unwrap();
    client.update_dataset(lane, dataset, &rename).await.unwrap();
    let seen: Vec<_> = script.seen().iter().map(Seen::json).collect();
    assert_eq!(
        seen[0],
        json!({
            "displayName": "Claims 2", "locale": "en-US", "baseModel": uri(&format!("models/base/{OTHER_ID}")),
            "datasets": [uri(&format!("datasets/{ID}"))], "properties": {"customModelWeightPercent": 40}, "customProperties": mark
        })
    );
    assert_eq!(seen[1]["model1"], uri(&format!("models/base/{ID}")));
    assert_eq!(seen[1]["model2"], uri(&format!("models/{OTHER_ID}")));
    assert_eq!(seen[1]["customProperties"]["testingKind"], "Evaluation");
    assert_eq!(seen[2]["contentUrl"], "https://store.example/f?sig=SECRET");
    assert_eq!(
        seen[3..],
        [json!({"displayName": "New"}), json!({"description": "New"})]
    );
}

#[tokio::test]
async fn a_copy_travels_unchanged_and_is_followed_on_the_source() {
    let operation = "https://x.example/west/speechtotext/operations/models/copy/9A8B7C6D-5E4F-4A3B-8C2D-1E0F9A8B7C05?api-version=2024-11-15";
    let begun = with_header(
        json(202, example("copy_operation_started")),
        "operation-location",
        operation,
    );
    let script = Script::of([
        json(200, example("copy_authorize_response")),
        with_header(begun, "retry-after", "30"),
        json(200, example("copy_operation_done")),
    ]);
    let client = script.client(ApiVersion::V2024_11_15);
    let leave = client
        .authorize_copy(Lane::UserChange, "/subscriptions/1/x")
        .await
        .unwrap()
        .value;
    assert_eq!(format!("{leave:?}"), "CopyAuthorization(..)");
    let begun = client.copy_custom_model(Lane::UserChange, id(), &leave).await.unwrap();
    assert_eq!(
        (&*begun.value.self_uri, begun.retry_after),
        (operation, Some(Duration::from_secs(30)))
    );
    let done = client.get_copy(Lane::Sweep, &begun.value.self_uri).await.unwrap();
    assert!(done.value.result.is_some());
    let seen = script.seen();
    assert_eq!(seen[0].json(), json!({"sourceResourceId": "/subscriptions/1/x"}));
    assert_eq!(seen[0].uri.path(), "/west/speechtotext/models:authorizecopy");
    assert_eq!(seen[1].json(), example("copy_authorize_response"));
    assert_eq!(seen[1].uri.path(), format!("/west/speechtotext/models/{ID}:copy"));
    assert!(
        seen[2]
            .uri
            .path()
            .ends_with("/operations/models/copy/9A8B7C6D-5E4F-4A3B-8C2D-1E0F9A8B7C05")
    );
}

/// Behind a gateway the service knows itself by another host and prefix.
#[tokio::test]
async fn references_are_those_that_the_service_gave() {
    for (version, prefix, parameter) in VERSIONS {
        let inner = |path: &str| joined(&format!("https://inner.example{}/{path}", &prefix[5..]), &[parameter]);
        let known = |mut value: serde_json::Value, path: &str| {
            value["self"] = json!(inner(path));
            value
        };
        let odd = format!("https://odd.example/speechtotext/models/{}", OTHER_ID.to_uppercase());
        let mut other = example("model_get");
        other["self"] = json!(odd);
        let script = Script::of([
            json(
                200,
                json!({"values": [known(example("base_model_get"), &format!("models/base/{ID}"))]}),
            ),
            json(200, json!({"values": [other]})),
            json(201, example("endpoint_get_succeeded")),
            json(201, example("evaluation_not_started")),
            json(201, example("model_get")),
        ]);
        let client = script.client(version);
        client.list_base_models(Lane::Sweep, None).await.unwrap();
        client.list_custom_models(Lane::Sweep, None).await.unwrap();
        let create = create_endpoint();
        client.create_endpoint(Lane::UserChange, &create).await.unwrap();
        let evaluation = CreateEvaluation {
            display_name: "Gate".into(),
            locale: "en-US".into(),
            model1: ModelId::Base(id()),
            model2: ModelId::Custom(other_id()),
            dataset: id(),
            project: None,
            owner: owner(),
        };
        client.create_evaluation(Lane::UserChange, &evaluation).await.unwrap();
        let training = CreateModel {
            display_name: "Claims 2".into(),
            description: None,
            locale: "en-US".into(),
            base_model: id(),
            datasets: vec![id()],
            weight_percent: None,
            project: Some(id()),
            owner: owner(),
        };
        client.create_custom_model(Lane::UserChange, &training).await.unwrap();
        let sent: Vec<_> = script.seen()[2..].iter().map(Seen::json).collect();
        let uri = |value: &serde_json::Value| value["self"].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            uri(&sent[0]["model"]),
            inner(&format!("models/base/{OTHER_ID}")),
            "not listed"
        );
        assert_eq!(uri(&sent[1]["model1"]), inner(&format!("models/base/{ID}")));
        assert_eq!(uri(&sent[1]["model2"]), odd, "by its very own");
        assert_eq!(
            uri(&sent[1]["dataset"]),
            inner(&format!("datasets/{ID}")),
            "by the base of the others"
        );
        assert_eq!(uri(&sent[2]["baseModel"]), inner(&format!("models/base/{ID}")));
        assert_eq!(uri(&sent[2]["datasets"][0]), inner(&format!("datasets/{ID}")));
        let project = version.has_projects().then(|| inner(&format!("projects/{ID}")));
        assert_eq!(uri(&sent[2]["project"]), project.unwrap_or_default());
        // What is asked for itself is asked for at the own endpoint.
        assert!(script.seen().iter().all(|seen| seen.uri.host() == Some("x.example")));
    }
}

#[tokio::test]
async fn what_a_version_lacks_or_the_service_forbids_is_not_sent() {
    let script = Script::of([]);
    let client = script.client(ApiVersion::V2024_11_15);
    let nameless = CreateEndpoint {
        display_name: String::new(),
        ..create_endpoint()
    };
    let overlong = CreateEndpoint {
        owner: OwnerTag {
            uid: "u".repeat(257),
            ..owner()
        },
        ..create_endpoint()
    };
    let errors = [
        client.list_projects(Lane::Sweep, None).await.unwrap_err(),
        client.list_endpoint_logs(Lane::Sweep, id()).await.unwrap_err(),
        client.create_endpoint(Lane::UserChange, &nameless).await.unwrap_err(),
        client.create_endpoint(Lane::UserChange, &overlong).await.unwrap_err(),
        script
            .client(ApiVersion::V3_2)
            .delete_endpoint_log(Lane::Sweep, id(), "..")
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Unsendable { .. }), "{error}");
        assert_eq!(
            (error.kind(), error.perhaps_sent()),
            (crate::ErrorKind::Rejected, false)
        );
    }
    assert!(script.seen().is_empty());
    assert_eq!(client.budget().usage().in_window, 0);
}

#[tokio::test]
async fn a_log_file_is_deleted_by_its_id() {
    let script = Script::of([StatusCode::NO_CONTENT.into_response()]);
    let client = script.client(ApiVersion::V3_2);
    client
        .delete_endpoint_log(Lane::Sweep, id(), "2026-02-03_a b.wav")
        .await
        .unwrap();
    let seen = script.seen().remove(0);
    assert_eq!(seen.method, Method::DELETE);
    assert_eq!(
        seen.uri.path(),
        format!("/west/speechtotext/v3.2/endpoints/{ID}/files/logs/2026-02-03_a%20b.wav")
    );
}
