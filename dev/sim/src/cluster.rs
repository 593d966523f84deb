//! The objects of one connection, as the apiserver would hold them: what survives every operator.
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Resource, ResourceExt};
use speech_api::{
    FINALIZER, SpeechConnection, SpeechEndpoint, SpeechEndpointStatus, SpeechModel, SpeechModelStatus, Subject,
    SubjectStatus,
    annotation::{CREATION_INTENT, CreationIntent},
};
use speech_plan::{
    self as plan, Plan, Surroundings,
    relations::{has_judged, means},
};
use std::collections::BTreeMap;

/// The uid of the `kube-system` namespace.
pub const UID: &str = "00000000-0000-4000-8000-00000000c1c1";

/// One object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A SpeechModel.
    Model(usize),
    /// A SpeechEndpoint.
    Endpoint(usize),
}

/// The connection and all that refer to it.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub connection: SpeechConnection,
    /// SpeechModels, as long as they exist.
    pub models: Vec<Option<SpeechModel>>,
    /// SpeechEndpoints, as long as they exist.
    pub endpoints: Vec<Option<SpeechEndpoint>>,
    /// Objects by uid, also those that are gone.
    pub by_uid: BTreeMap<String, Key>,
}

/// A kind of objects in this cluster.
pub trait Kind: Subject<Status: serde::Serialize> + Clone {
    /// An object that exists.
    #[cfg(test)]
    fn get(cluster: &Cluster, index: usize) -> Option<&Self>;
    /// Whether what failed last was refused by the service.
    #[cfg(test)]
    fn was_refused(&self) -> bool {
        let failure = self.status().and_then(SubjectStatus::last_failure);
        failure.is_some_and(|failure| failure.terminal)
    }
    /// Forgets how often something was made.
    #[cfg(test)]
    fn forget_count(&mut self);
    /// Changes it as what it is in the cluster.
    #[cfg(test)]
    fn distort(&mut self, change: impl FnOnce(&mut serde_json::Value));
    /// The place of an object.
    fn slot(cluster: &mut Cluster, index: usize) -> Option<&mut Option<Self>>;
    fn key(index: usize) -> Key;
    /// The SpeechModels whose revisions it judged.
    fn judged_models(&self, _cluster: &Cluster) -> Vec<Key> {
        Vec::new()
    }
    /// Decides, with all that the object refers to.
    fn plan(&self, cluster: &Cluster, around: Surroundings<'_>) -> Plan<Self::Status>;
}

impl Kind for SpeechModel {
    #[cfg(test)]
    fn get(cluster: &Cluster, index: usize) -> Option<&Self> {
        cluster.models.get(index)?.as_ref()
    }

    #[cfg(test)]
    fn forget_count(&mut self) {
        forget_count(self);
    }

    #[cfg(test)]
    fn distort(&mut self, change: impl FnOnce(&mut serde_json::Value)) {
        distort(self, change);
    }

    fn slot(cluster: &mut Cluster, index: usize) -> Option<&mut Option<Self>> {
        cluster.models.get_mut(index)
    }

    fn key(index: usize) -> Key {
        Key::Model(index)
    }

    fn plan(&self, cluster: &Cluster, around: Surroundings<'_>) -> Plan<SpeechModelStatus> {
        let followers = cluster
            .endpoints
            .iter()
            .flatten()
            .filter(|endpoint| means(endpoint, self));
        let follower = followers.clone().next().map(|endpoint| endpoint.name_any());
        plan::model::plan(&plan::model::Snapshot {
            object: self,
            related: plan::model::Related {
                source: None,
                refusals: &plan::model::refusals(followers),
                follower: follower.as_deref(),
            },
            around,
        })
    }
}

impl Kind for SpeechEndpoint {
    #[cfg(test)]
    fn get(cluster: &Cluster, index: usize) -> Option<&Self> {
        cluster.endpoints.get(index)?.as_ref()
    }

    #[cfg(test)]
    fn forget_count(&mut self) {
        forget_count(self);
    }

    #[cfg(test)]
    fn distort(&mut self, change: impl FnOnce(&mut serde_json::Value)) {
        distort(self, change);
    }

    fn slot(cluster: &mut Cluster, index: usize) -> Option<&mut Option<Self>> {
        cluster.endpoints.get_mut(index)
    }

    fn key(index: usize) -> Key {
        Key::Endpoint(index)
    }

    fn judged_models(&self, cluster: &Cluster) -> Vec<Key> {
        let models = cluster.models.iter().enumerate();
        models
            .filter(|(_, model)| has_judged(self) && model.as_ref().is_some_and(|model| means(self, model)))
            .map(|(index, _)| Key::Model(index))
            .collect()
    }

