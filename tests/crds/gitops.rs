//! What `deploy/argocd` and `deploy/flux` ship fits what Argo CD and Flux have, as far as an API server can tell.
use super::{
    harness::{HarnessError, installed},
    plane, repository, text,
};
use serde_json::Value;

fn documents(path: &str) -> Vec<Value> {
    let yaml = std::fs::read_to_string(repository().join(path)).unwrap();
    serde_saphyr::from_multiple(&yaml).unwrap()
}

#[tokio::test]
async fn the_scripts_for_argo_cd_are_added_to_what_its_configuration_has() -> Result<(), HarnessError> {
    let plane = plane().await?;
    plane.kubectl_ok(&["create", "namespace", "argocd"]).await?;
    let own = "{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm, namespace: argocd, \
        labels: {app.kubernetes.io/part-of: argocd}}, data: {url: 'https://argo.example'}}";
    plane.apply(own).await?;
    let file = text(&repository().join("deploy/argocd/argocd-cm.yaml"));
    // The command that stands in the file.
    let yaml = std::fs::read_to_string(&file).unwrap();
    let command = yaml.lines().find_map(|line| line.strip_prefix("#   kubectl ")).unwrap();
    let command = command.replace("deploy/argocd/argocd-cm.yaml", &file);
    let args: Vec<&str> = command.split(' ').collect();
    plane.kubectl_ok(&args).await?;
    let args = ["get", "configmap", "argocd-cm", "-n", "argocd", "-o", "json"];
    let configuration: Value = serde_json::from_str(&plane.kubectl_ok(&args).await?).unwrap();
    let data = configuration["data"].as_object().unwrap();
    assert_eq!(data["url"], "https://argo.example");
    let patch: Value = serde_saphyr::from_str(&yaml).unwrap();
    let shipped = patch["data"].as_object().unwrap();
    assert!(shipped.iter().all(|(key, script)| data[key] == *script));
    assert_eq!(data.len(), shipped.len() + 1);
    Ok(())
}

#[tokio::test]
async fn an_alert_of_flux_takes_our_kinds_once_its_definition_is_patched() -> Result<(), HarnessError> {
    let plane = plane().await?;
    let folder = text(&installed("tests/notification-controller")?);
    plane
        .kubectl_ok(&["apply", "--server-side", "--filename", &folder])
        .await?;
    let name = "alerts.notification.toolkit.fluxcd.io";
    let crd = format!("crd/{name}");
    plane
        .kubectl_ok(&["wait", "--for=condition=Established", &crd, "--timeout=60s"])
        .await?;
    plane.kubectl_ok(&["create", "namespace", "flux-system"]).await?;
    let alert = text(&repository().join("deploy/flux/alert.yaml"));
    let try_alert = ["apply", "--dry-run=server", "--validate=strict", "--filename", &alert];
    let refused = plane.kubectl(&try_alert).await?;
    assert!(
        refused.stderr.contains("Unsupported value: \"SpeechEndpoint\""),
        "{refused:?}"
    );

    let patch = text(&repository().join("deploy/flux/alert-kinds.yaml"));
    plane
        .kubectl_ok(&["patch", "crd", name, "--type=json", "--patch-file", &patch])
        .await?;
    let taken = async || match plane.kubectl(&try_alert).await {
        Ok(output) if output.success() => Ok(()),
        Ok(output) => Err(output.stderr),
        Err(error) => Err(error.to_string()),
    };
    let deadline = std::time::Duration::from_secs(30);
    super::harness::eventually("the alert is taken", deadline, taken).await?;

    // The kinds that an Alert may name are those that events are about.
    let sources = documents("deploy/flux/alert.yaml")[0]["spec"]["eventSources"].clone();
    let kinds: Vec<_> = sources
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [Some("SpeechConnection"), Some("SpeechModel"), Some("SpeechEndpoint")]
    );
    Ok(())
}
