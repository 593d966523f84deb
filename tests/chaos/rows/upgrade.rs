//! A training of days outlives every operator that looks after it.
use crate::{
    harness::condition,
    law::Expected,
    seed::TEXT,
    trial::{Patience, Trial},
};
use serde_json::json;

/// How often the operator is replaced during one training, and how long that takes.
const REPLACEMENTS: u64 = 20;
const HOURS: u64 = 7 * 24;

/// Each run: one training of seven days, twenty operators, half of them told to end and half killed.
pub async fn run(trial: &mut Trial) {
    let runs = trial.times(1, 5);
    let tenant = trial
        .world
        .tenant("upgrade", json!({"timings": {"training": HOURS * 3600}}))
        .await;
    tenant.connect(json!({"pollInterval": "60s"})).await;
    for run in 0..runs {
        let name = format!("claims-{run}");
        trial.world.start_operator(&[]).await;
        tenant
            .model(&name, json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        let is_training = |model: &serde_json::Value| condition(model, "Reconciling")["reason"] == "Training";
        let first = tenant.until("SpeechModel", &name, "is in training", is_training).await;
        let candidate = first["status"]["candidate"]["id"].clone();
        for _ in 0..REPLACEMENTS {
            if trial.chance.hits(0.5) {
                trial.world.kill(0);
            } else {
                trial.world.terminate(0).await;
            }
            let hours = HOURS / (REPLACEMENTS + 1);
            tenant.control.advance(&format!("{hours}h")).await.unwrap();
            trial.world.start_operator(&[]).await;
        }
        tenant.control.advance("24h").await.unwrap();
        if trial.converge(&[&tenant], &Patience::default()).await {
            let model = tenant.find("SpeechModel", &name).await.unwrap_or_default();
            if model["status"]["current"]["id"] != candidate {
                trial.violated(
                    &name,
                    format!(
                        "{candidate} was in training, the model is {}",
                        model["status"]["current"]
                    ),
                );
            }
        }
        let orders = tenant.calls("Models_Create").await;
        if orders as u64 != run + 1 {
            trial.violated(&name, format!("{orders} trainings were ordered for {} models", run + 1));
        }
        trial.check(&[&tenant], &Expected::default()).await;
        trial.world.kill_all();
    }
    trial.saw(format!(
        "{} operators for {runs} trainings of 7 days",
        REPLACEMENTS * runs
    ));
}
