//! The whole of Argo CD, which applies the page's Application: `make test-argocd`. It is a large program, so `make test` runs
//! only the part of it that runs our scripts.
use crate::{
    case::Case,
    definitions::define,
    git::Repository,
    harness::{Folder, Plane, Process, condition, free_address, in_time, installed},
    page,
    seed::TEXT,
    stack::{Stack, alone},
};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::sync::OnceCell;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CLAIMS: &str = "speech/claims.yaml";
const HOTLINE: &str = "claims-hotline";
const STARTED: Duration = Duration::from_secs(60);
/// How long Argo CD may take for what it is asked to do.
const SYNCED: Duration = Duration::from_secs(60);

/// What Argo CD needs in its namespace, besides the patch that we ship.
const SETTINGS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: argocd}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-secret, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
stringData: {server.secretkey: not-a-secret}
";
const PROJECT: &str = "
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec:
  sourceRepos: ['*']
  destinations: [{namespace: '*', server: '*'}]
  clusterResourceWhitelist: [{group: '*', kind: '*'}]
";

/// Running components, which go with this process.
struct ArgoCd {
    controller: Process,
    _others: [Process; 2],
    _folder: Folder,
}

static ARGO_CD: OnceCell<ArgoCd> = OnceCell::const_new();

impl ArgoCd {
    async fn start(plane: &Plane) -> Self {
        let assets = installed("tests/argocd-whole").unwrap_or_else(|error| panic!("{error}"));
        define(plane, &assets.join("definitions")).await;
        plane.apply(SETTINGS).await.unwrap();
        plane.apply(PROJECT).await.unwrap();
        let patch = format!("--patch-file={ROOT}/deploy/argocd/argocd-cm.yaml");
        let patch = [
            "patch",
            "configmap",
            "argocd-cm",
            "-n",
            "argocd",
            "--type=merge",
            &patch,
        ];
        plane.kubectl_ok(&patch).await.unwrap();

        let folder = Folder::new("argo-cd").unwrap();
        let [redis, repositories, metrics, others] = [(); 4].map(|()| free_address().unwrap());
        let log = folder.path().join("redis.log");
        let memory = Process::start("redis", &assets.join("redis"), std::slice::from_ref(&redis), &[], &log).unwrap();
        let server = [
            "--disable-tls",
            "--client-ca-path=",
            "--address=127.0.0.1",
            &format!("--port={}", port(&repositories)),
            "--metrics-address=127.0.0.1",
            &format!("--metrics-port={}", port(&others)),
            &format!("--redis={redis}"),
        ];
        let mut server = component(plane, &assets, "argocd-repo-server", &server, &folder);
        server.wait_for_log("is listening on", STARTED).await.unwrap();
        let controller = [
            "--namespace=argocd",
            "--repo-server-plaintext",
            &format!("--repo-server={repositories}"),
            &format!("--metrics-port={}", port(&metrics)),
            &format!("--redis={redis}"),
        ];
        let controller = component(plane, &assets, "argocd-application-controller", &controller, &folder);
        Self {
            controller,
            _others: [server, memory],
            _folder: folder,
        }
    }
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap()
}

fn component(plane: &Plane, assets: &Path, name: &str, args: &[&str], folder: &Folder) -> Process {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let kubeconfig = plane.kubeconfig().display().to_string();
    let own = folder.path().display().to_string();
    // It calls a script of its own by name.
    let path = format!("{}:{}", assets.display(), std::env::var("PATH").unwrap_or_default());
    let env = [
        ("PATH", path.as_str()),
        ("ARGOCD_BINARY_NAME", name),
        ("ARGOCD_FAKE_IN_CLUSTER", "true"),
        ("ARGOCD_GPG_ENABLED", "false"),
        ("KUBECONFIG", &kubeconfig),
        ("HOME", &own),
        ("TMPDIR", &own),
    ];
    let log = folder.path().join(format!("{name}.log"));
    Process::start(name, &assets.join("argocd"), &args, &env, &log).unwrap()
}

