//! Evaluations and their scores.
use super::{harness::*, schema::assert_valid};
use serde_json::{Value, json};

fn body(service: &Service) -> Value {
    json!({
        "displayName": "Claims against base",
        "locale": "en-US",
        "dataset": service.reference(&format!("/datasets/{TEST_DATA}")),
        "model1": service.reference(&format!("/models/{MODEL}")),
        "model2": service.reference(&format!("/models/base/{BASE_NEW}")),
        "customProperties": { "testingKind": "Evaluation" },
    })
}

#[tokio::test]
async fn an_evaluation_shows_placeholders_then_scores() {
    for version in VERSIONS {
        let service = Service::new(version);
        let created = service.post("/evaluations", &body(&service)).await;
        assert_eq!(created.status, 201, "{}", created.body);
        assert_valid("Evaluation", version, &created.body);
        assert_eq!(created.body["properties"]["wordErrorRate1"], json!(-1.0));
        assert_eq!(created.body["properties"]["wordCount2"], json!(-1));
        let path = format!("/evaluations/{}", created.id());
        assert_eq!(service.delete(&path).await.codes().2, Some("DeleteNotAllowed"));
        let model = service.delete(&format!("/models/{MODEL}")).await;
        assert_eq!(model.codes().2, Some("InUseViolation"));
        service.advance("10s").await;
        let done = service.get(&path).await;
        assert_valid("Evaluation", version, &done.body);
        let properties = &done.body["properties"];
        let custom = properties["wordErrorRate1"].as_f64().unwrap();
        let base = properties["wordErrorRate2"].as_f64().unwrap();
        assert!(0.0 < custom && custom < base && base < 0.2, "{custom} {base}");
        let count = |name: &str| properties[name].as_f64().unwrap();
        let errors = count("wordSubstitutionCount1") + count("wordDeletionCount1") + count("wordInsertionCount1");
        assert!((errors / count("wordCount1") - custom).abs() < 0.001);

        let files = service.get(&format!("{path}/files")).await;
        assert_valid("PaginatedFiles", version, &files.body);
        assert!(files.text("/values/0/name").ends_with(".model1_score.json"));
        let changed = service.patch(&path, &json!({ "description": "kept" })).await;
        assert_eq!(changed.text("/description"), "kept");
        let again = service.post("/evaluations", &body(&service)).await.id();
        service.advance("10s").await;
        let again = service.get(&format!("/evaluations/{again}")).await;
        assert_eq!(
            again.body["properties"], *properties,
            "the same models and data score the same"
        );
        assert_eq!(service.delete(&path).await.status, 204);
        assert_eq!(service.delete(&path).await.status, 204);
    }
}

/// The sum of a count over all phrases of a result file.
fn sum(file: &Value, name: &str) -> u64 {
    let phrases = file["recognizedPhrases"].as_array().unwrap();
    let counts = phrases
        .iter()
        .map(|phrase| phrase["nBest"][0]["scoringResult"][name].as_u64().unwrap());
    counts.sum()
}

#[tokio::test]
async fn the_result_files_mark_the_errors_that_the_numbers_count() {
    for version in VERSIONS {
        let service = Service::new(version);
        let id = service.post("/evaluations", &body(&service)).await.id();
        service.advance("10s").await;
        let done = service.get(&format!("/evaluations/{id}")).await;
        let files = service.get(&format!("/evaluations/{id}/files")).await;
        for (index, suffix) in [(0, '1'), (1, '2')] {
            let url = files.text(&format!("/values/{index}/links/contentUrl"));
            let file = service.send(service.request("GET", url, None)).await.body;
            for (name, property) in [
                ("wordCount", "wordCount"),
                ("substitutions", "wordSubstitutionCount"),
                ("deletions", "wordDeletionCount"),
                ("insertions", "wordInsertionCount"),
            ] {
                let told = &done.body["properties"][format!("{property}{suffix}")];
                assert_eq!(json!(sum(&file, name)), *told, "{name} of model {suffix}");
            }
            let marked = file.to_string().matches("\"errorType\":\"Insertion\"").count();
            assert_eq!(marked as u64, sum(&file, "insertions"));
        }
    }
}

#[tokio::test]
async fn a_base_model_is_also_taken_by_the_path_of_a_custom_one() {
    for version in VERSIONS {
        let service = Service::new(version);
        let mut asked = body(&service);
        asked["model2"] = service.reference(&format!("/models/{BASE_NEW}"));
        let created = service.post("/evaluations", &asked).await;
        assert_eq!(created.status, 201, "{}", created.body);
        assert!(
            created
                .text("/model2/self")
                .contains(&format!("/models/base/{BASE_NEW}"))
        );
        asked["model2"] = service.reference("/models/99999999-0000-4000-8000-000000000000");
        let refused = service.post("/evaluations", &asked).await;
        assert_eq!(refused.codes().2, Some("InvalidModel"));
    }
}

#[tokio::test]
async fn scores_can_be_set_by_model() {
    let service = Service::new("2025-10-15");
    let scores = json!({ format!("models/{MODEL}"): { "wordErrorRate": 0.25, "wordCount": 1000 } });
    let set = service.control("PUT", "/resources/west/scores", Some(&scores)).await;
    assert_eq!(set.status, 204);
    let id = service.post("/evaluations", &body(&service)).await.id();
    service.advance("10s").await;
    let done = service.get(&format!("/evaluations/{id}")).await;
    assert_eq!(done.body["properties"]["wordErrorRate1"], json!(0.25));
    assert_eq!(done.body["properties"]["wordCount1"], json!(1000));
}

#[tokio::test]
async fn evaluations_that_cannot_be_are_refused_with_the_services_codes() {
    let service = Service::new("2024-11-15");
    let cases = [
        ("dataset", format!("/datasets/{TEXT_DATA}"), "InvalidTest"),
        ("dataset", format!("/datasets/{MODEL}"), "InvalidDataset"),
        ("model1", format!("/models/{TEXT_DATA}"), "InvalidModel"),
        ("model1", format!("/models/{FAILED_MODEL}"), "InvalidModel"),
        ("model2", format!("/models/base/{BASE_GERMAN}"), "ModelMismatch"),
    ];
    for (member, path, code) in cases {
        let mut body = body(&service);
        body[member] = service.reference(&path);
        assert_eq!(
            service.post("/evaluations", &body).await.codes(),
            (400, "InvalidRequest", Some(code)),
            "{path}"
        );
    }
    let mut missing = body(&service);
    missing.as_object_mut().unwrap().remove("model2");
    assert_eq!(
        service.post("/evaluations", &missing).await.codes().2,
        Some("InvalidPayload")
    );
    service
        .control("PUT", "/clock", Some(&json!({ "now": "2027-10-15T00:00:00Z" })))
        .await;
    assert_eq!(
        service.post("/evaluations", &body(&service)).await.codes().2,
        Some("ModelDeprecated")
    );
}
