//! Datasets, by URL and in blocks.
use super::{harness::*, schema::assert_valid};
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

#[tokio::test]
async fn a_dataset_is_imported_from_a_url_read_changed_and_deleted() {
    for version in VERSIONS {
        let service = Service::new(version);
        let body = json!({
            "displayName": "Calls", "kind": "Acoustic", "locale": "en-US",
            "contentUrl": "https://contoso.blob.core.windows.net/speech/calls.zip",
        });
        let created = service.post("/datasets", &body).await;
        assert_eq!(created.status, 201, "{}", created.body);
        assert_valid("Dataset", version, &created.body);
        let path = format!("/datasets/{}", created.id());
        assert_eq!(service.delete(&path).await.codes().2, Some("DeleteNotAllowed"));
        service.advance("10s").await;
        let imported = service.get(&path).await;
        assert_valid("Dataset", version, &imported.body);
        assert_eq!(imported.text("/status"), "Succeeded");
        assert!(imported.body["properties"]["acceptedLineCount"].as_u64().unwrap() > 0);
        let length = if version == "v3.2" {
            "duration"
        } else {
            "durationMilliseconds"
        };
        assert!(imported.body["properties"].get(length).is_some());

        let files = service
            .get(&format!("{path}/files?filter=kind%20eq%20'DatasetReport'"))
            .await;
        assert_valid("PaginatedFiles", version, &files.body);
        assert_eq!(files.body["values"].as_array().unwrap().len(), 1);
        assert_eq!(
            service
                .patch(&path, &json!({ "displayName": "New" }))
                .await
                .text("/displayName"),
            "New"
        );
        let by_kind = service.get("/datasets?filter=kind%20eq%20'Acoustic'").await;
        assert_eq!(by_kind.body["values"].as_array().unwrap().len(), 1);
        assert_eq!(service.delete(&path).await.status, 204);
        assert_eq!(service.delete(&path).await.status, 204);
        assert_eq!(service.get(&path).await.status, 404);
    }
}

fn upload(service: &Service, path: &str, block: &str, bytes: usize) -> Request<Body> {
    let url = service.url(&format!("{path}/blocks?blockid={block}"));
    let mut request = service.request("PUT", &url, None);
    request
        .headers_mut()
        .insert("content-type", "application/octet-stream".parse().unwrap());
    *request.body_mut() = Body::from(vec![0_u8; bytes]);
    request
}

#[tokio::test]
async fn a_dataset_without_a_url_waits_for_its_blocks() {
    for version in VERSIONS {
        let service = Service::new(version);
        let body = json!({ "displayName": "Phrases", "kind": "Language", "locale": "en-US" });
        let created = service.post("/datasets", &body).await;
        assert_valid("Dataset", version, &created.body);
        let path = format!("/datasets/{}", created.id());
        assert_eq!(
            created.text("/links/commitBlocks"),
            service.url(&format!("{path}/blocks:commit"))
        );
        service.advance("1d").await;
        assert_eq!(service.get(&path).await.text("/status"), "NotStarted");

        let sent = service.send(upload(&service, &path, "YmxvY2stMDE%3D", 100)).await;
        assert_eq!((sent.status, &sent.body), (201, &Value::Null));
        service.send(upload(&service, &path, "YmxvY2stMDI%3D", 50)).await;
        for wrong in ["", "!!!", "YQ%3D%3D"] {
            let refused = service.send(upload(&service, &path, wrong, 1)).await;
            assert_eq!(refused.codes().2, Some("InvalidParameterValue"), "{wrong}");
        }
        assert_eq!(
            service
                .send(upload(&service, &path, "YmxvY2stMDM%3D", (8 << 20) + 1))
                .await
                .status,
            413
        );
        let blocks = service.get(&format!("{path}/blocks")).await;
        assert_valid("UploadedBlocks", version, &blocks.body);
        assert_eq!(
            blocks.body["uncommittedBlocks"][0],
            json!({ "name": "YmxvY2stMDE=", "size": 100 })
        );

        let commit = format!("{path}/blocks:commit");
        let missing = json!([{ "kind": "Latest", "id": "YmxvY2stMDk=" }]);
        assert_eq!(service.post(&commit, &missing).await.codes().2, Some("InvalidPayload"));
        let list = json!([{ "kind": "Latest", "id": "YmxvY2stMDE=" }, { "kind": "Uncommitted", "id": "YmxvY2stMDI=" }]);
        let done = service.post(&commit, &list).await;
        assert_eq!((done.status, &done.body), (200, &Value::Null));
        service.advance("10s").await;
        let imported = service.get(&path).await;
        assert_eq!(
            (imported.text("/status"), imported.body["links"].get("commitBlocks")),
            ("Succeeded", None)
        );
        assert_eq!(service.post(&commit, &list).await.status, 409);
    }
}

#[tokio::test]
async fn a_dataset_in_use_is_not_deleted() {
    let service = Service::new("2025-10-15");
    let path = format!("/datasets/{TEXT_DATA}");
    let body = json!({ "displayName": "x", "locale": "en-US", "datasets": [service.reference(&path)],
        "baseModel": service.reference(&format!("/models/base/{BASE_NEW}")) });
    assert_eq!(service.post("/models", &body).await.status, 201);
    assert_eq!(
        service.delete(&path).await.codes(),
        (409, "Conflict", Some("InUseViolation"))
    );
    service.advance("10s").await;
    assert_eq!(service.delete(&path).await.status, 204);
}

#[tokio::test]
async fn wrong_kinds_urls_and_quotas_are_refused() {
    let service = Service::new("2025-10-15").of("free");
    let body =
        |kind: &str, url: &str| json!({ "displayName": "x", "locale": "en-US", "kind": kind, "contentUrl": url });
    assert_eq!(
        service
            .post("/datasets", &body("Video", "https://a.example/b"))
            .await
            .codes()
            .1,
        "InvalidPayload"
    );
    assert_eq!(
        service.post("/datasets", &body("Language", "nonsense")).await.codes().1,
        "InvalidPayload"
    );
    for expected in [201, 201, 400] {
        assert_eq!(
            service
                .post("/datasets", &body("Language", "https://a.example/b"))
                .await
                .status,
            expected
        );
    }
}
