//! docs/install.md names what runs here.
use crate::{cluster::Cluster, document::repository, harness::NODE};

pub async fn the_page_names_the_versions_that_run_here(cluster: &mut Cluster) {
    let page = read("docs/install.md");
    let node = cluster.object("default", "node", NODE).await;
    let info = &node["status"]["nodeInfo"];
    let kubelet = info["kubeletVersion"].as_str().unwrap();
    let server = cluster.plane.kubectl_ok(&["get", "--raw", "/version"]).await.unwrap();
    assert!(server.contains(&format!("\"gitVersion\": \"{kubelet}\"")), "{server}");
    for (part, version) in [
        ("API server, kubelet, scheduler, kube-proxy (nftables)", kubelet),
        ("Helm", &required("tests/chart/helm", "helm.sh/helm/v4")),
        (
            "DNS: CoreDNS",
            &required("tests/node/coredns", "github.com/coredns/coredns"),
        ),
        (
            "NetworkPolicy: kube-router",
            &required("tests/node/kube-router", "github.com/cloudnativelabs/kube-router/v2"),
        ),
    ] {
        assert!(page.contains(&format!("| {part} | {version} |\n")), "{part} {version}");
    }
    // It is the one that the distribution has.
    println!("containerd here: {}", info["containerRuntimeVersion"]);
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

fn required(folder: &str, module: &str) -> String {
    let text = read(&format!("{folder}/go.mod"));
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("require {module} ")));
    line.unwrap().to_owned()
}
