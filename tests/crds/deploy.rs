//! What is shipped in `deploy/` is accepted by a real API server and grants what it should, no more.
use super::{harness::HarnessError, plane, repository, schema::crds, text};
use serde_json::Value;
use std::collections::BTreeSet;

/// The objects of `deploy/base` as kustomize gives them, applied once for all tests that need them.
async fn install_base() -> Result<&'static str, HarnessError> {
    static BASE: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    let install = async || {
        let plane = plane().await?;
        let yaml = plane
            .kubectl_ok(&["kustomize", &text(&repository().join("deploy/base"))])
            .await?;
        // The definitions are a step of their own, and come first.
        let definitions = repository().join("crds");
        plane.kubectl_ok(&["apply", "--kustomize", &text(&definitions)]).await?;
        let namespace = repository().join("deploy/base/namespace.yaml");
        plane.kubectl_ok(&["apply", "--filename", &text(&namespace)]).await?;
        let args = ["apply", "--dry-run=server", "--filename", "-"];
        let dry = plane.kubectl_stdin(&args, &yaml).await?;
        assert!(dry.success() && !dry.stderr.contains("Warning"), "{dry:?}");
        plane.apply(&yaml).await?;
        Ok::<_, HarnessError>(yaml)
    };
    BASE.get_or_try_init(install).await.map(String::as_str)
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

#[tokio::test]
async fn the_base_installs_everything_the_operator_needs() -> Result<(), HarnessError> {
    let mut kinds: Vec<String> = documents(install_base().await?)
        .iter()
        .map(|object| object["kind"].as_str().unwrap().to_owned())
        .collect();
    kinds.sort();
    let expected = [
        "ClusterRole",
        "ClusterRole",
        "ClusterRole",
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "Namespace",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
    ];
    assert_eq!(kinds, expected);
    Ok(())
}

/// Who deletes what the base holds must not delete objects with it.
#[tokio::test]
async fn the_definitions_are_a_step_of_their_own() -> Result<(), HarnessError> {
    let folder = repository().join("crds");
    let yaml = plane().await?.kubectl_ok(&["kustomize", &text(&folder)]).await?;
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    let names: BTreeSet<String> = documents(&yaml).iter().map(name).collect();
    let kinds: BTreeSet<String> = crds().iter().map(|(_, crd)| name(crd)).collect();
    assert_eq!(names, kinds);
    let base = documents(install_base().await?);
    assert!(base.iter().all(|object| object["kind"] != "CustomResourceDefinition"));
    Ok(())
}

