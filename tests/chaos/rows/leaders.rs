//! Leadership changes while objects are being changed, and the old leader does not know.
use super::fleet::Fleet;
use crate::{
    harness::{Proxy, api_of, eventually},
    law::Expected,
    trial::Trial,
};
use jiff::Timestamp;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How many operators there are.
const REPLICAS: usize = 3;
/// Changes between two looks at whether everything has come to rest as declared.
const ROUND: u64 = 5;
/// Terms as short as the operator takes them, so that a hundred changes take minutes.
const SHORT: [&str; 3] = [
    "--leader-elect-lease-duration=3s",
    "--leader-elect-renew-deadline=2s",
    "--leader-elect-retry-period=1s",
];
/// How long a leader that was cut off, stopped or told to end may live on.
const END: Duration = Duration::from_secs(40);

/// How a leader loses its office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    /// Its connections to the API server stay open and carry nothing.
    Stalled,
    /// What it asks of the API server takes effect, and it never hears of it.
    Unanswered,
    /// The API server cannot be reached.
    Refused,
    /// It stands still for longer than its term, then goes on as if nothing had been.
    Stopped,
    /// It dies.
    Killed,
    /// It is told to end.
    Told,
}

const LOSSES: [Loss; 10] = [
    Loss::Stalled,
    Loss::Stalled,
    Loss::Stalled,
    Loss::Unanswered,
    Loss::Unanswered,
    Loss::Refused,
    Loss::Refused,
    Loss::Stopped,
    Loss::Killed,
    Loss::Told,
];

/// An operator's way to the API server, beside the operator in the world.
struct Seat {
    pod: String,
    proxy: Proxy,
}

/// The operators, in the order of `world.operators`, and who led since when.
struct Replicas {
    seats: Vec<Seat>,
    started: usize,
    reigns: Vec<(Timestamp, String)>,
    options: &'static [&'static str],
}

/// Each run is a change of leader. Bounded: 4 with short terms; full: 40, three of them with the shipped terms and the old
/// leader cut off for a minute.
pub async fn run(trial: &mut Trial) {
    let changes = trial.times(4, 40);
    let shipped = if trial.is_full { changes.min(3) } else { 0 };
    let mut fleet = Fleet::prepare(trial, "leaders", trial.sized(20, 80)).await;
    let mut replicas = Replicas {
        seats: Vec::new(),
        started: 0,
        reigns: Vec::new(),
        options: &SHORT,
    };
    let mut losses: BTreeMap<Loss, u64> = BTreeMap::new();
    replicas.fill(trial).await;
    for change in 0..changes {
        if change == changes - shipped {
            replicas.options = &[];
            trial.world.kill_all();
            replicas.seats.clear();
            replicas.fill(trial).await;
        }
        let is_shipped = change >= changes - shipped;
        let loss = if is_shipped {
            Loss::Stalled
        } else {
            *trial.chance.pick(&LOSSES).unwrap()
        };
        *losses.entry(loss).or_default() += 1;
        replicas.change(trial, &mut fleet, loss, is_shipped).await;
        if (change + 1) % ROUND == 0 || change + 1 == changes {
            rest(trial, &fleet, &replicas).await;
            println!("{} changes, {} violations", change + 1, trial.report.violations.len());
        }
    }
    let told: Vec<String> = losses
        .iter()
        .map(|(loss, count)| format!("{count} {loss:?}").to_lowercase())
        .collect();
    trial.saw(format!(
        "{} ({shipped} with shipped terms), {} changes of objects",
        told.join(", "),
        fleet.steps
    ));
}

impl Replicas {
    /// Starts operators until there are enough, each in a pod of its own name.
    async fn fill(&mut self, trial: &mut Trial) {
        while self.seats.len() < REPLICAS {
            let pod = format!("replica-{}", self.started);
            self.started += 1;
            let (proxy, kubeconfig) = trial.world.plane.operator_behind_proxy().await.unwrap();
            let index = trial
                .world
                .start_operator_with(self.options, &[("POD_NAME", &pod)], Some(&kubeconfig));
            trial.world.operators[index].wait_until_ready(END).await.unwrap();
            self.seats.push(Seat { pod, proxy });
        }
        self.leader(trial, None).await;
    }