/// A team whose repository Argo CD applies.
struct Team<'a> {
    case: &'a Case,
    plane: &'a Plane,
    repository: Repository,
    argo: &'static ArgoCd,
}

impl<'a> Team<'a> {
    /// A team with the page's files, of which Argo CD knows nothing yet.
    async fn new(case: &'a Case, stack: &'a Stack) -> Self {
        let argo = ARGO_CD.get_or_init(async || ArgoCd::start(&stack.plane).await).await;
        let repository = Repository::serve().await;
        for (path, text) in page::team(case, stack.emulator.authority().unwrap()).await {
            repository.write(&path, Some(&text));
        }
        Self {
            case,
            plane: &stack.plane,
            repository,
            argo,
        }
    }

    /// Commits the files and applies the page's Application.
    async fn begin(&self) {
        self.repository.commit("Speech in Git");
        let text = page::files()["argocd/speech.yaml"]
            .replace("https://git.example.com/speech.git", &self.repository.url())
            .replace("contact-center", &self.case.name)
            .replace("  name: speech\n", &format!("  name: {}\n", self.case.name));
        self.plane.apply(&text).await.unwrap();
    }

    /// Has Argo CD look at the repository and the objects again.
    async fn refresh(&self) {
        let args = [
            "annotate",
            "application",
            &self.case.name,
            "-n",
            "argocd",
            "--overwrite",
        ];
        let args = [&args[..], &["argocd.argoproj.io/refresh=normal"]].concat();
        self.plane.kubectl_ok(&args).await.unwrap();
    }

    async fn push(&self, message: &str) -> String {
        let commit = self.repository.commit(message);
        self.refresh().await;
        commit
    }

    /// Waits until the Application is as `check` wants it; returns it.
    async fn until(&self, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        in_time(what, SYNCED, async || {
            let args = ["get", "application", &self.case.name, "-n", "argocd", "-o", "json"];
            let text = self.plane.kubectl_ok(&args).await.map_err(|error| error.to_string())?;
            let application: Value = serde_json::from_str(&text).unwrap();
            let log = self.argo.controller.logs();
            let end = log
                .lines()
                .rev()
                .find(|line| line.contains("\"level\":\"error\""))
                .unwrap_or_default();
            match check(&application) {
                true => Ok(application),
                false => Err(format!("{:#}\n{end}", application["status"])),
            }
        })
        .await
    }

    /// Waits until this commit is applied, and the Application has this health.
    async fn is(&self, commit: Option<&str>, health: &str) -> Value {
        self.until(&format!("the Application is Synced and {health}"), |application| {
            let status = &application["status"];
            status["sync"]["status"] == "Synced"
                && commit.is_none_or(|commit| status["sync"]["revision"] == commit)
                && status["operationState"]["phase"] == "Succeeded"
                && status["health"]["status"] == health
        })
        .await
    }
}

async fn work_for(case: &Case, training: f64) {
    let slow = json!({"timings": {"training": training}});
    case.control.put_resource(&case.name, slow).await.unwrap();
}

#[test]
#[ignore = "needs the whole of Argo CD: make test-argocd"]
fn a_sync_without_waves_ends_before_the_training_does() {
    alone("argocd-training", async |case, stack| {
        work_for(case, 36_000.0).await;
        let team = Team::new(case, stack).await;
        team.begin().await;
        team.is(None, "Progressing").await;
        let model = case.get("SpeechModel", "claims").await;
        assert_eq!(condition(&model, "Ready")["reason"], "Training", "{model:#}");
        case.control.advance("11h").await.unwrap();
        case.ready("SpeechEndpoint", HOTLINE).await;
        team.is(None, "Healthy").await;
        // What never becomes ready is Degraded.
        team.repository
            .edit(CLAIMS, TEXT, "00000000-0000-4000-8000-00000000dead");
        let commit = team.push("A dataset that does not exist").await;
        team.is(Some(&commit), "Degraded").await;
    });
}

