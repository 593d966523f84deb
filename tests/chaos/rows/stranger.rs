//! The connection suddenly leads to another Speech resource, by its address or by its key: nothing is made, changed or
//! deleted there or here, and to point back is all that it takes.
use super::gateway::entities;
use crate::{
    harness::condition,
    law::Expected,
    seed::{BASE_OLD, TEXT, key},
    tenant::{Tenant, is_ready},
    trial::{Patience, Trial},
};
use serde_json::{Value, json};

/// What leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `spec.endpoint` names another resource, which takes the same key.
    Address,
    /// The key belongs to another resource, which the same address then leads to, as regional hosts do.
    Key,
}

/// Each run leads a connection astray and back.
pub async fn run(trial: &mut Trial) {
    let times = trial.times(1, 3);
    for round in 0..times {
        for way in [Way::Address, Way::Key] {
            let killed = round % 2 == 1;
            astray(trial, way, round, killed).await;
        }
    }
    trial.saw(format!("{times} times by address and by key"));
}

async fn astray(trial: &mut Trial, way: Way, round: u64, killed: bool) {
    let name = format!("stranger-{round}-{way:?}").to_lowercase();
    let tenant = trial.world.tenant(&name, json!({})).await;
    let keys = json!({"key1": key(&name, 1), "key2": key(&name, 2)});
    let other = trial.world.tenant(&format!("{name}-other"), keys).await;
    trial.world.start_operator(&[]).await;
    declare(&tenant).await;
    trial.converge(&[&tenant], &Patience::default()).await;
    trial.check(&[&tenant], &Expected::default()).await;
    let home = tenant.remote().await;
    let before = ids(&tenant).await;
    let writes = (tenant.writes().await, other.writes().await);

    leave(&tenant, &other, way).await;
    if killed {
        trial.world.kill_all();
        trial.world.start_operator(&[]).await;
    }
    let is_told =
        |object: &Value| condition(object, "Ready")["status"] != "True" && !condition(object, "Stalled").is_null();
    tenant
        .until("SpeechConnection", "speech", "tells that it leads elsewhere", is_told)
        .await;
    for (kind, name) in [("SpeechEndpoint", "leaving"), ("SpeechModel", "leaving-model")] {
        tenant.delete(kind, name).await;
    }
    tenant
        .endpoint("late", json!({"model": {"base": {"id": BASE_OLD}}}))
        .await;
    trial.live("30s", 16).await;
    let after = (tenant.writes().await, other.writes().await);
    if after != writes {
        trial.violated(
            &name,
            format!("{writes:?} changing requests became {after:?} while the connection led elsewhere"),
        );
    }
    if ids(&tenant).await != before {
        trial.violated(
            &name,
            "an object names another entity while the connection leads elsewhere",
        );
    }
    for leaving in ["leaving", "leaving-model"] {
        let kind = if leaving == "leaving" {
            "SpeechEndpoint"
        } else {
            "SpeechModel"
        };
        if tenant.find(kind, leaving).await.is_none() {
            trial.violated(
                &name,
                format!("{leaving} was let go while its entity could not be seen"),
            );
        }
    }
    come_back(&tenant, way, home).await;
    tenant
        .until("SpeechConnection", "speech", "is Ready again", is_ready)
        .await;
    trial.converge(&[&tenant], &Patience::default()).await;
    let expected = Expected {
        more_changes: 6,
        ..Expected::default()
    };
    trial.check(&[&tenant], &expected).await;
    let strays = entities(&other.remote().await);
    if let Some(stray) = strays.iter().next() {
        trial.violated(&name, format!("{stray} was made in another Speech resource"));
    }
    let orders = tenant.journal().await;
    let orders = orders.iter().filter(|entry| entry["method"] == "POST").count();
    // Four at first, one that was declared meanwhile.
    if orders != 5 {
        trial.violated(
            &name,
            format!("{orders} orders in all, and five objects asked for one each"),
        );
    }
    trial.world.terminate_all().await;
}

async fn declare(tenant: &Tenant) {
    tenant.connect(json!({"pollInterval": "5s"})).await;
    let base = json!({"model": {"base": {"id": BASE_OLD}}, "recreate": "WhenDeleted"});
    let training = json!({"source": {"training": {"datasets": [TEXT]}}});
    for name in ["stays", "leaving"] {
        tenant.endpoint(name, base.clone()).await;
        tenant.model(&format!("{name}-model"), training.clone()).await;
    }
}

async fn leave(tenant: &Tenant, other: &Tenant, way: Way) {
    match way {
        Way::Address => {
            let endpoint = json!({"spec": {"endpoint": other.url()}});
            tenant.patch("SpeechConnection", "speech", endpoint).await;
        }
        Way::Key => {
            let mut elsewhere = other.remote().await;
            elsewhere["key1"] = json!(key(&tenant.name, 2));
            elsewhere["key2"] = json!(key("nobody", 2));
            tenant.control.put_resource(&tenant.name, elsewhere).await.unwrap();
            tenant.secret(&key(&tenant.name, 2)).await;
        }
    }
}

async fn come_back(tenant: &Tenant, way: Way, home: Value) {
    match way {
        Way::Address => {
            let endpoint = json!({"spec": {"endpoint": tenant.url()}});
            tenant.patch("SpeechConnection", "speech", endpoint).await;
        }
        Way::Key => {
            tenant.control.put_resource(&tenant.name, home).await.unwrap();
            tenant.secret(&key(&tenant.name, 1)).await;
        }
    }
}

/// What each object that stays says it has.
async fn ids(tenant: &Tenant) -> Vec<String> {
    let mut ids = Vec::new();
    for (kind, name) in [("SpeechEndpoint", "stays"), ("SpeechModel", "stays-model")] {
        let object = tenant.find(kind, name).await.unwrap_or_default();
        ids.push(format!(
            "{} {}",
            object["status"]["id"], object["status"]["current"]["id"]
        ));
    }
    ids
}
