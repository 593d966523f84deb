//! Who has to be looked at when something else changes.
//!
//! A missing reference heals by these wakes, never by a poll.
mod lists;
mod recorded;

pub use lists::{users, uses};
pub use recorded::{expected, named_datasets, recorded};

use super::{
    Context, Seen,
    references::{connection_of, is_copy_of, lacks_hold, refers_to, source_key, wanted},
    routes,
    watched::Watched,
};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::{Resource as _, ResourceExt, core::PartialObjectMeta, runtime::reflector::ObjectRef};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel, reference::ConnectionRef};
use speech_plan::{
    relations::{
        claimed_id, concerns_endpoint, concerns_gate, concerns_model, datasets_of, has_history, has_judged, means,
        owners_of,
    },
    view::Changes,
};
use speech_resource::Resource;
use std::sync::Arc;

/// A SpeechConnection changed: itself, and all that refer to it.
pub fn on_connection(context: &Context, connection: &SpeechConnection, seen: Seen) {
    let news = seen == Seen::Deleted || context.news.is_news(connection, connection.status.as_ref());
    if connection.meta().deletion_timestamp.is_some() {
        context.alarm.ring();
    }
    if seen == Seen::Deleted {
        context.recent.connections.gone(connection);
        context.news.forget(connection);
        context.remotes.remove(&ObjectRef::from_obj(connection));
    } else if context.recent.connections.echoed(connection) {
        return;
    }
    if news {
        let key = ObjectRef::from_obj(connection);
        context.wakes.connection(key.clone());
        dependents(context, &key);
    }
}

/// A SpeechModel changed: itself, the endpoints that name it, the models that copy it, and a connection that has to be held or let go.
pub fn on_model(context: &Context, model: &SpeechModel, seen: Seen) {
    let own = on_managed(context, model, seen);
    if own {
        context.wakes.model(model);
    }
    // One that lost the labels of a selector was meant before.
    let was_meant =
        |e: &SpeechEndpoint| e.spec.model.selector.is_some() && e.meta().namespace == model.meta().namespace;
    let named = |e: &SpeechEndpoint| means(e, model) || was_meant(e);
    context
        .stores
        .endpoints
        .state_filter(named)
        .iter()
        .for_each(|endpoint| context.wakes.endpoint(endpoint));
    wake_models(context, |m| is_copy_of(m, model));
}

/// All models that a condition holds for.
fn wake_models(context: &Context, concerned: impl Fn(&SpeechModel) -> bool) {
    let models = context.stores.models.state_filter(concerned);
    models.iter().for_each(|model| context.wakes.model(model));
}

/// All models that are copied and that a condition holds for. Asked outside the store, because the condition may have to
/// look into it.
fn wake_copies(context: &Context, concerned: impl Fn(&SpeechModel) -> bool) {
    let copies = context.stores.models.state_filter(|m| m.spec.source.copy.is_some());
    let concerned = copies.iter().filter(|model| concerned(model));
    concerned.for_each(|model| context.wakes.model(model));
}

/// A SpeechEndpoint changed: itself, a rival for its remote endpoint, and a connection that has to be held or let go.
pub fn on_endpoint(context: &Context, endpoint: &SpeechEndpoint, seen: Seen) {
    if on_managed(context, endpoint, seen) {
        context.wakes.endpoint(endpoint);
    }
    if has_judged(endpoint) {
        wake_models(context, |m| m.spec.source.training.is_some() && means(endpoint, m));
    }
    if seen == Seen::Deleted {
        let id = claimed_id(endpoint);
        let adopts = |e: &SpeechEndpoint| e.spec.adopt.is_some();
        let rival = |e: &SpeechEndpoint| adopts(e) && id.is_some() && claimed_id(e) == id;
        context
            .stores
            .endpoints
            .state_filter(rival)
            .iter()
            .for_each(|rival| context.wakes.endpoint(rival));
    }
}

