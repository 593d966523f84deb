//! How soon the operator acts on a change, with a supervisor that starts it again as the kubelet would.
use crate::{
    seed::BASE_OLD,
    tenant::{Tenant, is_ready},
    trial::Trial,
};
use serde_json::json;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// The longest that is waited for a change to be acted on.
const LONGEST: Duration = Duration::from_secs(150);
const LOOK: Duration = Duration::from_millis(20);

/// One operator, and the endpoints that show whether it acts.
pub struct Watched {
    pub tenant: Tenant,
    kubeconfig: Option<PathBuf>,
    args: &'static [&'static str],
    /// How often it ended and was started again.
    pub restarts: u64,
    changes: u64,
}

impl Watched {
    /// Starts an operator, perhaps by another way to the API server, and makes some endpoints.
    pub async fn start(
        trial: &mut Trial,
        name: &str,
        endpoints: u64,
        kubeconfig: Option<PathBuf>,
        args: &'static [&'static str],
    ) -> Self {
        let quick = json!({"timings": {"endpointCreate": 0.1, "endpointUpdate": 0.1, "training": 0.1, "dataset": 0.1}});
        let tenant = trial.world.tenant(name, quick).await;
        let requests = json!({"requests": 400, "per": "10s"});
        tenant
            .connect(json!({"pollInterval": "30s", "requestBudget": requests}))
            .await;
        for number in 0..endpoints {
            tenant
                .endpoint(&line(number), json!({"model": {"base": {"id": BASE_OLD}}}))
                .await;
        }
        let watched = Self {
            tenant,
            kubeconfig,
            args,
            restarts: 0,
            changes: 0,
        };
        let index = watched.start_operator(trial);
        trial.world.operators[index].wait_until_ready(LONGEST).await.unwrap();
        for number in 0..endpoints {
            watched
                .tenant
                .until("SpeechEndpoint", &line(number), "is Ready", is_ready)
                .await;
        }
        watched
    }

    fn start_operator(&self, trial: &mut Trial) -> usize {
        trial
            .world
            .start_operator_with(self.args, &[], self.kubeconfig.as_deref())
    }

    /// Starts the operator again if it has ended.
    pub fn supervise(&mut self, trial: &mut Trial) {
        if trial.world.operators[0].process().exit_status().is_some() {
            trial.world.kill(0);
            self.start_operator(trial);
            self.restarts += 1;
        }
    }

    /// Lets time pass under the supervisor's eyes.
    pub async fn pass(&mut self, trial: &mut Trial, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.supervise(trial);
            tokio::time::sleep(LOOK.min(end.saturating_duration_since(Instant::now()))).await;
        }
    }

    /// Changes an endpoint; returns how long it takes until the change is acted on, and notes the run. Longer than `bound`
    /// is a violation.
    pub async fn react(&mut self, trial: &mut Trial, after: &str, bound: Duration) -> Duration {
        self.changes += 1;
        let words = json!({"spec": {"description": format!("change {}", self.changes)}});
        let began = Instant::now();
        self.tenant.patch("SpeechEndpoint", &line(0), words).await;
        loop {
            self.supervise(trial);
            let object = self.tenant.find("SpeechEndpoint", &line(0)).await.unwrap();
            if object["status"]["observedGeneration"] == object["metadata"]["generation"] {
                break;
            }
            if began.elapsed() > LONGEST {
                trial.violated(
                    line(0),
                    format!("I6: a change after {after} was not acted on in {LONGEST:?}"),
                );
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        let took = began.elapsed();
        println!("   after {after}: acted on after {:.2} s", took.as_secs_f64());
        trial.ran(Some(took));
        if took > bound {
            trial.violated(
                line(0),
                format!("a change after {after} was acted on after {took:?}, not {bound:?}"),
            );
        }
        took
    }
}

/// Name of an endpoint.
pub fn line(number: u64) -> String {
    format!("line-{number}")
}
