//! Who has to be looked at when something else changes.
//!
//! A missing reference heals by these wakes, never by a poll.
mod lists;
mod recorded;

pub use lists::{users, uses};
pub use recorded::{expected, named_datasets, recorded};

use super::{
    Context, Seen,
    references::{connection_of, lacks_hold, source_key, wanted},
    relations::Changed,
    routes,
    store::name_of,
    watched::Watched,
};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::{Resource as _, ResourceExt, core::PartialObjectMeta, runtime::reflector::ObjectRef};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_plan::{
    relations::{claimed_id, datasets_of, has_judged, owners_of},
    view::Changes,
};
use speech_resource::Resource;
use std::sync::Arc;

/// A SpeechConnection changed: itself, and all that refer to it.
pub fn on_connection(context: &Context, connection: &SpeechConnection, seen: Seen) {
    let news = seen == Seen::Deleted || context.predicate.note(connection, connection.status.as_ref());
    if connection.meta().deletion_timestamp.is_some() {
        context.alarm.ring();
    }
    if seen == Seen::Deleted {
        context.written.connections.gone(connection);
        context.predicate.forget(connection);
        context.remotes.remove(&ObjectRef::from_obj(connection));
    } else if context.written.connections.echoed(connection) {
        return;
    }
    if news {
        let key = ObjectRef::from_obj(connection);
        context.wakes.wake_connection(&key);
        dependents(context, &key);
    }
}

/// A SpeechModel changed: itself, the endpoints that name it, the models that copy it, and a connection that has to be held or let go.
pub fn on_model(context: &Context, model: &SpeechModel, seen: Seen) {
    let own = on_managed(context, model, seen);
    if own {
        context.wakes.model(model);
    }
    wake_endpoints(context, &context.stores.endpoints.that_may_have_meant(model));
    wake_models(context, &context.stores.models.copies_of(model));
}

fn wake_connections(context: &Context, connections: &[Arc<SpeechConnection>]) {
    let keys = connections.iter().map(|connection| ObjectRef::from_obj(&**connection));
    keys.for_each(|key| context.wakes.wake_connection(&key));
}

fn wake_models(context: &Context, models: &[Arc<SpeechModel>]) {
    models.iter().for_each(|model| context.wakes.model(model));
}

fn wake_endpoints(context: &Context, endpoints: &[Arc<SpeechEndpoint>]) {
    endpoints.iter().for_each(|endpoint| context.wakes.endpoint(endpoint));
}

/// A SpeechEndpoint changed: itself, a rival for its remote endpoint, and a connection that has to be held or let go.
pub fn on_endpoint(context: &Context, endpoint: &SpeechEndpoint, seen: Seen) {
    if on_managed(context, endpoint, seen) {
        context.wakes.endpoint(endpoint);
    }
    if has_judged(endpoint) {
        let mut meant = context.stores.models.meant_by(endpoint);
        meant.retain(|model| model.spec.source.training.is_some());
        wake_models(context, &meant);
    }
    if seen == Seen::Deleted
        && let Some(id) = claimed_id(endpoint)
    {
        let mut rivals = context.stores.endpoints.claiming(id);
        rivals.retain(|rival| rival.spec.adopt.is_some());
        wake_endpoints(context, &rivals);
    }
}

/// What models and endpoints have in common; tells whether the object itself has to be looked at.
fn on_managed<K: Watched>(context: &Context, object: &K, seen: Seen) -> bool {
    let key = connection_of(object);
    if seen == Seen::Deleted {
        K::mutation_cache(context).gone(object);
        context.predicate.forget(object);
        routes::forget(context, &K::sleeper(ObjectRef::from_obj(object)));
        if let Some(remote) = context.remotes.get(&key) {
            let uid = object.meta().uid.as_deref().unwrap_or_default();
            remote.stop_awaiting(uid);
            remote.view_mut().copies.forget(uid);
            if remote.agenda_mut().queue.leave(uid) {
                next_in_queue(context, &remote.resource);
            }
        }
        context.wakes.wake_connection(&key);
        return false;
    }
    if object.meta().deletion_timestamp.is_some() {
        context.alarm.ring();
    }
    let connection = context.stores.connections.get(&key);
    if connection.is_some_and(|connection| {
        (context.hands.are_free() && lacks_hold(&connection)) || connection.meta().deletion_timestamp.is_some()
    }) {
        context.wakes.wake_connection(&key);
    }
    let news = context.predicate.note(object, object.status());
    !K::mutation_cache(context).echoed(object) && news
}

/// A Secret changed: the connections that take their key from it.
pub fn on_secret(context: &Context, secret: &PartialObjectMeta<Secret>, _seen: Seen) {
    let (namespace, name) = name_of(secret);
    wake_connections(context, &context.stores.connections.with_key_from(namespace, name));
}

