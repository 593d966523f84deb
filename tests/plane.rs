//! The control plane that other tests stand on works, counts writes, and leaves nothing behind.

mod harness;

use harness::{Folder, HarnessError, Plane, Process, count_writes, eventually};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_plane_serves_kubectl_and_a_client_and_namespaces_really_end() -> Result<(), HarnessError> {
    let began = Instant::now();
    let mut plane = Plane::start().await?;
    eprintln!("ready after {:?}", began.elapsed());

    let version = plane.kubectl_ok(&["version", "--output", "json"]).await?;
    assert!(version.contains(r#""gitVersion": "v1.35.4""#), "{version}");

    plane
        .apply("{apiVersion: v1, kind: Namespace, metadata: {name: short-lived}}")
        .await?;
    let config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: short-lived}, data: {a: b}}";
    plane.apply(config).await?;
    let maps = kube::Api::<k8s_openapi::api::core::v1::ConfigMap>::namespaced(plane.client().await?, "short-lived");
    assert!(maps.get_opt("c").await.unwrap().is_some());

    plane
        .kubectl_ok(&["delete", "namespace", "short-lived", "--timeout=60s"])
        .await?;
    assert!(maps.get_opt("c").await.unwrap().is_none());
    let gone = plane.kubectl(&["get", "namespace", "short-lived"]).await?;
    assert_eq!(gone.code, Some(1));
    assert!(gone.stderr.contains("NotFound"), "{}", gone.stderr);

    assert!(
        plane.apiserver().rss_peak_kib() > Some(50_000),
        "{:?}",
        plane.apiserver().rss_peak_kib()
    );
    assert!(
        plane.apiserver().cpu_seconds() > Some(0.1),
        "{:?}",
        plane.apiserver().cpu_seconds()
    );
    Ok(())
}

const WRITER: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata: {name: writer, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: default}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [create, get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: writer, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}
subjects: [{kind: ServiceAccount, name: writer, namespace: default}]
"#;

#[tokio::test]
async fn writes_of_a_service_account_are_counted_and_its_missing_permissions_refused() -> Result<(), HarnessError> {
    let plane = Plane::start().await?;
    plane.apply(WRITER).await?;
    let kubeconfig = plane.service_account_kubeconfig("default", "writer").await?;
    let kubeconfig = kubeconfig.to_str().unwrap();

    plane
        .kubectl_ok(&["--kubeconfig", kubeconfig, "create", "configmap", "one"])
        .await?;
    plane
        .kubectl_ok(&["--kubeconfig", kubeconfig, "get", "configmap", "one"])
        .await?;
    let refused = plane
        .kubectl(&["--kubeconfig", kubeconfig, "delete", "configmap", "one"])
        .await?;
    assert!(refused.stderr.contains("Forbidden"), "{}", refused.stderr);

    let mut entries = plane.audit()?;
    entries.retain(|entry| entry.user == "system:serviceaccount:default:writer");
    let codes: Vec<(&str, &str, u16)> = entries
        .iter()
        .map(|entry| (entry.verb.as_str(), entry.name.as_str(), entry.code))
        .collect();
    assert_eq!(codes, [("create", "one", 201), ("delete", "one", 403)]);
    let key = (
        "system:serviceaccount:default:writer".to_owned(),
        "create".to_owned(),
        "configmaps".to_owned(),
    );
    assert_eq!(count_writes(&entries).get(&key), Some(&1));
    Ok(())
}

#[tokio::test]
async fn an_api_server_that_was_stopped_comes_back_with_its_data() -> Result<(), HarnessError> {
    let mut plane = Plane::start().await?;
    plane.kubectl_ok(&["create", "configmap", "kept"]).await?;

    plane.stop_apiserver();
    let refused = plane.kubectl(&["get", "configmap", "kept"]).await?;
    assert!(refused.stderr.contains("refused"), "{}", refused.stderr);

    plane.restart_apiserver().await?;
    plane.kubectl_ok(&["get", "configmap", "kept"]).await?;

    plane.apiserver().pause()?;
    let silent = plane
        .kubectl(&["get", "configmap", "kept", "--request-timeout=1s"])
        .await?;
    assert!(!silent.success(), "a paused server answered: {}", silent.stdout);
    plane.apiserver().resume()?;
    plane.kubectl_ok(&["get", "configmap", "kept"]).await?;
    Ok(())
}

