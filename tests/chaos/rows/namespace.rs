//! A namespace is deleted with all that is in it, and its credential before, at the end, or never there.
use crate::{
    harness::{api_of, eventually, in_time},
    law::Expected,
    seed::{BASE_OLD, key},
    tenant::{Tenant, is_ready},
    trial::Trial,
};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// When the Secret goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credential {
    /// Before the namespace.
    First,
    /// The namespace controller takes it when it likes.
    Whenever,
    /// After all objects, as far as they go without it.
    Last,
    /// It was gone before the operator was started, so that nobody has the key.
    Never,
    /// It is there, and the service refuses it.
    Refused,
}

/// How long a namespace may take with Retain, and the remote side with Delete.
const RETAINED: Duration = Duration::from_secs(60);
const DELETED: Duration = Duration::from_secs(300);
/// `forceOrphanAfter` where nothing is said.
const FORCED: Duration = Duration::from_secs(900);

/// Each run deletes one namespace.
pub async fn run(trial: &mut Trial) {
    let objects = trial.sized(12, 200);
    let mut told = Vec::new();
    for round in 0..trial.times(1, 1) {
        for (policy, credential) in ways(trial.is_full) {
            let name = format!("namespace-{round}-{policy}-{credential:?}").to_lowercase();
            let took = one(trial, &name, policy, credential, objects).await;
            told.push(format!("{policy}/{credential:?} {:.0} s", took.as_secs_f64()));
        }
    }
    trial.saw(format!("{objects} endpoints each: {}", told.join(", ")));
}

/// Every way, or those that differ most: the namespace controller alone needs ten seconds for each.
fn ways(all: bool) -> Vec<(&'static str, Credential)> {
    use Credential::{First, Last, Never, Refused, Whenever};
    let mut ways = vec![("Retain", Never), ("Delete", First), ("Delete", Refused)];
    if all {
        ways.extend([
            ("Retain", First),
            ("Retain", Last),
            ("Delete", Whenever),
            ("Delete", Last),
            ("Delete", Never),
        ]);
    }
    ways
}

async fn one(trial: &mut Trial, name: &str, policy: &str, credential: Credential, objects: u64) -> Duration {
    let parts = declared(trial, name, policy, objects).await;
    let tenant = parts[0].clone();
    if credential == Credential::Never {
        trial.world.kill_all();
        tenant.delete("Secret", "speech-key").await;
        trial.world.start_operator(&[]).await;
        let lost = |object: &Value| object["status"].to_string().contains("SecretNotFound");
        tenant
            .until("SpeechConnection", "speech", "lacks its Secret", lost)
            .await;
    }
    match credential {
        Credential::First => tenant.delete("Secret", "speech-key").await,
        Credential::Last => {
            let held = json!({"metadata": {"finalizers": ["chaos.example/held"]}});
            tenant.patch("Secret", "speech-key", held).await;
        }
        Credential::Refused => {
            let other = json!({"key1": key("nobody", 1), "key2": key("nobody", 2)});
            for part in &parts {
                part.control.set_keys(&part.name, other.clone()).await.unwrap();
            }
        }
        Credential::Whenever | Credential::Never => {}
    }
    let is_lost = policy == "Delete" && matches!(credential, Credential::Never | Credential::Refused);
    let began = Instant::now();
    tenant.delete_namespace().await;
    if is_lost {
        trial.held_up(&tenant, objects).await;
        tenant.control.advance("15m").await.unwrap();
    }
    if credential == Credential::Last {
        let all_gone = eventually("the objects are gone", DELETED, async || {
            match tenant.objects().await.len() {
                0 => Ok(()),
                left => Err(format!("{left} left")),
            }
        });
        if let Err(error) = all_gone.await {
            trial.violated(name, format!("I6: {error}"));
        }
        let free = json!({"metadata": {"finalizers": null}});
        tenant.patch("Secret", "speech-key", free).await;
    }
    let bound = if policy == "Retain" { RETAINED } else { DELETED };
    let gone = eventually("the namespace is gone", bound, async || tenant.is_gone().await).await;
    let took = began.elapsed();
    if let Err(error) = &gone {
        trial.violated(name, format!("I6: {error}"));
    }
    trial.ran(gone.is_ok().then_some(if is_lost { took + FORCED } else { took }));
    trial.judge(&parts, policy, is_lost, objects).await;
    took
}

/// So many endpoints find room in one Speech resource.
const ROOM: u64 = 40;

