//! Objects deleted at twenty moments of a creation and of a training.
use crate::{
    law::Expected,
    seed::{BASE_OLD, TEXT},
    trial::{Patience, Trial},
};
use serde_json::{Value, json};

/// The moments at which objects are deleted.
const MOMENTS: u64 = 20;
/// How long the service takes for each.
const SECONDS: u64 = 1800;

/// Each run: twenty endpoints and twenty trainings begin together; one of each is deleted at each moment, from before
/// its announcement to after its end.
pub async fn run(trial: &mut Trial) {
    let runs = trial.times(1, 8);
    let mut waits = 0;
    for run in 0..runs {
        let timings = json!({"timings": {"training": SECONDS, "endpointCreate": SECONDS}});
        let tenant = trial.world.tenant(&format!("deletion-{run}"), timings).await;
        tenant
            .connect(json!({"pollInterval": "60s", "maxConcurrentTrainings": 20, "requestBudget": {"requests": 200, "per": "10s"}}))
            .await;
        if trial.world.operators.is_empty() {
            trial.world.start_operator(&[]).await;
        }
        tenant
            .until("SpeechConnection", "speech", "is Ready", crate::tenant::is_ready)
            .await;
        // The first two moments lie before and within the very request.
        let slow = json!({"delayMs": 300});
        tenant.strike_always("*_Create", slow, json!({"times": 10})).await;
        for moment in 0..MOMENTS {
            tenant
                .endpoint(&format!("line-{moment}"), json!({"model": {"base": {"id": BASE_OLD}}}))
                .await;
            tenant
                .model(
                    &format!("claims-{moment}"),
                    json!({"source": {"training": {"datasets": [TEXT]}}}),
                )
                .await;
            if moment == 0 {
                delete(&tenant, 0).await;
            }
        }
        for moment in 1..MOMENTS {
            if moment == 3 {
                all_have_begun(&tenant).await;
            }
            if moment > 2 {
                let step = SECONDS / (MOMENTS - 4);
                tenant
                    .control
                    .advance(&format!("{}s", step - 10 + trial.chance.below(20)))
                    .await
                    .unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(trial.chance.below(150))).await;
            delete(&tenant, moment).await;
        }
        // A training that was ordered late is waited for to its end.
        let patience = Patience::within(std::time::Duration::from_secs(SECONDS + 900));
        let is_going = |object: &Value| object["kind"] == "SpeechConnection" && crate::tenant::is_ready(object);
        trial.converge_to(&[&tenant], &patience, is_going).await;
        trial
            .check(
                &[&tenant],
                &Expected {
                    more_changes: 2,
                    ..Expected::default()
                },
            )
            .await;
        for (kind, refused) in [("Endpoints_Delete", 409), ("Models_Delete", 409)] {
            let journal = tenant.journal().await;
            waits += journal
                .iter()
                .filter(|entry| entry["operation"] == kind && entry["status"] == refused)
                .count();
        }
    }
    trial.saw(format!("{} deletions, {waits} refused at first", 2 * MOMENTS * runs));
}

/// Waits until every creation has been answered: a leap in time of minutes would make a request that is on its way last
/// longer than any request may.
async fn all_have_begun(tenant: &crate::tenant::Tenant) {
    for moment in 3..MOMENTS {
        let has_id = |object: &Value| !object["status"]["id"].is_null();
        let line = format!("line-{moment}");
        tenant.until("SpeechEndpoint", &line, "is being made", has_id).await;
        let has_candidate = |object: &Value| !object["status"]["candidate"].is_null();
        let claims = format!("claims-{moment}");
        tenant
            .until("SpeechModel", &claims, "is being trained", has_candidate)
            .await;
    }
    // Those that are deleted already asked before the others; what they asked for is answered when nothing more comes.
    let mut seen = 0;
    loop {
        let now = tenant.journal().await.len();
        if now == seen {
            return;
        }
        seen = now;
        tokio::time::sleep(std::time::Duration::from_millis(1000)).await;
    }
}

async fn delete(tenant: &crate::tenant::Tenant, moment: u64) {
    tenant.delete("SpeechEndpoint", &format!("line-{moment}")).await;
    tenant.delete("SpeechModel", &format!("claims-{moment}")).await;
}
