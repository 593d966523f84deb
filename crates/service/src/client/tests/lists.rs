//! Paging.
use super::*;
use crate::error::BodyProblem;
use serde_json::{Value, json};

fn endpoint(number: u8) -> Value {
    let mut value = example("endpoint_get_succeeded");
    value["self"] = json!(format!(
        "https://x.example/endpoints/00000000-0000-4000-8000-0000000000{number:02}"
    ));
    value
}

fn page(values: &[Value], next: Option<&str>) -> Response {
    json(200, json!({"values": values, "@nextLink": next}))
}

async fn list(script: &Script) -> Result<Listing<crate::entity::Endpoint>, Error> {
    script
        .client(ApiVersion::V2025_10_15)
        .list_endpoints(Lane::Sweep, None)
        .await
}

#[tokio::test]
async fn a_list_is_followed_to_its_end_and_each_page_costs_one_request() {
    let next = "https://x.example/west/speechtotext/endpoints?skip=2&top=2&api-version=2025-10-15";
    let last = "https://x.example:443/west/speechtotext/endpoints?skip=4&top=2&api-version=2025-10-15";
    let script = Script::of([
        page(&[endpoint(1), endpoint(2)], Some(next)),
        page(&[endpoint(2), json!({"self": "broken"})], Some(last)),
        with_header(page(&[endpoint(3)], None), "retry-after", "60"),
    ]);
    let client = script.client(ApiVersion::V2025_10_15);
    let listing = client.list_endpoints(Lane::Sweep, None).await.unwrap();
    assert_eq!(
        listing.values.len(),
        3,
        "an entity that moved to the next page counts once"
    );
    assert_eq!(
        (listing.unreadable, listing.retry_after),
        (1, Some(Duration::from_secs(60)))
    );
    assert_eq!(client.budget().usage().in_window, 3);
    assert_eq!(
        script.seen()[1].uri.query(),
        Some("skip=2&top=2&api-version=2025-10-15")
    );
    assert!(
        script
            .seen()
            .iter()
            .all(|seen| seen.headers["ocp-apim-subscription-key"] == KEY)
    );
}

