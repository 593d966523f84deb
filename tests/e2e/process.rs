//! The process: its options, its port and its end.
use crate::{
    harness::{OPERATOR, OperatorProcess, condition},
    seed::MODEL,
    stack::{alone, shared},
};
use serde_json::json;
use std::time::Duration;

#[test]
fn metrics_tell_expiry_work_requests_and_build_and_health_is_ok() {
    shared("process-metrics", async |case, stack| {
        case.connect("60s").await;
        case.endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        case.endpoint("waiting", json!({"model": {"ref": {"name": "missing"}}}))
            .await;
        case.ready("SpeechEndpoint", "hotline").await;
        case.reason("SpeechEndpoint", "waiting", "ModelNotFound").await;
        let metrics = stack.operator.metrics().await.unwrap();
        let has = |parts: &[&str]| metrics.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        let expiry = "speech_endpoint_model_expiry_timestamp_seconds{";
        let here = r#"namespace="process-metrics""#;
        assert!(has(&[expiry, here, r#"name="hotline""#]), "{metrics}");
        assert!(
            !has(&[expiry, here, r#"name="waiting""#]),
            "an unknown expiry has no series\n{metrics}"
        );
        assert!(
            has(&["speech_endpoint_ready{", here, r#"name="hotline""#, "} 1"]),
            "{metrics}"
        );
        assert!(
            has(&["speech_endpoint_ready{", here, r#"name="waiting""#, "} 0"]),
            "{metrics}"
        );
        assert!(has(&["speech_connection_ready{", here, "} 1"]), "{metrics}");
        assert!(has(&["speech_reconciles_total{"]), "{metrics}");
        assert!(has(&["speech_remote_requests_total{", "201"]), "{metrics}");
        assert!(has(&["speech_build_info{version=", "} 1"]), "{metrics}");
        assert!(metrics.ends_with("# EOF\n"), "OpenMetrics ends so");
        for path in ["/livez", "/readyz"] {
            assert_eq!(stack.operator.get(path).await.unwrap().0, 200);
        }
    });
}

#[test]
fn an_operator_asked_to_stop_finishes_the_request_under_way_and_ends_in_order() {
    alone("process-stop", async |case, stack| {
        case.connect("60s").await;
        let slow =
            json!({"route": {"resource": "process-stop", "path": "Endpoints_Create"}, "action": {"delayMs": 1500}});
        case.control.add_fault(slow).await.unwrap();
        case.endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        case.until("SpeechEndpoint", "hotline", "is announced", |endpoint| {
            endpoint["metadata"]["annotations"]["customspeech.dev/creation-intent"].is_string()
        })
        .await;
        let status = stack.operator.terminate(Duration::from_secs(5)).await.unwrap();
        assert!(status.success(), "{status}\n{}", stack.operator.logs());
        stack.note_what_was_said();
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        assert!(
            endpoint["status"]["id"].is_string(),
            "the answer is recorded: {endpoint:#}"
        );
        stack.restart_operator().await;
        case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}

#[test]
fn plain_http_is_refused_unless_it_is_allowed() {
    alone("process-http", async |case, stack| {
        stack.kill_operator();
        let kubeconfig = stack.plane.operator_kubeconfig().await.unwrap();
        let clock = stack.emulator.control().clock_url();
        let options = ["--development-clock", &clock, "--log-format", "text"];
        stack.operator = OperatorProcess::start(&OPERATOR, &kubeconfig, &options).await.unwrap();
        case.secret(&crate::seed::key("process-http", 1)).await;
        case.connection(json!({})).await;
        let told = case.reason("SpeechConnection", "speech", "EndpointInvalid").await;
        assert_eq!(condition(&told, "Stalled")["status"], "True");
        assert!(
            condition(&told, "Ready")["message"]
                .as_str()
                .unwrap()
                .contains("https://"),
            "{told}"
        );
        assert_eq!(case.journal().await.len(), 0, "the key never left");
        stack.kill_operator();
        stack.restart_operator().await;
        case.ready("SpeechConnection", "speech").await;
    });
}
