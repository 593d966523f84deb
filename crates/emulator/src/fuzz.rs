//! Bad input to the control API: the emulator is what tests are judged by, and must not fall over or lose its clock.
use super::{Emulator, Seed};
use axum::body::Body;
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::{Value, json};
use speech_fuzz::{Garble, feed};
use tower::ServiceExt;

const SEED: &str = r#"{"now": "2026-03-01T10:00:00Z", "rate": 0.0, "resources": {"west": {"key1": "k", "baseModels": [
    {"displayName": "20260101", "locale": "en-US", "createdDateTime": "2026-01-01T00:00:00Z"}]}}}"#;

/// Requests to the control API, as tests send them.
fn requests() -> Vec<(Method, &'static str, Value)> {
    let id = "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11";
    vec![
        (
            Method::PUT,
            "clock",
            json!({"now": "2027-01-01T00:00:00Z", "rate": 2.0, "force": true}),
        ),
        (Method::PUT, "clock", json!({"advance": "90d"})),
        (
            Method::PUT,
            "clock",
            json!({"now": "2027-01-01T00:00:00Z", "force": true}),
        ),
        (Method::PUT, "clock", json!({"rate": 1e300})),
        (Method::GET, "clock", Value::Null),
        (Method::GET, "clock?after=0&timeoutSeconds=0", Value::Null),
        (
            Method::POST,
            "faults",
            json!({"route": {"operation": "Endpoints_Create", "resource": "west"}, "action": {"status": 503}, "times": 2}),
        ),
        (Method::POST, "faults", json!({"action": {"listLagSeconds": 30.0}})),
        (Method::GET, "faults", Value::Null),
        (Method::GET, "journal?after=0&resource=west", Value::Null),
        (Method::DELETE, "journal", Value::Null),
        (
            Method::PUT,
            "resources/west",
            json!({"key1": "k", "timings": {"training": 0.3}, "rateLimit": {"requests": 100, "perSeconds": 10.0}}),
        ),
        (
            Method::PUT,
            "resources/east",
            json!({"models": [{"id": id, "displayName": "m", "locale": "en-US", "createdDateTime": "2026-01-01T00:00:00Z"}]}),
        ),
        (Method::GET, "resources/west", Value::Null),
        (Method::POST, "resources/west/keys", json!({"key1": "a", "key2": "b"})),
        (
            Method::POST,
            "entra/applications",
            json!({"tenantId": id, "clientId": id, "secret": "s", "roles": {"west": "User"}, "tokenSeconds": 4294967295_u32,
                "federated": [{"issuer": "https://a", "subject": "b", "audience": "c"}]}),
        ),
        (
            Method::PUT,
            "resources/west/scores",
            json!({id: {"wordErrorRate": 0.2}}),
        ),
        (
            Method::PATCH,
            "resources/west/models/5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11",
            json!({"status": "Failed"}),
        ),
        (Method::GET, "state", Value::Null),
        (Method::PUT, "state", serde_json::from_str(SEED).unwrap()),
    ]
}

/// An emulator, what runs it, and how often it was asked.
struct Desk {
    emulator: Emulator,
    runtime: tokio::runtime::Runtime,
    turn: u32,
}

fn emulator() -> Emulator {
    Emulator::new(Seed::parse(SEED).unwrap())
}

fn start() -> Desk {
    Desk {
        emulator: emulator(),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap(),
        turn: 0,
    }
}

fn ask(desk: &Desk, method: Method, path: &str, body: Vec<u8>) -> Option<(u16, Vec<u8>)> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from(body))
        .ok()?;
    desk.runtime.block_on(async {
        let answer = desk.emulator.router().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        Some((
            status,
            axum::body::to_bytes(answer.into_body(), usize::MAX)
                .await
                .unwrap()
                .to_vec(),
        ))
    })
}

#[test]
fn no_request_to_the_control_api_breaks_the_emulator_or_its_clock() {
    let requests = requests();
    feed("control", 5_000, start, |desk: &mut Desk, garble: &mut Garble| {
        desk.turn += 1;
        if desk.turn.is_multiple_of(200) {
            desk.emulator = emulator();
        }
        let (method, path, mut body) = garble.pick(&requests).clone();
        let body = match garble.below(6) {
            0 => garble.bytes(),
            1 => garble.mistakes(body.to_string().as_bytes()),
            2 => body.to_string().into_bytes(),
            _ => {
                garble.lie(&mut body);
                body.to_string().into_bytes()
            }
        };
        // A fault may ask for a delay, and a reader of the clock for a wait: those are not for here.
        let text = String::from_utf8_lossy(&body);
        if ["elay", "tall", "slow", "Slow"].iter().any(|word| text.contains(word)) {
            return;
        }
        let mut path = format!("/control/{path}");
        if garble.hits(0.1) && !path.contains("after") {
            path = format!("/control/{}", garble.mistake(path.trim_start_matches("/control/")));
            if path.contains("after") {
                return;
            }
        }
        if let Some((status, answer)) = ask(desk, method, &path, body.clone()) {
            assert!(status < 500, "{path}: {status} {}", String::from_utf8_lossy(&answer));
        }
        // Whatever was asked, the clock still tells a time, and goes on from there.
        let (status, answer) = ask(desk, Method::GET, "/control/clock", Vec::new()).unwrap();
        let clock: Value = serde_json::from_slice(&answer).unwrap();
        assert!(
            status == 200 && clock["now"].as_str().unwrap().parse::<Timestamp>().is_ok(),
            "{clock}"
        );
        let list = "/west/speechtotext/models/base?api-version=2025-10-15";
        let (status, _) = ask(desk, Method::GET, list, Vec::new()).unwrap();
        assert!(status < 600);
    });
}
