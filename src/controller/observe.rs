//! The snapshot: everything a decision depends on, from memory only.
use super::{Context, references::connection_of, remote::Remote};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel, Subject, is_held, reference::ManagementPolicy};
use speech_plan::{
    Agenda, ConnectionState, Hands, claim,
    connection::{Contact, Dependents, Need, Obstacle, allows},
    deletes_remote,
    guard::{self, Leaving},
    model::{Refusal, refusals as refusals_of},
    near::nearest,
    relations::claimed_id,
    view::View,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, RwLockReadGuard},
};

/// The connection of an object, as far as it is there.
pub struct Surrounding {
    connection: Option<Arc<SpeechConnection>>,
    allowed: bool,
    /// Whether it would be of another namespace: what is not allowed there is not told from what is not there.
    foreign: bool,
    /// The name of the connection of the same namespace that was probably meant by one that is not there.
    near: Option<String>,
    /// The Speech resource of the connection.
    pub remote: Option<Arc<Remote>>,
}

/// The same with its parts locked for reading; short-lived.
pub struct Looked<'a> {
    contact: Option<RwLockReadGuard<'a, Contact>>,
    view: Option<RwLockReadGuard<'a, View>>,
    agenda: Option<RwLockReadGuard<'a, Agenda>>,
    has_projects: bool,
    usable: bool,
    recognised: bool,
    found: bool,
    broken_since: Option<Timestamp>,
    near: Option<String>,
    allowed: bool,
}

impl Surrounding {
    /// Finds the connection that an object refers to.
    pub fn of(context: &Context, object: &impl Subject) -> Self {
        let namespace = object.meta().namespace.as_deref().unwrap_or_default();
        Self::at(context, &connection_of(object), namespace)
    }

    /// Finds a connection as an object of a namespace sees it.
    pub fn at(context: &Context, key: &ObjectRef<SpeechConnection>, namespace: &str) -> Self {
        let connection = context.stores.connections.get(key);
        let home = key.namespace.clone().unwrap_or_default();
        let allowed = connection.as_ref().is_some_and(|connection| {
            let metadata = context.stores.namespaces.get(&ObjectRef::new(namespace));
            allows(
                &connection.spec.allowed_namespaces,
                &home,
                namespace,
                metadata.as_ref().and_then(|m| m.meta().labels.as_ref()),
            )
        });
        let is_missing = connection.is_none() && home == namespace;
        let near = is_missing.then(|| near(context, key)).flatten();
        Self {
            connection,
            allowed,
            foreign: home != namespace,
            near,
            remote: context.remotes.get(key),
        }
    }

    /// Whether the first look at the Speech resource has not ended. Until then nothing new can be said of an object, and
    /// what its status says from before still stands.
    pub fn is_pending(&self) -> bool {
        let pending = |remote: &Arc<Remote>| match *remote.contact() {
            Contact::Pending => true,
            Contact::Established(_) => !remote.is_recognised(),
            Contact::Blocked(_) | Contact::Broken { .. } => false,
        };
        self.allowed && self.remote.as_ref().is_none_or(pending)
    }

    /// Takes in who is being deleted, and what was agreed to.
    pub fn look_at_deletions(&self, context: &Context) {
        if let (Some(connection), Some(remote)) = (&self.connection, &self.remote) {
            look_at_deletions(context, connection, remote);
        }
    }

    /// Whether the connection is there and objects of the namespace may use it.
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// Locks what a decision reads.
    pub fn look(&self) -> Looked<'_> {
        let link = self.remote.as_ref().and_then(|remote| remote.link());
        Looked {
            contact: self.remote.as_ref().map(|remote| remote.contact()),
            view: self.remote.as_ref().map(|remote| remote.view()),
            agenda: self.remote.as_ref().map(|remote| remote.agenda()),
            has_projects: link.as_ref().is_some_and(|link| link.client.version().has_projects()),
            usable: link.is_some_and(|link| link.client.is_trusted()),
            recognised: self.remote.as_ref().is_none_or(|remote| remote.is_recognised()),
            found: self.connection.is_some() || self.foreign,
            broken_since: self.connection.as_deref().and_then(SpeechConnection::broken_since),
            near: self.near.clone(),
            allowed: self.allowed,
        }
    }
}

/// Brings what the guard of a connection goes by up to date.
pub fn look_at_deletions(context: &Context, connection: &SpeechConnection, remote: &Remote) {
    let leaving = deletions(context, &ObjectRef::from_obj(connection));
    let now = context.clock.now();
    let mut agenda = remote.agenda_mut();
    (agenda.guard).look(connection, &connection.spec.deletion_guard, leaving, now);
}

/// What an object without a connection has to agree on with others: nothing.
static NO_AGENDA: LazyLock<Agenda> = LazyLock::new(Agenda::default);

