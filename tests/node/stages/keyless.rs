//! From an empty node to a swap of an endpoint without any key, by the commands of docs/install.md and docs/authentication.md and the
//! manifests of README.md.
use crate::{
    azure::DATASETS,
    cluster::Cluster,
    document::{Block, blocks, commands},
    harness::in_time,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What docs/authentication.md calls the team's namespace.
pub const TEAM: &str = "claims";
/// What a person who follows the pages may need.
const PROMISED: Duration = Duration::from_secs(600);
const CONNECTED: Duration = Duration::from_secs(120);
const SWAPPED: Duration = Duration::from_secs(300);

pub async fn an_empty_node_reaches_a_swap_without_any_key_in_ten_minutes(cluster: &mut Cluster) {
    let began = Instant::now();
    install(cluster).await;
    let installed = began.elapsed();

    let page = blocks("docs/authentication.md", "## A ServiceAccount of your namespace");
    let [azure, kubernetes, connection] = page.as_slice() else {
        panic!("{page:?}")
    };
    cluster.run(&commands(azure), &[]).await;
    cluster.run(&commands(kubernetes), &[]).await;
    cluster.plane.apply(&connection.text).await.unwrap();
    cluster.ready(TEAM, &["spconn/westeurope"], CONNECTED).await;

    let manifest = readme_manifest();
    let (_, model_and_endpoint) = manifest.text.split_once("---\n").unwrap();
    cluster
        .plane
        .kubectl_stdin(&["apply", "-n", TEAM, "-f", "-"], model_and_endpoint)
        .await
        .unwrap();
    cluster.ready(TEAM, &["spep", "--all"], SWAPPED).await;
    let ready = began.elapsed();

    let first = serving(cluster, "claims-hotline").await;
    let training = json!({"spec": {"source": {"training": {"datasets": DATASETS}}}}).to_string();
    cluster
        .plane
        .kubectl_ok(&[
            "patch",
            "-n",
            TEAM,
            "spmodel",
            "claims",
            "--type=merge",
            "-p",
            &training,
        ])
        .await
        .unwrap();
    in_time(
        "the endpoint serves the next revision",
        SWAPPED,
        async || match serving(cluster, "claims-hotline").await {
            model if model != first => Ok(()),
            model => Err(model.to_string()),
        },
    )
    .await;
    cluster.ready(TEAM, &["spep,spmodel", "--all"], SWAPPED).await;
    let swapped = began.elapsed();

    for entry in cluster.azure.journal("my-speech").await {
        assert!(entry["keyUsed"].is_null() && entry["client"].is_string(), "{entry:#}");
    }
    println!(
        "from an empty node: installed after {installed:.1?}, endpoint Ready after {ready:.1?}, swapped without any key after {swapped:.1?}"
    );
    assert!(swapped < PROMISED, "{swapped:?}");
}

/// Runs the commands of docs/install.md. Azure's hosts have a certificate of ours here, so the chart is given its root.
async fn install(cluster: &Cluster) {
    let page = blocks("docs/install.md", "## With Helm");
    let roots = trust_the_cloud(cluster);
    let helm = "helm install speech-operator deploy/chart";
    let install = commands(page.iter().find(|block| block.text.contains(helm)).unwrap());
    let with_roots = format!("{roots}\n{helm} --set caBundle.configMap=cloud-roots");
    cluster.run(&install, &[(helm, &with_roots)]).await;
    cluster.replicas().await;
}

/// The command that makes the ConfigMap with the root of what stands for Azure.
pub fn trust_the_cloud(cluster: &Cluster) -> String {
    format!(
        "kubectl -n speech-system create configmap cloud-roots --from-file=ca-bundle.crt={}",
        cluster.cloud_root.display()
    )
}

/// The manifest of README.md.
pub fn readme_manifest() -> Block {
    let page = blocks("README.md", "## Use it");
    page.into_iter().find(|block| block.language == "yaml").unwrap()
}

/// The model that an endpoint of the keyless resource serves, by the emulator's own word.
async fn serving(cluster: &Cluster, name: &str) -> Value {
    let object = cluster.object(TEAM, "spep", name).await;
    let resource = cluster.azure.control.resource("my-speech").await.unwrap();
    let endpoints = resource["endpoints"].as_array().unwrap();
    let id = object["status"]["id"].as_str().unwrap_or_else(|| panic!("{object:#}"));
    let found = endpoints
        .iter()
        .find(|endpoint| endpoint["id"] == id)
        .unwrap_or_else(|| panic!("{id} is not there"));
    found["model"].clone()
}