#[test]
#[ignore = "needs the whole of Argo CD: make test-argocd"]
fn a_sync_with_waves_lasts_as_long_as_the_training() {
    alone("argocd-waves", async |case, stack| {
        work_for(case, 36_000.0).await;
        let team = Team::new(case, stack).await;
        let name = "  name: claims-hotline\n";
        let wave = format!("{name}  annotations: {{argocd.argoproj.io/sync-wave: \"1\"}}\n");
        team.repository.edit(CLAIMS, name, &wave);
        team.begin().await;
        let trains = |object: &Value| condition(object, "Ready")["reason"] == "Training";
        case.until("SpeechModel", "claims", "is trained", trains).await;
        let waits = team
            .until("the sync waits", |application| {
                let operation = &application["status"]["operationState"];
                let message = operation["message"].as_str().unwrap_or_default();
                operation["phase"] == "Running" && message.contains("waiting for healthy state of")
            })
            .await;
        assert!(case.find("SpeechEndpoint", HOTLINE).await.is_none(), "{waits:#}");
        case.control.advance("11h").await.unwrap();
        case.ready("SpeechEndpoint", HOTLINE).await;
        team.is(None, "Healthy").await;
    });
}

#[test]
#[ignore = "needs the whole of Argo CD: make test-argocd"]
fn argo_cd_heals_what_git_has_and_leaves_what_an_action_wrote() {
    alone("argocd-heal", async |case, stack| {
        let team = Team::new(case, stack).await;
        team.begin().await;
        case.ready("SpeechEndpoint", HOTLINE).await;
        team.is(None, "Healthy").await;
        case.patch(
            "SpeechEndpoint",
            HOTLINE,
            json!({"spec": {"swap": {"approval": "None"}}}),
        )
        .await;
        case.until("SpeechEndpoint", HOTLINE, "is healed", |object| {
            object["spec"]["swap"]["approval"] == "Required"
        })
        .await;
        crate::actions::act(case, "SpeechEndpoint", HOTLINE, "suspend").await;
        team.refresh().await;
        let suspended = team.is(None, "Suspended").await;
        assert!(suspended["status"]["conditions"].is_null(), "{suspended:#}");
        let endpoint = case.get("SpeechEndpoint", HOTLINE).await;
        assert_eq!(endpoint["spec"]["suspend"], true);
    });
}

#[test]
#[ignore = "needs the whole of Argo CD: make test-argocd"]
fn argo_cd_prunes_what_left_git_once_a_person_confirms() {
    alone("argocd-prune", async |case, stack| {
        let team = Team::new(case, stack).await;
        let name = "  name: claims-hotline\n";
        let confirm = format!("{name}  annotations: {{argocd.argoproj.io/sync-options: Prune=confirm}}\n");
        team.repository.edit(CLAIMS, name, &confirm);
        team.begin().await;
        let endpoint = case.ready("SpeechEndpoint", HOTLINE).await;
        let id = endpoint["status"]["id"].as_str().unwrap();
        team.is(None, "Healthy").await;
        team.repository.write(CLAIMS, None);
        team.push("No more claims").await;
        team.until("the sync waits for a person", |application| {
            application["status"]["operationState"]["phase"] == "Running"
        })
        .await;
        assert!(case.find("SpeechEndpoint", HOTLINE).await.is_some());
        let now = jiff::Timestamp::now().to_string();
        let approved = format!("argocd.argoproj.io/deletion-approved={now}");
        let args = ["annotate", "application", &case.name, "-n", "argocd", &approved];
        team.plane.kubectl_ok(&args).await.unwrap();
        case.gone("SpeechEndpoint", HOTLINE).await;
        assert!(case.remote_entity("endpoints", id).await.is_some(), "Retain");
        // The Application has no finalizer.
        let args = ["delete", "application", &case.name, "-n", "argocd", "--timeout=30s"];
        team.plane.kubectl_ok(&args).await.unwrap();
        case.ready("SpeechConnection", "west").await;
    });
}
