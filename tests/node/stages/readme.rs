//! The end of the release, and "Use it" of README.md word for word, in the same cluster.
use super::{
    keyless::readme_manifest,
    upgrade::{standing, sweeps, swept_twice},
};
use crate::{
    cluster::Cluster,
    daemons::REGISTRY,
    document::{blocks, commands},
    harness::in_time,
    images,
    pods::{NAMESPACE, SOON},
};
use std::time::Instant;

/// With the root of what stands for Azure; another stage has it in a ConfigMap.
const TRUSTING: &str = "--create-namespace --set caBundle.secret=cloud-roots";

pub async fn an_uninstallation_leaves_everything_and_use_it_of_the_readme_finds_it_again(cluster: &mut Cluster) {
    let (before, writes) = (standing(cluster).await, cluster.azure.writes("my-speech").await);
    let remote = cluster.azure.control.resource("my-speech").await.unwrap();
    uninstall(cluster).await;
    assert_eq!(standing(cluster).await, before, "all objects are kept");
    let after = cluster.azure.control.resource("my-speech").await.unwrap();
    for kind in ["endpoints", "models"] {
        assert_eq!(after[kind], remote[kind], "the Speech service keeps its {kind}");
    }

    let seen = sweeps(cluster).await;
    use_it(cluster).await;
    swept_twice(cluster, seen).await;
    assert_eq!(standing(cluster).await, before, "all objects are found again");
    assert_eq!(
        cluster.azure.writes("my-speech").await,
        writes,
        "and nothing is made again"
    );
}

/// Ends the release, and waits until its Pods are gone.
pub async fn uninstall(cluster: &Cluster) {
    let page = blocks("docs/install.md", "## Uninstalling");
    cluster.run(&commands(page.first().unwrap()), &[]).await;
    in_time("the Pods are gone", SOON, async || {
        match cluster
            .objects(NAMESPACE, "pods", "app.kubernetes.io/name=speech-operator")
            .await
            .len()
        {
            0 => Ok(()),
            pods => Err(format!("{pods} are left")),
        }
    })
    .await;
}

/// Every command of the section, in order; the manifest is saved under the name that the commands read.
async fn use_it(cluster: &Cluster) {
    let began = Instant::now();
    let folder = cluster.site.folder();
    let root = format!("--from-file=ca-bundle.crt={}", cluster.cloud_root.display());
    let secret = ["create", "secret", "generic", "cloud-roots", "-n", NAMESPACE, &root];
    cluster.plane.kubectl_ok(&secret).await.unwrap();
    let manifest = folder.write("speech.yaml", &readme_manifest().text).unwrap();
    let manifest = format!("-f {}", manifest.display());
    let image = images::given("speech-operator").map(|given| given.display().to_string());
    let built = "cargo xtask image --out target/speech-operator-image";
    // What differs here from a person's cluster.
    let table = [
        ("registry.example.com", REGISTRY),                // the registry of this node
        ("--create-namespace", TRUSTING),                  // Azure's hosts have a certificate of ours
        ("-f speech.yaml", &manifest),                     // the folder is the repository
        (built, image.as_ref().map_or(built, |_| "true")), // another image is to be tested
        (
            "target/speech-operator-image",
            image.as_deref().unwrap_or("target/speech-operator-image"),
        ),
    ];
    let mut said = String::new();
    let page = blocks("README.md", "## Use it");
    for block in page.iter().filter(|block| block.language != "yaml") {
        let commands = commands(block);
        let here = table.iter().filter(|(words, _)| commands.contains(words)).copied();
        said.push_str(&cluster.run(&commands, &here.collect::<Vec<_>>()).await);
    }
    let listed = said
        .lines()
        .any(|line| line.contains("claims-hotline") && line.contains("True"));
    assert!(listed, "{said}");
    println!(
        "README.md, \"Use it\": the first endpoint Ready after {:.1?}",
        began.elapsed()
    );
}
