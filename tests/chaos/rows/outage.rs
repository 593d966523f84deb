//! The API server goes and comes back.
use super::reaction::{Watched, line};
use crate::{
    law::Expected,
    trial::{Patience, Trial},
};
use serde_json::json;
use std::time::Duration;

/// The first change after the end of an outage is acted on within this.
const BOUND: Duration = Duration::from_secs(5);
/// A leader whose Lease ran out ends once in an outage, and its successor waits.
const RESTARTS: u64 = 1;

/// How the API server goes.
#[derive(Debug, Clone, Copy)]
enum Outage {
    /// Its process is killed and started again.
    Killed,
    /// Its process is stopped: it keeps its connections and answers nothing.
    Stopped,
}

/// Each run is an outage; what is measured is the first change after it. Bounded: a few seconds each; full: up to 2 min.
pub async fn run(trial: &mut Trial) {
    use Outage::{Killed, Stopped};
    let outages: &[(Outage, u64, u64)] = match trial.is_full {
        true => &[(Killed, 20, 3), (Stopped, 20, 2), (Killed, 120, 1), (Stopped, 60, 1)],
        false => &[(Killed, 3, 1), (Stopped, 3, 1)],
    };
    let mut watched = Watched::start(trial, "outage", 5, None, &[]).await;
    for (outage, seconds, times) in outages {
        for _ in 0..*times {
            let before = watched.restarts;
            happen(trial, &mut watched, *outage, Duration::from_secs(*seconds)).await;
            watched
                .react(trial, &format!("{outage:?} for {seconds} s"), BOUND)
                .await;
            let restarts = watched.restarts - before;
            if restarts > RESTARTS {
                trial.violated(
                    "the operator",
                    format!("{restarts} restarts in an outage of {seconds} s"),
                );
            }
        }
    }
    trial.converge(&[&watched.tenant], &Patience::default()).await;
    trial.check(&[&watched.tenant], &lawful()).await;
    trial.saw(format!("{} restarts of a leader without a Lease", watched.restarts));
    trial.world.kill_all();
    forgetful(trial).await;
    trial.world.spoil();
}

async fn happen(trial: &mut Trial, watched: &mut Watched, outage: Outage, time: Duration) {
    match outage {
        Outage::Killed => {
            trial.world.plane.stop_apiserver();
            watched.pass(trial, time).await;
            trial.world.plane.restart_apiserver().await.unwrap();
        }
        Outage::Stopped => {
            trial.world.plane.apiserver().pause().unwrap();
            watched.pass(trial, time).await;
            trial.world.plane.apiserver().resume().unwrap();
        }
    }
}

/// Each run: while the operator sees nothing, objects change and go, etcd is compacted and the API server begins anew, so
/// that no watch can go on from its version.
async fn forgetful(trial: &mut Trial) {
    let (proxy, kubeconfig) = trial.world.plane.operator_behind_proxy().await.unwrap();
    let times = trial.times(1, 4);
    let mut watched = Watched::start(trial, "outage-forget", 5, Some(kubeconfig), &["--leader-elect=false"]).await;
    for time in 0..times {
        proxy.stall();
        let seen = json!({"spec": {"description": format!("unseen {time}")}});
        watched.tenant.patch("SpeechEndpoint", &line(1), seen).await;
        trial.world.plane.compact_etcd().await.unwrap();
        trial.world.plane.restart_apiserver().await.unwrap();
        proxy.reset_existing();
        proxy.pass();
        watched.react(trial, "a restart without history", BOUND).await;
    }
    trial.converge(&[&watched.tenant], &Patience::default()).await;
    trial.check(&[&watched.tenant], &lawful()).await;
    let said = trial.world.operators[0].logs();
    let told = said.matches("the version to go on from is gone").count();
    trial.saw(format!(
        "{times} restarts with compacted history, {told} watches told 410"
    ));
    if told == 0 {
        trial.violated("the row itself", "no watch was told that its version is gone");
    }
}

/// Endpoints change words, and so are updated, again and again.
fn lawful() -> Expected {
    Expected {
        more_changes: 2,
        ..Expected::default()
    }
}
