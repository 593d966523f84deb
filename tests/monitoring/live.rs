//! The rules and the panels in a real Prometheus beside the real operator: every alert is made to fire, and the panels show
//! something.
//!
//! The durations of `for` are shortened to a second, and ten minutes of silence to two seconds. All other numbers of the
//! rules are as shipped.
use crate::{
    documents::{alerts, panels, read},
    harness::{OPERATOR, OperatorProcess, eventually},
    kube_state::KubeState,
    prometheus::Prometheus,
    scene::{self, Scene},
    seed,
    stack::{SOON, Stack, alone},
};
use jiff::{SignedDuration, Timestamp};
use kube::api::ListParams;
use serde_json::{Value, json};
use std::time::Duration;

/// What depends on a scrape, an evaluation and a pass of the operator.
const TOLD: Duration = Duration::from_secs(40);

/// The shipped rules, in a hurry.
fn hurried() -> String {
    let mut text = String::new();
    for line in read("deploy/monitoring/rules.yaml").lines() {
        let line = if line.trim_start().starts_with("for: ") {
            "        for: 1s"
        } else {
            line
        };
        text.push_str(&line.replace(
            "speech_watch_silence_seconds) > 600",
            "speech_watch_silence_seconds) > 2",
        ));
        text.push('\n');
    }
    assert!(
        text.contains("speech_watch_silence_seconds) > 2\n"),
        "the rule on silence reads otherwise"
    );
    text
}

async fn objects(scene: &Scene) -> Vec<Value> {
    let mut all = Vec::new();
    for case in [
        &scene.dates,
        &scene.gate,
        &scene.overdue,
        &scene.training,
        &scene.guarded,
    ] {
        for kind in ["SpeechEndpoint", "SpeechModel"] {
            let list = case.api(kind).list(&ListParams::default()).await.unwrap();
            for object in list.items {
                let mut object = serde_json::to_value(object).unwrap();
                object["kind"] = json!(kind);
                all.push(object);
            }
        }
    }
    all
}

/// What the document says of metrics is what the operator tells.
async fn the_document_is_right(operator: &OperatorProcess) {
    let document = read("docs/metrics.md");
    let told = operator.metrics().await.unwrap();
    let mut types = 0;
    for line in told.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, form) = line.split_once(' ').unwrap();
        let suffix = match form {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        assert!(
            document.contains(&format!("| `{name}{suffix}` | {form} |")),
            "{line} is not in docs/metrics.md"
        );
        types += 1;
    }
    // What never happened yet has no series, and then no type either; nor has what is not switched on.
    let absent = ["speech_watch_failures_total", "speech_flux_events_total"];
    let documented = document.lines().filter(|line| line.starts_with("| `speech_"));
    let documented = documented
        .filter(|line| !absent.iter().any(|name| line.contains(name)))
        .count();
    let happened = absent.iter().filter(|name| told.contains(*name)).count();
    assert_eq!(types, documented + happened, "docs/metrics.md names others");
}

