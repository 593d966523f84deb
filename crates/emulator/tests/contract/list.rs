//! Pages, next links and filters.
use super::{harness::*, schema::assert_valid};
use serde_json::{Value, json};

async fn with_endpoints(version: &'static str, count: usize) -> Service {
    let service = Service::new(version);
    for index in 0..count {
        let body = json!({ "displayName": format!("line {index}"), "locale": "en-US" });
        assert_eq!(service.post("/endpoints", &body).await.status, 201);
        service.advance("1s").await;
    }
    service
}

fn names(body: &Value) -> Vec<&str> {
    body["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["displayName"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn next_links_lead_through_all_pages_and_repeat_the_filter() {
    for version in VERSIONS {
        let service = with_endpoints(version, 5).await;
        let first = service
            .get("/endpoints?skip=0&top=2&filter=locale%20eq%20'en-US'")
            .await;
        if version != "v3.2" {
            assert_valid("PaginatedEndpoints", version, &first.body);
        }
        assert!(first.text("/@nextLink").contains("filter=locale%20eq%20%27en-US%27"));
        assert_eq!(first.text("/@nextLink").contains("api-version="), version != "v3.2");
        let second = service.follow(first.text("/@nextLink")).await;
        let third = service.follow(second.text("/@nextLink")).await;
        assert_eq!(third.body.get("@nextLink"), None);
        let all = [names(&first.body), names(&second.body), names(&third.body)].concat();
        assert_eq!(all, ["line 0", "line 1", "line 2", "line 3", "line 4"]);
        assert!(first.header("retry-after").is_some(), "something is still under way");
    }
}

#[tokio::test]
async fn parameters_of_lists_are_known_with_a_dollar_as_well() {
    for version in VERSIONS {
        let service = with_endpoints(version, 3).await;
        let filtered = service.get("/endpoints?$filter=displayName%20eq%20'line%201'").await;
        assert_eq!(names(&filtered.body), ["line 1"]);
        let escaped = service.get("/endpoints?%24skip=1&%24top=1").await;
        assert_eq!(names(&escaped.body), ["line 1"]);
        let next = service.follow(escaped.text("/@nextLink")).await;
        assert_eq!(names(&next.body), ["line 2"]);
        let models = service.get("/models/base?$filter=locale%20eq%20'de-DE'").await;
        assert_eq!(models.body["values"].as_array().unwrap().len(), 1);
        let refused = service.get("/endpoints?$filter=nonsense").await;
        assert_eq!(refused.codes().2, Some("UnsupportedFilter"));
        assert_eq!(
            service.get("/endpoints?$top=0").await.codes().2,
            Some("UnsupportedPagination")
        );
    }
}

#[tokio::test]
async fn page_sizes_are_settings() {
    let service = with_endpoints("2025-10-15", 5).await;
    service.set(json!({ "pageSize": 3, "maxPageSize": 4 })).await;
    assert_eq!(names(&service.get("/endpoints").await.body).len(), 3);
    assert_eq!(names(&service.get("/endpoints?top=100").await.body).len(), 4);
}

#[tokio::test]
async fn filters_choose_by_name_time_and_status() {
    let service = with_endpoints("2025-10-15", 4).await;
    let cases = [
        ("displayName eq 'line 1'", vec!["line 1"]),
        ("createdDateTime gt 2026-02-02T08:00:01Z", vec!["line 2", "line 3"]),
        (
            "createdDateTime ge 2026-02-02T08:00:01Z and not displayName eq 'line 3'",
            vec!["line 1", "line 2"],
        ),
        ("status eq 'Succeeded' or displayName eq 'line 0'", vec!["line 0"]),
        ("description eq 'none'", vec![]),
    ];
    for (filter, expected) in cases {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let listed = service.get(&format!("/endpoints?filter={encoded}")).await;
        assert_eq!(names(&listed.body), expected, "{filter}");
    }
}

#[tokio::test]
async fn bad_filters_and_pages_are_refused() {
    let service = Service::new("2024-11-15");
    for filter in [
        "model%20eq%20'x'",
        "status%20eq%20Running",
        "status%20gt%20'Running'",
        "(",
    ] {
        let answer = service.get(&format!("/models?filter={filter}")).await;
        assert_eq!(
            answer.codes(),
            (400, "InvalidRequest", Some("UnsupportedFilter")),
            "{filter}"
        );
    }
    assert_eq!(
        service.get("/endpoints?filter=kind%20eq%20'x'").await.codes().2,
        Some("UnsupportedFilter")
    );
    for page in ["skip=-1", "top=0", "top=many"] {
        let answer = service.get(&format!("/models?{page}")).await;
        assert_eq!(
            answer.codes(),
            (400, "InvalidRequest", Some("UnsupportedPagination")),
            "{page}"
        );
    }
}

#[tokio::test]
async fn entities_of_one_version_are_seen_by_the_others() {
    let service = with_endpoints("v3.2", 1).await;
    for version in VERSIONS {
        let listed = service.speaking(version).get("/endpoints").await;
        assert_valid("Endpoint", version, &listed.body["values"][0]);
    }
}
