//! Flux' own controllers as processes beside a real API server, and a team's repository that they apply.
use crate::{
    case::Case,
    definitions::define,
    git::Repository,
    harness::{Folder, Plane, Process, condition, free_address, in_time, installed},
    page,
    stack::{SOON, Stack},
};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::sync::OnceCell;

/// How long a controller may take to start.
const STARTED: Duration = Duration::from_secs(60);
/// How long Flux may take for what it is asked to do.
pub const APPLIED: Duration = Duration::from_secs(60);

pub const SOURCE: &str = "source-controller";
pub const KUSTOMIZE: &str = "kustomize-controller";
pub const HELM: &str = "helm-controller";

/// Running controllers. They go with this process.
pub struct Flux {
    controllers: Vec<Process>,
    _folder: Folder,
}

impl Flux {
    /// Installs the definitions of Flux and starts some of its controllers with the administrator's rights, as they have in a
    /// cluster.
    pub async fn start(plane: &Plane, names: &[&str]) -> Self {
        let assets = installed("tests/flux").unwrap_or_else(|error| panic!("{error}"));
        define(plane, &assets.join("definitions")).await;
        plane.kubectl_ok(&["create", "namespace", "flux-system"]).await.unwrap();
        let folder = Folder::new("flux").unwrap();
        let storage = free_address().unwrap();
        let artifacts = folder.path().join("artifacts");
        std::fs::create_dir(&artifacts).unwrap();
        let artifacts = format!("--storage-path={}", artifacts.display());
        let own = [
            artifacts,
            format!("--storage-addr={storage}"),
            format!("--storage-adv-addr={storage}"),
        ];
        let mut controllers = Vec::new();
        for &name in names {
            let own = match name {
                SOURCE => &own[..],
                KUSTOMIZE => &["--requeue-dependency=2s".to_owned()],
                _ => &[],
            };
            controllers.push(start(plane, &assets.join(name), name, own, &folder));
        }
        for controller in &mut controllers {
            controller.wait_for_log("Starting workers", STARTED).await.unwrap();
        }
        Self {
            controllers,
            _folder: folder,
        }
    }

    /// The ends of the controllers' logs, for what fails.
    fn said(&self) -> String {
        let ends = self.controllers.iter().map(|controller| {
            let log = controller.logs();
            let lines: Vec<&str> = log
                .lines()
                .rev()
                .filter(|line| line.contains("error"))
                .take(5)
                .collect();
            lines.join("\n")
        });
        ends.collect::<Vec<_>>().join("\n")
    }
}

fn start(plane: &Plane, program: &Path, name: &str, own: &[String], folder: &Folder) -> Process {
    let [metrics, health] = [(); 2].map(|()| free_address().unwrap());
    let usual = [
        "--events-addr=".to_owned(),
        format!("--metrics-addr={metrics}"),
        format!("--health-addr={health}"),
        "--enable-leader-election=false".to_owned(),
    ];
    let args = [&usual, own].concat();
    let kubeconfig = plane.kubeconfig().display().to_string();
    let env = [
        ("KUBECONFIG", kubeconfig.as_str()),
        ("RUNTIME_NAMESPACE", "flux-system"),
    ];
    let log = folder.path().join(format!("{name}.log"));
    Process::start(name, program, &args, &env, &log).unwrap()
}

/// The controllers of the stack that tests have for themselves one after the other.
static FLUX: OnceCell<Flux> = OnceCell::const_new();

/// A team whose repository Flux applies.
pub struct Team<'a> {
    pub case: &'a Case,
    pub plane: &'a Plane,
    pub repository: Repository,
    flux: &'static Flux,
}

impl<'a> Team<'a> {
    /// A team with the page's files, of which Flux knows nothing yet.
    pub async fn new(case: &'a Case, stack: &'a Stack) -> Self {
        let flux = FLUX
            .get_or_init(async || Flux::start(&stack.plane, &[SOURCE, KUSTOMIZE]).await)
            .await;
        let repository = Repository::serve().await;
        let authority = stack.emulator.authority().unwrap();
        for (path, text) in page::team(case, authority).await {
            repository.write(&path, Some(&text));
        }
        repository.commit("Speech in Git");
        Self {
            case,
            plane: &stack.plane,
            repository,
            flux,
        }
    }