/// The alerts that need no more than the scene; with the labels that tell the right one.
const FIRES: &[(&str, &[(&str, &str)])] = &[
    (
        "SpeechExpiringWithoutSuccessor",
        &[("name", "in-5-days"), ("severity", "critical")],
    ),
    (
        "SpeechExpiringWithoutSuccessor",
        &[("name", "in-20-days"), ("severity", "warning")],
    ),
    (
        "SpeechExpiringWithoutSuccessor",
        &[("name", "in-80-days"), ("severity", "info")],
    ),
    (
        "SpeechModelExpiringWithoutSuccessor",
        &[("name", "not-followed-5"), ("severity", "critical")],
    ),
    (
        "SpeechModelExpiringWithoutSuccessor",
        &[("name", "not-followed-20"), ("severity", "warning")],
    ),
    ("SpeechFallbackServing", &[("name", "falls-back")]),
    (
        "SpeechPlanOverdue",
        &[("namespace", "overdue"), ("kind", "SpeechEndpoint"), ("action", "Swap")],
    ),
    (
        "SpeechPlanOverdue",
        &[("namespace", "training"), ("kind", "SpeechModel"), ("action", "Train")],
    ),
    (
        "SpeechLeadTimeAtRisk",
        &[("namespace", "overdue"), ("kind", "SpeechEndpoint"), ("name", "waits")],
    ),
    (
        "SpeechLeadTimeAtRisk",
        &[("namespace", "training"), ("kind", "SpeechModel"), ("name", "late")],
    ),
    (
        "SpeechApprovalAwaitedNearExpiry",
        &[("name", "agree-5"), ("severity", "critical")],
    ),
    (
        "SpeechApprovalAwaitedNearExpiry",
        &[("name", "agree-20"), ("severity", "warning")],
    ),
    ("SpeechGateFailed", &[("namespace", "gate")]),
    (
        "SpeechEndpointAtRisk",
        &[("name", "shut"), ("reason", "WindowNeverOpens")],
    ),
    ("SpeechModelAtRisk", &[("name", "lacks"), ("reason", "DatasetNotFound")]),
    ("SpeechEndpointNotReady", &[("name", "not-ready")]),
    ("SpeechConnectionDown", &[("namespace", "down")]),
    ("SpeechConnectionThrottled", &[("namespace", "throttled")]),
    ("SpeechOrphansFound", &[("namespace", "dates"), ("type", "endpoint")]),
    ("SpeechObjectOrphaned", &[("kind", "SpeechEndpoint")]),
    ("SpeechDeletionsHeld", &[("namespace", "guarded")]),
    (
        "SpeechClusterRefuses",
        &[("namespace", "guarded"), ("kind", "SpeechEndpoint"), ("name", "denied")],
    ),
    (
        "SpeechDriftFoughtRepeatedly",
        &[("namespace", "dates"), ("name", scene::FOUGHT)],
    ),
    ("SpeechObjectsUnreadable", &[("kind", "SpeechEndpoint")]),
    ("SpeechWatchSilent", &[]),
    ("SpeechIntendedModelFastBurn", &[]),
    ("SpeechIntendedModelSlowBurn", &[]),
    ("SpeechOperatorAlive", &[("severity", "none")]),
];

/// The alerts that fire at another stage of the test.
const ELSEWHERE: [&str; 6] = [
    "SpeechSweepsStale",
    "SpeechMetricsAbsent",
    "SpeechOperatorWithoutLeader",
    "SpeechExpiringUnattended",
    "SpeechStepMissed",
    "SpeechClocksDiffer",
];

#[test]
fn every_alert_fires_on_the_live_stack_and_every_panel_shows_something() {
    alone("monitoring", async |case, stack| {
        let present = Timestamp::now();
        scene::set_clock(case, present - SignedDuration::from_hours(3)).await;
        let mut prometheus = Prometheus::start(&hurried()).await;
        let mut kube_state = KubeState::start(&stack.plane).await;
        prometheus.scrape(&[stack.operator.address(), kube_state.address()]);
        let scene = Scene::set_up(stack, present).await;

        // By the operator's clock it is three hours ago, and so its sweeps look old.
        let stale = [("namespace", "dates")];
        let mut late = Late::default();
        late.note(prometheus.fires("SpeechSweepsStale", &stale, TOLD).await);
        scene::set_clock(case, Timestamp::now()).await;
        scene.look().await;
        scene.fight(4).await;
        scene.plant_unreadable(stack).await;
        for (name, labels) in FIRES {
            late.note(prometheus.fires(name, labels, TOLD).await);
        }
        late.note(prometheus.resolves("SpeechSweepsStale", &stale, TOLD).await);
        assert_eq!(prometheus.troubles().await, [""; 0]);
        the_document_is_right(&stack.operator).await;
        every_panel_shows_something(&mut prometheus, &mut late).await;
        some_are_mended(&mut prometheus, &scene, &mut late).await;

        kube_state.tells_the_dates_of(async || objects(&scene).await).await;
        let _operator = without_an_operator(&mut prometheus, stack, kube_state.address(), &mut late).await;
        clocks_differ(&mut prometheus, &scene, &mut late).await;

        assert_eq!(late.0, [""; 0]);
        let named: Vec<&str> = FIRES.iter().map(|(name, _)| *name).chain(ELSEWHERE).collect();
        for alert in alerts() {
            assert!(named.contains(&alert.as_str()), "{alert} was not made to fire");
        }
    });
}

/// What did not come in time; all is looked at, so that one run tells everything.
#[derive(Default)]
struct Late(Vec<String>);

impl Late {
    fn note(&mut self, came: Result<(), String>) {
        self.0.extend(came.err());
    }
}

async fn every_panel_shows_something(prometheus: &mut Prometheus, late: &mut Late) {
    for (title, expr) in panels() {
        let shows = eventually(&format!("{title} shows something"), TOLD, async || {
            match prometheus.query(&expr).await {
                empty if empty.is_empty() => Err(expr.clone()),
                _ => Ok(()),
            }
        })
        .await;
        late.note(shows.map_err(|error| error.to_string()));
    }
}

