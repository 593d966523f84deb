//! One object is poison; the others do not notice.
use crate::{
    law::Expected,
    seed::BASE_OLD,
    tenant::{Tenant, is_ready},
    trial::Trial,
};
use futures::StreamExt as _;
use serde_json::json;
use std::time::{Duration, Instant};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What the others may lose by it, beside half as much again of what they took before.
const SLACK: Duration = Duration::from_millis(500);

/// How many of the others change at once.
const ABREAST: usize = 4;

/// The variable by which a debug build is told which object is poison.
const POISON: &str = "SPEECH_OPERATOR_POISON";

/// Each run: many objects are made and changed, without poison and then with an object that panics, one that never ends
/// and one that cannot be read. Measured is how long the others take.
pub async fn run(trial: &mut Trial) {
    // A Speech resource takes 50 endpoints.
    let others = trial.sized(4, 45);
    let clean = latency(trial, "poison-none", others, None).await;
    for effect in ["panic", "hang", "unreadable"] {
        let name = format!("poison-{effect}");
        let poisoned = latency(trial, &name, others, Some(effect)).await;
        trial.saw(format!(
            "{effect}: slowest of the others {:.2} s, without {:.2} s",
            poisoned.as_secs_f64(),
            clean.as_secs_f64()
        ));
        if poisoned > clean.mul_f64(1.5) + SLACK {
            trial.violated(&name, format!("the others took {poisoned:?}, without poison {clean:?}"));
        }
    }
}

/// How long the slowest of the others took, from a change to Ready.
async fn latency(trial: &mut Trial, name: &str, others: u64, effect: Option<&str>) -> Duration {
    let quick = json!({"timings": {"endpointCreate": 0.1, "endpointUpdate": 0.1, "training": 0.1, "dataset": 0.1}});
    let tenant = trial.world.tenant(name, quick).await;
    let requests = json!({"requests": 400, "per": "10s"});
    tenant.connect(json!({"requestBudget": requests})).await;
    match effect {
        Some("unreadable") => plant_unreadable(trial, &tenant).await,
        Some(_) => {
            tenant
                .endpoint("bad", json!({"model": {"base": {"id": BASE_OLD}}}))
                .await
        }
        None => {}
    }
    let asked = format!("{}@{name}/bad", effect.unwrap_or("none"));
    let index = trial.world.start_operator_with(&[], &[(POISON, &asked)], None);
    trial.world.operators[index]
        .wait_until_ready(Duration::from_secs(60))
        .await
        .unwrap();
    tenant.until("SpeechConnection", "speech", "is Ready", is_ready).await;
    change(&tenant, "warm-up").await; // the first after a start waits for the first reading of the service
    let tenant_of_all = &tenant;
    let each = futures::stream::iter(0..others)
        .map(|number| async move { change(tenant_of_all, &format!("line-{number}")).await })
        .buffer_unordered(ABREAST);
    let took: Vec<Duration> = each.collect::<Vec<_>>().await.concat();
    took.iter().for_each(|took| trial.ran(Some(*took)));
    let slowest = took.into_iter().max().unwrap_or_default();
    let (status, text) = trial.world.operators[0].get("/livez").await.unwrap();
    if status != 200 {
        trial.violated("the operator", format!("/livez says {status} {text}"));
    }
    let metrics = trial.world.operators[0].metrics().await.unwrap();
    let told = match effect {
        Some("panic") => r#"speech_reconciles_total{kind="SpeechEndpoint",outcome="panic"}"#,
        Some("hang") => r#"speech_pass_oldest_seconds{kind="SpeechEndpoint"}"#,
        Some("unreadable") => r#"speech_unreadable_objects{kind="SpeechEndpoint"} 1.0"#,
        Some(_) | None => "",
    };
    if !metrics.contains(told) {
        trial.violated(name, format!("the metrics do not tell {told}"));
    }
    trial.world.kill_all();
    if effect.is_some() {
        remove_bad(&tenant).await;
    }
    let lawful = Expected {
        more_changes: 2,
        ..Expected::default()
    };
    trial.check(&[&tenant], &lawful).await;
    slowest
}

/// Makes an endpoint and changes it; returns how long each took to be Ready.
async fn change(tenant: &Tenant, name: &str) -> Vec<Duration> {
    let mut all = Vec::new();
    for words in ["first", "second"] {
        let began = Instant::now();
        let spec = json!({"model": {"base": {"id": BASE_OLD}}, "description": words});
        tenant.endpoint(name, spec).await;
        tenant.until("SpeechEndpoint", name, "is Ready", is_ready).await;
        all.push(began.elapsed());
    }
    all
}

/// An object from before a change of its definition: made while the definition let everything pass.
async fn plant_unreadable(trial: &Trial, tenant: &Tenant) {
    let crd = "speechendpoints.customspeech.dev";
    let anything = json!([{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema",
        "value": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}]);
    let plane = &trial.world.plane;
    plane
        .kubectl_ok(&["patch", "crd", crd, "--type=json", "-p", &anything.to_string()])
        .await
        .unwrap();
    let old = json!({"model": {"base": {"id": BASE_OLD}}, "locale": 5});
    tenant.endpoint("bad", old).await; // until the definition is in force it is refused, and tried again
    plane
        .kubectl_ok(&["replace", "-f", &format!("{ROOT}/crds/speechendpoints.yaml")])
        .await
        .unwrap();
    // The definition is in force again when what it forbids is refused.
    let forbidden = r#"{"apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint", "metadata": {"name": "never"}, "spec": {"locale": 5}}"#;
    crate::harness::in_time("the definition is in force", Duration::from_secs(30), async || {
        let args = ["create", "--dry-run=server", "-n", &tenant.name, "-f", "-"];
        match plane.kubectl_stdin(&args, forbidden).await {
            Ok(output) if !output.success() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// Removes the poison, so that the laws can be asked for the rest.
async fn remove_bad(tenant: &Tenant) {
    tenant.delete("SpeechEndpoint", "bad").await;
    crate::harness::in_time("the poison is gone", Duration::from_secs(30), async || {
        let free = json!({"metadata": {"finalizers": null}});
        let params = kube::api::PatchParams::default();
        let freed = tenant
            .api("SpeechEndpoint")
            .patch("bad", &params, &kube::api::Patch::Merge(free))
            .await;
        match freed {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}
