//! `helm upgrade` with other values, and what these values are for.
use super::{keyless::TEAM, policy};
use crate::{
    azure,
    cluster::Cluster,
    document::{blocks, commands},
    harness::{ISSUER, condition, in_time},
    pods::{NAMESPACE, RELEASE, SOON, name},
    seed,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const FLEET: usize = 20;
const TENANT: &str = "00000000-0000-0000-0000-000000000000";
/// The operator's own application.
const CLIENT: &str = "00000000-0000-0000-0000-000000000001";
/// Where the operator lends its identity.
const LENT: &str = "speech";

/// The conditions Ready by object: one that flickers leaves another time behind.
type Standing = BTreeMap<String, Value>;

pub async fn standing(cluster: &Cluster) -> Standing {
    let mut standing = Standing::new();
    for kind in ["spconn", "spmodel", "spep"] {
        for object in cluster.objects(TEAM, kind, "").await {
            standing.insert(format!("{kind}/{}", name(&object)), condition(&object, "Ready").clone());
        }
    }
    standing
}

/// Waits until an operator that has started since has read the whole list twice.
pub async fn swept_twice(cluster: &Cluster, before: usize) {
    in_time("two sweeps", SOON, async || match sweeps(cluster).await {
        sweeps if sweeps >= before + 2 => Ok(()),
        sweeps => Err(format!("{sweeps} of {}", before + 2)),
    })
    .await;
}

pub async fn sweeps(cluster: &Cluster) -> usize {
    let journal = cluster.azure.journal("my-speech").await;
    journal
        .iter()
        .filter(|entry| entry["operation"] == "Endpoints_List")
        .count()
}

async fn fleet(cluster: &Cluster) {
    let poll = json!({"spec": {"pollInterval": "5s"}}).to_string();
    cluster
        .plane
        .kubectl_ok(&["patch", "-n", TEAM, "spconn/westeurope", "--type=merge", "-p", &poll])
        .await
        .unwrap();
    let endpoints = (0..FLEET).map(|number| {
        json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
            "metadata": {"name": format!("fleet-{number:02}"), "namespace": TEAM},
            "spec": {"connectionRef": {"name": "westeurope"}, "locale": "en-US", "model": {"base": {}}},
        })
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": endpoints.collect::<Vec<_>>()});
    cluster.plane.apply(&list.to_string()).await.unwrap();
    let all = ["spep,spmodel,spconn", "--all"];
    cluster.ready(TEAM, &all, Duration::from_secs(180)).await;
}

/// The values of the upgrade. The webhook of AKS is not here: its variables and its volume are set by values instead.
fn values() -> Value {
    let token = "/var/run/secrets/azure/tokens";
    let mut policy = policy::narrowed();
    policy["extraEgress"] = json!([{
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": azure::NAMESPACE}}}],
        "ports": [{"protocol": "TCP", "port": 8765}],
    }]);
    json!({
        "networkPolicy": policy,
        "allowHttp": true,
        "allowedHosts": ["*.cognitiveservices.azure.com", "*.api.cognitive.microsoft.com", "speech-emulator.azure.svc"],
        "concurrency": 32,
        "workloadIdentity": {"enabled": true},
        "serviceAccount": {"annotations": {"azure.workload.identity/client-id": CLIENT}},
        "entra": {"identityNamespaces": [LENT]},
        "extraEnv": [
            {"name": "AZURE_CLIENT_ID", "value": CLIENT},
            {"name": "AZURE_TENANT_ID", "value": TENANT},
            {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": format!("{token}/azure-identity-token")},
            {"name": "AZURE_AUTHORITY_HOST", "value": "https://login.microsoftonline.com/"},
        ],
        "extraVolumes": [{"name": "azure-identity-token", "projected": {"sources": [{"serviceAccountToken": {
            "audience": "api://AzureADTokenExchange", "expirationSeconds": 3600, "path": "azure-identity-token",
        }}]}}],
        "extraVolumeMounts": [{"name": "azure-identity-token", "mountPath": token, "readOnly": true}],
    })
}

pub async fn an_upgrade_with_other_values_writes_nothing_and_changes_no_ready(cluster: &mut Cluster) {
    fleet(cluster).await;
    let old = cluster.replicas().await;
    let (before, writes, seen) = (
        standing(cluster).await,
        cluster.azure.writes("my-speech").await,
        sweeps(cluster).await,
    );
    let file = cluster
        .site
        .folder()
        .write("upgrade.json", &values().to_string())
        .unwrap();
    let page = blocks("docs/install.md", "## Upgrading");
    let keep = "--reset-then-reuse-values";
    let with_values = format!("{keep} --values {}", file.display());
    let began = Instant::now();
    cluster
        .run(&commands(page.first().unwrap()), &[(keep, &with_values)])
        .await;
    let new = cluster.replicas().await;
    let rolled = began.elapsed();
    assert!(
        new.iter().all(|pod| old.iter().all(|old| name(old) != name(pod))),
        "other Pods"
    );
    swept_twice(cluster, seen).await;
    assert_eq!(standing(cluster).await, before, "a Ready has changed");
    assert_eq!(
        cluster.azure.writes("my-speech").await,
        writes,
        "the Speech service was changed"
    );
    println!(
        "helm upgrade of {FLEET} endpoints: two other Pods Ready after {rolled:.1?}, no write, no change of Ready"
    );
}

pub async fn the_operators_own_projected_token_opens_a_resource(cluster: &mut Cluster) {
    let application = json!({
        "tenantId": TENANT, "clientId": CLIENT, "roles": {"my-speech": "Contributor"},
        "federated": [{
            "issuer": ISSUER, "subject": format!("system:serviceaccount:{NAMESPACE}:{RELEASE}"),
            "audience": "api://AzureADTokenExchange",
        }],
    });
    cluster.azure.control.declare_application(application).await.unwrap();
    let auth = json!({"workloadIdentity": {"tenantId": TENANT, "clientId": CLIENT}});
    let endpoint = "https://my-speech.cognitiveservices.azure.com";
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LENT}},
        connection(LENT, "own", json!({"endpoint": endpoint, "auth": auth})),
        connection(TEAM, "borrowed", json!({"endpoint": endpoint, "auth": auth})),
    ]});
    cluster.plane.apply(&list.to_string()).await.unwrap();
    cluster.ready(LENT, &["spconn/own"], SOON).await;
    let used = cluster.azure.journal("my-speech").await;
    assert!(
        used.iter()
            .any(|entry| entry["client"] == CLIENT && entry["status"] == 200),
        "by its own identity"
    );
    in_time("another namespace is not lent it", SOON, async || {
        let borrowed = cluster.object(TEAM, "spconn", "borrowed").await;
        match condition(&borrowed, "Ready")["reason"].as_str() {
            Some("IdentityNotAllowed") => Ok(()),
            reason => Err(format!("{reason:?}")),
        }
    })
    .await;
    for (namespace, object) in [(LENT, "spconn/own"), (TEAM, "spconn/borrowed")] {
        cluster
            .plane
            .kubectl_ok(&["delete", "-n", namespace, object])
            .await
            .unwrap();
    }
}

pub async fn an_emulator_in_the_cluster_is_reached_through_its_service(cluster: &mut Cluster) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "emulator-key", "namespace": TEAM},
        "stringData": {"key": seed::key("westeurope", 1)},
    });
    let spec = json!({
        "endpoint": "http://speech-emulator.azure.svc/westeurope", "auth": {"keySecretRef": {"name": "emulator-key"}},
    });
    let endpoint = json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
        "metadata": {"name": "through-the-service", "namespace": TEAM},
        "spec": {"connectionRef": {"name": "emulator"}, "locale": "en-US", "model": {"base": {}}},
    });
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": [secret, connection(TEAM, "emulator", spec), endpoint]});
    cluster.plane.apply(&list.to_string()).await.unwrap();
    cluster.ready(TEAM, &["spep/through-the-service"], SOON).await;
    for object in ["spep/through-the-service", "spconn/emulator", "secret/emulator-key"] {
        cluster
            .plane
            .kubectl_ok(&["delete", "-n", TEAM, object, "--timeout=2m"])
            .await
            .unwrap();
    }
}

fn connection(namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechConnection",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}
