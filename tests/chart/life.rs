//! A release from its installation over the manifests that came before the chart to its end, with 200 objects.
use crate::{
    chart,
    harness::{OperatorProcess, Tenant, condition, in_time, is_ready},
    release::{helm, helm_ok, packed},
    seed,
    stage::{SOON, Stage, ready},
};
use kube::api::ListParams;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// As many endpoints as the service allows in one Speech resource.
const OF_ONE: usize = 50;
const RESOURCES: usize = 4;
const NAMESPACE: &str = "speech-system";
const RELEASE: &str = "speech-operator";
const TERMINATION: Duration = Duration::from_secs(60);

/// 200 endpoints in four namespaces, each with a Speech resource of its own.
struct Fleet<'a> {
    stage: &'a Stage,
    tenants: Vec<Tenant>,
}

/// The conditions Ready by object: since when each has been what it is. One that flickers leaves another time behind.
type Standing = BTreeMap<String, Value>;

impl<'a> Fleet<'a> {
    async fn made(stage: &'a Stage) -> Self {
        let mut tenants = Vec::new();
        for number in 0..RESOURCES {
            let tenant = stage.tenant(&format!("fleet-{number}")).await;
            ready(&tenant, "SpeechConnection", "speech").await;
            // One endpoint of each resource was made by hand.
            for number in 1..OF_ONE {
                tenant
                    .endpoint(&format!("endpoint-{number:02}"), json!({"model": {"base": {}}}))
                    .await;
            }
            let adopted = json!({"model": {"id": seed::MODEL}, "adopt": {"id": seed::ENDPOINT}});
            tenant.endpoint("endpoint-00", adopted).await;
            tenants.push(tenant);
        }
        let fleet = Self { stage, tenants };
        in_time("all endpoints are Ready", Duration::from_secs(120), async || {
            let all = fleet.standing().await;
            let ready = all.values().filter(|condition| condition["status"] == "True").count();
            if ready == OF_ONE * RESOURCES {
                Ok(())
            } else {
                Err(format!("{ready} are"))
            }
        })
        .await;
        // One that was made by hand is Ready before it bears its mark.
        in_time("one request made or marked each endpoint", SOON, async || {
            match fleet.remote_writes().await {
                writes if writes == OF_ONE * RESOURCES => Ok(()),
                writes => Err(format!("{writes} so far")),
            }
        })
        .await;
        fleet
    }

    async fn standing(&self) -> Standing {
        let mut standing = Standing::new();
        for tenant in &self.tenants {
            for object in tenant.api("SpeechEndpoint").list(&ListParams::default()).await.unwrap() {
                let object = serde_json::to_value(object).unwrap();
                let name = format!("{}/{}", tenant.name, object["metadata"]["name"]);
                standing.insert(name, condition(&object, "Ready").clone());
            }
        }
        standing
    }

    async fn remote_writes(&self) -> usize {
        let mut writes = 0;
        for tenant in &self.tenants {
            writes += tenant.remote_writes().await.len();
        }
        writes
    }

    async fn before(&self) -> (Standing, usize) {
        (self.standing().await, self.remote_writes().await)
    }

    /// Everything is looked at twice more, and nothing comes of it.
    async fn is_as(&self, before: &(Standing, usize), what: &str) {
        for _ in 0..2 {
            let mut lists = Vec::new();
            for tenant in &self.tenants {
                lists.push(tenant.calls("Endpoints_List").await);
            }
            self.stage.emulator.control().advance("6s").await.unwrap();
            for (tenant, before) in self.tenants.iter().zip(lists) {
                in_time(&format!("{what}: a sweep of {}", tenant.name), SOON, async || {
                    let now = tenant.calls("Endpoints_List").await;
                    if now > before {
                        Ok(())
                    } else {
                        Err(format!("{now} so far"))
                    }
                })
                .await;
            }
        }
        let (standing, writes) = self.before().await;
        assert_eq!(standing, before.0, "{what}: a Ready has changed");
        assert_eq!(writes, before.1, "{what}: the Speech service was changed");
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
    let before_the_chart = ["crds", "tests/chart/previous/base.yaml"];
    plane.install_from(&before_the_chart).await.unwrap();
    let mut operator = stage.operator(NAMESPACE, RELEASE, "pod-1").await;
    let fleet = Fleet::made(&stage).await;

    // From the manifests to the chart.
    let before = fleet.before().await;
    let refused = helm(plane, &["install", RELEASE, &chart(), "-n", NAMESPACE]);
    assert!(
        refused.stderr.contains("invalid ownership metadata"),
        "{}",
        refused.stderr
    );
    let chart_folder = chart();
    let install = ["install", RELEASE, &chart_folder, "-n", NAMESPACE, "--take-ownership"];
    helm_ok(plane, &[&install[..], &["--server-side=false"]].concat());
    assert_eq!(
        field(&stage, ".metadata.annotations.meta\\.helm\\.sh/release-name").await,
        RELEASE
    );
    operator = rolled(&stage, &mut operator, "pod-2").await;
    fleet.is_as(&before, "adoption").await;

    // To the next version, with other values.
    let next = packed("9.9.9");
    let upgrade = [
        "upgrade",
        RELEASE,
        &next,
        "-n",
        NAMESPACE,
        "--reset-then-reuse-values",
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
    fleet.is_as(&before, "upgrade").await;

    // And back.
    helm_ok(plane, &["rollback", RELEASE, "1", "-n", NAMESPACE]);
    assert!(
        !field(&stage, ".spec.template.spec.containers[0].args")
            .await
            .contains("--concurrency")
    );
    assert_eq!(field(&stage, ".spec.replicas").await, "2");
    operator = rolled(&stage, &mut operator, "pod-4").await;
    fleet.is_as(&before, "rollback").await;

    // The end of the release is not the end of the objects.
    let said = helm_ok(plane, &["uninstall", RELEASE, "-n", NAMESPACE]);
    assert!(
        said.contains("kept due to the resource policy") && said.contains("speechendpoints"),
        "{said}"
    );
    operator.terminate(TERMINATION).await.unwrap();
    assert_eq!(definitions(&stage).await, 3);
    assert_eq!(fleet.before().await, before);
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
    fleet.is_as(&before, "another installation").await;
    let tenant = &fleet.tenants[0];
    tenant
        .endpoint("endpoint-01", json!({"model": {"base": {}}, "displayName": "renamed"}))
        .await;
    tenant
        .within(SOON, "SpeechEndpoint", "endpoint-01", "is looked after", |object| {
            is_ready(object) && object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await;
    operator.kill();
}