/// Whether a process is there and not merely waiting to be reaped.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// All processes whose command line mentions `text`, zombies (which have none) left out.
fn processes_that_mention(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(text) {
            found.push(format!("{}: {command}", entry.file_name().to_string_lossy()));
        }
    }
    found
}

#[tokio::test]
async fn nothing_is_left_when_the_owner_of_a_plane_is_killed() -> Result<(), HarnessError> {
    let folder = Folder::new("owner")?;
    let args = ["--ignored", "--exact", "owner_of_a_plane", "--nocapture"].map(str::to_owned);
    let this = std::env::current_exe().unwrap();
    let mut owner = Process::start("owner", &this, &args, &[], &folder.path().join("owner.log"))?;
    let line = owner.wait_for_log("plane:", Duration::from_secs(90)).await?;
    let (_, told) = line.split_once("plane: ").unwrap();
    let told: Vec<&str> = told.split(' ').collect();
    let [plane_folder, pids @ ..] = told.as_slice() else {
        panic!("{line}")
    };
    assert_eq!(pids.len(), 3);
    for pid in pids {
        assert!(is_alive(pid), "{pid} does not run before the kill");
    }

    owner.kill();

    eventually("all processes of the plane end and its folder goes", SOON, async || {
        let left = processes_that_mention(plane_folder);
        // One that is ending has no command line any more, but is still there.
        let ending: Vec<_> = pids.iter().filter(|pid| is_alive(pid)).collect();
        match (left.is_empty() && ending.is_empty(), Path::new(plane_folder).exists()) {
            (true, false) => Ok(()),
            (_, exists) => Err(format!(
                "folder exists: {exists}; processes: {left:#?}; ending: {ending:?}"
            )),
        }
    })
    .await?;
    Ok(())
}

#[tokio::test]
#[ignore = "never ends: nothing_is_left_when_the_owner_of_a_plane_is_killed runs and kills it"]
async fn owner_of_a_plane() {
    let mut plane = Plane::start().await.unwrap();
    let pids = [
        plane.etcd().pid(),
        plane.apiserver().pid(),
        plane.controller_manager().pid(),
    ];
    let [etcd, apiserver, controller_manager] = pids;
    println!(
        "plane: {} {etcd} {apiserver} {controller_manager}",
        plane.folder().path().display()
    );
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_process_that_ends_is_told_with_its_last_words() -> Result<(), HarnessError> {
    let folder = Folder::new("words")?;
    let log = folder.path().join("log");
    let shell = PathBuf::from("/bin/sh");
    let args = ["-c", "echo first; echo last words >&2; exit 7"].map(str::to_owned);
    let mut process = Process::start("talker", &shell, &args, &[], &log)?;
    let error = process
        .wait_for_log("never written", SOON)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("talker ended with exit status: 7"), "{error}");
    assert!(error.contains("last words"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_terminated_process_tells_its_own_exit_status() -> Result<(), HarnessError> {
    let folder = Folder::new("term")?;
    let log = folder.path().join("log");
    let args = ["-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"].map(str::to_owned);
    let mut process = Process::start("patient", Path::new("/bin/sh"), &args, &[], &log)?;
    process.wait_for_log("ready", SOON).await?;
    assert_eq!(process.terminate(SOON).await?.code(), Some(3));
    Ok(())
}

#[tokio::test]
async fn a_condition_that_never_holds_is_told_with_what_was_last_seen() {
    let mut looks = 0;
    let outcome: Result<(), HarnessError> = eventually("the cows come home", Duration::from_millis(200), async || {
        looks += 1;
        Err(format!("look {looks}"))
    })
    .await;
    let error = outcome.unwrap_err().to_string();
    assert!(
        error.contains("the cows come home") && error.contains("look "),
        "{error}"
    );
    assert!(looks >= 2, "{looks}");
}
