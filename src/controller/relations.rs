//! Which objects relate to which others: what wakes and snapshots ask, answered from the index of the stores.
//!
//! No question looks at all objects of a kind. The relations of a kind stand beside the questions that go by them: a question
//! finds nothing by a relation that its kind does not tell.
mod endpoint;
mod model;

pub use endpoint::Changed;

use super::{
    references::refers_to,
    store::{Indexed, Name, Relation, Store, Stores, name_of},
};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::{Resource, ResourceExt, core::PartialObjectMeta, runtime::reflector::ObjectRef};
use speech_api::{SpeechConnection, SpeechModel, Subject, reference::ConnectionRef};
use std::sync::Arc;

// They are looked for by their names alone.
impl Indexed for PartialObjectMeta<Secret> {}
impl Indexed for PartialObjectMeta<Namespace> {}

impl Indexed for ConfigMap {
    fn relations(&self) -> Vec<Relation<'_>> {
        let owners = self.owner_references().iter();
        owners.map(|owner| Relation::OwnedBy(&owner.uid)).collect()
    }
}

impl Indexed for SpeechConnection {
    fn relations(&self) -> Vec<Relation<'_>> {
        let (namespace, _) = name_of(self);
        let secret = self.spec.auth.secret();
        let secret = secret.map(|reference| Relation::KeyFrom((namespace, &reference.name)));
        let resource = resource_id(self).map(Relation::LeadsToResource);
        let leaves = leaves(self).then_some(Relation::Leaves);
        [Relation::Within(namespace), Relation::LeadsTo(address(self))]
            .into_iter()
            .chain(secret)
            .chain(resource)
            .chain(leaves)
            .collect()
    }
}

/// The relations that models and endpoints have in common.
fn of_subject<K: Subject>(object: &K) -> Vec<Relation<'_>> {
    let (namespace, _) = name_of(object);
    let connection = connection_name(object);
    let declared = object.declared();
    let uid = object.meta().uid.as_deref().map(Relation::Uid);
    let leaves = leaves(object).then_some([Relation::Leaves, Relation::LeavesFrom(connection)]);
    let export = (declared.export_to).map(|to| Relation::ExportsTo((namespace, to.config_map.name.as_str())));
    [Relation::Uses(connection)]
        .into_iter()
        .chain(uid)
        .chain(leaves.into_iter().flatten())
        .chain(export)
        .collect()
}

/// The name of the connection that an object refers to.
fn connection_name<K: Subject>(object: &K) -> Name<'_> {
    let reference = object.declared().connection_ref;
    let (own, _) = name_of(object);
    (reference.namespace.as_deref().unwrap_or(own), &reference.name)
}

fn leaves(object: &impl Resource) -> bool {
    object.meta().deletion_timestamp.is_some()
}

/// Whether a reference from a namespace leads to another one.
fn is_elsewhere(reference: &ConnectionRef, namespace: &str) -> bool {
    reference.namespace.as_deref().is_some_and(|home| home != namespace)
}

impl Stores {
    /// The SpeechModels that are copied into the Speech resource of a connection, through this one or another.
    pub fn copies_into(&self, target: &ObjectRef<SpeechConnection>) -> Vec<Arc<SpeechModel>> {
        let known = self.connections.get(target);
        let alike = known.map_or_else(Vec::new, |target| self.connections.leading_where(&target));
        let alike = alike.iter().map(|connection| ObjectRef::from_obj(&**connection));
        let targets: Vec<_> = alike.chain([target.clone()]).collect();
        self.models.copies_into(&targets)
    }
}

impl<K: Indexed> Store<K> {
    /// Those that are being deleted.
    pub fn leaving(&self) -> Vec<Arc<K>> {
        self.matching([Relation::Leaves], leaves)
    }
}

impl<K: Subject + Indexed> Store<K> {
    /// Those that refer to a connection.
    pub fn of(&self, connection: &ObjectRef<SpeechConnection>) -> Vec<Arc<K>> {
        self.matching([Relation::to(connection, Relation::Uses)], |object| {
            refers_to(object, connection)
        })
    }

    /// Those that refer to a connection and are being deleted.
    pub fn leaving_from(&self, connection: &ObjectRef<SpeechConnection>) -> Vec<Arc<K>> {
        self.matching([Relation::to(connection, Relation::LeavesFrom)], |object| {
            leaves(object) && refers_to(object, connection)
        })
    }

    /// Those with these uids.
    pub fn with_uids(&self, uids: &[String]) -> Vec<Arc<K>> {
        let relations = uids.iter().map(|uid| Relation::Uid(uid));
        self.matching(relations, |object| {
            object.meta().uid.as_ref().is_some_and(|uid| uids.contains(uid))
        })
    }

    /// Those that export to a ConfigMap.
    pub fn exporting_to(&self, namespace: &str, config_map: &str) -> Vec<Arc<K>> {
        self.matching([Relation::ExportsTo((namespace, config_map))], |object| {
            let export = object.declared().export_to;
            name_of(object).0 == namespace && export.is_some_and(|to| to.config_map.name == config_map)
        })
    }
}

impl Store<SpeechConnection> {
    /// Those of a namespace.
    pub fn within(&self, namespace: &str) -> Vec<Arc<SpeechConnection>> {
        self.matching([Relation::Within(namespace)], |connection| {
            name_of(connection).0 == namespace
        })
    }

    /// Those that take their key or client secret from a Secret.
    pub fn with_key_from(&self, namespace: &str, secret: &str) -> Vec<Arc<SpeechConnection>> {
        self.matching([Relation::KeyFrom((namespace, secret))], |connection| {
            let reference = connection.spec.auth.secret();
            name_of(connection).0 == namespace && reference.is_some_and(|reference| reference.name == secret)
        })
    }

    /// Those that lead to the Speech resource of this one, as far as their specs tell; itself among them.
    pub fn leading_where(&self, one: &SpeechConnection) -> Vec<Arc<SpeechConnection>> {
        let resource = resource_id(one).map(Relation::LeadsToResource);
        let relations = [Relation::LeadsTo(address(one))].into_iter().chain(resource);
        self.matching(relations, |other| lead_to_one_resource(one, other))
    }
}

impl Store<ConfigMap> {
    /// Those of a namespace that belong to the object with this uid: anybody can write it into a ConfigMap of another one.
    pub fn owned_by(&self, namespace: &str, uid: &str) -> Vec<Arc<ConfigMap>> {
        self.matching([Relation::OwnedBy(uid)], |map| {
            name_of(map).0 == namespace && map.owner_references().iter().any(|owner| owner.uid == uid)
        })
    }
}

/// Whether two connections lead to one Speech resource, as far as their specs tell.
pub fn lead_to_one_resource(a: &SpeechConnection, b: &SpeechConnection) -> bool {
    address(a) == address(b) || (resource_id(a).is_some() && resource_id(a) == resource_id(b))
}

fn address(connection: &SpeechConnection) -> String {
    connection.spec.endpoint.trim_end_matches('/').to_ascii_lowercase()
}

fn resource_id(connection: &SpeechConnection) -> Option<String> {
    connection.spec.resource_id.as_deref().map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests;