#[tokio::test]
async fn a_page_link_that_leads_to_no_speech_service_is_refused_and_never_asked() {
    for (link, host) in [
        ("https://evil.example/west/endpoints", "https://evil.example"),
        ("https://x.example:8443/west/?sig=SECRET", "https://x.example:8443"),
        ("/west/endpoints?skip=1", "https://x.example"),
        ("https://me:SECRET@x.example/west/speechtotext", "https://x.example"),
        ("https://me@x.example/west/speechtotext", "https://x.example"),
        (
            "https://x.example@evil.example/west/speechtotext",
            "https://evil.example",
        ),
        (
            "https://x.example/west/..%2f..%2feast/speechtotext",
            "https://x.example",
        ),
        ("https://x.example/speechtotext/..%2f..%2feast", "https://x.example"),
        ("ftp://x.example/west/speechtotext", "ftp://x.example"),
        ("file:///west/speechtotext", "null"),
        ("javascript:alert(1)", "null"),
        ("https://", "a place that is no URL"),
    ] {
        let script = Script::of([page(&[endpoint(1)], Some(link)), page(&[], None)]);
        let error = list(&script).await.unwrap_err();
        assert!(
            matches!(&error, Error::ForeignLink { host: found, .. } if found == host),
            "{link}: {error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("SECRET"));
        assert_eq!(script.seen().len(), 1, "{link}");
    }
}

#[tokio::test]
async fn a_page_link_with_another_host_or_prefix_is_asked_for_at_the_own_endpoint_alone() {
    for link in [
        "https://inner.example:8443/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "http://x.example/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "https://x.example/east/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "https://x.example/west/../east/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "https://x.example\\@evil.example/west/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "https://x.example./west/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "https://x.ex\u{430}mple/west/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "//inner.example/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "/speechtotext/endpoints?skip=1&api-version=2025-10-15",
        "endpoints?skip=1",
        "?skip=1",
    ] {
        let script = Script::of([page(&[endpoint(1)], Some(link)), page(&[endpoint(2)], None)]);
        assert_eq!(list(&script).await.unwrap().values.len(), 2, "{link}");
        let asked = script.seen()[1].uri.to_string();
        assert_eq!(
            asked, "https://x.example/west/speechtotext/endpoints?skip=1&api-version=2025-10-15",
            "{link}"
        );
    }
}

/// Models with so many datasets that a page of a hundred holds too many values.
fn large_page(skip: usize, top: usize, total: usize) -> Response {
    let datasets: Vec<_> = (0..165)
        .map(|n| json!({"self": format!("https://x.example/speechtotext/datasets/00000000-0000-4000-8000-{n:012}")}))
        .collect();
    let model = |number: usize| {
        let mut value = example("model_get");
        value["self"] = json!(format!(
            "https://x.example/speechtotext/models/00000000-0000-4000-8000-{number:012}"
        ));
        value["datasets"] = match number {
            7 => (0..330).flat_map(|_| datasets.clone()).collect(), // too large by itself
            _ => json!(datasets),
        };
        value
    };
    let values: Vec<_> = (skip..total.min(skip + top)).map(model).collect();
    let next = format!(
        "https://x.example/west/speechtotext/models?skip={}&top={top}",
        skip + top
    );
    page(&values, (skip + top < total).then_some(next.as_str()))
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_smaller_pieces() {
    let number = |uri: &Uri, name: &str| {
        let query = uri.query().unwrap().split('&').find_map(|pair| pair.strip_prefix(name));
        query.map_or(0, |value| value.parse::<usize>().unwrap())
    };
    let service =
        Router::new().fallback(async move |uri: Uri| large_page(number(&uri, "skip="), number(&uri, "top="), 130));
    let client = client(InProcess(service), "https://x.example/west", ApiVersion::V2025_10_15);
    let listing = client.list_custom_models(Lane::Deadline, None).await.unwrap();
    assert_eq!(
        (listing.values.len(), listing.unreadable),
        (129, 1),
        "all but the one that no page can hold"
    );
    let requests = client.budget().usage().in_window;
    assert!(
        requests < 25,
        "the pages grow again behind the large entity: {requests}"
    );
}

#[tokio::test]
async fn the_size_that_could_be_read_is_remembered() {
    let huge = json!({"values": [vec![0; 60_000]]});
    let script = Script::of([json(200, huge), page(&[endpoint(1)], None), page(&[endpoint(1)], None)]);
    let client = script.client(ApiVersion::V2025_10_15);
    for _ in 0..2 {
        assert_eq!(client.list_endpoints(Lane::Sweep, None).await.unwrap().values.len(), 1);
    }
    let asked: Vec<_> = script
        .seen()
        .iter()
        .map(|seen| seen.uri.query().unwrap().to_owned())
        .collect();
    assert_eq!(
        asked,
        [
            "top=100&api-version=2025-10-15",
            "skip=0&top=50&api-version=2025-10-15",
            "top=50&api-version=2025-10-15"
        ]
    );
}

#[tokio::test]
async fn entities_that_are_all_too_large_end_a_list_with_an_error() {
    let huge = || json(200, json!({"values": [vec![0; 60_000]]}));
    let script = Script::of((0..60).map(|_| huge()));
    let client = script.client(ApiVersion::V2025_10_15);
    let error = client.list_endpoints(Lane::Deadline, None).await.unwrap_err();
    assert!(
        matches!(&error, Error::Body { problem, .. } if problem.is_too_large()),
        "{error:?}"
    );
    assert!(script.seen().len() < 50, "{}", script.seen().len());
}

#[tokio::test]
async fn another_spelling_of_the_own_place_is_followed() {
    for link in [
        "HTTPS://X.EXAMPLE/west/speechtotext/endpoints?skip=1",
        "https://x.example:443/west/speechtotext/endpoints?skip=1",
        "https://x.example/./west/speechtotext/endpoints?skip=1",
        "https://\u{ff58}.example/west/speechtotext/endpoints?skip=1",
    ] {
        let script = Script::of([page(&[endpoint(1)], Some(link)), page(&[], None)]);
        list(&script).await.unwrap();
        let asked = &script.seen()[1].uri;
        assert!(
            asked
                .to_string()
                .starts_with("https://x.example/west/speechtotext/endpoints"),
            "{link}: {asked}"
        );
    }
}

#[tokio::test]
async fn of_a_list_of_more_entities_than_any_resource_has_a_part_is_read() {
    let next = |number: usize| format!("https://x.example/west/speechtotext/endpoints?skip={number}");
    let many = |number: usize| {
        let body = endpoint(1);
        let values: Vec<Value> = (0..500)
            .map(|index| {
                let mut value = body.clone();
                value["self"] = json!(format!(
                    "https://x.example/endpoints/00000000-0000-4000-8000-{:012}",
                    number * 500 + index
                ));
                value
            })
            .collect();
        page(&values, Some(&next(number)))
    };
    let script = Script::of((0..60).map(many));
    let client = script.client(ApiVersion::V2025_10_15);
    let listing = client.list_endpoints(Lane::Deadline, None).await.unwrap();
    assert_eq!(
        (listing.values.len(), listing.unreadable),
        (20_500, 1),
        "what lies beyond counts as there"
    );
    assert_eq!(script.seen().len(), 41);
}

#[tokio::test]
async fn a_list_that_leads_back_to_itself_ends() {
    let link = "https://x.example/west/speechtotext/endpoints?skip=0";
    let script = Script::of((0..9).map(|_| page(&[], Some(link))));
    let error = list(&script).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Body {
                problem: BodyProblem::EndlessList,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(script.seen().len(), 2);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_list() {
    let next = "https://x.example/west/speechtotext/endpoints?skip=1";
    let script = Script::of([page(&[endpoint(1)], Some(next)), json(503, "")]);
    assert_eq!(list(&script).await.unwrap_err().kind(), crate::ErrorKind::Unavailable);
}

#[tokio::test]
async fn health_is_a_page_of_one() {
    let script = Script::of([page(&[endpoint(1)], None), json(200, json!({"welcome": "nginx"}))]);
    let client = script.client(ApiVersion::V3_2);
    client.health(Lane::UserChange).await.unwrap();
    assert_eq!(
        script.seen()[0].uri.path_and_query().unwrap(),
        "/west/speechtotext/v3.2/endpoints?top=1"
    );
    let error = client.health(Lane::UserChange).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Body {
                problem: BodyProblem::Unexpected(_),
                ..
            }
        ),
        "{error:?}"
    );
}
