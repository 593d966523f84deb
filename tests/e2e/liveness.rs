//! What `/livez` tells: which part makes progress, and that a process that stands still answers nobody.
use crate::{
    harness::{HarnessError, OPERATOR, OperatorProcess, in_time},
    seed::BASE_OLD,
    stack::{SOON, alone, shared},
};
use serde_json::json;
use std::time::Duration;

#[test]
fn livez_is_ok_and_tells_every_part_when_asked() {
    shared("livez", async |case, stack| {
        case.connect("5s").await;
        case.ready("SpeechConnection", "speech").await;
        assert_eq!(stack.operator.get("/livez").await.unwrap(), (200, "ok\n".to_owned()));
        let (status, text) = stack.operator.get("/livez?verbose").await.unwrap();
        assert_eq!(status, 200, "{text}");
        let kinds = [
            "ConfigMap",
            "Namespace",
            "Secret",
            "SpeechConnection",
            "SpeechEndpoint",
            "SpeechModel",
        ];
        let watches = kinds.map(|kind| format!("[+] watch {kind}: "));
        let passes = ["SpeechConnection", "SpeechEndpoint", "SpeechModel"].map(|kind| format!("[+] passes {kind}: "));
        let sweeps = format!("[+] sweeps {}/speech: ", case.name);
        for part in watches.iter().chain(&passes).chain([&sweeps]) {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(text.ends_with("\nok\n") && !text.contains("[-]"), "{text}");
        let metrics = stack.operator.metrics().await.unwrap();
        for kind in kinds {
            let series = format!("speech_watch_silence_seconds{{kind=\"{kind}\"}}");
            assert!(metrics.contains(&series), "{series} is not in\n{metrics}");
        }
    });
}

#[test]
fn a_process_that_stands_still_answers_no_probe() {
    alone("frozen", async |case, stack| {
        case.connect("5s").await;
        case.ready("SpeechConnection", "speech").await;
        stack.kill_operator();
        let kubeconfig = stack.plane.operator_kubeconfig().await.unwrap();
        let clock = stack.emulator.control().clock_url();
        let options = ["--allow-http", "--development-clock", &clock];
        let point = format!("before-status@{}/line", case.name);
        let env = [("SPEECH_OPERATOR_STAND_STILL_AT", point.as_str())];
        let operator = OperatorProcess::start_unready_with_env(&OPERATOR, &kubeconfig, &options, &env);
        let mut operator = operator.unwrap();
        operator.wait_until_ready(SOON).await.unwrap();
        case.endpoint("line", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        operator.process().wait_for_log("standing still", SOON).await.unwrap();
        // As the kubelet asks: an answer that does not come counts as a failure.
        in_time(
            "/livez does not answer",
            Duration::from_secs(20),
            async || match operator.get("/livez").await {
                Err(HarnessError::Http { .. }) => Ok(()),
                other => Err(format!("{other:?}")),
            },
        )
        .await;
        operator.kill();
        stack.restart_operator().await;
        case.ready("SpeechEndpoint", "line").await;
    });
}