impl Looked<'_> {
    /// What the objects of the connection have to agree on.
    pub fn agenda(&self) -> &Agenda {
        self.agenda.as_deref().unwrap_or(&NO_AGENDA)
    }

    /// What the planner has to know of the connection.
    pub fn state(&self) -> ConnectionState<'_> {
        if !self.found {
            return ConnectionState::NotFound {
                near: self.near.as_deref(),
            };
        }
        if !self.allowed {
            return ConnectionState::NotAllowed;
        }
        let view = self.view.as_deref().filter(|view| view.is_complete());
        match (self.contact.as_deref(), view) {
            (Some(Contact::Established(_)), Some(view)) if self.recognised => ConnectionState::Ready {
                view,
                has_projects: self.has_projects,
            },
            (Some(Contact::Blocked(Obstacle { message, .. }) | Contact::Broken { message, .. }), view) => {
                ConnectionState::NotReady {
                    message,
                    view,
                    usable: self.usable,
                    since: self.broken_since,
                }
            }
            (Some(Contact::Established(_) | Contact::Pending) | None, view) => ConnectionState::NotReady {
                message: "the first look at the Speech resource has not ended",
                view,
                usable: false,
                since: None,
            },
        }
    }
}

/// The name in the namespace that is nearest to one which no connection has.
fn near(context: &Context, key: &ObjectRef<SpeechConnection>) -> Option<String> {
    let namespace = key.namespace.as_deref().unwrap_or_default();
    let connections = context.stores.connections.within(namespace);
    let names: Vec<String> = connections.iter().map(|connection| connection.name_any()).collect();
    nearest(&key.name, names.iter().map(String::as_str)).map(str::to_owned)
}

/// A namespace, if it is being terminated.
pub fn ending(context: &Context, namespace: &str) -> Option<Namespace> {
    let known = context.stores.namespaces.get(&ObjectRef::new(namespace));
    let ending = known.filter(|namespace| namespace.meta().deletion_timestamp.is_some())?;
    Some(Namespace {
        metadata: ending.meta().clone(),
        ..Namespace::default()
    })
}

/// Another object that claims the same remote endpoint and comes first: the one whose mark it bears, else the oldest.
pub fn holder(context: &Context, endpoint: &SpeechEndpoint, state: &ConnectionState<'_>) -> Option<String> {
    // Only an adopted endpoint can have two claimants; a created one carries the mark of its creator.
    let id = endpoint.spec.adopt.as_ref().and_then(|_| claimed_id(endpoint))?;
    let entry = state.view().and_then(|view| view.endpoints.get(id));
    let mark = entry.and_then(|entry| entry.entity.header.owner.as_deref());
    let mark = mark.filter(|mark| mark.cluster == context.cluster);
    if claim::is_first(endpoint, mark) {
        return None;
    }
    let rival = |e: &SpeechEndpoint| {
        e.uid() != endpoint.uid()
            && e.spec.management_policy == ManagementPolicy::Full
            && may_use(context, e)
            && same_resource(context, e, endpoint)
    };
    let rivals = context.stores.endpoints.claiming(id).into_iter();
    let rivals: Vec<_> = rivals
        .filter(|e| rival(e))
        .map(|rival| context.written.endpoints.freshest(rival))
        .collect();
    let holder = claim::holder(endpoint, rivals.iter().map(|rival| &**rival), mark)?;
    Some(told(holder, endpoint))
}

/// The name of an object as another one may tell it: not that of a stranger.
pub fn told<K: ResourceExt>(object: &K, to: &K) -> String {
    if object.namespace() == to.namespace() {
        return format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
    }
    "of another namespace".to_owned()
}

/// Whether an object may use the connection that it refers to. One that may not claims nothing.
fn may_use(context: &Context, endpoint: &SpeechEndpoint) -> bool {
    Surrounding::of(context, endpoint).allowed
}

fn same_resource(context: &Context, a: &SpeechEndpoint, b: &SpeechEndpoint) -> bool {
    let address = |e: &SpeechEndpoint| {
        let key = connection_of(e);
        context
            .stores
            .connections
            .get(&key)
            .map(|connection| connection.spec.endpoint.clone())
    };
    address(a) == address(b)
}

/// Whether the remote endpoint carries the mark of an object of this cluster and scope that is gone, and that no object of its name
/// continues with.
pub fn is_abandoned(context: &Context, endpoint: &SpeechEndpoint, state: &ConnectionState<'_>) -> bool {
    let Some(id) = claimed_id(endpoint) else { return false };
    let entry = state.view().and_then(|view| view.endpoints.get(id));
    let Some(tag) = entry.and_then(|entry| entry.entity.header.owner.as_ref()) else {
        return false;
    };
    let lives = |other: &SpeechEndpoint| {
        let named = claim::is_named(other, tag) && claimed_id(other).is_none_or(|claimed| claimed == id);
        other.meta().uid.as_ref() == Some(&tag.uid) || (named && other.uid() != endpoint.uid())
    };
    tag.cluster == context.cluster
        && context.scope.sees(tag)
        && Some(&tag.uid) != endpoint.meta().uid.as_ref()
        && !context.stores.endpoints.marked_by(tag).iter().any(|other| lives(other))
}

