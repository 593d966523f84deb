//! Who sees metrics and the fleet page.
use crate::{
    azure,
    cluster::Cluster,
    document::{blocks, commands},
    harness::{Process, free_address, in_time},
    pods::{NAMESPACE, RELEASE, SOON},
};
use serde_json::Value;

pub async fn the_forwarded_port_shows_the_fleet_and_the_service_shows_metrics_alone(cluster: &mut Cluster) {
    let page = blocks("docs/fleet-page.md", "# The fleet page");
    let forward = commands(page.first().unwrap());
    let forward = forward.lines().next().unwrap();
    let fleet = forwarded(cluster, forward).await;
    assert!(fleet.contains("claims-hotline"), "{fleet}");

    let emulator = cluster.object(azure::NAMESPACE, "pod", azure::SERVICE).await;
    let service = cluster.object(NAMESPACE, "service", RELEASE).await;
    let address = service["spec"]["clusterIP"].as_str().unwrap();
    let replicas = cluster.replicas().await;
    let replicas = replicas.iter().map(|pod| pod["status"]["podIP"].as_str().unwrap());
    // A standby has metrics of its own; those of the objects are the leader's.
    for host in replicas.chain([address]) {
        let metrics = seen(cluster, &emulator, &format!("http://{host}:8080/metrics")).await;
        let metrics = metrics.unwrap_or_default();
        assert!(metrics.contains("# TYPE speech_"), "{host}: {metrics}");
    }
    let page = seen(cluster, &emulator, &format!("http://{address}:8080/fleet")).await;
    assert_eq!(page, None, "the page is not for the Service");
}

/// What a Pod is shown there, if it is shown anything.
async fn seen(cluster: &Cluster, pod: &Value, url: &str) -> Option<String> {
    let curl = ["curl", "--noproxy", "*", "--silent", "--fail", "--max-time", "10", url];
    cluster.in_network_of(pod, &curl).await
}

/// What `/fleet` shows through the port that this command forwards.
async fn forwarded(cluster: &Cluster, command: &str) -> String {
    let (_, rest) = command.split_once("kubectl ").unwrap();
    // Any port of this machine in place of 8080, which may be another's.
    let address = free_address().unwrap();
    let (_, port) = address.split_once(':').unwrap();
    let (rest, remote) = rest.rsplit_once(' ').unwrap();
    let args: Vec<String> = rest
        .split(' ')
        .map(str::to_owned)
        .chain([format!("{port}:{remote}")])
        .collect();
    let kubeconfig = cluster.plane.kubeconfig().display().to_string();
    let log = cluster.site.folder().path().join("port-forward.log");
    let kubectl = cluster.plane.programs().join("kubectl");
    let mut forward = Process::start(
        "kubectl port-forward",
        &kubectl,
        &args,
        &[("KUBECONFIG", &kubeconfig)],
        &log,
    )
    .unwrap();
    forward.wait_for_log("Forwarding from", SOON).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    in_time("the fleet page is shown", SOON, async || {
        let answer = client
            .get(format!("http://localhost:{port}/fleet"))
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let answer = answer.error_for_status().map_err(|error| error.to_string())?;
        answer.text().await.map_err(|error| error.to_string())
    })
    .await
}
