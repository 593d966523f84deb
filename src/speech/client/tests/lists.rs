//! Paging.
use super::*;
use crate::speech::error::BodyProblem;
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

async fn list(script: &Script) -> Result<Listing<crate::speech::entity::Endpoint>, Error> {
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
async fn a_page_link_to_another_place_is_refused_and_never_asked() {
    for (link, host) in [
        (
            "https://evil.example/west/speechtotext/endpoints",
            "https://evil.example",
        ),
        ("http://x.example/west/speechtotext/endpoints", "http://x.example"),
        (
            "https://x.example:8443/west/speechtotext/endpoints",
            "https://x.example:8443",
        ),
        (
            "https://x.example/east/speechtotext/endpoints?sig=SECRET",
            "https://x.example",
        ),
        (
            "https://x.example@evil.example/west/speechtotext",
            "https://evil.example",
        ),
        ("//evil.example/west/speechtotext", "a place that is no URL"),
        ("/west/speechtotext/endpoints?skip=1", "a place that is no URL"),
        ("https://me:SECRET@x.example/west/speechtotext", "https://x.example"),
        ("https://me@x.example/west/speechtotext", "https://x.example"),
        ("https://x.example./west/speechtotext", "https://x.example."),
        ("https://x.example:80/west/speechtotext", "https://x.example:80"),
        ("https://x.ex\u{430}mple/west/speechtotext", "https://x.xn--exmple-4nf"),
        (
            "https://x\u{3002}evil.example/west/speechtotext",
            "https://x.evil.example",
        ),
        (
            "https://x.example\\@evil.example/west/speechtotext",
            "https://x.example",
        ),
        (
            "https://x.example/west/..%2f..%2feast/speechtotext",
            "https://x.example",
        ),
        ("https://x.example/west/../east/speechtotext", "https://x.example"),
        ("https://x.example/westward/speechtotext", "https://x.example"),
        ("ftp://x.example/west/speechtotext", "ftp://x.example"),
        ("file:///west/speechtotext", "null"),
        ("javascript:alert(1)", "null"),
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
async fn a_list_of_more_entities_than_any_resource_has_is_given_up() {
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
    let error = script
        .client(ApiVersion::V2025_10_15)
        .list_endpoints(Lane::Deadline, None)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Body {
                problem: BodyProblem::TooManyEntities { .. },
                ..
            }
        ),
        "{error:?}"
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
    assert_eq!(
        list(&script).await.unwrap_err().kind(),
        crate::speech::ErrorKind::Unavailable
    );
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
