//! Speech resources full of endpoints, some of which have to move before their model expires, while something else goes wrong.
use crate::{
    seed::{BASE_OLD, days},
    tenant::Tenant,
    trial::Trial,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// As many endpoints as a Speech resource may have.
pub const EACH: u64 = 50;
/// How many endpoints of each Speech resource have to be swapped.
pub const DUE: u64 = 3;
const OLD: &str = "31000000-0000-4000-8000-000000000001";
const NEW: &str = "31000000-0000-4000-8000-000000000002";

/// So many Speech resources with their connections; names begin with `name`. `settings` is for the emulator, `spec` for the
/// connection.
pub async fn tenants(trial: &Trial, name: &str, count: u64, settings: &Value, spec: &Value) -> Vec<Tenant> {
    let now = trial.world.emulator.control().now().await.unwrap();
    let model = |id: &str, name: &str, valid: i64| {
        json!({
            "id": id, "displayName": name, "locale": "en-US", "createdDateTime": days(now, -50),
            "transcriptionDateTime": days(now, valid), "baseModel": BASE_OLD,
        })
    };
    // What somebody made by hand would count against the fifty.
    let mut seed = json!({"models": [model(OLD, "old", 300), model(NEW, "new", 400)], "endpoints": []});
    let settings = settings.as_object().into_iter().flatten();
    let members = seed.as_object_mut().unwrap();
    members.extend(settings.map(|(key, value)| (key.clone(), value.clone())));
    let mut tenants = Vec::new();
    for number in 0..count {
        let tenant = trial.world.tenant(&format!("{name}-{number}"), seed.clone()).await;
        tenant.connect(spec.clone()).await;
        tenants.push(tenant);
    }
    tenants
}

/// Declares the endpoints of all.
pub async fn declare(tenants: &[&Tenant]) {
    let each = tenants.iter().map(async |tenant| {
        for number in 0..EACH {
            let model = if number < DUE {
                json!({"id": OLD})
            } else {
                json!({"base": {"id": BASE_OLD}})
            };
            tenant
                .endpoint(&format!("line-{number}"), json!({"model": model}))
                .await;
        }
    });
    futures::future::join_all(each).await;
}

/// Lets what some endpoints serve expire then.
pub async fn expire(trial: &Trial, tenants: &[&Tenant], ends: Timestamp) {
    let control = trial.world.emulator.control();
    for tenant in tenants {
        let expires = json!({"transcriptionDateTime": ends.to_string()});
        control
            .patch_entity(&tenant.name, "models", OLD, expires)
            .await
            .unwrap();
    }
}

/// Names what is to follow.
pub async fn want(tenants: &[&Tenant]) {
    let wants = tenants.iter().map(async |tenant| {
        for number in 0..DUE {
            let patch = json!({"spec": {"model": {"id": NEW}}});
            tenant.patch("SpeechEndpoint", &format!("line-{number}"), patch).await;
        }
    });
    futures::future::join_all(wants).await;
}

/// Every swap was accepted before the model that it replaces expired. Tells how long after `began` the last one was.
pub async fn check(trial: &mut Trial, tenants: &[&Tenant], began: Timestamp, ends: Timestamp) -> SignedDuration {
    let mut latest = SignedDuration::ZERO;
    for tenant in tenants {
        let times = swaps(tenant, NEW).await;
        let in_time = times.iter().filter(|at| **at < ends).count() as u64;
        if in_time < DUE {
            trial.violated(
                &tenant.name,
                format!("{in_time} of {DUE} swaps landed before their deadline"),
            );
        }
        let last = times.iter().max().map(|at| at.duration_since(began));
        latest = latest.max(last.unwrap_or(SignedDuration::ZERO));
    }
    latest
}

/// When the service accepted a move to this model.
async fn swaps(tenant: &Tenant, model: &str) -> Vec<Timestamp> {
    let journal = tenant.journal().await;
    let swaps = journal
        .iter()
        .filter(|entry| entry["operation"] == "Endpoints_Update" && entry["status"] == 200);
    let swaps = swaps.filter(|entry| entry["requestBody"]["model"]["self"].to_string().contains(model));
    swaps
        .filter_map(|entry| entry["clock"].as_str()?.parse().ok())
        .collect()
}

/// How many moves to this model were accepted before then.
pub async fn landed(tenant: &Tenant, model: &str, ends: Timestamp) -> usize {
    swaps(tenant, model).await.into_iter().filter(|at| *at < ends).count()
}
