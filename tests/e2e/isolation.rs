//! A Speech resource that hangs is trouble of its own objects alone.
use crate::{
    case::Case,
    harness::{in_time, is_ready},
    seed::{self, BASE_OLD, TEXT},
    stack::{SOON, alone},
};
use serde_json::json;
use std::time::{Duration, Instant};

/// More than the passes of a kind that work at once.
const MANY: usize = 40;
/// The passes of a kind that work at once.
const WORKERS: usize = 16;
const HANGS_MS: u64 = 300_000;

/// How long an endpoint and a trained model take from their making to Ready.
async fn serve(case: &Case, name: &str) -> Duration {
    let began = Instant::now();
    case.endpoint(name, json!({"model": {"base": {"id": BASE_OLD}}})).await;
    case.model(name, json!({"source": {"training": {"datasets": [TEXT]}}}))
        .await;
    for kind in ["SpeechEndpoint", "SpeechModel"] {
        case.within(Duration::from_secs(90), kind, name, "is Ready", is_ready)
            .await;
    }
    began.elapsed()
}

/// Waits until as many objects of a kind have announced a creation as may wait for the service at once.
async fn hang(case: &Case, kind: &str) {
    in_time(&format!("creations of {kind} hang"), SOON, async || {
        let objects = case.api(kind).list(&Default::default()).await.unwrap().items;
        let announced = |object: &&kube::api::DynamicObject| {
            let annotations = object.metadata.annotations.as_ref();
            annotations.is_some_and(|of| of.contains_key("customspeech.dev/creation-intent"))
        };
        let announced = objects.iter().filter(announced).count();
        if announced >= WORKERS / 2 {
            Ok(())
        } else {
            Err(announced.to_string())
        }
    })
    .await;
}

#[test]
fn creations_that_hang_on_one_connection_delay_no_other() {
    alone("isolation-hangs", async |hanging, stack| {
        let healthy = Case::new(stack, "isolation-healthy").await;
        for case in [hanging, &healthy] {
            let timings = json!({"timings": {"training": 0.3, "endpointCreate": 0.3}});
            case.control.put_resource(&case.name, timings).await.unwrap();
            case.secret(&seed::key(&case.name, 1)).await;
            case.connection(json!({"pollInterval": "5s", "maxConcurrentTrainings": MANY}))
                .await;
            case.ready("SpeechConnection", "speech").await;
        }
        let alone = serve(&healthy, "before").await;
        let fault = json!({"route": {"resource": hanging.name, "method": "POST"}, "action": {"delayMs": HANGS_MS}});
        hanging.control.add_fault(fault).await.unwrap();
        for number in 0..MANY {
            let name = format!("line-{number}");
            hanging
                .endpoint(&name, json!({"model": {"base": {"id": BASE_OLD}}}))
                .await;
            hanging
                .model(&name, json!({"source": {"training": {"datasets": [TEXT]}}}))
                .await;
        }
        for kind in ["SpeechEndpoint", "SpeechModel"] {
            hang(hanging, kind).await;
        }
        let beside = serve(&healthy, "after").await;
        assert!(
            beside < alone * 2 + Duration::from_secs(3),
            "{beside:?} beside {MANY} that hang, {alone:?} alone"
        );
        // The hanging one still does what it can: all have their turn as soon as the service answers.
        stack.emulator.control().clear_faults().await.unwrap();
        let last = format!("line-{}", MANY - 1);
        hanging
            .within(Duration::from_secs(240), "SpeechEndpoint", &last, "is Ready", is_ready)
            .await;
    });
}
