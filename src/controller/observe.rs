//! The snapshot: everything a decision depends on, from memory only.
use super::{Context, remote::Remote, wake::connection_key};
use crate::{
    api::{
        SpeechConnection, SpeechEndpoint, SpeechModel,
        reference::{ConnectionRef, ManagementPolicy},
    },
    plan::{
        Agenda, ConnectionState, claim,
        connection::{Contact, allows, selects},
        model::{Refusal, refusals as refusals_of},
    },
    speech::EntityId,
    view::View,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use std::sync::{Arc, LazyLock, RwLockReadGuard};

/// The connection of an object, as far as it is there.
pub struct Surrounding {
    connection: Option<Arc<SpeechConnection>>,
    allowed: bool,
    /// Whether it would be of another namespace: what is not allowed there is not told from what is not there.
    foreign: bool,
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
    found: bool,
    allowed: bool,
}

impl Surrounding {
    /// Finds the connection that an object of a namespace refers to.
    pub fn of(context: &Context, reference: &ConnectionRef, namespace: &str) -> Self {
        Self::at(context, &connection_key(reference, namespace), namespace)
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
        Self {
            connection,
            allowed,
            foreign: home != namespace,
            remote: context.remotes.get(key),
        }
    }

    /// Whether the first look at the Speech resource has not ended. Until then nothing new can be said of an object, and
    /// what its status says from before still stands.
    pub fn is_pending(&self) -> bool {
        let pending = |remote: &Arc<Remote>| *remote.contact() == Contact::Pending;
        self.allowed && self.remote.as_ref().is_none_or(pending)
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
            usable: link.is_some(),
            found: self.connection.is_some() || self.foreign,
            allowed: self.allowed,
        }
    }
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
            return ConnectionState::NotFound;
        }
        if !self.allowed {
            return ConnectionState::NotAllowed;
        }
        let view = self.view.as_deref().filter(|view| view.is_complete());
        match (self.contact.as_deref(), view) {
            (Some(Contact::Established(_)), Some(view)) => ConnectionState::Ready {
                view,
                has_projects: self.has_projects,
            },
            (Some(Contact::Broken { message, .. }), view) => ConnectionState::NotReady {
                message,
                view,
                usable: self.usable,
            },
            (Some(Contact::Established(_) | Contact::Pending) | None, view) => ConnectionState::NotReady {
                message: "the first look at the Speech resource has not ended",
                view,
                usable: false,
            },
        }
    }
}

/// The remote endpoint that an object holds or wants to hold.
pub fn claimed_id(endpoint: &SpeechEndpoint) -> Option<EntityId> {
    let recorded = endpoint.status.as_ref().and_then(|status| status.id.as_deref());
    recorded
        .or(endpoint.spec.adopt.as_ref().map(|adopt| adopt.id.as_str()))?
        .parse()
        .ok()
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
        claimed_id(e) == Some(id)
            && e.uid() != endpoint.uid()
            && e.spec.management_policy == ManagementPolicy::Full
            && may_use(context, e)
            && same_resource(context, e, endpoint)
    };
    let rivals = context.stores.endpoints.state_filter(rival);
    let rivals: Vec<_> = (rivals.into_iter())
        .map(|rival| context.recent.endpoints.freshest(rival))
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
    let namespace = endpoint.namespace().unwrap_or_default();
    Surrounding::of(context, &endpoint.spec.connection_ref, &namespace).allowed
}

fn same_resource(context: &Context, a: &SpeechEndpoint, b: &SpeechEndpoint) -> bool {
    let address = |e: &SpeechEndpoint| {
        let key = connection_key(&e.spec.connection_ref, &e.namespace().unwrap_or_default());
        context
            .stores
            .connections
            .get(&key)
            .map(|connection| connection.spec.endpoint.clone())
    };
    address(a) == address(b)
}

/// Whether the remote endpoint carries the mark of an object of this cluster that is gone, and that no object of its name
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
        && Some(&tag.uid) != endpoint.meta().uid.as_ref()
        && context.stores.endpoints.find(lives).is_none()
}

/// Whether an endpoint's spec means a SpeechModel, by its name or by its labels.
pub fn means(endpoint: &SpeechEndpoint, model: &SpeechModel) -> bool {
    if endpoint.meta().namespace != model.meta().namespace {
        return false;
    }
    let choice = &endpoint.spec.model;
    let named = choice
        .r#ref
        .as_ref()
        .is_some_and(|reference| model.meta().name.as_ref() == Some(&reference.name));
    named
        || choice
            .selector
            .as_ref()
            .is_some_and(|selector| selects(selector, model.labels()))
}

/// What the gates of the endpoints refused that follow a SpeechModel. Only a trained one can do anything about it.
pub fn refusals(context: &Context, model: &SpeechModel) -> Vec<Refusal> {
    if model.spec.source.training.is_none() {
        return Vec::new();
    }
    let told = |endpoint: &SpeechEndpoint| {
        let status = endpoint.status.as_ref();
        status.is_some_and(|status| !status.quarantine.is_empty()) && means(endpoint, model)
    };
    let followers = context.stores.endpoints.state_filter(told);
    refusals_of(followers.iter().map(|endpoint| &**endpoint))
}

/// The SpeechModels that an endpoint's spec means, in the order of their names.
pub fn referenced_models(context: &Context, endpoint: &SpeechEndpoint) -> Vec<Arc<SpeechModel>> {
    let freshest = |model| context.recent.models.freshest(model);
    if let Some(reference) = &endpoint.spec.model.r#ref {
        let key = ObjectRef::new(&reference.name).within(&endpoint.namespace().unwrap_or_default());
        return context.stores.models.get(&key).map(freshest).into_iter().collect();
    }
    if endpoint.spec.model.selector.is_none() {
        return Vec::new();
    }
    let mut models: Vec<_> = (context
        .stores
        .models
        .state_filter(|model| means(endpoint, model))
        .into_iter())
    .map(freshest)
    .collect();
    models.sort_by_key(|model| model.name_any());
    models
}