/// A Namespace changed: a connection of another namespace may allow it now, and its own wait for less when it ends.
pub fn on_namespace(context: &Context, namespace: &PartialObjectMeta<Namespace>, _seen: Seen) {
    let name = namespace.name_any();
    if namespace.meta().deletion_timestamp.is_some() {
        context.alarm.ring();
    }
    let mut held = context.stores.connections.within(&name);
    held.retain(|connection| connection.meta().deletion_timestamp.is_some());
    wake_connections(context, &held);
    wake_endpoints(context, &context.stores.endpoints.looking_abroad(&name));
    wake_models(context, &context.stores.models.looking_abroad(&name));
}

/// A published ConfigMap changed or went: its owner puts it back, or another that wants it has it now.
pub fn on_export(context: &Context, export: &ConfigMap, seen: Seen) {
    let (namespace, name) = name_of(export);
    if seen == Seen::Deleted {
        wake_endpoints(context, &context.stores.endpoints.exporting_to(namespace, name));
        wake_models(context, &context.stores.models.exporting_to(namespace, name));
        return;
    }
    for owner in export.owner_references() {
        if owner.kind == SpeechEndpoint::kind(&())
            && let Some(endpoint) = context
                .stores
                .endpoints
                .get(&ObjectRef::new(&owner.name).within(namespace))
        {
            context.wakes.endpoint(&endpoint);
        }
        if owner.kind == SpeechModel::kind(&())
            && let Some(model) = context
                .stores
                .models
                .get(&ObjectRef::new(&owner.name).within(namespace))
        {
            context.wakes.model(&model);
        }
    }
}

/// All that refer to a connection, and all that are copied through it.
pub fn dependents(context: &Context, key: &ObjectRef<SpeechConnection>) {
    let models = context.stores.models.of(key);
    let mut copies = context.stores.models.copies_from(key, &models);
    copies.retain(|copy| source_key(context, copy).as_ref() == Some(key));
    wake_models(context, &models);
    wake_models(context, &copies);
    wake_endpoints(context, &context.stores.endpoints.of(key));
}

/// Those who refer to a connection and are being deleted.
pub fn leaving(context: &Context, key: &ObjectRef<SpeechConnection>) {
    wake_models(context, &context.stores.models.leaving_from(key));
    wake_endpoints(context, &context.stores.endpoints.leaving_from(key));
}

/// All models and endpoints that are being deleted.
pub fn leaving_all(context: &Context) {
    wake_models(context, &context.stores.models.leaving());
    wake_endpoints(context, &context.stores.endpoints.leaving());
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
    let changed = Changed {
        changes,
        owners: &owners,
        judged_with: &judged_with,
    };
    wake_endpoints(context, &context.stores.endpoints.concerned(key, &changed));
    wake_models(context, &context.stores.models.concerned(key, &changed));
    wake_models(context, &copies_of_changed(context, key, changes));
    if !(changes.endpoints.is_empty() && changes.models.is_empty()) {
        next_in_queue(context, resource);
    }
    if !changes.evaluations.is_empty() {
        context.wakes.wake_connection(key);
    }
}

/// The copies of models of a Speech resource that changed.
fn copies_of_changed(context: &Context, key: &ObjectRef<SpeechConnection>, changes: &Changes) -> Vec<Arc<SpeechModel>> {
    if changes.models.is_empty() {
        return Vec::new();
    }
    let written = context.written.models.unconfirmed();
    let mut copies = context.stores.models.copies_of_any(&changes.models, &written);
    let is_changed = |copy: &SpeechModel| wanted(context, copy).is_some_and(|id| changes.models.contains(&id));
    copies.retain(|copy| source_key(context, copy).as_ref() == Some(key) && is_changed(copy));
    copies
}

/// A place in the queue came free: those whose turn it may be now.
pub fn next_in_queue(context: &Context, resource: &Resource) {
    let (swaps, trainings): (Vec<String>, Vec<String>) = {
        let agenda = resource.agenda();
        let first = |waiting: &mut dyn Iterator<Item = &str>, limit| waiting.take(limit).map(str::to_owned).collect();
        (
            first(&mut agenda.queue.next_swaps(), agenda.limits.swaps),
            first(&mut agenda.queue.next_trainings(), agenda.limits.trainings),
        )
    };
    wake_endpoints(context, &context.stores.endpoints.with_uids(&swaps));
    wake_models(context, &context.stores.models.with_uids(&trainings));
}

/// An endpoint let a model go: models that wait to be deleted, or have revisions to discard.
pub fn on_model_freed(context: &Context, key: &ObjectRef<SpeechConnection>) {
    wake_models(context, &context.stores.models.that_can_discard(key));
}

/// Everything; after the development clock jumped.
pub fn all(context: &Context) {
    wake_connections(context, &context.stores.connections.state());
    wake_models(context, &context.stores.models.state());
    wake_endpoints(context, &context.stores.endpoints.state());
}
