//! A fleet and its Speech resources, and what the planners write into the status of its objects. All that a picture of the
//! documentation says comes from here: of a scene, only the declarations and the service are written by hand.
pub mod entity;
pub mod page;
pub mod plugin;

use entity::Held;
use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::Value;
use speech_api::{FINALIZER, SpeechConnection, SpeechEndpoint, SpeechModel, Subject};
use speech_fleet::fleet::{Objects, connection_of};
use speech_plan::{
    self as plan, Agenda, ConnectionState, Hands, Learned, Stay, Surroundings,
    connection::{Contact, Counts, Dependents, Sharing},
    evaluation::Unneeded,
    relations::means,
    skew::Skew,
    view::View,
};
use speech_resource::Failures;
use speech_service::error::TransportKind;
use std::{collections::BTreeMap, error::Error, time::Duration};

/// The uid of the cluster.
pub const CLUSTER: &str = "cluster";
/// A status follows from the one before, as in the running operator: some passes later it says nothing new.
const PASSES: usize = 4;

/// Why a scene cannot be played.
pub type SceneError = Box<dyn Error + Send + Sync>;

/// The objects, and what the service holds for them.
pub struct Scene {
    /// The present.
    pub now: Timestamp,
    pub objects: Objects,
    /// What each Speech resource holds, by `namespace/name` of its connection.
    pub resources: BTreeMap<String, Held>,
    /// The connections at whose endpoint nothing answers.
    pub silent: Vec<String>,
}

impl Scene {
    /// Objects that nobody has looked at.
    pub fn new(now: Timestamp, objects: Objects) -> Self {
        Self {
            now,
            objects,
            resources: BTreeMap::new(),
            silent: Vec::new(),
        }
    }

    /// Reads declarations: YAML documents.
    pub fn declare(now: Timestamp, manifests: &str) -> Result<Self, SceneError> {
        let mut objects = Objects::default();
        for document in manifests.split("---\n").filter(|document| !document.trim().is_empty()) {
            add(&mut objects, serde_saphyr::from_str(document)?)?;
        }
        Ok(Self::new(now, objects))
    }

    /// Lets the planners say what they have to say now.
    pub fn play(&mut self) {
        let now = self.now;
        let views: BTreeMap<&String, View> = self
            .resources
            .iter()
            .map(|(path, held)| (path, held.view(now)))
            .collect();
        for _ in 0..PASSES {
            for connection in &mut self.objects.connections {
                let path = path(connection);
                let view = views.get(&path);
                let contact = contact(view, self.silent.contains(&path));
                connection.status = Some(plan_connection(connection, &contact, now));
            }
            let lands = Lands {
                now,
                views: &views,
                silent: &self.silent,
                connections: &self.objects.connections,
            };
            lands.plan_models(&mut self.objects.models, &self.objects.endpoints);
            lands.plan_endpoints(&mut self.objects.endpoints, &self.objects.models);
        }
    }

    /// The objects as YAML documents, as a cluster would give them.
    pub fn document(&self, heading: &str) -> Result<String, SceneError> {
        let mut text = format!("# {heading}\n");
        write_all(&mut text, &self.objects.connections)?;
        write_all(&mut text, &self.objects.models)?;
        write_all(&mut text, &self.objects.endpoints)?;
        Ok(text)
    }
}

fn write_all(text: &mut String, objects: &[impl Serialize]) -> Result<(), SceneError> {
    for object in objects {
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(&serde_json::to_value(object)?)?);
    }
    Ok(())
}

/// Adds an object as a cluster would keep it.
pub fn add(objects: &mut Objects, mut declared: Value) -> Result<(), SceneError> {
    let kind = declared
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let name = declared
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let uid = format!("{kind} {name}");
    if let Some(metadata) = declared.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        metadata.insert("uid".to_owned(), uid.into());
        metadata.insert("generation".to_owned(), 1.into());
        metadata.insert("finalizers".to_owned(), vec![FINALIZER].into());
    }
    match kind.as_str() {
        "SpeechConnection" => objects.connections.push(serde_json::from_value(declared)?),
        "SpeechModel" => objects.models.push(serde_json::from_value(declared)?),
        "SpeechEndpoint" => objects.endpoints.push(serde_json::from_value(declared)?),
        kind => return Err(format!("a scene has no {kind:?}").into()),
    }
    Ok(())
}

/// Where objects live.
struct Lands<'a> {
    now: Timestamp,
    views: &'a BTreeMap<&'a String, View>,
    silent: &'a [String],
    connections: &'a [SpeechConnection],
}

