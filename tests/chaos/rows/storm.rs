//! Half an hour of 429 on six requests of ten, with and without Retry-After, in seconds and as a date.
use super::due::{self, DUE, EACH};
use crate::{
    harness::condition,
    law::Expected,
    tenant::Tenant,
    trial::{Patience, Trial},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// How long the storm lasts, by the emulator's clock.
const STORM: u32 = 30 * 60;

/// 2,000 endpoints of 40 Speech resources, three of each with a model that expires as the storm ends.
pub async fn run(trial: &mut Trial) {
    for storm in 0..trial.times(1, 1) {
        let objects = trial.sized(EACH, 2000);
        let tenants = tenants(trial, storm, objects / EACH).await;
        trial.world.start_operator(&[]).await;
        let all: Vec<&Tenant> = tenants.iter().collect();
        due::declare(&all).await;
        let patience = Patience {
            jump: Duration::ZERO,
            ..Patience::default()
        };
        if !trial.converge(&all, &patience).await {
            return;
        }
        let seconds = u32::try_from(trial.sized(18, 300)).unwrap();
        let (began, told) = storm_over(trial, &all, seconds).await;
        let ends = began + SignedDuration::from_secs(i64::from(STORM));
        let last = due::check(trial, &all, began, ends).await;
        trial.saw(format!("the last swap landed {} min into the storm", last.as_mins()));
        for tenant in &tenants {
            match told.get(&tenant.name).map(BTreeSet::len) {
                Some(1) => {}
                times => trial.violated(&tenant.name, format!("Throttled was told {} times", times.unwrap_or(0))),
            }
        }
        trial.converge(&all, &Patience::default()).await;
        trial.check(&all, &Expected::default()).await;
        let refused = refused(&all).await;
        trial.saw(format!(
            "{objects} objects, {} swaps due, {refused} requests refused in {seconds} s at {} times the speed",
            DUE * objects / EACH,
            STORM / seconds,
        ));
        trial.world.terminate_all().await;
    }
}

async fn tenants(trial: &Trial, storm: u64, count: u64) -> Vec<Tenant> {
    let limit = json!({"rateLimit": {"requests": 0, "perSeconds": 10}});
    // Budgets live in real time, of which the storm takes little: 80 in 10 s, or nearly so, at the storm's speed.
    let per = if trial.is_full { "2s" } else { "1s" };
    let spec = json!({"pollInterval": "60s", "requestBudget": {"requests": 80, "per": per}});
    due::tenants(trial, &format!("storm-{storm}"), count, &limit, &spec).await
}

/// Makes the storm, wants the swaps in it, and ends it. Tells when it began, and since when `Throttled` was told by each
/// connection.
async fn storm_over(
    trial: &mut Trial,
    tenants: &[&Tenant],
    seconds: u32,
) -> (Timestamp, BTreeMap<String, BTreeSet<String>>) {
    let control = trial.world.emulator.control().clone();
    let began = control.now().await.unwrap();
    let ends = began + SignedDuration::from_secs(i64::from(STORM));
    for tenant in tenants {
        // Together they strike six of ten.
        for (action, probability) in [
            (json!({"status": 429}), 0.2),
            (json!({"status": 429, "retryAfter": 1}), 0.25),
            (json!({"status": 429, "retryAfterDate": 2}), 1.0 / 3.0),
        ] {
            let seed = trial.chance.below(1_000_000);
            let how = json!({"probability": probability, "seed": seed});
            tenant.strike_always("*", action, how).await;
        }
    }
    due::expire(trial, tenants, ends).await;
    control.set_rate(f64::from(STORM / seconds)).await.unwrap();
    due::want(tenants).await;
    let mut told = BTreeMap::<String, BTreeSet<String>>::new();
    let end = Instant::now() + Duration::from_secs(u64::from(seconds));
    while Instant::now() < end && control.now().await.unwrap() < ends {
        for tenant in tenants {
            let connection = tenant.find("SpeechConnection", "speech").await.unwrap_or_default();
            let throttled = condition(&connection, "Throttled");
            if let Some(since) = throttled["lastTransitionTime"].as_str() {
                told.entry(tenant.name.clone()).or_default().insert(since.to_owned());
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    control.set_rate(1.0).await.unwrap();
    control.clear_faults().await.unwrap();
    (began, told)
}

async fn refused(tenants: &[&Tenant]) -> usize {
    let mut refused = 0;
    for tenant in tenants {
        let journal = tenant.journal().await;
        refused += journal.iter().filter(|entry: &&Value| entry["status"] == 429).count();
    }
    refused
}
