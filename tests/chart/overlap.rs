//! Two releases that look after one namespace, against what the install page says: what comes of it in the Speech service.
use crate::{
    chart,
    harness::{Tenant, in_time, is_ready},
    release::helm_ok,
    seed,
    stage::{Stage, ready},
};
use kube::api::ListParams;
use serde_json::{Value, json};
use std::time::Duration;

const ENDPOINTS: usize = 20;
/// Longer than a request that was announced is waited for.
const PAST_ALL_REQUESTS: &str = "5m";
const WORK: Duration = Duration::from_secs(120);

fn name(number: usize) -> String {
    format!("endpoint-{number:02}")
}

async fn remote_endpoints(stage: &Stage, tenant: &Tenant) -> usize {
    let resource = stage.emulator.control().resource(&tenant.name).await.unwrap();
    resource["endpoints"].as_array().map_or(0, Vec::len)
}

async fn objects(tenant: &Tenant) -> Vec<Value> {
    let all = tenant.api("SpeechEndpoint").list(&ListParams::default()).await.unwrap();
    all.iter().map(|object| serde_json::to_value(object).unwrap()).collect()
}

async fn all_are(tenant: &Tenant, what: &str, check: impl Fn(&Value) -> bool) {
    in_time(what, WORK, async || {
        let objects = objects(tenant).await;
        match objects.iter().find(|object| !check(object)) {
            None => Ok(()),
            Some(object) => Err(object.to_string()),
        }
    })
    .await;
}

async fn sweeps(tenant: &Tenant, more: usize) {
    let before = tenant.calls("Endpoints_List").await;
    in_time("both have looked again", WORK, async || {
        match tenant.calls("Endpoints_List").await - before {
            looks if looks >= more => Ok(()),
            looks => Err(format!("{looks} looks")),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_releases_over_one_namespace_make_no_twins_and_come_to_rest() {
    let stage = Stage::start().await;
    for name in ["team-a", "alpha-system", "beta-system"] {
        stage.namespace(name).await;
    }
    let chart = chart();
    let own = "scope.namespaces={team-a}";
    helm_ok(
        &stage.plane,
        &["install", "alpha", &chart, "-n", "alpha-system", "--set", own],
    );
    let without = "crds.install=false";
    helm_ok(
        &stage.plane,
        &[
            "install",
            "beta",
            &chart,
            "-n",
            "beta-system",
            "--set",
            own,
            "--set",
            without,
        ],
    );
    stage.plane.know_all_kinds().await.unwrap();
    let mut operators = Vec::new();
    for release in ["alpha", "beta"] {
        let (namespace, deployment) = (format!("{release}-system"), format!("{release}-speech-operator"));
        operators.push(stage.operator(&namespace, &deployment, "pod-1").await);
        stage.leads(&namespace, &deployment, "pod-1").await;
    }

    let tenant = stage.tenant("team-a").await;
    ready(&tenant, "SpeechConnection", "speech").await;
    let made_by_hand = remote_endpoints(&stage, &tenant).await;
    let lost = tenant
        .strike_always(
            "Endpoints_Create",
            json!({"loseResponse": true}),
            json!({"probability": 0.3, "seed": 7}),
        )
        .await;
    for number in 0..ENDPOINTS {
        tenant
            .endpoint(&name(number), json!({"model": {"id": seed::MODEL}}))
            .await;
    }
    in_time("each is created", WORK, async || {
        match remote_endpoints(&stage, &tenant).await - made_by_hand {
            ENDPOINTS => Ok(()),
            other => Err(format!("{other} are")),
        }
    })
    .await;
    stage.emulator.control().remove_fault(lost).await.unwrap();
    let struck = tenant
        .journal()
        .await
        .iter()
        .filter(|entry| !entry["fault"].is_null())
        .count();
    assert!(struck > 2, "{struck} answers were lost");
    all_are(&tenant, "Ready", is_ready).await;
    for _ in 0..2 {
        stage.emulator.control().advance(PAST_ALL_REQUESTS).await.unwrap();
        sweeps(&tenant, 4).await;
    }
    assert_eq!(
        remote_endpoints(&stage, &tenant).await - made_by_hand,
        ENDPOINTS,
        "twins"
    );
    assert_eq!(tenant.calls("Endpoints_Create").await, ENDPOINTS, "one POST for each");

    // Both rest: neither undoes what the other wrote.
    let before = (objects(&tenant).await, tenant.remote_writes().await.len());
    stage.emulator.control().advance(PAST_ALL_REQUESTS).await.unwrap();
    sweeps(&tenant, 4).await;
    assert_eq!(before, (objects(&tenant).await, tenant.remote_writes().await.len()));

    // One more change of each, and the end.
    for number in 0..ENDPOINTS {
        let changed = json!({"model": {"id": seed::MODEL}, "displayName": format!("renamed {number}")});
        tenant.endpoint(&name(number), changed).await;
    }
    all_are(&tenant, "changed", |object| {
        is_ready(object) && object["status"]["observedGeneration"] == object["metadata"]["generation"]
    })
    .await;
    let patches = tenant.calls("Endpoints_Update").await;
    assert!((ENDPOINTS..=2 * ENDPOINTS).contains(&patches), "{patches} PATCHes");
    for number in 0..ENDPOINTS / 4 {
        tenant.delete("SpeechEndpoint", &name(number)).await;
    }
    in_time("what was deleted is gone, there and here", WORK, async || {
        let left = (
            objects(&tenant).await.len(),
            remote_endpoints(&stage, &tenant).await - made_by_hand,
        );
        match left {
            (here, there) if here == ENDPOINTS * 3 / 4 && there == here => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    for operator in &mut operators {
        operator.kill();
    }
}