    fn plan(&self, cluster: &Cluster, around: Surroundings<'_>) -> Plan<SpeechEndpointStatus> {
        let mut models: Vec<_> = (cluster.models.iter().flatten())
            .filter(|model| means(self, model))
            .collect();
        models.sort_by_key(|model| model.name_any());
        plan::endpoint::plan(&plan::endpoint::Snapshot {
            object: self,
            related: plan::endpoint::Related {
                models: &models,
                holder: None,
                abandoned: false,
            },
            around,
        })
    }
}

impl Cluster {
    /// All objects that exist.
    pub fn keys(&self) -> Vec<Key> {
        let models = self.models.iter().enumerate().filter(|(_, object)| object.is_some());
        let endpoints = self.endpoints.iter().enumerate().filter(|(_, object)| object.is_some());
        models
            .map(|(index, _)| Key::Model(index))
            .chain(endpoints.map(|(index, _)| Key::Endpoint(index)))
            .collect()
    }

    /// Those that are being deleted.
    pub fn leaving(&self) -> Vec<Key> {
        fn marked<K: Kind>(objects: &[Option<K>]) -> impl Iterator<Item = Key> {
            let objects = objects.iter().enumerate();
            let leaves = |object: &K| object.meta().deletion_timestamp.is_some();
            objects
                .filter(move |(_, object)| object.as_ref().is_some_and(leaves))
                .map(|(index, _)| K::key(index))
        }
        marked(&self.models).chain(marked(&self.endpoints)).collect()
    }

    /// The endpoints that follow a SpeechModel of this name, or may.
    pub fn followers(&self, name: &str) -> Vec<Key> {
        let follows = |endpoint: &SpeechEndpoint| {
            let choice = &endpoint.spec.model;
            choice.selector.is_some() || choice.r#ref.as_ref().is_some_and(|named| named.name == name)
        };
        let endpoints = self.endpoints.iter().enumerate();
        endpoints
            .filter(|(_, object)| object.as_ref().is_some_and(follows))
            .map(|(index, _)| Key::Endpoint(index))
            .collect()
    }

    /// Whether a request of an object failed and has not been repeated with success.
    pub fn has_failure(&self, key: Key) -> bool {
        fn failed<K: Subject>(objects: &[Option<K>], index: usize) -> bool {
            let object = objects.get(index).and_then(Option::as_ref);
            object
                .and_then(Subject::status)
                .and_then(SubjectStatus::last_failure)
                .is_some()
        }
        match key {
            Key::Model(index) => failed(&self.models, index),
            Key::Endpoint(index) => failed(&self.endpoints, index),
        }
    }

    /// A user deletes an object: it goes at once, or when its finalizer does.
    pub fn delete(&mut self, key: Key, now: Timestamp) {
        fn mark<K: Resource>(slot: &mut Option<K>, now: Timestamp) {
            let Some(object) = slot else { return };
            if object.finalizers().is_empty() {
                *slot = None;
            } else {
                object.meta_mut().deletion_timestamp.get_or_insert(Time(now));
            }
        }
        match key {
            Key::Model(index) => self.models.get_mut(index).into_iter().for_each(|slot| mark(slot, now)),
            Key::Endpoint(index) => {
                let slot = self.endpoints.get_mut(index).into_iter();
                slot.for_each(|slot| mark(slot, now));
            }
        }
    }
}

/// Puts the finalizer on and, before a creation, the announcement.
pub fn claim(object: &mut impl Resource, intent: Option<CreationIntent>) {
    let meta = object.meta_mut();
    let finalizers = meta.finalizers.get_or_insert_default();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        finalizers.push(FINALIZER.to_owned());
    }
    if let Some(intent) = intent {
        annotate(object, CREATION_INTENT, intent.to_value());
    }
}

/// Writes an annotation.
pub fn annotate(object: &mut impl Resource, key: &str, value: String) {
    let annotations = object.meta_mut().annotations.get_or_insert_default();
    annotations.insert(key.to_owned(), value);
}

/// Leaves of an announcement what names the attempt, and of a status all but the counts.
#[cfg(test)]
fn forget_count<K: serde::Serialize + serde::de::DeserializeOwned>(object: &mut K) {
    distort(object, |whole| {
        let announced = whole.pointer_mut(&format!("/metadata/annotations/{}", CREATION_INTENT.replace('/', "~1")));
        if let Some(value) = announced
            && let Some(Ok(serde_json::Value::Object(mut members))) = value.as_str().map(serde_json::from_str)
        {
            members.retain(|name, _| ["attempt", "at", "copyOf"].contains(&name.as_str()));
            *value = serde_json::Value::Object(members).to_string().into();
        }
        if let Some(status) = whole.get_mut("status").and_then(serde_json::Value::as_object_mut) {
            status.remove("creations");
            status.remove("evaluations");
        }
    });
}

#[cfg(test)]
fn distort<K: serde::Serialize + serde::de::DeserializeOwned>(
    object: &mut K,
    change: impl FnOnce(&mut serde_json::Value),
) {
    let mut whole = serde_json::to_value(&*object).unwrap_or_default();
    change(&mut whole);
    if let Ok(read) = serde_json::from_value(whole) {
        *object = read;
    }
}
