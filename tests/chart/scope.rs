//! Two releases in one cluster, each with namespaces of its own, by the roles that the chart gives them.
use crate::{
    chart,
    harness::{HarnessError, Tenant, condition, in_time},
    release::{helm, helm_ok},
    seed::TEXT,
    stage::{SOON, Stage, ready},
};
use serde_json::json;
use std::time::Duration;

/// Longer than a sweep of the tenants' connections.
const A_WHILE: Duration = Duration::from_secs(6);

async fn fleet(tenant: &Tenant) {
    ready(tenant, "SpeechConnection", "speech").await;
    tenant
        .model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
        .await;
    tenant
        .endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
        .await;
    ready(tenant, "SpeechEndpoint", "hotline").await;
}

fn install(stage: &Stage, release: &str, namespace: &str, set: &[&str]) -> String {
    let chart = chart();
    let mut args = vec!["install", release, &chart, "-n", namespace];
    set.iter().for_each(|set| args.extend(["--set", set]));
    helm_ok(&stage.plane, &args)
}

/// Nothing of a namespace was looked at.
async fn is_untouched(tenant: &Tenant) {
    let endpoint = tenant.find("SpeechEndpoint", "hotline").await.unwrap();
    assert_eq!(endpoint["status"], json!({"observedGeneration": -1}), "{endpoint}");
    assert!(endpoint["metadata"]["finalizers"].is_null(), "{endpoint}");
    assert_eq!(tenant.journal().await.len(), 0);
}

async fn account_is_bounded(stage: &Stage, account: &str, own: &str, other: &str) {
    for (what, expected) in [
        (format!("list secrets --namespace={own}"), true),
        (
            format!("watch speechendpoints.customspeech.dev --namespace={own}"),
            true,
        ),
        (
            format!("patch speechmodels.customspeech.dev --subresource=status --namespace={own}"),
            true,
        ),
        (format!("create events.events.k8s.io --namespace={own}"), true),
        (format!("get namespaces/{own}"), true),
        (
            "get customresourcedefinitions.apiextensions.k8s.io/speechmodels.customspeech.dev".to_owned(),
            true,
        ),
        ("list secrets --all-namespaces".to_owned(), false),
        (format!("get secrets --namespace={other}"), false),
        (
            format!("patch speechendpoints.customspeech.dev --namespace={other}"),
            false,
        ),
        (format!("get namespaces/{other}"), false),
        ("list namespaces --all-namespaces".to_owned(), false),
        (
            "list speechendpoints.customspeech.dev --all-namespaces".to_owned(),
            false,
        ),
    ] {
        let user = format!("system:serviceaccount:{account}");
        assert_eq!(
            stage.plane.may(&user, &what).await.unwrap(),
            expected,
            "{account}: {what}"
        );
    }
}