impl Lands<'_> {
    fn plan_models(&self, models: &mut [SpeechModel], endpoints: &[SpeechEndpoint]) {
        for model in models {
            let object = &*model;
            let followers = endpoints.iter().filter(|endpoint| means(endpoint, object));
            let refusals = plan::model::refusals(followers);
            let related = plan::model::Related {
                source: None,
                refusals: &refusals,
                follower: None,
            };
            let status = self.around(object, |around| {
                let snapshot = plan::model::Snapshot {
                    object,
                    related,
                    around,
                };
                plan::model::plan(&snapshot).status
            });
            model.status = Some(status);
        }
    }

    fn plan_endpoints(&self, endpoints: &mut [SpeechEndpoint], models: &[SpeechModel]) {
        for endpoint in endpoints {
            let object = &*endpoint;
            let meant: Vec<&SpeechModel> = models.iter().filter(|model| means(object, model)).collect();
            let related = plan::endpoint::Related {
                models: &meant,
                holder: None,
                abandoned: false,
            };
            let status = self.around(object, |around| {
                let snapshot = plan::endpoint::Snapshot {
                    object,
                    related,
                    around,
                };
                plan::endpoint::plan(&snapshot).status
            });
            endpoint.status = Some(status);
        }
    }

    /// Calls with what surrounds an object.
    fn around<T>(&self, object: &impl Subject, call: impl FnOnce(Surroundings<'_>) -> T) -> T {
        let path = connection_of(object);
        let view = self.views.get(&path);
        let contact = contact(view, self.silent.contains(&path));
        let declared = self
            .connections
            .iter()
            .find(|connection| self::path(*connection) == path);
        let connection = match (&contact, view) {
            (Contact::Broken { message, .. }, view) => ConnectionState::NotReady {
                message,
                view,
                usable: true,
                since: declared.and_then(SpeechConnection::broken_since),
            },
            (_, Some(view)) => ConnectionState::Ready {
                view,
                has_projects: true,
            },
            (_, None) => ConnectionState::NotFound { near: None },
        };
        let agenda = Agenda::default();
        call(Surroundings {
            now: self.now,
            cluster: CLUSTER,
            connection,
            learned: Learned::default(),
            agenda: &agenda,
            stay: Stay::Certain,
            hands: Hands::Free,
            namespace_ends: false,
        })
    }
}

fn path(object: &impl ResourceExt) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

/// What came of the last look: what a client says that nobody answers.
fn contact(view: Option<&View>, is_silent: bool) -> Contact {
    let Some(view) = view else { return Contact::Pending };
    let established = Contact::Established(Counts {
        endpoints: view.endpoints.iter().count(),
        models: view.models.iter().count(),
        base_models: view.base_models.iter().count(),
    });
    if !is_silent {
        return established;
    }
    let error = speech_service::Error::Transport {
        route: "list_endpoints",
        kind: TransportKind::Connect,
        perhaps_sent: false,
        source: None,
    };
    let mut failures = Failures::default();
    let broken = |failures: &mut Failures| failures.failed(&error, &established, Duration::from_secs(60)).contact;
    // A failure that may pass by itself is told once it has lasted.
    let told = (0..10).find_map(|_| broken(&mut failures));
    told.unwrap_or(established)
}

fn plan_connection(object: &SpeechConnection, contact: &Contact, now: Timestamp) -> speech_api::SpeechConnectionStatus {
    let durations = Default::default();
    let sharing = Sharing::default();
    let snapshot = plan::connection::Snapshot {
        recognised: true,
        object,
        contact,
        dependents: Dependents {
            count: 1,
            living: 1,
            patience: SignedDuration::ZERO,
        },
        last_key_until: None,
        durations: &durations,
        skew: Skew::default(),
        throttled: false,
        sharing: &sharing,
        unneeded: Unneeded::default(),
        collect_from: None,
        held: None,
        resource: None,
        hands: Hands::Free,
        now,
    };
    plan::connection::plan(&snapshot).status
}

/// One object, to be changed.
pub fn named<'a, K: Resource>(objects: &'a mut [K], namespace: &str, name: &str) -> Result<&'a mut K, SceneError> {
    let found = objects.iter_mut().find(|object| {
        let meta = object.meta();
        meta.namespace.as_deref() == Some(namespace) && meta.name.as_deref() == Some(name)
    });
    found.ok_or_else(|| format!("the scene has no {namespace}/{name}").into())
}
