//! Many objects claim one remote endpoint: one holds it, and when it goes the next follows.
use crate::{
    evidence::Evidence,
    harness::{condition, eventually, in_time},
    seed::{ENDPOINT, MODEL},
    tenant::{Tenant, is_ready},
    trial::Trial,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(60);

/// Fifty claimants; the holder goes, again and again.
pub async fn run(trial: &mut Trial) {
    let claimants = trial.sized(10, 50);
    let (mut handovers, mut changes) = (0, 0);
    for run in 0..trial.times(1, 2) {
        let tenant = connected(trial, &format!("claims-{run}")).await;
        for n in 0..claimants {
            tenant.endpoint(&format!("claim-{n}"), claim()).await;
        }
        let mut held = Vec::new();
        for _ in 0..trial.times(3, 10) {
            let began = Instant::now();
            let holder = eventually("one holds, all others are told of it", SOON, async || {
                agreed(&tenant).await
            })
            .await;
            let holder = match holder {
                Ok(holder) => holder,
                Err(error) => {
                    trial.violated(&tenant.name, format!("I6: {error}"));
                    break;
                }
            };
            trial.ran(Some(began.elapsed()));
            if held.contains(&holder) {
                trial.violated(&holder, "holds the endpoint again");
            }
            held.push(holder.clone());
            tenant.delete("SpeechEndpoint", &holder).await;
            handovers += 1;
        }
        in_time("one holds", SOON, async || agreed(&tenant).await).await;
        let evidence = trial.world.evidence(&[&tenant]).await;
        changes = changes.max(most_changes(trial, &evidence));
        let updates = tenant.calls("Endpoints_Update").await;
        if updates > held.len() + 1 {
            trial.violated(&tenant.name, format!("{updates} marks for {} holders", held.len() + 1));
        }
        for operation in ["Endpoints_Create", "Endpoints_Delete"] {
            let calls = tenant.calls(operation).await;
            if calls > 0 {
                trial.violated(&tenant.name, format!("{calls} calls of {operation}"));
            }
        }
    }
    trial.saw(format!(
        "{claimants} claimants, {handovers} handovers, each changed Ready at most {changes} times"
    ));
}

/// An object that claims the endpoint which was there at first.
pub fn claim() -> Value {
    json!({"model": {"id": MODEL}, "adopt": {"id": ENDPOINT}, "deletionPolicy": "Retain"})
}

/// A tenant with a connection that works, and an operator.
pub async fn connected(trial: &mut Trial, name: &str) -> Tenant {
    let tenant = trial.world.tenant(name, json!({})).await;
    tenant.connect(json!({"pollInterval": "10s"})).await;
    if trial.world.operators.is_empty() {
        trial.world.start_operator(&[]).await;
    }
    tenant.until("SpeechConnection", "speech", "is Ready", is_ready).await;
    tenant
}

/// The one that holds the endpoint, once all others say so.
async fn agreed(tenant: &Tenant) -> Result<String, String> {
    let mut all = tenant.objects().await;
    all.retain(|object| object["kind"] == "SpeechEndpoint");
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    let ready: Vec<_> = all.iter().filter(|object| is_ready(object)).collect();
    let [holder] = ready.as_slice() else {
        return Err(format!("{} hold it", ready.len()));
    };
    let holder = name(holder);
    let told = format!("{}/{holder} holds this remote endpoint", tenant.name);
    let behind = all.iter().filter(|object| {
        name(object) != holder
            && !condition(object, "Stalled")["message"]
                .as_str()
                .unwrap_or_default()
                .contains(&told)
    });
    match behind.count() {
        0 => Ok(holder),
        behind => Err(format!("{behind} do not name {holder}")),
    }
}

/// How often the Ready of one object has changed. One that came first may have to give way to another that was created in
/// the same second and has the smaller uid, and hold the endpoint again later; more is a violation.
fn most_changes(trial: &mut Trial, evidence: &Evidence) -> usize {
    let mut seen = std::collections::BTreeMap::<String, Vec<bool>>::new();
    for write in evidence
        .audit
        .iter()
        .filter(|one| one.resource == "speechendpoints" && one.subresource == "status")
    {
        let conditions = write.body["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions
            .filter(|one| one["type"] == "Ready")
            .map(|one| one["status"] == "True");
        seen.entry(write.name.clone()).or_default().extend(ready);
    }
    let mut most = 0;
    for (name, mut ready) in seen {
        ready.dedup();
        most = most.max(ready.len() - 1);
        if ready.len() > 3 || ready.first() == Some(&false) && ready.len() > 2 {
            trial.violated(name, format!("I5: went to and fro: {ready:?}"));
        }
    }
    most
}
