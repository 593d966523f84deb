//! The Pods of the release.
use crate::{
    cluster::Cluster,
    pods::{NAMESPACE, name},
};

pub async fn both_replicas_are_ready_under_the_restricted_standard_and_one_leads(cluster: &mut Cluster) {
    let namespace = cluster.object("default", "namespace", NAMESPACE).await;
    assert_eq!(
        namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
    let pods = cluster.replicas().await;
    let leader = cluster.leader().await;
    let leaders = pods.iter().filter(|pod| leader.starts_with(name(pod))).count();
    assert_eq!(
        leaders,
        1,
        "{leader} of {:?}",
        pods.iter().map(name).collect::<Vec<_>>()
    );
    for pod in &pods {
        let status = &pod["status"]["containerStatuses"][0];
        assert_eq!(status["restartCount"], 0, "{status:#}");
        assert!(
            status["imageID"].as_str().unwrap().contains("speech-operator@sha256:"),
            "{status:#}"
        );
        // The kubelet asks /livez every 20 s and /readyz every 5 s, and an answer that it does not like makes an event.
        let all = events(cluster, &format!("involvedObject.name={}", name(pod))).await;
        assert!(all >= 3, "a start makes events: {all}");
        let unhealthy = events(cluster, &format!("involvedObject.name={},reason=Unhealthy", name(pod))).await;
        assert!(
            unhealthy <= 1,
            "but for a look before the caches are filled: {unhealthy}"
        );
    }
    // The standard refuses what it is to refuse.
    let refused = ["run", "root", "-n", NAMESPACE, "--image=node.invalid/pause:1"];
    let refused = cluster.plane.kubectl(&refused).await.unwrap();
    assert!(refused.stderr.contains("violates PodSecurity"), "{refused:?}");
}

/// How many events there are.
async fn events(cluster: &Cluster, selector: &str) -> usize {
    let args = [
        "get",
        "events",
        "-n",
        NAMESPACE,
        "--field-selector",
        selector,
        "-o",
        "name",
    ];
    cluster.plane.kubectl_ok(&args).await.unwrap().lines().count()
}