/// What models and endpoints have in common; tells whether the object itself has to be looked at.
fn on_managed<K: Watched>(context: &Context, object: &K, seen: Seen) -> bool {
    let key = connection_of(object);
    if seen == Seen::Deleted {
        K::recent(context).gone(object);
        context.news.forget(object);
        routes::forget(context, &K::sleeper(ObjectRef::from_obj(object)));
        if let Some(remote) = context.remotes.get(&key) {
            let uid = object.meta().uid.as_deref().unwrap_or_default();
            remote.stop_awaiting(uid);
            remote.view_mut().copies.forget(uid);
            if remote.agenda_mut().line.leave(uid) {
                line(context, &remote.resource);
            }
        }
        context.wakes.connection(key);
        return false;
    }
    if object.meta().deletion_timestamp.is_some() {
        context.alarm.ring();
    }
    let connection = context.stores.connections.get(&key);
    if connection.is_some_and(|connection| {
        (context.hands.are_free() && lacks_hold(&connection)) || connection.meta().deletion_timestamp.is_some()
    }) {
        context.wakes.connection(key);
    }
    let news = context.news.is_news(object, object.status());
    !K::recent(context).echoed(object) && news
}

/// A Secret changed: the connections that take their key from it.
pub fn on_secret(context: &Context, secret: &PartialObjectMeta<Secret>, _seen: Seen) {
    let (name, namespace) = (secret.name_any(), secret.namespace());
    let uses = |c: &SpeechConnection| {
        c.meta().namespace == namespace
            && c.spec
                .auth
                .key_secret_ref
                .as_ref()
                .is_some_and(|reference| reference.name == name)
    };
    let connections = context.stores.connections.state_filter(uses);
    connections
        .iter()
        .for_each(|connection| context.wakes.connection(ObjectRef::from_obj(&**connection)));
}

/// A Namespace changed: a connection of another namespace may allow it now, and its own wait for less when it ends.
pub fn on_namespace(context: &Context, namespace: &PartialObjectMeta<Namespace>, _seen: Seen) {
    let name = namespace.name_any();
    if namespace.meta().deletion_timestamp.is_some() {
        context.alarm.ring();
    }
    let here = |c: &SpeechConnection| c.meta().namespace.as_deref() == Some(&name);
    let held = |c: &SpeechConnection| here(c) && c.meta().deletion_timestamp.is_some();
    let connections = context.stores.connections.state_filter(held);
    let wake = |connection: &Arc<SpeechConnection>| context.wakes.connection(ObjectRef::from_obj(&**connection));
    connections.iter().for_each(wake);
    let elsewhere = |reference: &ConnectionRef| reference.namespace.as_deref().is_some_and(|home| home != name);
    let endpoints = context
        .stores
        .endpoints
        .state_filter(|e| e.meta().namespace.as_deref() == Some(&name) && elsewhere(&e.spec.connection_ref));
    endpoints.iter().for_each(|endpoint| context.wakes.endpoint(endpoint));
    wake_models(context, |m| {
        m.meta().namespace.as_deref() == Some(&name)
            && (elsewhere(&m.spec.connection_ref) || m.spec.source.copy.is_some())
    });
}

/// A published ConfigMap changed or went: its owner puts it back, or another that wants it has it now.
pub fn on_export(context: &Context, export: &ConfigMap, seen: Seen) {
    let namespace = export.namespace().unwrap_or_default();
    if seen == Seen::Deleted {
        let endpoints = context.stores.endpoints.state_filter(|e| exports_to(e, export));
        endpoints.iter().for_each(|endpoint| context.wakes.endpoint(endpoint));
        wake_models(context, |m| exports_to(m, export));
        return;
    }
    for owner in export.owner_references() {
        if owner.kind == SpeechEndpoint::kind(&())
            && let Some(endpoint) = context
                .stores
                .endpoints
                .get(&ObjectRef::new(&owner.name).within(&namespace))
        {
            context.wakes.endpoint(&endpoint);
        }
        if owner.kind == SpeechModel::kind(&())
            && let Some(model) = context
                .stores
                .models
                .get(&ObjectRef::new(&owner.name).within(&namespace))
        {
            context.wakes.model(&model);
        }
    }
}

fn exports_to<K: Watched>(object: &K, export: &ConfigMap) -> bool {
    object.meta().namespace == export.meta().namespace
        && (object.declared().export_to).is_some_and(|to| export.meta().name.as_ref() == Some(&to.config_map.name))
}

/// All that refer to a connection, and all that are copied through it.
pub fn dependents(context: &Context, key: &ObjectRef<SpeechConnection>) {
    wake_models(context, |m| refers_to(m, key));
    wake_copies(context, |m| source_key(context, m).as_ref() == Some(key));
    context
        .stores
        .endpoints
        .state_filter(|e| refers_to(e, key))
        .iter()
        .for_each(|endpoint| context.wakes.endpoint(endpoint));
}