/// A namespace whose endpoints all serve, of as many Speech resources as they need; the first bears the namespace's name.
async fn declared(trial: &mut Trial, name: &str, policy: &str, objects: u64) -> Vec<Tenant> {
    let mut parts = Vec::new();
    for part in 0..objects.div_ceil(ROOM) {
        let own = if part == 0 {
            name.to_owned()
        } else {
            format!("{name}-{part}")
        };
        let limits = json!({
            "key1": key(name, 1), "key2": key(name, 2), "rateLimit": {"requests": 1000, "perSeconds": 10},
        });
        parts.push(trial.world.tenant(&own, limits).await);
    }
    let home = &parts[0];
    home.secret(&key(name, 1)).await;
    for (n, part) in parts.iter().enumerate() {
        let spec = json!({
            "endpoint": part.url(), "pollInterval": "30s", "requestBudget": {"requests": 400, "per": "10s"},
        });
        home.connection(&connection(n as u64), spec).await;
    }
    if trial.world.operators.is_empty() {
        trial.world.start_operator(&[]).await;
    }
    for n in 0..objects {
        let spec = json!({
            "connectionRef": {"name": connection(n / ROOM)}, "model": {"base": {"id": BASE_OLD}}, "deletionPolicy": policy,
        });
        home.endpoint(&format!("line-{n}"), spec).await;
    }
    in_time("every endpoint serves", DELETED, async || {
        let objects = home.objects().await;
        match objects.iter().filter(|object| !is_ready(object)).count() {
            0 => Ok(()),
            behind => Err(format!("{behind} do not")),
        }
    })
    .await;
    parts
}

fn connection(part: u64) -> String {
    if part == 0 {
        "speech".to_owned()
    } else {
        format!("speech-{part}")
    }
}

impl Tenant {
    async fn delete_namespace(&self) {
        let namespaces = api_of(&self.client, "Namespace", None);
        namespaces.delete(&self.name, &Default::default()).await.unwrap();
    }

    async fn is_gone(&self) -> Result<(), String> {
        let namespaces = api_of(&self.client, "Namespace", None);
        match namespaces.get_opt(&self.name).await {
            Ok(None) => Ok(()),
            Ok(Some(namespace)) => {
                let mut left: Vec<_> = self.objects().await;
                left.truncate(2);
                Err(format!("{} {left:?}", namespace.data["status"]))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn marked(&self) -> usize {
        let remote = self.remote().await;
        let endpoints = remote["endpoints"].as_array().unwrap();
        let ours = |one: &&Value| one["customProperties"]["customspeech.dev/uid"].is_string();
        endpoints.iter().filter(ours).count()
    }
}

impl Trial {
    /// Everything waits, and says for what and until when; nothing goes before its time.
    async fn held_up(&mut self, tenant: &Tenant, objects: u64) {
        let waits = eventually("every endpoint tells what holds it up", RETAINED, async || {
            let told = |object: &&Value| object["status"].to_string().contains("is released at");
            let all = tenant.objects().await;
            let endpoints: Vec<_> = all.iter().filter(|one| one["kind"] == "SpeechEndpoint").collect();
            let behind = endpoints.iter().filter(|one| !told(one)).count();
            match (endpoints.len(), behind) {
                (all, 0) if all as u64 == objects => Ok(()),
                found => Err(format!("{found:?}")),
            }
        });
        if let Err(error) = waits.await {
            self.violated(&tenant.name, error);
        }
    }

    /// What is there after the namespace: with Retain everything, with Delete nothing, unless it was lost, which is told.
    async fn judge(&mut self, parts: &[Tenant], policy: &str, is_lost: bool, objects: u64) {
        let tenant = &parts[0];
        let mut left = 0;
        for part in parts {
            left += part.marked().await as u64;
        }
        let stays = policy == "Retain" || is_lost;
        if left != if stays { objects } else { 0 } {
            let what = format!("I1: {left} of {objects} endpoints are left, {policy}");
            self.violated(&tenant.name, what);
        }
        let logs = self.world.operators.last().map(|one| one.logs()).unwrap_or_default();
        let about = format!("{}/line-", tenant.name);
        let orphans = logs
            .lines()
            .filter(|line| line.contains("left an orphan behind") && line.contains(&about));
        let told = orphans.count() as u64;
        if told != if is_lost { objects } else { 0 } {
            self.violated(&tenant.name, format!("{told} orphans are told of {objects}"));
        }
        if is_lost {
            // The namespace takes no events any more, so they are about it and not in it.
            let events: Api<Event> = Api::namespaced(tenant.client.clone(), "default");
            let told = eventually("events tell of the orphans", RETAINED, async || {
                let mut all = events.list(&ListParams::default()).await.unwrap().items;
                all.retain(|event| {
                    event.reason.as_deref() == Some("Orphaned")
                        && event.regarding.as_ref().and_then(|about| about.name.as_deref()) == Some(&tenant.name)
                });
                match all.len() as u64 {
                    found if found == objects => Ok(()),
                    found => Err(format!("{found} of {objects}")),
                }
            });
            if let Err(error) = told.await {
                self.violated(&tenant.name, error);
            }
            let metrics = self.world.operators.last().unwrap().metrics().await.unwrap();
            let is_told = |line: &str| line.starts_with("speech_orphaned_total") && !line.ends_with(" 0");
            if !metrics.lines().any(is_told) {
                self.violated(&tenant.name, "no metric tells of the orphans");
            }
        }
        let mut expected = Expected {
            more_changes: 1,
            ..Expected::default()
        };
        if stays {
            expected.retained = (0..objects).map(|n| format!("{about}{n}")).collect::<BTreeSet<_>>();
        }
        self.check(&parts.iter().collect::<Vec<_>>(), &expected).await;
    }
}