/// What the gates of the endpoints refused that follow a SpeechModel. Only a trained one can do anything about it.
pub fn refusals(context: &Context, model: &SpeechModel) -> Vec<Refusal> {
    if model.spec.source.training.is_none() {
        return Vec::new();
    }
    let is_told = |endpoint: &SpeechEndpoint| {
        let status = endpoint.status.as_ref();
        status.is_some_and(|status| !status.quarantine.is_empty())
    };
    let followers = context.stores.endpoints.meaning(model, is_told);
    refusals_of(followers.iter().map(|endpoint| &**endpoint))
}

/// A SpeechEndpoint that follows a SpeechModel, by the order of names. Asked only where the spec pins a base model, which may
/// be one whose models nobody can deploy.
pub fn follower(context: &Context, model: &SpeechModel) -> Option<String> {
    model.spec.source.training.as_ref()?.base_model.as_ref()?;
    let stays = |endpoint: &SpeechEndpoint| endpoint.meta().deletion_timestamp.is_none();
    let followers = context.stores.endpoints.meaning(model, stays);
    followers.iter().map(|endpoint| endpoint.name_any()).min()
}

/// The SpeechModels that an endpoint's spec means, in the order of their names.
pub fn referenced_models(context: &Context, endpoint: &SpeechEndpoint) -> Vec<Arc<SpeechModel>> {
    let freshest = |model| context.written.models.freshest(model);
    if let Some(reference) = &endpoint.spec.model.r#ref {
        let key = ObjectRef::new(&reference.name).within(&endpoint.namespace().unwrap_or_default());
        return context.stores.models.get(&key).map(freshest).into_iter().collect();
    }
    let meant = context.stores.models.meant_by(endpoint);
    let mut models: Vec<_> = meant.into_iter().map(freshest).collect();
    models.sort_by_key(|model| model.name_any());
    models
}

/// What an object needs its connection for, in a process with these hands.
pub fn need<K: Subject>(object: &K, hands: Hands) -> Need<'_> {
    Need {
        namespace: object.meta().namespace.as_deref().unwrap_or_default(),
        deleted: object.meta().deletion_timestamp.is_some(),
        deletes_remote: hands.are_free() && deletes_remote(object),
        force_orphan_after: object.declared().force_orphan_after,
    }
}

/// Who needs a connection: those that still have something remote to look after or to make.
pub fn dependents(context: &Context, key: &ObjectRef<SpeechConnection>) -> Dependents {
    let home = key.namespace.as_deref().unwrap_or_default();
    // A reference from a namespace that is not allowed must not keep somebody else's connection.
    let allowed =
        |namespace: Option<String>| Surrounding::at(context, key, &namespace.unwrap_or_default()).is_allowed();
    let (mut models, mut endpoints) = (context.stores.models.of(key), context.stores.endpoints.of(key));
    models.retain(|model| allowed(model.namespace()));
    endpoints.retain(|endpoint| allowed(endpoint.namespace()));
    let needs = models.iter().map(|model| need(&**model, context.hands));
    let needs = needs.chain(endpoints.iter().map(|endpoint| need(&**endpoint, context.hands)));
    Dependents::of(needs, home, ending(context, home).is_some())
}

/// What the objects of a connection that are being deleted would delete in the Speech service.
pub fn deletions(context: &Context, key: &ObjectRef<SpeechConnection>) -> BTreeMap<String, Leaving> {
    let stores = &context.stores;
    let models = stores
        .models
        .leaving_from(key)
        .into_iter()
        .filter(|model| is_held(&**model));
    let endpoints = stores.endpoints.leaving_from(key).into_iter();
    let endpoints = endpoints.filter(|endpoint| is_held(&**endpoint));
    let models = models.map(|m| of_leaving(&*context.written.models.freshest(m), context.hands));
    let endpoints = endpoints.map(|e| of_leaving(&*context.written.endpoints.freshest(e), context.hands));
    models.chain(endpoints).flatten().collect()
}

fn of_leaving(object: &impl Subject, hands: Hands) -> Option<(String, Leaving)> {
    let leaving = Leaving {
        at: object.meta().deletion_timestamp.as_ref()?.0,
        entities: if need(object, hands).deletes_remote {
            object.entities()
        } else {
            0
        },
        held: guard::is_told(object.conditions()),
    };
    Some((object.meta().uid.clone()?, leaving))
}
