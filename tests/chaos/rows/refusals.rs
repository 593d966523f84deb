//! Each step is refused with each status code, once or until the expiry is near: one that passes costs time and nothing
//! else, one that lasts is told before it is too late.
use super::due;
use crate::{
    harness::condition,
    law::Expected,
    seed::{BASE_OLD, TEXT, days},
    tenant::{Tenant, is_ready},
    trial::{Patience, Trial},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::time::Duration;

const CODES: [u16; 12] = [400, 401, 403, 404, 405, 409, 410, 415, 422, 429, 500, 503];
/// Each verb, by the operation that is refused.
const STEPS: [&str; 6] = [
    "Endpoints_Create",
    "Endpoints_Update",
    "Endpoints_Delete",
    "Models_Create",
    "Models_Update",
    "Models_Delete",
];
const OLD: &str = "33000000-0000-4000-8000-000000000001";
const NEW: &str = "33000000-0000-4000-8000-000000000002";
/// `swap.before` where nothing is said.
const BEFORE: SignedDuration = SignedDuration::from_hours(24 * 14);
/// How long a status may take: a request that waits for its turn, because of 429, keeps its pass for half a minute of real
/// time, however far the clock jumps meanwhile.
const TURN: Duration = Duration::from_secs(60);
/// How many days what serves is valid at first.
const VALID: i64 = 40;

/// Each run is one status code, for every step in turn; then for the swap until its expiry is near.
pub async fn run(trial: &mut Trial) {
    let codes: &[u16] = if trial.is_full {
        &CODES
    } else {
        &[400, 404, 405, 409, 422, 500]
    };
    trial.world.start_operator(&[]).await;
    let now = trial.world.emulator.control().now().await.unwrap();
    let model = |id: &str, name: &str, valid: i64| {
        json!({
            "id": id, "displayName": name, "locale": "en-US", "createdDateTime": days(now, -50),
            "transcriptionDateTime": days(now, valid), "baseModel": BASE_OLD,
        })
    };
    let change = json!({"models": [model(OLD, "old", VALID), model(NEW, "new", 400)], "endpoints": []});
    let mut tenants = Vec::new();
    for code in codes {
        let tenant = trial.world.tenant(&format!("refusals-{code}"), change.clone()).await;
        tenant.connect(json!({"pollInterval": "60s"})).await;
        tenants.push((tenant, *code));
    }
    let all: Vec<&Tenant> = tenants.iter().map(|(tenant, _)| tenant).collect();
    passing(trial, &tenants).await;
    trial.converge(&all, &patience()).await;
    trial.check(&all, &expected()).await;
    lasting(trial, &tenants).await;
    trial.world.emulator.control().clear_faults().await.unwrap();
    trial.converge(&all, &patience()).await;
    let ends = now + SignedDuration::from_hours(24 * VALID);
    for tenant in &all {
        let swapped = due::landed(tenant, NEW, ends).await;
        if swapped == 0 {
            trial.violated(
                &tenant.name,
                "the swap did not land before its expiry though nothing refused it any more",
            );
        }
    }
    trial.check(&all, &expected()).await;
    trial.saw(format!(
        "{} codes for {} steps, and for a swap until it was told",
        codes.len(),
        STEPS.len()
    ));
    trial.world.terminate_all().await;
}

fn expected() -> Expected {
    Expected {
        more_changes: 8,
        // What was refused is asked for again.
        more_orders: 2,
        ..Expected::default()
    }
}

/// A refusal is asked again after minutes, later after hours.
fn patience() -> Patience {
    Patience {
        bound: Duration::from_secs(4 * 24 * 3600),
        jump: Duration::from_secs(60),
        stride: Duration::from_secs(3 * 3600),
        ..Patience::default()
    }
}

/// Every step of the life of an endpoint and of a model is refused once.
async fn passing(trial: &mut Trial, tenants: &[(Tenant, u16)]) {
    let all: Vec<&Tenant> = tenants.iter().map(|(tenant, _)| tenant).collect();
    for (tenant, code) in tenants {
        for step in STEPS {
            tenant.strike(step, json!({"status": code})).await;
        }
        tenant.endpoint("line", json!({"model": {"id": OLD}})).await;
        tenant
            .endpoint("leaving", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        for name in ["claims", "leaving-model"] {
            tenant
                .model(name, json!({"source": {"training": {"datasets": [TEXT]}}}))
                .await;
        }
    }
    trial.converge(&all, &patience()).await;
    for (tenant, _) in tenants {
        tenant
            .patch(
                "SpeechEndpoint",
                "line",
                json!({"spec": {"description": "other words"}}),
            )
            .await;
        tenant
            .patch("SpeechModel", "claims", json!({"spec": {"description": "other words"}}))
            .await;
        tenant.delete("SpeechEndpoint", "leaving").await;
        tenant.delete("SpeechModel", "leaving-model").await;
    }
}

/// The swap of `line` is refused until it says that it is at risk.
async fn lasting(trial: &mut Trial, tenants: &[(Tenant, u16)]) {
    for (tenant, code) in tenants {
        tenant
            .strike_always("Endpoints_Update", json!({"status": code}), json!({}))
            .await;
        tenant
            .patch("SpeechEndpoint", "line", json!({"spec": {"model": {"id": NEW}}}))
            .await;
    }
    let control = trial.world.emulator.control().clone();
    let ends = |object: &Value| {
        object["status"]["active"]["expiresAt"]
            .as_str()
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
    };
    let first = tenants[0].0.find("SpeechEndpoint", "line").await.unwrap_or_default();
    let (Some(ends), now) = (ends(&first), control.now().await.unwrap()) else {
        trial.violated("the row itself", format!("no expiry in {}", first["status"]));
        return;
    };
    // In steps, as time passes; to where the alarm is due.
    let left = (ends - BEFORE).duration_since(now).as_secs() + 60;
    trial.live(&format!("{}s", left / 20 + 1), 20).await;
    for (tenant, code) in tenants {
        let told = tenant
            .find_until("SpeechEndpoint", "line", TURN, |object| {
                condition(object, "AtRisk")["status"] == "True"
            })
            .await;
        if let Err(last) = told {
            trial.violated(
                format!("{}/line", tenant.name),
                format!("I9: every PATCH is answered {code}, its model expires at {ends}, and nothing tells: {last}"),
            );
        }
        let connection = tenant.find("SpeechConnection", "speech").await.unwrap_or_default();
        if *code < 500 && !is_ready(&connection) && ![401, 403].contains(code) {
            println!(
                "{}: the connection says {}",
                tenant.name,
                condition(&connection, "Ready")
            );
        }
    }
}