/// The API server's answer to a real read, as the account.
async fn cannot_read_all_secrets(stage: &Stage, namespace: &str, account: &str) -> Result<(), HarnessError> {
    let kubeconfig = stage.plane.service_account_kubeconfig(namespace, account).await?;
    let kubeconfig = kubeconfig.display().to_string();
    let read = async |place: &str| {
        stage
            .plane
            .kubectl(&["--kubeconfig", &kubeconfig, "get", "secrets", place])
            .await
    };
    let all = read("--all-namespaces").await?;
    assert!(all.stderr.contains("Forbidden"), "{all:?}");
    let own = read("--namespace=team-a").await?;
    assert!(own.success() && own.stdout.contains("speech-key"), "{own:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_releases_look_after_namespaces_of_their_own() {
    let stage = Stage::start().await;
    let plane = &stage.plane;
    for name in ["team-a", "team-b", "team-c", "team-gone", "alpha-system", "beta-system"] {
        stage.namespace(name).await;
    }
    let told = install(
        &stage,
        "alpha",
        "alpha-system",
        &["scope.namespaces={team-a,team-gone}"],
    );
    assert!(told.contains("team-a, team-gone"), "{told}");

    // What belongs to one release is no other's.
    let chart_folder = chart();
    let with_crds = helm(plane, &["install", "beta", &chart_folder, "-n", "beta-system"]);
    assert!(
        with_crds.stderr.contains("CustomResourceDefinition")
            && with_crds.stderr.contains("invalid ownership metadata"),
        "{}",
        with_crds.stderr
    );
    let namesake = [
        "install",
        "alpha",
        &chart_folder,
        "-n",
        "beta-system",
        "--set",
        "crds.install=false",
    ];
    let namesake = helm(plane, &namesake);
    assert!(
        namesake.stderr.contains("invalid ownership metadata"),
        "{}",
        namesake.stderr
    );
    install(
        &stage,
        "beta",
        "beta-system",
        &["scope.namespaces={team-b}", "crds.install=false"],
    );
    plane.know_all_kinds().await.unwrap();

    account_is_bounded(&stage, "alpha-system:alpha-speech-operator", "team-a", "team-b").await;
    account_is_bounded(&stage, "beta-system:beta-speech-operator", "team-b", "team-a").await;

    let mut alpha = stage.operator("alpha-system", "alpha-speech-operator", "alpha-1").await;
    let mut beta = stage.operator("beta-system", "beta-speech-operator", "beta-1").await;
    stage.leads("alpha-system", "alpha-speech-operator", "alpha-1").await;
    stage.leads("beta-system", "beta-speech-operator", "beta-1").await;

    let (a, c) = (stage.tenant("team-a").await, stage.tenant("team-c").await);
    // Of the same Speech resource: each operator sees what the other made there.
    let b = a.in_namespace("team-b");
    b.secret(&crate::seed::key("team-a", 1)).await;
    b.connection_named("speech", json!({"endpoint": a.url(), "pollInterval": "5s"}))
        .await;
    c.endpoint("hotline", json!({"model": {"base": {}}})).await;
    fleet(&a).await;
    fleet(&b).await;
    cannot_read_all_secrets(&stage, "alpha-system", "alpha-speech-operator")
        .await
        .unwrap();

    // Both rest beside each other, and nobody takes the other's for an orphan.
    let writes = a.remote_writes().await.len();
    tokio::time::sleep(A_WHILE).await;
    let after = a.remote_writes().await;
    assert_eq!(after.len(), writes, "{:?}", after.last());
    for operator in [&alpha, &beta] {
        let metrics = operator.metrics().await.unwrap();
        assert!(
            metrics.contains("speech_connection_entities{"),
            "the connection is counted"
        );
        let orphans = metrics
            .lines()
            .find(|line| line.starts_with("speech_connection_orphans{"));
        assert_eq!(orphans, None);
        let logs = operator.logs();
        assert!(!logs.contains("watch failed"), "{logs}");
    }
    is_untouched(&c).await;

    // A deletion is told from an uninstallation though the operator sees two namespaces only.
    a.delete("SpeechEndpoint", "hotline").await;
    in_time("the endpoint is gone", SOON, async || {
        match a.find("SpeechEndpoint", "hotline").await {
            None => Ok(()),
            Some(object) => Err(condition(&object, "Ready").to_string()),
        }
    })
    .await;
    assert_eq!(a.calls("Endpoints_Delete").await, 1);
    ready(&b, "SpeechEndpoint", "hotline").await;

    // A namespace that goes takes its role with it, and nothing else: neither now nor at the next start.
    plane.kubectl_ok(&["delete", "namespace", "team-gone"]).await.unwrap();
    alpha.kill();
    let mut alpha = stage.operator("alpha-system", "alpha-speech-operator", "alpha-2").await;
    stage.leads("alpha-system", "alpha-speech-operator", "alpha-2").await;
    assert!(
        alpha.logs().contains("the cluster has no namespace team-gone"),
        "{}",
        alpha.logs()
    );
    a.endpoint("again", json!({"model": {"base": {}}})).await;
    ready(&a, "SpeechEndpoint", "again").await;

    // One release goes, and the other one stays with its definitions.
    helm_ok(plane, &["uninstall", "alpha", "-n", "alpha-system"]);
    alpha.kill();
    b.endpoint("second", json!({"model": {"base": {}}})).await;
    ready(&b, "SpeechEndpoint", "second").await;
    beta.kill();
}