/// What people do about some of them, by the runbooks.
async fn some_are_mended(prometheus: &mut Prometheus, scene: &Scene, late: &mut Late) {
    let dates = &scene.dates;
    let agreed = dates.get("SpeechEndpoint", "agree-5").await["status"]["candidate"]["model"].clone();
    dates
        .annotate("SpeechEndpoint", "agree-5", "approved-model", agreed)
        .await;
    dates
        .endpoint("in-5-days", json!({"model": {"base": {"id": seed::BASE_NEW}}}))
        .await;
    dates.endpoint("falls-back", json!({"model": {"base": {}}})).await;
    dates.delete("SpeechEndpoint", "not-ready").await;
    scene.down.secret(&seed::key("down", 1)).await;
    scene
        .gate
        .annotate("SpeechEndpoint", "hotline", "clear-quarantine", json!("all"))
        .await;
    for (name, labels) in [
        ("SpeechApprovalAwaitedNearExpiry", [("name", "agree-5")]),
        ("SpeechExpiringWithoutSuccessor", [("name", "in-5-days")]),
        ("SpeechFallbackServing", [("name", "falls-back")]),
        ("SpeechEndpointNotReady", [("name", "not-ready")]),
        ("SpeechConnectionDown", [("namespace", "down")]),
    ] {
        late.note(prometheus.resolves(name, &labels, TOLD).await);
    }
}

/// The operator dies; another, which goes by the clock of this machine, waits for the lease and takes over.
async fn without_an_operator(
    prometheus: &mut Prometheus,
    stack: &mut Stack,
    kube_state: &str,
    late: &mut Late,
) -> OperatorProcess {
    stack.kill_operator();
    late.note(prometheus.fires("SpeechMetricsAbsent", &[], TOLD).await);
    late.note(prometheus.resolves("SpeechOperatorAlive", &[], TOLD).await);
    late.note(
        prometheus
            .fires("SpeechExpiringUnattended", &[("name", "in-20-days")], TOLD)
            .await,
    );
    let due = [("namespace", "overdue"), ("kind", "SpeechEndpoint"), ("action", "Swap")];
    late.note(prometheus.fires("SpeechStepMissed", &due, TOLD).await);
    let due = [("namespace", "training"), ("kind", "SpeechModel"), ("action", "Train")];
    late.note(prometheus.fires("SpeechStepMissed", &due, TOLD).await);
    // It serves its metrics before it leads: the lease of the one that died lasts on.
    let kubeconfig = stack.plane.operator_kubeconfig();
    let (kubeconfig, env) = (kubeconfig.await.unwrap(), [("POD_NAME", "another-pod")]);
    let options = ["--allow-http"];
    let replica = OperatorProcess::start_unready_with_env(&OPERATOR, &kubeconfig, &options, &env);
    let mut replica = replica.unwrap();
    replica.wait_until_ready(SOON).await.unwrap();
    prometheus.scrape(&[replica.address(), kube_state]);
    late.note(prometheus.fires("SpeechOperatorWithoutLeader", &[], TOLD).await);
    late.note(prometheus.resolves("SpeechMetricsAbsent", &[], TOLD).await);
    late.note(prometheus.fires("SpeechOperatorAlive", &[], TOLD).await);
    late.note(prometheus.resolves("SpeechOperatorWithoutLeader", &[], TOLD).await);
    late.note(prometheus.resolves("SpeechExpiringUnattended", &[], TOLD).await);
    replica
}

/// An operator that does not share the clock of the emulator compares them.
async fn clocks_differ(prometheus: &mut Prometheus, scene: &Scene, late: &mut Late) {
    for (seconds, severity, other) in [(120, "warning", "critical"), (1200, "critical", "warning")] {
        let dates = json!({"dateOffsetSeconds": seconds});
        scene.skewed.control.put_resource("skewed", dates).await.unwrap();
        let with = |severity| [("namespace", "skewed"), ("severity", severity)];
        late.note(prometheus.fires("SpeechClocksDiffer", &with(severity), TOLD).await);
        late.note(prometheus.resolves("SpeechClocksDiffer", &with(other), TOLD).await);
    }
    let dates = json!({"dateOffsetSeconds": 0});
    scene.skewed.control.put_resource("skewed", dates).await.unwrap();
    late.note(prometheus.resolves("SpeechClocksDiffer", &[], TOLD).await);
}