#[tokio::test]
async fn the_deployment_is_of_this_version_and_locked_down() -> Result<(), HarnessError> {
    let objects = documents(install_base().await?);
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let image = format!("ghcr.io/speech-operator/speech-operator:v{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(container["image"], *image);
    let secured = serde_json::json!({
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
    });
    assert_eq!(container["securityContext"], secured);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    Ok(())
}

#[tokio::test]
async fn a_process_that_stands_still_is_restarted_within_90_s() -> Result<(), HarnessError> {
    let objects = documents(install_base().await?);
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let probe = &deployment["spec"]["template"]["spec"]["containers"][0]["livenessProbe"];
    let seconds = |field: &str| probe[field].as_u64().unwrap();
    // At worst it stops right after a probe was answered, and SIGTERM means nothing to it.
    let failures = seconds("periodSeconds") * seconds("failureThreshold") + seconds("timeoutSeconds");
    assert!(failures + seconds("terminationGracePeriodSeconds") < 90, "{probe}");
    Ok(())
}

#[tokio::test]
async fn two_replicas_are_spread_and_replaced_one_by_one() -> Result<(), HarnessError> {
    let objects = documents(install_base().await?);
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap();
    let deployment = &of("Deployment")["spec"];
    assert_eq!(deployment["replicas"], 2);
    assert_eq!(deployment["strategy"]["type"], "RollingUpdate");
    assert_eq!(deployment["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let labels = &deployment["selector"]["matchLabels"];
    let pod = &deployment["template"]["spec"];
    assert!(
        pod["terminationGracePeriodSeconds"].as_u64().unwrap() >= 30,
        "25 s of draining, and a release"
    );
    let spread = pod["topologySpreadConstraints"].as_array().unwrap();
    let keys: Vec<_> = spread.iter().map(|constraint| &constraint["topologyKey"]).collect();
    assert_eq!(keys, ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]);
    for constraint in spread {
        assert_eq!(&constraint["labelSelector"]["matchLabels"], labels);
    }
    let names: Vec<_> = pod["containers"][0]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|env| &env["name"])
        .collect();
    assert_eq!(names, ["POD_NAME", "POD_NAMESPACE"]);
    let budget = &of("PodDisruptionBudget")["spec"];
    assert_eq!(
        (&budget["maxUnavailable"], &budget["selector"]["matchLabels"]),
        (&1.into(), labels)
    );
    Ok(())
}

/// Pod security admission judges pods only, so one like the Deployment's is tried.
#[tokio::test]
async fn the_pod_passes_the_restricted_pod_security_standard_of_its_namespace() -> Result<(), HarnessError> {
    let objects = documents(install_base().await?);
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "tried".into();
    pod["metadata"]["namespace"] = "speech-system".into();
    let args = ["create", "--dry-run=server", "--filename", "-"];
    let allowed = plane().await?.kubectl_stdin(&args, &pod.to_string()).await?;
    assert!(allowed.success(), "{allowed:?}");

    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
    let refused = plane().await?.kubectl_stdin(&args, &pod.to_string()).await?;
    assert!(refused.stderr.contains("violates PodSecurity"), "{refused:?}");
    Ok(())
}

/// Whether an account may do something, by the API server's own word.
async fn may(account: &str, what: &str) -> Result<bool, HarnessError> {
    may_in("team", account, what).await
}

async fn may_in(namespace: &str, account: &str, what: &str) -> Result<bool, HarnessError> {
    let what = format!("{what} --namespace={namespace}");
    plane().await?.may(account, &what).await
}

async fn demand(account: &str, allowed: &[&str], denied: &[&str]) -> Result<(), HarnessError> {
    for what in allowed {
        assert!(may(account, what).await?, "{account} may not {what}");
    }
    for what in denied {
        assert!(!may(account, what).await?, "{account} may {what}");
    }
    Ok(())
}

#[tokio::test]
async fn the_operators_account_may_do_its_work_and_no_more() -> Result<(), HarnessError> {
    install_base().await?;
    let account = "system:serviceaccount:speech-system:speech-operator";
    let allowed = [
        "watch speechconnections.customspeech.dev",
        "patch speechmodels.customspeech.dev",
        "patch speechendpoints.customspeech.dev --subresource=status",
        "update speechendpoints.customspeech.dev --subresource=finalizers",
        "get secrets",
        "get customresourcedefinitions.apiextensions.k8s.io/speechendpoints.customspeech.dev",
        "watch namespaces",
        "create configmaps",
        "create events.events.k8s.io",
    ];
    let at_home = [
        "create leases.coordination.k8s.io",
        "get leases.coordination.k8s.io",
        "watch leases.coordination.k8s.io",
        "update leases.coordination.k8s.io",
    ];
    for what in at_home {
        assert!(
            may_in("speech-system", account, what).await?,
            "{account} may not {what}"
        );
        assert!(!may_in("team", account, what).await?, "{account} may {what} everywhere");
    }
    assert!(!may_in("speech-system", account, "delete leases.coordination.k8s.io").await?);
    let denied = [
        "update speechendpoints.customspeech.dev",
        "delete speechendpoints.customspeech.dev",
        "create speechmodels.customspeech.dev",
        "patch secrets",
        "create pods",
        "create serviceaccounts --subresource=token",
        "delete namespaces",
        "get nodes",
        "get customresourcedefinitions.apiextensions.k8s.io/others.example.com",
        "list customresourcedefinitions.apiextensions.k8s.io",
        "delete customresourcedefinitions.apiextensions.k8s.io/speechendpoints.customspeech.dev",
    ];
    demand(account, &allowed, &denied).await
}

#[tokio::test]
async fn who_may_view_or_edit_a_namespace_may_view_or_edit_its_speech_objects() -> Result<(), HarnessError> {
    install_base().await?;
    let plane = plane().await?;
    plane.kubectl_ok(&["create", "namespace", "team"]).await?;
    for role in ["view", "edit"] {
        let (role_flag, user_flag) = (format!("--clusterrole={role}"), format!("--user={role}er"));
        plane
            .kubectl_ok(&["create", "rolebinding", role, "-n", "team", &role_flag, &user_flag])
            .await?;
    }
    let aggregated = async || match may("editer", "create spep").await {
        Ok(true) => Ok(()),
        Ok(false) => Err("not yet".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let deadline = std::time::Duration::from_secs(30);
    super::harness::eventually("the roles are aggregated", deadline, aggregated).await?;
    demand(
        "viewer",
        &["list spep", "get spconn"],
        &["create spep", "patch spmodel"],
    )
    .await?;
    let denied = ["patch spep --subresource=status"];
    demand("editer", &["list spep", "create spmodel", "delete spconn"], &denied).await
}

#[tokio::test]
async fn every_sample_is_accepted() -> Result<(), HarnessError> {
    let folder = repository().join("deploy/samples");
    let args = ["apply", "--dry-run=server", "--filename", &text(&folder)];
    let output = plane().await?.kubectl(&args).await?;
    assert!(output.success() && output.stderr.is_empty(), "{output:?}");
    let files = std::fs::read_dir(&folder).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let declared: usize = texts.map(|text| documents(&text).len()).sum();
    assert!(declared > 6, "{declared}");
    let accepted = output
        .stdout
        .lines()
        .filter(|line| line.ends_with("created (server dry run)"));
    assert_eq!(accepted.count(), declared, "{}", output.stdout);
    Ok(())
}

#[tokio::test]
async fn every_object_of_the_document_on_swaps_is_accepted() -> Result<(), HarnessError> {
    let document = std::fs::read_to_string(repository().join("docs/swaps.md")).unwrap();
    let parts = document.split("```yaml\n").skip(1);
    let blocks: Vec<&str> = parts.map(|part| part.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 5, "{blocks:?}");
    for block in blocks {
        let args = ["create", "--dry-run=server", "--validate=strict", "--filename", "-"];
        let output = plane().await?.kubectl_stdin(&args, block).await?;
        assert!(output.success() && output.stderr.is_empty(), "{block}\n{output:?}");
    }
    Ok(())
}

#[test]
fn every_sample_names_a_connection_and_models_that_the_samples_declare() {
    let mut objects = Vec::new();
    for file in std::fs::read_dir(repository().join("deploy/samples")).unwrap() {
        objects.extend(documents(&std::fs::read_to_string(file.unwrap().path()).unwrap()));
    }
    let names = |kind: &str| -> Vec<&str> {
        let of_kind = objects.iter().filter(|object| object["kind"] == kind);
        of_kind
            .map(|object| object["metadata"]["name"].as_str().unwrap())
            .collect()
    };
    for object in &objects {
        if let Some(connection) = object["spec"]["connectionRef"]["name"].as_str() {
            assert!(names("SpeechConnection").contains(&connection), "{object}");
        }
        if let Some(model) = object["spec"]["model"]["ref"]["name"].as_str() {
            assert!(names("SpeechModel").contains(&model), "{object}");
        }
    }
}

#[tokio::test]
async fn the_monitoring_objects_hold_the_plain_rules() -> Result<(), HarnessError> {
    let folder = repository().join("deploy/monitoring");
    let yaml = plane().await?.kubectl_ok(&["kustomize", &text(&folder)]).await?;
    let objects = documents(&yaml);
    let rule = objects
        .iter()
        .find(|object| object["kind"] == "PrometheusRule")
        .unwrap();
    let plain = documents(&std::fs::read_to_string(folder.join("rules.yaml")).unwrap());
    assert_eq!(rule["spec"], plain[0]);
    let tests = std::fs::read_to_string(folder.join("rules-test.yaml")).unwrap();
    let groups = plain[0]["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let alerts: Vec<&str> = rules.filter_map(|rule| rule["alert"].as_str()).collect();
    assert!(alerts.len() > 20, "{alerts:?}");
    for name in alerts {
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} has no test");
    }
    Ok(())
}