    /// Has Flux apply the repository as the page says. The operator runs already, so nothing else has to be applied first.
    pub async fn begin(&self) {
        self.begin_with(&[]).await;
    }

    /// The same with other text in the Kustomization.
    pub async fn begin_with(&self, changes: &[(String, &str)]) {
        let mut text = page::cluster(&self.case.name, &self.case.name, &self.repository.url());
        let usual = "  dependsOn: [{name: speech-operator}]   # the API server has to know the kinds\n";
        for (old, new) in [(usual.to_owned(), "")].iter().chain(changes) {
            assert!(text.contains(old), "{old:?} is not in {text}");
            text = text.replace(old, new);
        }
        let documents = text
            .split("---\n")
            .filter(|text| !text.contains("path: ./infrastructure"));
        let text = documents.collect::<Vec<_>>().join("---\n");
        self.plane.apply(&text).await.unwrap();
    }

    /// Commits what was written and waits until Flux has tried to apply it; returns the Kustomization.
    pub async fn push(&self, message: &str) -> Value {
        let commit = self.repository.commit(message);
        self.request("GitRepository").await;
        self.until("the commit is tried", |kustomization| {
            let tried = kustomization["status"]["lastAttemptedRevision"].as_str();
            tried.is_some_and(|tried| tried.ends_with(&commit)) && is_decided(kustomization)
        })
        .await
    }

    /// Has Flux apply what it has already; returns the Kustomization.
    pub async fn apply_again(&self) -> Value {
        let word = self.request("Kustomization").await;
        self.until("it is applied again", |kustomization| {
            kustomization["status"]["lastHandledReconcileAt"] == word.as_str() && is_decided(kustomization)
        })
        .await
    }

    async fn request(&self, kind: &str) -> String {
        let word = uuid::Uuid::new_v4().to_string();
        let annotation = format!("reconcile.fluxcd.io/requestedAt={word}");
        let args = [
            "annotate",
            kind,
            "speech",
            "-n",
            &self.case.name,
            "--overwrite",
            &annotation,
        ];
        self.plane.kubectl_ok(&args).await.unwrap();
        word
    }

    /// Waits until the Kustomization is as `check` wants it; returns it.
    pub async fn until(&self, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        in_time(what, APPLIED, async || {
            let args = ["get", "kustomization", "speech", "-n", &self.case.name, "-o", "json"];
            let text = self.plane.kubectl_ok(&args).await.map_err(|error| error.to_string())?;
            let kustomization: Value = serde_json::from_str(&text).unwrap();
            match check(&kustomization) {
                true => Ok(kustomization),
                false => Err(format!("{:#}\n{}", kustomization["status"], self.flux.said())),
            }
        })
        .await
    }

    /// Waits until the Kustomization is Ready with the newest commit.
    pub async fn is_ready(&self) -> Value {
        self.until("the Kustomization is Ready", is_ready).await
    }
}

/// Whether Flux is done with what it was asked for, well or not.
fn is_decided(kustomization: &Value) -> bool {
    let ready = condition(kustomization, "Ready");
    ready["status"] != "Unknown" && ready["observedGeneration"] == kustomization["metadata"]["generation"]
}

pub fn is_ready(kustomization: &Value) -> bool {
    is_decided(kustomization) && condition(kustomization, "Ready")["status"] == "True"
}

/// A team whose files are applied, with everything Ready.
pub async fn settled<'a>(case: &'a Case, stack: &'a Stack) -> Team<'a> {
    let team = Team::new(case, stack).await;
    team.begin().await;
    team.is_ready().await;
    case.ready("SpeechEndpoint", "claims-hotline").await;
    team
}

/// Lets trainings and deployments take so many seconds of the emulator's time.
pub async fn work_for(case: &Case, training: f64, deployment: f64) {
    let slow = json!({"timings": {"training": training, "endpointCreate": deployment}});
    case.control.put_resource(&case.name, slow).await.unwrap();
}

/// How long the operator may take, beside Flux.
pub const FOLLOWED: Duration = SOON;
