//! The leader goes: its node is drained, or its process stands still.
use crate::{
    cluster::Cluster,
    harness::{CommandOutput, in_time},
    pods::{NAMESPACE, SOON, name},
    stages::keyless::TEAM,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// The other one takes over long before a Lease of 15 s would end by itself.
const IN_SECONDS: Duration = Duration::from_secs(12);

pub async fn an_evicted_leader_hands_over_in_seconds_and_its_pod_comes_back(cluster: &mut Cluster) {
    let pods = cluster.replicas().await;
    let holder = cluster.leader().await;
    let (leader, standby): (Vec<_>, Vec<_>) = pods.iter().partition(|pod| holder.starts_with(name(pod)));
    let (leader, standby) = (name(leader[0]), name(standby[0]));

    let began = Instant::now();
    let evicted = evict(cluster, leader).await;
    assert!(evicted.success(), "{evicted:?}");
    // As `kubectl drain` is refused the last replica, until another one is Ready.
    let second = evict(cluster, standby).await;
    assert!(second.stderr.contains("disruption budget"), "{second:?}");
    in_time("the standby leads", SOON, async || match cluster.leader().await {
        holder if holder.starts_with(standby) => Ok(()),
        holder => Err(holder),
    })
    .await;
    let handed_over = began.elapsed();

    let endpoint = json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
        "metadata": {"name": "after-the-eviction", "namespace": TEAM},
        "spec": {"connectionRef": {"name": "westeurope"}, "locale": "en-US", "model": {"base": {}}},
    });
    cluster.plane.apply(&endpoint.to_string()).await.unwrap();
    let created = Duration::from_secs(120);
    cluster.ready(TEAM, &["spep/after-the-eviction"], created).await;
    let works = began.elapsed();
    let pods = cluster.replicas().await;
    assert!(pods.iter().all(|pod| name(pod) != leader), "the evicted Pod has gone");
    let back = began.elapsed();
    println!(
        "eviction of the leader: handed over after {handed_over:.1?}, an endpoint made by the other after {works:.1?}, two replicas again after {back:.1?}"
    );
    assert!(handed_over < IN_SECONDS, "{handed_over:?}");
}

/// As deployment.yaml reckons: 85 s, and the container's start.
const RESTARTED: Duration = Duration::from_secs(110);

pub async fn a_leader_that_stands_still_is_replaced_and_its_container_restarted(cluster: &mut Cluster) {
    let pods = cluster.replicas().await;
    let holder = cluster.leader().await;
    let frozen = pods.iter().find(|pod| holder.starts_with(name(pod))).unwrap();
    let process = cluster.operator_process(frozen);
    let began = Instant::now();
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &process.to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    in_time("another one leads", SOON, async || match cluster.leader().await {
        other if other != holder && !other.is_empty() => Ok(()),
        other => Err(other),
    })
    .await;
    let handed_over = began.elapsed();
    in_time("the kubelet has restarted it", 2 * SOON, async || {
        let pod = cluster.object(NAMESPACE, "pod", name(frozen)).await;
        match &pod["status"]["containerStatuses"][0] {
            status if status["restartCount"] == 1 && status["ready"] == true => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
    let restarted = began.elapsed();
    assert!(
        !cluster.leader().await.starts_with(name(frozen)),
        "it does not act again"
    );
    println!(
        "a leader that stands still: handed over after {handed_over:.1?}, restarted and Ready after {restarted:.1?}"
    );
    assert!(restarted < RESTARTED, "{restarted:?}");
}

/// What `kubectl drain` asks for each Pod of a node.
async fn evict(cluster: &Cluster, pod: &str) -> CommandOutput {
    let eviction =
        json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}});
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction");
    cluster
        .plane
        .kubectl_stdin(&["create", "--raw", &path, "-f", "-"], &eviction.to_string())
        .await
        .unwrap()
}