    /// Waits for a leader other than `old`; notes since when it leads and returns its place.
    async fn leader(&mut self, trial: &mut Trial, old: Option<&str>) -> usize {
        let leases = api_of(&trial.world.client, "Lease", Some("speech-system"));
        let found = eventually("another leader", END, async || {
            let lease = leases.get("speech-operator").await.map_err(|error| error.to_string())?;
            let spec = serde_json::to_value(lease).unwrap()["spec"].take();
            let holder = spec["holderIdentity"].as_str().unwrap_or_default();
            let pod = holder.split_once('_').map_or(holder, |(pod, _)| pod).to_owned();
            match self.seats.iter().position(|seat| seat.pod == pod) {
                Some(index) if Some(pod.as_str()) != old => Ok((
                    index,
                    pod,
                    spec["acquireTime"].as_str().unwrap_or_default().parse().unwrap(),
                )),
                Some(_) | None => Err(spec.to_string()),
            }
        });
        let (index, pod, since) = found.await.unwrap_or_else(|error| panic!("{error}"));
        if self.reigns.last().is_none_or(|(_, last)| *last != pod) {
            self.reigns.push((since, pod));
        }
        index
    }

    /// One change of leader, with objects being changed before, during and after it.
    async fn change(&mut self, trial: &mut Trial, fleet: &mut Fleet, loss: Loss, is_shipped: bool) {
        let old = self.leader(trial, None).await;
        let pod = self.seats[old].pod.clone();
        for _ in 0..=trial.chance.below(3) {
            fleet.step(trial).await;
        }
        fleet.strike(trial).await;
        tokio::time::sleep(Duration::from_millis(trial.chance.below(300))).await;
        let cut = Duration::from_millis(if is_shipped {
            60_000
        } else {
            500 + trial.chance.below(8_000)
        });
        let began = Instant::now();
        match loss {
            Loss::Stalled => self.seats[old].proxy.stall(),
            Loss::Unanswered => self.seats[old].proxy.stall_answers(),
            Loss::Refused => self.seats[old].proxy.reset_all(),
            Loss::Stopped => trial.world.operators[old].process().pause().unwrap(),
            Loss::Killed => trial.world.operators[old].kill(),
            Loss::Told => drop(trial.world.operators[old].terminate(END).await.unwrap()),
        }
        fleet.step(trial).await;
        self.leader(trial, Some(&pod)).await;
        trial.ran(Some(began.elapsed()));
        fleet.step(trial).await;
        tokio::time::sleep(cut.saturating_sub(began.elapsed())).await;
        self.seats[old].proxy.pass();
        if loss == Loss::Stopped {
            trial.world.operators[old].process().resume().unwrap();
        }
        let ended = eventually("the old leader ends", END, async || {
            match trial.world.operators[old].process().exit_status() {
                Some(_) => Ok(()),
                None => Err("it still runs".to_owned()),
            }
        });
        if ended.await.is_err() {
            trial.violated(&pod, format!("lives on after it lost its term ({loss:?})"));
        }
        trial.world.kill(old);
        self.seats.remove(old);
        self.fill(trial).await;
    }
}

/// No more faults: everything comes to rest as declared, and nobody has changed anything outside of its term.
async fn rest(trial: &mut Trial, fleet: &Fleet, replicas: &Replicas) {
    trial.learn(&fleet.everybody()).await;
    trial.world.emulator.control().clear_faults().await.unwrap();
    let runs = (trial.report.runs, trial.report.converged.len());
    trial.converge(&fleet.everybody(), &Fleet::patience()).await;
    trial.report.runs = runs.0; // a run here is a change, and its time that until another leads
    trial.report.converged.truncate(runs.1);
    trial.check(&fleet.everybody(), &Expected::default()).await;
    for tenant in &fleet.tenants {
        for entry in tenant.journal().await {
            if let Some(what) = outside_of_term(&replicas.reigns, &entry) {
                trial.violated(&tenant.name, what);
            }
        }
    }
}

/// What is wrong with a request that changes something, given who led since when.
fn outside_of_term(reigns: &[(Timestamp, String)], entry: &Value) -> Option<String> {
    if entry["method"] == "GET" {
        return None;
    }
    let at: Timestamp = entry["at"].as_str()?.parse().ok()?;
    let agent = entry["userAgent"].as_str().unwrap_or_default();
    let term = reigns.iter().rposition(|(since, _)| *since <= at);
    let leader = term.map_or("nobody", |term| &reigns[term].1);
    let is_leader = agent.contains(&format!("({leader})"));
    (!is_leader).then(|| format!("{} at {at} by {agent} while {leader} led", entry["operation"]))
}
