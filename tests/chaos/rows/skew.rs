//! The clock of the operator's node is wrong, or the service's dates are.
use crate::{
    harness::condition,
    law::Expected,
    seed::BASE_OLD,
    tenant::{Tenant, is_ready},
    trial::{Patience, Trial},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::time::Duration;

const HOURS: [i64; 4] = [1, -1, 48, -48];
const SERVES: &str = "33000000-0000-4000-8000-000000000001";
const ENDING: &str = "33000000-0000-4000-8000-000000000002";
const EXPIRED: &str = "33000000-0000-4000-8000-000000000003";
const NEXT: &str = "33000000-0000-4000-8000-000000000004";
/// A healthy fleet is looked at for so long, to see that nothing is written and nothing is asked in a circle.
const REST: Duration = Duration::from_millis(1500);

/// Whose clock is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Node,
    Service,
}

pub async fn run(trial: &mut Trial) {
    let bounded = [
        (Wrong::Node, 48),
        (Wrong::Node, -48),
        (Wrong::Service, 1),
        (Wrong::Service, -48),
    ];
    for round in 0..trial.times(1, 1) {
        for wrong in [Wrong::Node, Wrong::Service] {
            for hours in HOURS {
                if trial.is_full || bounded.contains(&(wrong, hours)) {
                    one(trial, wrong, hours, round).await;
                }
            }
        }
    }
    let hours = if trial.is_full {
        "±1 h and ±48 h"
    } else {
        "four of ±1 h and ±48 h"
    };
    trial.saw(format!("{hours} of the node and of the service"));
}

/// A swap that may wait waits, one whose deadline is near lands, and what has expired is promoted by nobody. With clocks
/// that agree again, the rest follows by itself.
async fn one(trial: &mut Trial, wrong: Wrong, hours: i64, round: u64) {
    let sign = if hours < 0 { "behind" } else { "ahead" };
    let name = format!("skew-{wrong:?}-{sign}-{}-{round}", hours.abs()).to_lowercase();
    let tenant = resource(trial, &name).await;
    tenant.connect(json!({"pollInterval": "5s"})).await;
    for (endpoint, model) in [("far", SERVES), ("near", ENDING)] {
        let existing = json!({"source": {"existing": {"id": model}}});
        tenant.model(endpoint, existing).await;
        let spec = json!({"model": {"ref": {"name": endpoint}}});
        tenant.endpoint(endpoint, spec).await;
    }
    trial.world.start_operator(&[]).await;
    for endpoint in ["far", "near"] {
        tenant.until("SpeechEndpoint", endpoint, "serves", is_ready).await;
    }
    trial.world.terminate_all().await;
    let moves = tenant.calls("Endpoints_Update").await;

    let (node, service) = match wrong {
        Wrong::Node => (hours * 3600, 0),
        Wrong::Service => (0, hours * 3600),
    };
    let dates = json!({"dateOffsetSeconds": service});
    tenant.control.put_resource(&name, dates).await.unwrap();
    for model in ["far", "near"] {
        let next = json!({"source": {"existing": {"id": NEXT}}});
        tenant.model(model, next).await;
    }
    tenant.endpoint("dead", json!({"model": {"id": EXPIRED}})).await;
    start(trial, node).await;
    let widely = |object: &Value| condition(object, "ClockSkew")["reason"] == "ClocksDifferWidely";
    tenant
        .until("SpeechConnection", "speech", "tells that the clocks differ", widely)
        .await;
    let has_moved = |object: &Value| is_ready(object) && object["status"]["active"]["model"] == NEXT;
    tenant
        .until("SpeechEndpoint", "near", "has moved in time", has_moved)
        .await;
    let waits = |object: &Value| object["status"]["candidate"]["model"] == NEXT;
    tenant.until("SpeechEndpoint", "far", "waits", waits).await;
    let is_refused = |object: &Value| condition(object, "Ready")["reason"] == "ModelExpired";
    tenant.until("SpeechEndpoint", "dead", "is refused", is_refused).await;
    rest(trial, &tenant).await;
    let moved = tenant.calls("Endpoints_Update").await - moves;
    if moved != 1 {
        trial.violated(
            &name,
            format!("{moved} moves while the clocks differed, not the one whose deadline was near"),
        );
    }
    let far = tenant.find("SpeechEndpoint", "far").await.unwrap_or_default();
    if far["status"]["active"]["model"] != SERVES {
        trial.violated(&name, format!("a swap that could wait did not: {}", far["status"]));
    }
    trial.world.terminate_all().await;

    let right = json!({"dateOffsetSeconds": 0});
    tenant.control.put_resource(&name, right).await.unwrap();
    tenant.delete("SpeechEndpoint", "dead").await;
    start(trial, 0).await;
    tenant
        .until("SpeechEndpoint", "far", "has moved at last", has_moved)
        .await;
    let is_silent = |object: &Value| condition(object, "ClockSkew").is_null();
    tenant
        .until("SpeechConnection", "speech", "has clocks that agree", is_silent)
        .await;
    trial.converge(&[&tenant], &Patience::default()).await;
    let expected = Expected {
        // A clock that is two days ahead takes what ends tomorrow for expired, and says so.
        more_changes: 4,
        ..Expected::default()
    };
    trial.check(&[&tenant], &expected).await;
    trial.world.terminate_all().await;
}

/// An operator whose node's clock is ahead by so much. Only one that is told how far it is off measures the difference.
async fn start(trial: &mut Trial, seconds: i64) {
    let clock = trial.world.emulator.control().clock_url();
    let off = format!("{clock}?offsetSeconds={seconds}");
    trial.world.start_operator(&["--development-clock", &off]).await;
}

/// Models that serve for 100 days and for 12 hours, that expired an hour ago, and that follows.
async fn resource(trial: &Trial, name: &str) -> Tenant {
    let now = trial.world.emulator.control().now().await.unwrap();
    let model = |id: &str, hours: i64| {
        json!({
            "id": id, "displayName": id, "locale": "en-US", "baseModel": BASE_OLD,
            "createdDateTime": (now - SignedDuration::from_hours(50 * 24)).to_string(),
            "transcriptionDateTime": (now + SignedDuration::from_hours(hours)).to_string(),
        })
    };
    let models = json!([
        model(SERVES, 2400),
        model(ENDING, 12),
        model(EXPIRED, -1),
        model(NEXT, 4800)
    ]);
    trial
        .world
        .tenant(name, json!({"models": models, "endpoints": []}))
        .await
}

/// Nothing happens by itself: no request beside the lists, no write.
async fn rest(trial: &mut Trial, tenant: &Tenant) {
    let versions = async || {
        let objects = tenant.objects().await;
        objects
            .iter()
            .map(|object| object["metadata"]["resourceVersion"].to_string())
            .collect::<Vec<_>>()
    };
    let (before, were) = (tenant.writes().await, versions().await);
    tokio::time::sleep(REST).await;
    let (after, are) = (tenant.writes().await, versions().await);
    if before != after {
        trial.violated(&tenant.name, format!("{} remote writes at rest", after - before));
    }
    if were != are {
        trial.violated(&tenant.name, "statuses were written at rest");
    }
}
