//! The NetworkPolicy of the chart, enforced by kube-router.
use crate::{
    azure,
    cluster::{Cluster, idle_pod},
    daemons::DNS,
    harness::in_time,
    pods::{NAMESPACE, SOON},
    site::{NODE_ADDRESS, OUTSIDE, STRANGER},
};
use serde_json::{Value, json};

/// The namespace of those who look at the operator from elsewhere.
const ELSEWHERE: &str = "monitoring";
const API_SERVER: &str = "10.96.0.1";
const REGISTRY_PORT: u16 = 5000;
/// The operator's port.
const PORT: u16 = 8080;

/// Waits until a connection can be made, or cannot: kube-router needs a moment for a Pod that it has not seen before.
async fn expect(cluster: &Cluster, from: &Value, address: &str, port: u16, reached: bool) {
    let what = format!("{} reaches {address}:{port}: {reached}", crate::pods::name(from));
    in_time(&what, SOON, async || match cluster.reaches(from, address, port).await {
        seen if seen == reached => Ok(()),
        seen => Err(seen.to_string()),
    })
    .await;
}

/// Pods in another namespace, one of them as Prometheus is labelled.
async fn lookers(cluster: &Cluster) -> [Value; 2] {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ELSEWHERE}});
    cluster.plane.apply(&namespace.to_string()).await.unwrap();
    let prometheus = idle_pod(ELSEWHERE, "prometheus", json!({"app.kubernetes.io/name": "prometheus"}));
    let other = idle_pod(ELSEWHERE, "other", json!({"app.kubernetes.io/name": "other"}));
    [cluster.pod(&prometheus).await, cluster.pod(&other).await]
}

fn address(pod: &Value) -> &str {
    pod["status"]["podIP"].as_str().unwrap()
}

pub async fn the_shipped_network_policy_lets_the_operator_reach_what_it_needs_and_nothing_else(cluster: &mut Cluster) {
    let [prometheus, other] = lookers(cluster).await;
    let emulator = cluster.object(azure::NAMESPACE, "pod", azure::SERVICE).await;
    let outside = OUTSIDE.to_string();
    // Without a policy all of it can be reached, so that what cannot is the policy's doing.
    for (address, port) in [
        (address(&emulator), 8765),
        (&outside, REGISTRY_PORT),
        (&NODE_ADDRESS.to_string(), 10250),
    ] {
        expect(cluster, &other, address, port, true).await;
    }
    for pod in cluster.replicas().await {
        for (address, port) in [
            (DNS, 53),
            (API_SERVER, 443),
            (&NODE_ADDRESS.to_string(), 6443),
            (&outside, 443),
        ] {
            expect(cluster, &pod, address, port, true).await;
        }
        for (address, port) in [
            (address(&emulator), 8765),
            (&outside, REGISTRY_PORT),
            (&NODE_ADDRESS.to_string(), 10250),
        ] {
            expect(cluster, &pod, address, port, false).await;
        }
        for looker in [&prometheus, &other] {
            expect(cluster, looker, address(&pod), PORT, true).await;
        }
    }
    assert!(
        cluster.object(NAMESPACE, "networkpolicy", "speech-operator").await["spec"]["ingress"][0]["from"].is_null()
    );
}

/// The addresses and labels that the upgrade before has named.
pub fn narrowed() -> Value {
    let labels = json!({"app.kubernetes.io/name": "prometheus"});
    json!({
        "apiServer": {"cidrs": [format!("{API_SERVER}/32"), format!("{NODE_ADDRESS}/32")]},
        "speechService": {"cidrs": [format!("{OUTSIDE}/32")]},
        "ingress": {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": labels}}]},
    })
}

pub async fn the_narrowed_network_policy_lets_nobody_in_but_prometheus(cluster: &mut Cluster) {
    let [prometheus, other] = lookers(cluster).await;
    // The service's port at another address.
    let stranger = STRANGER.to_string();
    let _listener = tokio::net::TcpListener::bind((STRANGER, 443)).await.unwrap();
    expect(cluster, &other, &stranger, 443, true).await;
    for pod in cluster.replicas().await {
        for (address, port) in [
            (DNS, 53),
            (API_SERVER, 443),
            (&NODE_ADDRESS.to_string(), 6443),
            (&OUTSIDE.to_string(), 443),
        ] {
            expect(cluster, &pod, address, port, true).await;
        }
        expect(cluster, &pod, &stranger, 443, false).await;
        expect(cluster, &other, address(&pod), PORT, false).await;
        expect(cluster, &prometheus, address(&pod), PORT, true).await;
    }
}
