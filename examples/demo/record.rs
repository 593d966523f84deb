//! Records what happens while the story goes on: every version of the endpoints that the API server tells of, and who
//! answers the applications.
use super::service::{Recognition, Service};
use futures::StreamExt;
use kube::{
    Api, Client,
    runtime::watcher::{self, Event},
};
use speech_api::{SpeechEndpoint, endpoint::ActiveModel};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;

/// The pause between two recognitions of an application.
const PACE: Duration = Duration::from_millis(100);

impl Version {
    /// In a few words.
    pub fn summary(&self) -> String {
        let (truth, reason) = &self.ready;
        let work = self
            .work
            .as_ref()
            .map_or_else(String::new, |work| format!(", Reconciling={work}"));
        format!("Ready={truth} {reason}, {}{work}", self.model)
    }
}

/// What one version of an endpoint object said.
#[derive(Clone, Debug)]
pub struct Version {
    /// The version, as the API server names it.
    pub resource_version: String,
    /// Status of the condition Ready, with its reason.
    pub ready: (String, String),
    /// The endpoint's id.
    pub id: String,
    /// Reason of the condition Reconciling, while there is work under way.
    pub work: Option<String>,
    /// The model that serves: its revision, or its name when it is a base model.
    pub model: String,
}

fn model_of(active: ActiveModel) -> String {
    match active.revision {
        Some(revision) => format!("revision {revision}"),
        None => format!("model {}", active.name),
    }
}

/// All versions of the endpoints of a namespace, from the moment each was Ready first.
pub struct Versions {
    seen: Arc<Mutex<BTreeMap<String, Vec<Version>>>>,
    task: JoinHandle<()>,
}

impl Versions {
    /// Begins to watch.
    pub fn record(client: Client, namespace: &str) -> Self {
        let seen = Arc::<Mutex<BTreeMap<String, Vec<Version>>>>::default();
        let api: Api<SpeechEndpoint> = Api::namespaced(client, namespace);
        let writer = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(watcher::watcher(api, watcher::Config::default()));
            while let Some(event) = events.next().await {
                if let Ok(Event::Apply(endpoint) | Event::InitApply(endpoint)) = event {
                    note(&mut lock(&writer), &endpoint);
                }
            }
        });
        Self { seen, task }
    }

    /// What was seen of an endpoint so far.
    pub fn of(&self, name: &str) -> Vec<Version> {
        lock(&self.seen).get(name).cloned().unwrap_or_default()
    }
}

impl Drop for Versions {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note(seen: &mut BTreeMap<String, Vec<Version>>, endpoint: &SpeechEndpoint) {
    let status = endpoint.status.clone().unwrap_or_default();
    let said = |kind: &str| {
        let condition = status.conditions.iter().find(|condition| condition.type_ == kind);
        condition.map(|condition| (condition.status.clone(), condition.reason.clone()))
    };
    let work = said("Reconciling").filter(|(truth, _)| truth == "True");
    let version = Version {
        resource_version: endpoint.metadata.resource_version.clone().unwrap_or_default(),
        ready: said("Ready").unwrap_or_default(),
        id: status.id.map_or_else(String::new, |id| id.to_string()),
        work: work.map(|(_, reason)| reason),
        model: status.active.map(model_of).unwrap_or_default(),
    };
    let versions = seen
        .entry(endpoint.metadata.name.clone().unwrap_or_default())
        .or_default();
    if !versions.is_empty() || version.ready.0 == "True" {
        versions.push(version);
    }
}

/// An application that recognizes all the time.
pub struct Application {
    heard: Arc<Mutex<Vec<Result<Recognition, String>>>>,
    task: JoinHandle<()>,
}

impl Application {
    /// Begins to recognize at an endpoint, ten times a second.
    pub fn start(service: Service, endpoint: &str) -> Self {
        let heard = Arc::<Mutex<Vec<Result<Recognition, String>>>>::default();
        let (writer, endpoint) = (Arc::clone(&heard), endpoint.to_owned());
        let task = tokio::spawn(async move {
            loop {
                let answer = service.recognize(&endpoint).await.map_err(|error| error.to_string());
                lock(&writer).push(answer);
                tokio::time::sleep(PACE).await;
            }
        });
        Self { heard, task }
    }

    /// The answers so far.
    pub fn heard(&self) -> Vec<Result<Recognition, String>> {
        lock(&self.heard).clone()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How many endpoints the service changes at a time, looked at again and again.
pub struct Deployments {
    seen: Arc<Mutex<Result<usize, String>>>,
    task: JoinHandle<()>,
}

impl Deployments {
    /// Begins to look.
    pub fn watch(service: Service) -> Self {
        let seen = Arc::new(Mutex::new(Ok(0)));
        let writer = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let look = service.deployments_under_way().await;
                note_most(&mut lock(&writer), look.map_err(|error| error.to_string()));
                tokio::time::sleep(PACE).await;
            }
        });
        Self { seen, task }
    }

    /// The most that were seen, or why one look failed.
    pub fn most_at_once(&self) -> Result<usize, String> {
        lock(&self.seen).clone()
    }
}

fn note_most(seen: &mut Result<usize, String>, look: Result<usize, String>) {
    match (seen.as_mut(), look) {
        (Ok(most), Ok(now)) => *most = now.max(*most),
        (Ok(_), Err(error)) => *seen = Err(error),
        (Err(_), _) => {}
    }
}

impl Drop for Deployments {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
