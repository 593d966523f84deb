//! A release from its installation over the manifests that came before the chart to its end, with 200 objects.
use crate::{
    chart,
    harness::{OperatorProcess, Tenant, condition, in_time, is_ready},
    release::{helm, helm_ok, packed},
    repository,
    stage::{SOON, Stage, ready},
};
use kube::api::ListParams;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const OBJECTS: usize = 200;
const NAMESPACE: &str = "speech-system";
const RELEASE: &str = "speech-operator";
const TERMINATION: Duration = Duration::from_secs(60);

/// The endpoints by name, and since when each has been what it is. A Ready that flickers leaves another time behind.
async fn standing(tenant: &Tenant) -> BTreeMap<String, Value> {
    let all = tenant.api("SpeechEndpoint").list(&ListParams::default()).await.unwrap();
    let of = |object| {
        let object: Value = serde_json::to_value(object).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        (name, condition(&object, "Ready").clone())
    };
    all.items.into_iter().map(of).collect()
}

async fn all_ready(tenant: &Tenant) {
    in_time("all endpoints are Ready", Duration::from_secs(120), async || {
        let all = standing(tenant).await;
        let ready = all.values().filter(|condition| condition["status"] == "True").count();
        if ready == OBJECTS {
            Ok(())
        } else {
            Err(format!("{ready} are"))
        }
    })
    .await;
}

/// The fleet before a change, to be compared with the fleet after it.
struct Before {
    standing: BTreeMap<String, Value>,
    writes: usize,
}

impl Before {
    async fn of(tenant: &Tenant) -> Self {
        Self {
            standing: standing(tenant).await,
            writes: tenant.remote_writes().await.len(),
        }
    }

    /// Everything was looked at once more, and nothing came of it.
    async fn nothing_changed(&self, tenant: &Tenant, what: &str) {
        let lists = tenant.calls("Endpoints_List").await;
        in_time(&format!("{what}: two more sweeps"), SOON, async || {
            match tenant.calls("Endpoints_List").await {
                now if now >= lists + 2 => Ok(()),
                now => Err(format!("{} more", now - lists)),
            }
        })
        .await;
        assert_eq!(standing(tenant).await, self.standing, "{what}: a Ready has changed");
        let writes = tenant.remote_writes().await;
        assert_eq!(writes.len(), self.writes, "{what}: {:?}", writes.last());
    }
}

/// A rolling update as the Deployment does it: the new pod is Ready before the old one is asked to end.
async fn rolled(stage: &Stage, old: &mut OperatorProcess, pod: &str) -> OperatorProcess {
    let mut new = stage.unready_operator(NAMESPACE, RELEASE, pod).await;
    new.wait_until_ready(SOON).await.unwrap();
    old.terminate(TERMINATION).await.unwrap();
    stage.leads(NAMESPACE, RELEASE, pod).await;
    new
}

async fn field(stage: &Stage, path: &str) -> String {
    let path = format!("jsonpath={{{path}}}");
    let args = ["get", "deployment", RELEASE, "-n", NAMESPACE, "-o", &path];
    stage.plane.kubectl_ok(&args).await.unwrap()
}

async fn definitions(stage: &Stage) -> usize {
    let names = stage.plane.kubectl_ok(&["get", "crd", "-o", "name"]).await.unwrap();
    names.lines().filter(|name| name.ends_with(".customspeech.dev")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_objects_live_through_adoption_upgrade_rollback_and_uninstallation() {
    let stage = Stage::start().await;
    let plane = &stage.plane;
    let root = repository();
    plane
        .kubectl_ok(&["apply", "--kustomize", &root.join("crds").display().to_string()])
        .await
        .unwrap();
    let before_the_chart = root.join("tests/chart/previous/base.yaml").display().to_string();
    plane
        .kubectl_ok(&["apply", "--filename", &before_the_chart])
        .await
        .unwrap();
    plane
        .kubectl_ok(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"])
        .await
        .unwrap();
    let mut operator = stage.operator(NAMESPACE, RELEASE, "pod-1").await;
    let tenant = stage.tenant("fleet").await;
    ready(&tenant, "SpeechConnection", "speech").await;
    for number in 0..OBJECTS {
        tenant
            .endpoint(&format!("endpoint-{number:03}"), json!({"model": {"base": {}}}))
            .await;
    }
    all_ready(&tenant).await;

    // From the manifests to the chart.
    let before = Before::of(&tenant).await;
    let refused = helm(plane, &["install", RELEASE, &chart(), "-n", NAMESPACE]);
    assert!(
        refused.stderr.contains("invalid ownership metadata"),
        "{}",
        refused.stderr
    );
    let chart_folder = chart();
    let install = ["install", RELEASE, &chart_folder, "-n", NAMESPACE, "--take-ownership"];
    helm_ok(plane, &[&install[..], &["--force-conflicts"]].concat());
    assert_eq!(
        field(&stage, ".metadata.annotations.meta\\.helm\\.sh/release-name").await,
        RELEASE
    );
    operator = rolled(&stage, &mut operator, "pod-2").await;
    before.nothing_changed(&tenant, "adoption").await;

    // To the next version, with other values.
    let next = packed("9.9.9");
    let upgrade = [
        "upgrade",
        RELEASE,
        &next,
        "-n",
        NAMESPACE,
        "--set",
        "log.level=info,concurrency=32,replicas=3",
    ];
    helm_ok(plane, &upgrade);
    assert!(
        field(&stage, ".spec.template.spec.containers[0].image")
            .await
            .ends_with(":v9.9.9")
    );
    assert!(
        field(&stage, ".spec.template.spec.containers[0].args")
            .await
            .contains("--concurrency=32")
    );
    operator = rolled(&stage, &mut operator, "pod-3").await;
    before.nothing_changed(&tenant, "upgrade").await;

    // And back.
    helm_ok(plane, &["rollback", RELEASE, "1", "-n", NAMESPACE]);
    assert!(
        !field(&stage, ".spec.template.spec.containers[0].args")
            .await
            .contains("--concurrency")
    );
    assert_eq!(field(&stage, ".spec.replicas").await, "2");
    operator = rolled(&stage, &mut operator, "pod-4").await;
    before.nothing_changed(&tenant, "rollback").await;

    // The end of the release is not the end of the objects.
    let said = helm_ok(plane, &["uninstall", RELEASE, "-n", NAMESPACE]);
    assert!(
        said.contains("kept due to the resource policy") && said.contains("speechendpoints"),
        "{said}"
    );
    operator.terminate(TERMINATION).await.unwrap();
    assert_eq!(definitions(&stage).await, 3);
    assert_eq!(standing(&tenant).await, before.standing);
    assert_eq!(tenant.remote_writes().await.len(), before.writes);
    let left = plane.kubectl(&[
        "get",
        "deployment,service,pdb,role,rolebinding,networkpolicy,sa",
        "-n",
        NAMESPACE,
    ]);
    let left = left.await.unwrap().stdout;
    assert!(!left.contains(RELEASE), "{left}");

    // A release of the same name finds them again.
    helm_ok(plane, &["install", RELEASE, &chart(), "-n", NAMESPACE]);
    operator = stage.operator(NAMESPACE, RELEASE, "pod-5").await;
    before.nothing_changed(&tenant, "another installation").await;
    tenant
        .endpoint("endpoint-000", json!({"model": {"base": {}}, "displayName": "renamed"}))
        .await;
    tenant
        .within(SOON, "SpeechEndpoint", "endpoint-000", "is looked after", |object| {
            is_ready(object) && object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await;
    operator.kill();
}
