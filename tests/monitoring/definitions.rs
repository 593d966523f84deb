//! The objects for clusters that run the operator of Prometheus, against its own definitions.
use crate::{harness::installed, stack::alone};

const OBJECTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/monitoring");

#[test]
fn the_definitions_of_the_prometheus_operator_accept_what_is_shipped_and_no_slip() {
    alone("definitions", async |_, stack| {
        let definitions = installed("tests/prometheus-operator").unwrap().display().to_string();
        let apply = ["apply", "--server-side", "-f", &definitions];
        stack.plane.kubectl_ok(&apply).await.unwrap();
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
        stack.plane.kubectl_ok(&established).await.unwrap();

        let applied = stack.plane.kubectl_ok(&["apply", "-k", OBJECTS]).await.unwrap();
        for object in ["prometheusrule", "servicemonitor"] {
            let line = format!("{object}.monitoring.coreos.com/speech-operator created");
            assert!(applied.contains(&line), "{applied}");
        }

        let slip = stack.plane.kubectl_ok(&["kustomize", OBJECTS]).await.unwrap();
        let slip = slip.replace("alert: SpeechGateFailed", "alarm: SpeechGateFailed");
        let args = ["apply", "--dry-run=server", "-f", "-"];
        let refused = stack.plane.kubectl_stdin(&args, &slip).await.unwrap();
        assert!(!refused.success() && refused.stderr.contains("alarm"), "{refused:?}");
    });
}
