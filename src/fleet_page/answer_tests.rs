use super::*;
use crate::fleet_page::testing::{NOW, fleet, objects};
use axum::{body::Body, http::Method};
use serde_json::Value;
use tower::ServiceExt;

const NEAR: &str = "127.0.0.1:40000";

fn source() -> Source {
    Arc::new(|| {
        Some(Facts {
            objects: objects(&fleet()),
            now: NOW.parse().unwrap(),
            leads: true,
        })
    })
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

async fn asked(router: Router, method: Method, path: &str, peer: &str, host: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header(HOST, host);
    let mut request = request.body(Body::empty()).unwrap();
    request
        .extensions_mut()
        .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    let response = router.oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
    Answer {
        status,
        headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn get(path: &str) -> Answer {
    asked(
        routes(Audience::Loopback, source()),
        Method::GET,
        path,
        NEAR,
        "localhost:8080",
    )
    .await
}

#[tokio::test]
async fn who_asks_for_nothing_is_led_to_the_page() {
    let answer = get("/").await;
    assert_eq!(
        (answer.status, &answer.headers["location"]),
        (StatusCode::TEMPORARY_REDIRECT, &HeaderValue::from_static("fleet"))
    );
}

#[tokio::test]
async fn each_route_has_its_type_and_every_answer_the_policy() {
    for (path, status, kind) in [
        ("/fleet", 200, "text/html; charset=utf-8"),
        ("/fleet?risk=any", 200, "text/html; charset=utf-8"),
        ("/fleet.json", 200, "application/json"),
        ("/fleet.ics", 200, "text/calendar; charset=utf-8"),
        ("/fleet.css", 200, "text/css; charset=utf-8"),
        ("/fleet.js", 200, "text/javascript; charset=utf-8"),
        ("/fleet-icon.svg", 200, "image/svg+xml"),
        ("/fleet?risk=high", 400, "text/html; charset=utf-8"),
        ("/fleet.json?risk=high", 400, "application/json"),
        ("/fleet.ics?risk=high", 400, "text/plain; charset=utf-8"),
    ] {
        let answer = get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.headers[CONTENT_TYPE], kind, "{path}");
        let policy = answer.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("script-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        if status == 400 {
            assert!(
                answer
                    .text
                    .contains("is no risk: write any, expired, at-risk, blocked or none"),
                "{}",
                answer.text
            );
        }
    }
    let told: Value = serde_json::from_str(&get("/fleet.json?nothing=1").await.text).unwrap();
    assert!(
        told["error"]
            .as_str()
            .unwrap()
            .starts_with("there is no parameter \"nothing\""),
        "{told}"
    );
}

#[tokio::test]
async fn the_calendar_has_an_event_for_each_step_of_what_was_asked_for() {
    let calendar: icalendar::Calendar = get("/fleet.ics?namespace=claims").await.text.parse().unwrap();
    let document: Value = serde_json::from_str(&get("/fleet.json?namespace=claims").await.text).unwrap();
    let steps = document["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["steps"].as_array().unwrap().len());
    let steps: usize = steps.sum();
    assert!(steps > 5);
    assert_eq!(
        calendar
            .components
            .iter()
            .filter(|part| part.as_event().is_some())
            .count(),
        steps
    );
}

#[tokio::test]
async fn nothing_can_be_changed() {
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = asked(routes(Audience::Everybody, source()), method, "/fleet", NEAR, "x").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers[CONTENT_SECURITY_POLICY], POLICY);
    }
}

#[tokio::test]
async fn by_default_only_who_comes_through_the_pod_itself_is_answered() {
    for (audience, peer, host, status) in [
        (Audience::Loopback, NEAR, "localhost:8080", 200),
        (Audience::Loopback, NEAR, "127.0.0.1:8080", 200),
        (Audience::Loopback, "[::1]:40000", "[::1]:8080", 200),
        (Audience::Loopback, "[::ffff:127.0.0.1]:40000", "LOCALHOST", 200),
        (Audience::Loopback, "10.1.2.3:40000", "localhost:8080", 403),
        (
            Audience::Loopback,
            "[2001:db8::1]:40000",
            "speech-operator.speech-system:8080",
            403,
        ),
        // A page of somebody else, whose name leads to this machine, in the browser of who has a port forwarded.
        (Audience::Loopback, NEAR, "rebound.example:8080", 403),
        (Audience::Loopback, NEAR, "localhost.example", 403),
        (Audience::Loopback, NEAR, "", 403),
        (Audience::Everybody, "10.1.2.3:40000", "fleet.example", 200),
        (Audience::Nobody, NEAR, "localhost:8080", 404),
    ] {
        for path in ["/fleet", "/fleet.json", "/fleet.ics", "/fleet.css"] {
            let answer = asked(routes(audience, source()), Method::GET, path, peer, host).await;
            assert_eq!(answer.status, status, "{audience:?} {peer} {host} {path}");
            if status == 403 {
                assert_eq!(answer.headers[CONTENT_SECURITY_POLICY], POLICY);
                assert!(
                    answer.text.contains("kubectl -n speech-system port-forward"),
                    "{}",
                    answer.text
                );
                assert!(!answer.text.contains("claims"));
            }
        }
    }
}

#[tokio::test]
async fn before_the_stores_are_filled_the_page_says_what_it_waits_for() {
    let router = routes(Audience::Loopback, Arc::new(|| None));
    let answer = asked(router, Method::GET, "/fleet", NEAR, "localhost").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text.contains("waiting for the watches"), "{}", answer.text);
    assert_eq!(answer.headers[CONTENT_SECURITY_POLICY], POLICY);
}