/// Those who refer to a connection and are being deleted.
pub fn leaving(context: &Context, key: &ObjectRef<SpeechConnection>) {
    wake_models(context, |m| m.meta().deletion_timestamp.is_some() && refers_to(m, key));
    let leaving = |e: &SpeechEndpoint| e.meta().deletion_timestamp.is_some() && refers_to(e, key);
    let endpoints = context.stores.endpoints.state_filter(leaving);
    endpoints.iter().for_each(|endpoint| context.wakes.endpoint(endpoint));
}

/// All models and endpoints that are being deleted.
pub fn leaving_all(context: &Context) {
    wake_models(context, |m| m.meta().deletion_timestamp.is_some());
    let leaving = |e: &SpeechEndpoint| e.meta().deletion_timestamp.is_some();
    let endpoints = context.stores.endpoints.state_filter(leaving);
    endpoints.iter().for_each(|endpoint| context.wakes.endpoint(endpoint));
}

/// The remote side changed: only those that stand for what changed, or depend on it.
pub fn on_remote(context: &Context, key: &ObjectRef<SpeechConnection>, resource: &Resource, changes: &Changes) {
    if changes.is_empty() {
        return;
    }
    let (owners, judged_with) = {
        let view = resource.view();
        (owners_of(&view, changes), datasets_of(&view, changes))
    };
    let is_owner = |object: &kube::core::ObjectMeta| object.uid.as_ref().is_some_and(|uid| owners.contains(uid));
    let endpoint_concerned = |e: &SpeechEndpoint| {
        refers_to(e, key)
            && (is_owner(e.meta()) || concerns_endpoint(e, changes) || concerns_gate(e, changes, &judged_with))
    };
    context
        .stores
        .endpoints
        .state_filter(endpoint_concerned)
        .iter()
        .for_each(|endpoint| context.wakes.endpoint(endpoint));
    wake_models(context, |m| {
        refers_to(m, key) && (is_owner(m.meta()) || concerns_model(m, changes))
    });
    if !changes.models.is_empty() {
        wake_copies(context, |m| {
            source_key(context, m).as_ref() == Some(key)
                && wanted(context, m).is_some_and(|id| changes.models.contains(&id))
        });
    }
    if !(changes.endpoints.is_empty() && changes.models.is_empty()) {
        line(context, resource);
    }
    if !changes.evaluations.is_empty() {
        context.wakes.connection(key.clone());
    }
}

/// A place in the line came free: those whose turn it may be now.
pub fn line(context: &Context, resource: &Resource) {
    let (swaps, trainings): (Vec<String>, Vec<String>) = {
        let agenda = resource.agenda();
        let first = |waiting: &mut dyn Iterator<Item = &str>, limit| waiting.take(limit).map(str::to_owned).collect();
        (
            first(&mut agenda.line.next_swaps(), agenda.limits.swaps),
            first(&mut agenda.line.next_trainings(), agenda.limits.trainings),
        )
    };
    let named =
        |uids: &[String], meta: &kube::core::ObjectMeta| meta.uid.as_ref().is_some_and(|uid| uids.contains(uid));
    if !swaps.is_empty() {
        let waiting = context.stores.endpoints.state_filter(|e| named(&swaps, e.meta()));
        waiting.iter().for_each(|endpoint| context.wakes.endpoint(endpoint));
    }
    if !trainings.is_empty() {
        let waiting = context.stores.models.state_filter(|m| named(&trainings, m.meta()));
        waiting.iter().for_each(|model| context.wakes.model(model));
    }
}

/// An endpoint let a model go: models that wait to be deleted, or have revisions to discard.
pub fn on_model_freed(context: &Context, key: &ObjectRef<SpeechConnection>) {
    wake_models(context, |m| {
        refers_to(m, key) && (m.meta().deletion_timestamp.is_some() || has_history(m))
    });
}

/// Everything; after the development clock jumped.
pub fn all(context: &Context) {
    let wake = |connection: &Arc<SpeechConnection>| context.wakes.connection(ObjectRef::from_obj(&**connection));
    context.stores.connections.state().iter().for_each(wake);
    context
        .stores
        .models
        .state()
        .iter()
        .for_each(|model| context.wakes.model(model));
    context
        .stores
        .endpoints
        .state()
        .iter()
        .for_each(|endpoint| context.wakes.endpoint(endpoint));
}
