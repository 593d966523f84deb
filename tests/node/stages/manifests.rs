//! Without Helm, and from there to the chart.
use super::readme::uninstall;
use crate::{
    cluster::Cluster,
    document::{blocks, commands},
    pods::{NAMESPACE, RELEASE},
};

pub async fn the_manifests_run_and_the_chart_takes_them_over(cluster: &mut Cluster) {
    uninstall(cluster).await;
    let page = blocks("docs/install.md", "## Without Helm");
    cluster.run(&commands(page.first().unwrap()), &[]).await;
    cluster.replicas().await;
    let page = blocks("docs/install.md", "## Upgrading");
    let take = page
        .iter()
        .find(|block| block.text.contains("--take-ownership"))
        .unwrap();
    cluster.run(&commands(take), &[]).await;
    cluster.replicas().await;
    let deployment = cluster.object(NAMESPACE, "deployment", RELEASE).await;
    assert_eq!(
        deployment["metadata"]["annotations"]["meta.helm.sh/release-name"],
        RELEASE
    );
}
