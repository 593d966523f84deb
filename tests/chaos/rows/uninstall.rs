//! The operator is uninstalled in every order: its CRDs, its namespace, its account and roles; while it runs, after it was
//! killed, or killed in between. Nothing is deleted in the service, and nothing hangs.
use super::gateway::entities;
use crate::{
    harness::eventually,
    seed::{BASE_OLD, ENDPOINT, TEXT},
    tenant::Tenant,
    trial::{Patience, Trial},
    world::ROOT,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// What is removed in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Crds,
    Namespace,
    Roles,
}

/// When the operator goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// It runs as long as it can.
    Stays,
    /// It was gone before.
    Gone,
    /// It is killed after the first step.
    Killed,
}

/// How long leaving may take.
const BOUND: Duration = Duration::from_secs(60);
/// How long an operator takes that may act.
const SOON: Duration = Duration::from_secs(20);

/// Each run is an order and a fate of the operator.
pub async fn run(trial: &mut Trial) {
    use Operator::{Gone, Killed, Stays};
    use Part::{Crds, Namespace, Roles};
    let orders = [
        [Crds, Namespace, Roles],
        [Crds, Roles, Namespace],
        [Namespace, Crds, Roles],
        [Namespace, Roles, Crds],
        [Roles, Crds, Namespace],
        [Roles, Namespace, Crds],
    ];
    let mut ways = Vec::new();
    for (number, order) in orders.into_iter().enumerate() {
        for (fate_number, fate) in [Stays, Killed, Gone].into_iter().enumerate() {
            // Bounded: each order once, each fate twice... of which those that differ most.
            let is_chosen = trial.is_full || [(0, 0), (2, 1), (4, 2)].contains(&(number, fate_number));
            if is_chosen {
                ways.push((order, fate));
            }
        }
    }
    for (number, (order, fate)) in ways.iter().enumerate() {
        leave(trial, &format!("uninstall-{number}"), *order, *fate).await;
    }
    trial.saw(format!("{} orders of leaving", ways.len()));
    trial.world.spoil();
}

async fn leave(trial: &mut Trial, name: &str, order: [Part; 3], fate: Operator) {
    trial.world.install().await;
    let tenant = trial.world.tenant(name, json!({})).await;
    tenant.connect(json!({"pollInterval": "5s"})).await;
    tenant
        .endpoint("line", json!({"model": {"base": {"id": BASE_OLD}}}))
        .await;
    tenant
        .endpoint(
            "adopted",
            json!({"adopt": {"id": ENDPOINT}, "model": {"base": {"id": BASE_OLD}}}),
        )
        .await;
    tenant
        .model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
        .await;
    trial.world.start_operator(&[]).await;
    trial.converge(&[&tenant], &Patience::default()).await;
    let before = entities(&tenant.remote().await);
    if fate == Operator::Gone {
        trial.world.kill_all();
    }
    let began = Instant::now();
    // Elsewhere its roles go a moment later, and it may have let go by then or not.
    let can_act = fate == Operator::Stays && order[..2] == [Part::Crds, Part::Namespace];
    for (number, part) in order.into_iter().enumerate() {
        remove(trial, part).await;
        if number == 0 && fate == Operator::Killed {
            trial.world.kill_all();
        }
        if number == 0
            && can_act
            && let Err(error) = are_gone(trial, "crd", "customspeech.dev", SOON).await
        {
            let what = format!("{order:?}: the operator ran, and let not everything go: {error}");
            trial.violated(name, what);
        }
    }
    // What is left without the operator, or without its roles, is let go by hand, as docs/uninstall.md says.
    let mut gone = is_gone(trial, if can_act { SOON } else { Duration::ZERO }).await;
    if gone.is_err() {
        let released = trial.world.kubectl_speech(&["release", "--all", "-A"]).await;
        gone = is_gone(trial, BOUND).await;
        // What went by itself in this very moment cannot be released any more.
        if let (Err(error), true) = (released, gone.is_err()) {
            trial.violated(name, format!("kubectl speech release: {error}"));
        }
    }
    if let Err(error) = gone {
        trial.violated(name, format!("{order:?}, operator {fate:?}: {error} after {BOUND:?}"));
    }
    trial.ran(Some(began.elapsed()));
    let after = entities(&tenant.remote().await);
    let deletions = deletions(&tenant).await;
    if after != before || deletions > 0 {
        trial.violated(
            name,
            format!("{order:?}, operator {fate:?}: {deletions} deletions reached the service; it held {before:?} and holds {after:?}"),
        );
    }
    trial.world.kill_all();
    trial.world.force_out().await;
}

async fn deletions(tenant: &Tenant) -> usize {
    let journal = tenant.journal().await;
    journal.iter().filter(|entry| entry["method"] == "DELETE").count()
}

async fn remove(trial: &Trial, part: Part) {
    let base = format!("{ROOT}/deploy/base");
    let files = match part {
        Part::Crds => ["speechconnections", "speechendpoints", "speechmodels"]
            .map(|name| format!("{ROOT}/crds/{name}.yaml"))
            .to_vec(),
        Part::Namespace => vec![format!("{base}/namespace.yaml")],
        Part::Roles => vec![
            format!("{base}/cluster-roles.yaml"),
            format!("{base}/service-account.yaml"),
        ],
    };
    let mut args = vec!["delete", "--wait=false", "--ignore-not-found"];
    for file in &files {
        args.extend(["-f", file]);
    }
    trial.world.plane.kubectl_ok(&args).await.unwrap();
}

/// The CRDs and the operator's namespace are gone, and with them every object of ours.
async fn is_gone(trial: &Trial, bound: Duration) -> Result<(), String> {
    are_gone(trial, "crd", "customspeech.dev", bound).await?;
    are_gone(trial, "namespace", "namespace/speech-system", bound).await
}

/// No name of this kind holds these letters any more.
async fn are_gone(trial: &Trial, kind: &str, letters: &str, bound: Duration) -> Result<(), String> {
    let bound = bound.max(Duration::from_millis(200));
    let gone = eventually("what was removed is gone", bound, async || {
        let names = trial.world.plane.kubectl_ok(&["get", kind, "-o", "name"]).await;
        let names = names.map_err(|error| error.to_string())?;
        match names.lines().find(|line| line.contains(letters)) {
            Some(left) => Err(format!("{left} is left")),
            None => Ok(()),
        }
    });
    gone.await.map_err(|error| error.to_string())
}
