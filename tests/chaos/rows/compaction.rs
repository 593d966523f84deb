//! Ten thousand updates while etcd forgets its history: the last generation of every object is observed.
use super::reaction::{Watched, line};
use crate::{law::Expected, trial::Trial};
use futures::StreamExt as _;
use serde_json::json;
use std::time::{Duration, Instant};

/// Updates that are on their way at once.
const ABREAST: usize = 8;
/// The time between two compactions, and between two breaks of the connections.
const FORGET: Duration = Duration::from_millis(500);
/// The longest until the last update is observed.
const LONGEST: Duration = Duration::from_secs(60);

/// One run: every update is a new generation; etcd is compacted twice a second, and so often all watches break off.
pub async fn run(trial: &mut Trial) {
    let (proxy, kubeconfig) = trial.world.plane.operator_behind_proxy().await.unwrap();
    let (objects, updates) = (trial.sized(10, 40), trial.times(500, 5_000));
    let mut watched = Watched::start(trial, "compaction", objects, Some(kubeconfig), &[]).await;
    let own = watched.tenant.clone();
    let tenant = &own;
    let mut compactions = 0;
    let all = futures::stream::iter(0..updates)
        .map(|update| async move {
            let words = json!({"spec": {"description": format!("update {update}")}});
            tenant.patch("SpeechEndpoint", &line(update % objects), words).await;
        })
        .buffer_unordered(ABREAST)
        .for_each(|()| async {});
    let faults = async {
        loop {
            tokio::time::sleep(FORGET).await;
            trial.world.plane.compact_etcd().await.unwrap();
            compactions += 1;
            proxy.reset_existing();
            // So often cut, a leader may not renew its Lease in time, and ends.
            watched.supervise(trial);
        }
    };
    tokio::select! {
        () = all => {}
        () = faults => {}
    }
    let began = Instant::now();
    let mut behind = Vec::new();
    for number in 0..objects {
        loop {
            watched.supervise(trial);
            let object = tenant.find("SpeechEndpoint", &line(number)).await.unwrap();
            if object["status"]["observedGeneration"] == object["metadata"]["generation"] {
                break;
            }
            if began.elapsed() > LONGEST {
                behind.push(line(number));
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    trial.ran(Some(began.elapsed()));
    for name in &behind {
        trial.violated(name, format!("I6: its last generation was not observed in {LONGEST:?}"));
    }
    trial.saw(format!(
        "{updates} updates of {objects} objects, {compactions} compactions and cuts, {} last generations missed",
        behind.len()
    ));
    let lawful = Expected {
        more_changes: 1_000_000,
        ..Expected::default()
    };
    trial.check(&[tenant], &lawful).await;
}
