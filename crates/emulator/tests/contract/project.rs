//! Projects, where the version has them.
use super::{harness::*, schema::assert_valid};
use serde_json::json;

#[tokio::test]
async fn a_project_is_created_filled_changed_and_deleted() {
    for version in ["v3.2", "2025-10-15"] {
        let service = Service::new(version);
        let body = json!({ "displayName": "Claims", "locale": "en-US", "foundryProjectName": "foundry" });
        let created = service.post("/projects", &body).await;
        assert_eq!(created.status, 201, "{}", created.body);
        assert_valid("Project", version, &created.body);
        let shows_foundry = created.body.get("foundryProjectName").is_some();
        assert_eq!(shows_foundry, version == "2025-10-15");
        let path = format!("/projects/{}", created.id());

        let member = json!({ "displayName": "x", "locale": "en-US", "project": service.reference(&path) });
        let endpoint = service.post("/endpoints", &member).await;
        assert_eq!(endpoint.text("/project/self"), service.url(&path));
        let model = service
            .patch(
                &format!("/models/{MODEL}"),
                &json!({ "project": service.reference(&path) }),
            )
            .await;
        assert_eq!(model.text("/project/self"), service.url(&path));
        let project = service.get(&path).await;
        assert_eq!(project.body["properties"]["endpointCount"], json!(1));
        assert_eq!(project.body["properties"]["modelCount"], json!(1));
        for (list, count) in [("endpoints", 1), ("models", 1), ("datasets", 0), ("evaluations", 0)] {
            let listed = service.follow(project.text(&format!("/links/{list}"))).await;
            assert_eq!(listed.body["values"].as_array().unwrap().len(), count, "{list}");
        }
        let hidden = service.speaking("2024-11-15").get(&format!("/models/{MODEL}")).await;
        assert_eq!(hidden.body.get("project"), None);

        assert_eq!(
            service
                .patch(&path, &json!({ "displayName": "New" }))
                .await
                .text("/displayName"),
            "New"
        );
        assert_eq!(service.get("/projects").await.text("/values/0/displayName"), "New");
        assert_eq!(service.delete(&path).await.status, 204);
        assert_eq!(service.delete(&path).await.status, 204);
        assert_eq!(service.get(&path).await.status, 404);
        assert_eq!(service.get(&format!("/models/{MODEL}")).await.body.get("project"), None);
    }
}

#[tokio::test]
async fn wrong_projects_are_refused_and_2024_11_15_has_none() {
    let service = Service::new("2025-10-15");
    let german = json!({ "displayName": "German", "locale": "de-DE" });
    let german = format!("/projects/{}", service.post("/projects", &german).await.id());
    for path in [german, format!("/projects/{MODEL}"), format!("/models/{MODEL}")] {
        let body = json!({ "displayName": "x", "locale": "en-US", "project": service.reference(&path) });
        assert_eq!(
            service.post("/endpoints", &body).await.codes().2,
            Some("InvalidProject")
        );
    }
    let none = service.speaking("2024-11-15");
    assert_eq!(none.get("/projects").await.codes(), (404, "NotFound", None));
    let body = json!({ "displayName": "x", "locale": "en-US", "project": none.reference("/projects/none") });
    assert_eq!(
        none.post("/endpoints", &body).await.status,
        201,
        "an unknown member is ignored"
    );
}

#[tokio::test]
async fn projects_can_be_filtered_on_their_foundry_name_in_2025_10_15_only() {
    let service = Service::new("2025-10-15");
    service
        .post(
            "/projects",
            &json!({ "displayName": "a", "locale": "en-US", "foundryProjectName": "f" }),
        )
        .await;
    service
        .post("/projects", &json!({ "displayName": "b", "locale": "en-US" }))
        .await;
    let filter = "/projects?filter=foundryProjectName%20eq%20'f'";
    assert_eq!(service.get(filter).await.body["values"].as_array().unwrap().len(), 1);
    assert_eq!(
        service.speaking("v3.2").get(filter).await.codes().2,
        Some("UnsupportedFilter")
    );
}
