//! The same with Flux' own notification-controller between the operator and the receiver. It is a large program that its Go
//! module does not build by itself, so this runs only where somebody has one:
//! `NOTIFICATION_CONTROLLER=FILE cargo test --test e2e -- --ignored the_real_notification_controller`
use crate::{
    flux::{Told, about, receive, until_told},
    harness::{Folder, POD, Plane, Process, condition, free_address, in_time, installed},
    seed::MODEL,
    stack::{SOON, alone},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const STARTED: Duration = Duration::from_secs(60);

/// Flux' definitions with our kinds, an Alert about a namespace, and a Provider that POSTs what the Alert lets through.
async fn install(plane: &Plane, namespace: &str, webhook: &str) {
    let folder = installed("tests/notification-controller").unwrap();
    let folder = folder.to_str().unwrap();
    let patch = format!("--patch-file={ROOT}/deploy/flux/alert-kinds.yaml");
    let alerts = "alerts.notification.toolkit.fluxcd.io";
    for args in [
        &["apply", "--server-side", "--filename", folder][..],
        &["patch", "crd", alerts, "--type=json", &patch],
        &["create", "namespace", "flux-system"],
    ] {
        plane.kubectl_ok(args).await.unwrap();
    }
    let provider = format!(
        "{{apiVersion: notification.toolkit.fluxcd.io/v1beta3, kind: Provider, metadata: {{name: on-call, namespace: flux-system}}, \
         spec: {{type: generic, address: 'http://{webhook}/'}}}}"
    );
    let alert = std::fs::read_to_string(format!("{ROOT}/deploy/flux/alert.yaml")).unwrap();
    let alert = alert.replace("namespace: team}", &format!("namespace: {namespace}}}"));
    in_time("the new kinds are taken", SOON, async || {
        for object in [&provider, &alert] {
            plane.apply(object).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    })
    .await;
}

/// Starts it and waits until it knows its Alerts; returns where it takes events.
async fn start(plane: &Plane, folder: &Folder) -> (String, Process) {
    let program = std::env::var_os("NOTIFICATION_CONTROLLER").expect("NOTIFICATION_CONTROLLER names the program");
    let [events, metrics, health, receiver] = [(); 4].map(|()| free_address().unwrap());
    let args = [
        format!("--events-addr={events}"),
        format!("--metrics-addr={metrics}"),
        format!("--health-addr={health}"),
        format!("--receiverAddr={receiver}"),
    ];
    let kubeconfig = plane.kubeconfig().display().to_string();
    let env = [
        ("KUBECONFIG", kubeconfig.as_str()),
        ("RUNTIME_NAMESPACE", "flux-system"),
    ];
    let log: PathBuf = folder.path().join("log");
    let process = Process::start("notification-controller", Path::new(&program), &args, &env, &log).unwrap();
    in_time("the notification-controller works", STARTED, async || {
        TcpStream::connect(&events).map_err(|error| error.to_string())?;
        let log = process.logs();
        let works = log.matches("Starting workers").count() >= 2;
        if works { Ok(()) } else { Err(log) }
    })
    .await;
    (events, process)
}

#[test]
#[ignore = "needs a notification-controller"]
fn the_real_notification_controller_passes_our_events_on() {
    alone("flux-real", async |case, stack| {
        let told = Told::default();
        let (webhook, _serving) = receive("127.0.0.1:0", &told).await;
        install(&stack.plane, "flux-real", &webhook).await;
        let folder = Folder::new("notification-controller").unwrap();
        let (events, _controller) = start(&stack.plane, &folder).await;
        stack.kill_operator();
        stack.is_usual = false;
        let url = format!("http://{events}/");
        stack.operator = stack.start_replica(POD, &["--flux-events", &url]).await;
        case.connect("60s").await;
        let endpoint = case.ready_endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        let expires = endpoint["status"]["active"]["expiresAt"].as_str().unwrap();
        let expires: Timestamp = expires.parse().unwrap();
        let risky = expires - SignedDuration::from_hours(20 * 24);
        case.control.set_now(risky).await.unwrap();
        let risk = until_told(&told, case, "hotline", "NoSuccessor").await;
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        assert_eq!(risk["message"], condition(&endpoint, "AtRisk")["message"]);
        assert_eq!(risk["involvedObject"]["uid"], endpoint["metadata"]["uid"]);
        assert_eq!(risk["severity"], "error");
        assert_eq!(
            about(&told, case, "hotline").len(),
            1,
            "the Alert asks for warnings only"
        );
        let metrics = stack.operator.metrics().await.unwrap();
        for outcome in ["Refused", "Duplicate", "Failed"] {
            let none = format!("speech_flux_events_total{{outcome=\"{outcome}\"}} 0\n");
            assert!(metrics.contains(&none), "{metrics}");
        }
    });
}
