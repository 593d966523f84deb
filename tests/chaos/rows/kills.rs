//! The operator is killed at random, over the whole life of many objects.
use super::fleet::Fleet;
use crate::{law::Expected, trial::Trial};
use serde_json::json;
use std::time::Duration;

/// Kills between two looks at whether everything has come to rest as declared.
const ROUND: u64 = 25;

/// Each run is a round of kills. Bounded: 15 kills over 20 objects; full: 400 over 200.
pub async fn run(trial: &mut Trial) {
    let kills = trial.times(15, 400);
    let objects = trial.sized(20, 200);
    let mut fleet = Fleet::prepare(trial, "kills", objects).await;
    for kill in 0..kills {
        if kill % ROUND == 0 {
            let lagging = trial.chance.below(fleet.tenants.len() as u64 + 1);
            if let Some(tenant) = fleet.tenants.get(usize::try_from(lagging).unwrap()) {
                tenant
                    .strike_always("*", json!({"listLag": {"seconds": 30}}), json!({}))
                    .await;
            }
        }
        for _ in 0..=trial.chance.below(4) {
            fleet.step(trial).await;
        }
        fleet.strike(trial).await;
        live_a_while(trial).await;
        trial.world.kill_all();
        if kill % ROUND == ROUND / 2 {
            trial.world.emulator.control().advance("45s").await.unwrap();
        }
        if (kill + 1) % ROUND == 0 || kill + 1 == kills {
            rest(trial, &fleet).await;
            println!("{} kills, {} violations", kill + 1, trial.report.violations.len());
        }
    }
    fleet.delete_all().await;
    rest(trial, &fleet).await;
    fleet.is_as_at_first(trial).await;
    let resources = fleet.tenants.len();
    trial.saw(format!(
        "{kills} kills over {objects} objects of {resources} Speech resources, {} changes",
        fleet.steps
    ));
}

/// Starts an operator and lets it work for a moment: sometimes not even until it is ready.
async fn live_a_while(trial: &mut Trial) {
    let moment = if trial.chance.hits(0.2) {
        trial.world.start_operator_with(&[], &[], None);
        trial.chance.below(300)
    } else {
        trial.world.start_operator(&[]).await;
        trial.chance.below(500)
    };
    tokio::time::sleep(Duration::from_millis(moment)).await;
}

/// No more faults: everything comes to rest as declared.
async fn rest(trial: &mut Trial, fleet: &Fleet) {
    trial.learn(&fleet.everybody()).await;
    trial.world.emulator.control().clear_faults().await.unwrap();
    trial.world.start_operator(&[]).await;
    trial.converge(&fleet.everybody(), &Fleet::patience()).await;
    trial.check(&fleet.everybody(), &Expected::default()).await;
    trial.world.kill_all();
}
