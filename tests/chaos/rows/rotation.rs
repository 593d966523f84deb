//! The key is replaced again and again while endpoints move; then a wrong one is put in its place.
use crate::{
    harness::condition,
    law::Expected,
    seed::{BASE_OLD, days, key},
    tenant::{Tenant, is_ready},
    trial::{Patience, Trial},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

const EVERY: Duration = Duration::from_secs(2);
/// How long after the Secret was written the old key may still be used.
const AFTERGLOW: SignedDuration = SignedDuration::from_secs(1);
/// Within so long a wrong key is told, and the right one is at work again.
const TOLD: Duration = Duration::from_secs(5);
const ENDPOINTS: u64 = 20;
const ONE: &str = "32000000-0000-4000-8000-000000000001";
const TWO: &str = "32000000-0000-4000-8000-000000000002";

pub async fn run(trial: &mut Trial) {
    let rotations = trial.sized(5, 60);
    let now = trial.world.emulator.control().now().await.unwrap();
    let model = |id: &str| {
        json!({
            "id": id, "displayName": id, "locale": "en-US", "createdDateTime": days(now, -50),
            "transcriptionDateTime": days(now, 400), "baseModel": BASE_OLD,
        })
    };
    let change = json!({"models": [model(ONE), model(TWO)], "endpoints": []});
    let tenant = trial.world.tenant("rotation", change).await;
    // A small budget, so that requests wait for their turn while the key changes.
    tenant
        .connect(json!({"pollInterval": "5s", "requestBudget": {"requests": 20, "per": "2s"}}))
        .await;
    trial.world.start_operator(&[]).await;
    move_all(&tenant, ONE).await;
    let patience = Patience {
        jump: Duration::ZERO,
        ..Patience::default()
    };
    trial.converge(&[&tenant], &patience).await;
    let retired = rotate(&tenant, rotations).await;
    trial.converge(&[&tenant], &patience).await;
    check_keys(trial, &tenant, &retired).await;
    wrong_key(trial, &tenant, rotations).await;
    trial.converge(&[&tenant], &Patience::default()).await;
    let expected = Expected {
        may_go_back: true,
        // The wrong key, and the right one again.
        more_changes: 4,
        ..Expected::default()
    };
    trial.check(&[&tenant], &expected).await;
    trial.saw(format!("{rotations} keys while {ENDPOINTS} endpoints moved"));
    trial.world.terminate_all().await;
}

async fn move_all(tenant: &Tenant, model: &str) {
    for number in 0..ENDPOINTS {
        tenant
            .endpoint(&format!("line-{number}"), json!({"model": {"id": model}}))
            .await;
    }
}

/// Replaces the key as the portal's handbook says: the other key is made anew, the Secret names it, the old one is revoked.
/// Tells each old key by its digest, and when the Secret no longer named it.
async fn rotate(tenant: &Tenant, rotations: u64) -> Vec<(String, Timestamp)> {
    let mut retired = Vec::new();
    let mut old = key(&tenant.name, 1);
    for number in 0..rotations {
        let began = Instant::now();
        let new = fresh(number);
        let keys = json!({"key1": old, "key2": new});
        tenant.control.set_keys(&tenant.name, keys).await.unwrap();
        tenant.secret(&new).await;
        retired.push((digest(&old), Timestamp::now()));
        move_all(tenant, [TWO, ONE][usize::from(number % 2 == 1)]).await;
        tokio::time::sleep(Duration::from_secs(1).saturating_sub(began.elapsed())).await;
        let keys = json!({"key1": new, "key2": format!("unused-{new}")});
        tenant.control.set_keys(&tenant.name, keys).await.unwrap();
        tokio::time::sleep(EVERY.saturating_sub(began.elapsed())).await;
        old = new;
    }
    retired
}

/// A key that was never used, in the form of Azure's.
fn fresh(number: u64) -> String {
    format!("{:0>32}", format!("abcdef{number:04}"))
}

/// By which the journal knows a key.
fn digest(key: &str) -> String {
    let mut text = Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).simple().to_string();
    text.truncate(12);
    text
}

async fn check_keys(trial: &mut Trial, tenant: &Tenant, retired: &[(String, Timestamp)]) {
    let journal = tenant.journal().await;
    let mut longest = SignedDuration::ZERO;
    for entry in &journal {
        let at: Timestamp = entry["at"].as_str().unwrap().parse().unwrap();
        if let Some((_, since)) = retired.iter().find(|(digest, _)| entry["keyDigest"] == digest.as_str()) {
            let late = at.duration_since(*since);
            longest = longest.max(late);
            if late > AFTERGLOW {
                trial.violated(
                    "rotation",
                    format!("a key was used {late:#} after the Secret lost it: {entry}"),
                );
            }
        }
        if entry["status"] == 401 {
            trial.violated("rotation", format!("a revoked key was used: {entry}"));
        }
    }
    trial.saw(format!(
        "an old key was last used {} ms after its Secret changed",
        longest.as_millis()
    ));
}

/// A wrong key is told, and nothing but the right one is needed to go on.
async fn wrong_key(trial: &mut Trial, tenant: &Tenant, rotations: u64) {
    let right = fresh(rotations - 1);
    let began = Instant::now();
    tenant.secret(&fresh(9_999)).await;
    let is_told = |object: &Value| condition(object, "Ready")["reason"] == "CredentialInvalid";
    tenant
        .until("SpeechConnection", "speech", "tells the wrong key", is_told)
        .await;
    let told = began.elapsed();
    let began = Instant::now();
    tenant.secret(&right).await;
    tenant.until("SpeechConnection", "speech", "is Ready", is_ready).await;
    let healed = began.elapsed();
    if told > TOLD || healed > TOLD {
        trial.violated(
            "rotation",
            format!("a wrong key was told after {told:?}, the right one used after {healed:?}"),
        );
    }
    trial.saw(format!(
        "a wrong key told after {} ms, healed {} ms",
        told.as_millis(),
        healed.as_millis()
    ));
}
