//! Little memory and little of a processor.
//!
//! The limits are those of a control group of our own (version 1) where we may make one. Elsewhere the processor is taken
//! away by SIGSTOP for most of each tenth of a second, and of memory only the peak is looked at.
use super::due::{self, EACH};
use crate::{
    harness::{Process, in_time},
    law::Expected,
    tenant::Tenant,
    trial::{Patience, Trial},
};
use jiff::SignedDuration;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const MEMORY: u64 = 64 << 20;
/// A twentieth of a processor; a quarter in the bounded version, whose operator is built without optimisation.
const SHARES: (u32, u32) = (25, 5);
const PERIOD: Duration = Duration::from_millis(100);
/// How long before the expiry the swaps are wanted.
const AHEAD: SignedDuration = SignedDuration::from_mins(20);
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn run(trial: &mut Trial) {
    let objects = trial.sized(EACH, 2000);
    let percent = if trial.is_full { SHARES.1 } else { SHARES.0 };
    let spec = json!({"pollInterval": "60s"});
    let tenants = due::tenants(trial, "starved", objects / EACH, &json!({}), &spec).await;
    let all: Vec<&Tenant> = tenants.iter().collect();
    due::declare(&all).await;
    let patience = Patience {
        bound: PATIENCE,
        jump: Duration::ZERO,
        ..Patience::default()
    };
    trial.world.start_operator(&[]).await;
    if !trial.converge(&all, &patience).await {
        return;
    }
    trial.world.terminate_all().await;

    let began = Instant::now();
    let index = trial.world.start_operator_with(&[], &[], None);
    let limits = Limits::of(trial.world.operators[index].process(), percent);
    let ready = trial.world.operators[index].wait_until_ready(PATIENCE).await;
    if let Err(error) = ready {
        trial.violated("the operator", format!("did not start: {error}"));
        trial.world.spoil();
        return;
    }
    let started = began.elapsed();
    let now = trial.world.emulator.control().now().await.unwrap();
    due::expire(trial, &all, now + AHEAD).await;
    due::want(&all).await;
    trial.converge(&all, &patience).await;
    due::check(trial, &all, now, now + AHEAD).await;
    let operator = trial.world.operators[index].process();
    let peak = operator.rss_peak_kib().unwrap_or_default() / 1024;
    let cpu = operator.cpu_seconds().unwrap_or_default();
    let ended = operator.check_running();
    if let Err(error) = ended {
        trial.violated("the operator", error);
    }
    // A control group ends who needs more; the peak counts the pages of the program as well, which can be dropped at any time.
    if peak > MEMORY >> 20 && matches!(limits, Limits::Stops(_)) {
        trial.violated("the operator", format!("used {peak} MiB"));
    }
    let taken = began.elapsed().as_secs_f64();
    trial.saw(format!(
        "{objects} objects with {percent} % of a processor {limits}: ready after {:.0} s, peak {peak} MiB, {:.1} % used",
        started.as_secs_f64(),
        100.0 * cpu / taken,
    ));
    trial.check(&all, &Expected::default()).await;
    trial.world.kill_all();
    limits.end().await;
}

/// What holds an operator down.
enum Limits {
    /// Control groups of ours, to be removed at the end.
    Groups(Vec<PathBuf>),
    /// A task that stops it and lets it go on.
    Stops(tokio::task::JoinHandle<()>),
}

impl Limits {
    fn of(operator: &mut Process, percent: u32) -> Self {
        let pid = operator.pid();
        match groups(pid, percent) {
            Some(groups) => Self::Groups(groups),
            None => Self::Stops(tokio::spawn(stop_and_go(pid, percent))),
        }
    }

    async fn end(self) {
        match self {
            Self::Stops(task) => task.abort(),
            Self::Groups(groups) => {
                for group in groups {
                    in_time("a control group is empty", Duration::from_secs(10), async || {
                        fs::remove_dir(&group).map_err(|error| error.to_string())
                    })
                    .await;
                }
            }
        }
    }
}

impl std::fmt::Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Groups(_) => "and 64 MiB by control groups",
            Self::Stops(_) => "by SIGSTOP, memory not limited but looked at",
        })
    }
}

/// One group of each controller, with the process in it.
fn groups(pid: u32, percent: u32) -> Option<Vec<PathBuf>> {
    let root = Path::new("/sys/fs/cgroup");
    let period = PERIOD.as_micros();
    let quota = period * u128::from(percent) / 100;
    let limits = [
        ("memory", vec![("memory.limit_in_bytes", MEMORY.to_string())]),
        (
            "cpu",
            vec![
                ("cpu.cfs_period_us", period.to_string()),
                ("cpu.cfs_quota_us", quota.to_string()),
            ],
        ),
    ];
    let mut made = Vec::new();
    for (controller, values) in limits {
        let group = root.join(controller).join(format!("speech-operator-chaos-{pid}"));
        let written = fs::create_dir(&group).and_then(|()| {
            made.push(group.clone());
            for (file, value) in &values {
                fs::write(group.join(file), value)?;
            }
            fs::write(group.join("cgroup.procs"), pid.to_string())
        });
        if written.is_err() {
            made.iter().for_each(|group| drop(fs::remove_dir(group)));
            return None;
        }
    }
    Some(made)
}

async fn stop_and_go(pid: u32, percent: u32) {
    let runs = PERIOD * percent / 100;
    let send = async |signal: &str| {
        let kill = tokio::process::Command::new("kill")
            .args(["-s", signal, &pid.to_string()])
            .status();
        kill.await.is_ok_and(|status| status.success())
    };
    while send("CONT").await {
        tokio::time::sleep(runs).await;
        if !send("STOP").await {
            return;
        }
        tokio::time::sleep(PERIOD - runs).await;
    }
}
