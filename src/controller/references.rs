//! Which connection and which SpeechModel an object refers to.
use super::Context;
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use speech_api::{SpeechConnection, SpeechModel, Subject, is_held, model::CopySource, reference::ConnectionRef};
use speech_plan::model::wanted_id;
use speech_service::EntityId;
use std::sync::Arc;

/// The connection that an object of a namespace refers to.
pub fn connection_key(reference: &ConnectionRef, namespace: &str) -> ObjectRef<SpeechConnection> {
    ObjectRef::new(&reference.name).within(reference.namespace.as_deref().unwrap_or(namespace))
}

/// The connection that an object refers to.
pub fn connection_of(object: &impl Subject) -> ObjectRef<SpeechConnection> {
    connection_key(
        object.declared().connection_ref,
        object.meta().namespace.as_deref().unwrap_or_default(),
    )
}

/// Whether an object refers to a connection.
pub fn refers_to(object: &impl Subject, key: &ObjectRef<SpeechConnection>) -> bool {
    let reference = object.declared().connection_ref;
    reference.name == key.name
        && reference.namespace.as_deref().or(object.meta().namespace.as_deref()) == key.namespace.as_deref()
}

/// The SpeechModel that a copy names.
pub fn named_model(context: &Context, copy: &CopySource, namespace: &str) -> Option<Arc<SpeechModel>> {
    let reference = copy.model_ref.as_ref()?;
    get(
        context,
        reference.namespace.as_deref().unwrap_or(namespace),
        &reference.name,
    )
}

/// A SpeechModel as we know it best.
pub fn get(context: &Context, namespace: &str, name: &str) -> Option<Arc<SpeechModel>> {
    let found = context.stores.models.get(&ObjectRef::new(name).within(namespace))?;
    Some(context.written.models.freshest(found))
}

/// The connection from whose Speech resource a copy is taken.
pub fn source_of(context: &Context, copy: &CopySource, namespace: &str) -> Option<ObjectRef<SpeechConnection>> {
    if copy.model_ref.is_some() {
        return Some(connection_of(&*named_model(context, copy, namespace)?));
    }
    Some(connection_key(copy.connection_ref.as_ref()?, namespace))
}

/// The connection from whose Speech resource an object is copied.
pub fn source_key(context: &Context, model: &SpeechModel) -> Option<ObjectRef<SpeechConnection>> {
    let copy = model.spec.source.copy.as_ref()?;
    source_of(context, copy, &model.namespace().unwrap_or_default())
}

/// Whether an object is a copy of this SpeechModel.
pub fn is_copy_of(model: &SpeechModel, source: &SpeechModel) -> bool {
    let reference = model.spec.source.copy.as_ref().and_then(|copy| copy.model_ref.as_ref());
    reference.is_some_and(|reference| {
        Some(&reference.name) == source.metadata.name.as_ref()
            && reference.namespace.as_ref().or(model.metadata.namespace.as_ref()) == source.metadata.namespace.as_ref()
    })
}

/// The model that an object has copied, as far as the objects name one.
pub fn wanted(context: &Context, model: &SpeechModel) -> Option<EntityId> {
    let copy = model.spec.source.copy.as_ref()?;
    let object = named_model(context, copy, &model.namespace().unwrap_or_default());
    if copy.model_ref.is_some() && object.is_none() {
        return None;
    }
    wanted_id(copy, object.as_deref())
}

/// Whether a connection still lacks the finalizer that keeps it while objects need it.
pub fn lacks_hold(connection: &SpeechConnection) -> bool {
    connection.meta().deletion_timestamp.is_none() && !is_held(connection)
}
