//! Copies act through two connections: leave is asked at the target, the order goes to the source.
use super::{
    Context,
    failpoint::Failpoint,
    observe::{Surrounding, told},
    references::{connection_of, get, named_model, source_key, source_of},
    relations::lead_to_one_resource,
    remote::Remote,
};
use jiff::SignedDuration;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use speech_api::{SpeechConnection, SpeechModel, annotation::CreationIntent, model::CopySource, reference::ModelRef};
use speech_plan::{
    Action, CopyModel, Failure, FailureClass,
    model::{Found, Source, SourceState, are_alike, find_cycle, wanted_id},
    view::{CopyStage, CopyState},
};
use speech_resource::{Undone, is_connection_trouble};
use speech_service::{
    Answer, Client, EntityId, Error, ErrorKind, Lane,
    entity::{CopyOperation, CustomModel},
};
use std::sync::Arc;

/// Whether objects of a namespace may know of the SpeechModel that a copy names: it is in the same namespace, or its
/// SpeechConnection allows them. One that does not exist is as one that they may not know of.
fn may_look(context: &Context, copy: &CopySource, namespace: &str) -> bool {
    let foreign = |reference: &ModelRef| reference.namespace.as_deref().is_some_and(|home| home != namespace);
    if !copy.model_ref.as_ref().is_some_and(foreign) {
        return true;
    }
    source_of(context, copy, namespace).is_some_and(|key| Surrounding::at(context, &key, namespace).is_allowed())
}

/// Where an object is copied from, from memory only. Looks at the source's Speech resource and leaves it before anything
/// looks at the target's: two objects that copy both ways would wait for each other.
pub fn source(context: &Context, model: &SpeechModel) -> Option<Source> {
    let copy = model.spec.source.copy.as_ref()?;
    let namespace = model.namespace().unwrap_or_default();
    if !may_look(context, copy, &namespace) {
        let reference = copy.model_ref.as_ref()?;
        let home = reference.namespace.as_deref().unwrap_or(&namespace);
        return Some(Source::NotAllowed(format!("{home}/{}", reference.name)));
    }
    if let Some(way) = find_cycle(model, |namespace, name| get(context, namespace, name)) {
        return Some(Source::Cycle(way));
    }
    let object = named_model(context, copy, &namespace);
    if let (Some(reference), None) = (&copy.model_ref, &object) {
        let home = reference.namespace.as_deref().unwrap_or(&namespace);
        return Some(Source::NotFound(format!("{home}/{}", reference.name)));
    }
    let key = source_of(context, copy, &namespace)?;
    let own = connection_of(model);
    let around = Surrounding::at(context, &key, &namespace);
    let wanted = wanted_id(copy, object.as_deref());
    let announced = CreationIntent::of(model).and_then(|intent| intent.copy_of);
    let ids = wanted.into_iter().chain(announced);
    // The look ends here, before that at the resource of another object.
    let (state, models) = {
        let looked = around.look();
        let state = match looked.state() {
            speech_plan::ConnectionState::NotFound { .. } => SourceState::NotFound,
            speech_plan::ConnectionState::NotAllowed => SourceState::NotAllowed,
            speech_plan::ConnectionState::NotReady { message, .. } => SourceState::NotReady(message.to_owned()),
            speech_plan::ConnectionState::Ready { .. } => SourceState::Ready,
        };
        let models: Vec<_> = looked.state().view().map_or_else(Vec::new, |view| {
            ids.filter_map(|id| view.models.get(id))
                .map(|entry| Arc::clone(&entry.entity))
                .collect()
        });
        (state, models)
    };
    Some(Source::Found(Box::new(Found {
        connection: format!("{}/{}", key.namespace.as_deref().unwrap_or_default(), key.name),
        state,
        resource_id: context
            .stores
            .connections
            .get(&key)
            .and_then(|c| c.spec.resource_id.clone()),
        is_own_resource: key == own || is_same_resource(context, &key, &own),
        rival: wanted.and_then(|id| rival(context, model, &own, id, &models)),
        models,
        object,
    })))
}

/// Whether two connections lead to one Speech resource, as far as their specs tell.
fn is_same_resource(context: &Context, a: &ObjectRef<SpeechConnection>, b: &ObjectRef<SpeechConnection>) -> bool {
    let (Some(a), Some(b)) = (context.stores.connections.get(a), context.stores.connections.get(b)) else {
        return false;
    };
    lead_to_one_resource(&a, &b)
}

/// Another object that is having the same model, or one that looks like it, copied into the same Speech resource and
/// announced it before: which copy is whose could not be told.
fn rival(
    context: &Context,
    model: &SpeechModel,
    target: &ObjectRef<SpeechConnection>,
    wanted: EntityId,
    models: &[Arc<CustomModel>],
) -> Option<String> {
    let local = context.clock.now();
    let now = context.remotes.get(target).map_or(local, |remote| remote.later(local));
    let open = |m: &SpeechModel| {
        let closed = m.status.as_ref().and_then(|status| status.closed_attempt).unwrap_or(0);
        let intent = CreationIntent::of(m)
            .filter(|intent| i64::from(intent.attempt) > i64::from(closed))
            .filter(|intent| now.duration_since(intent.at) < speech_plan::COPY_GRACE)?;
        Some((intent.copy_of?, (intent.at, m.uid())))
    };
    let mine = open(model).filter(|(of, _)| *of == wanted).map(|(_, turn)| turn);
    let original = models.iter().find(|original| original.header.id == wanted);
    let looks_alike = |m: &SpeechModel, of: EntityId| {
        // What cannot be seen may look like anything.
        of == wanted
            || original
                .zip(seen(context, m, of).as_ref())
                .is_none_or(|(a, b)| are_alike(a, b))
    };
    let into_target = |m: &SpeechModel| {
        let key = connection_of(m);
        key == *target || is_same_resource(context, &key, target)
    };
    let others = context.stores.copies_into(target).into_iter();
    let others = others.filter(|m| m.uid() != model.uid());
    let mut others = others.map(|m| context.written.models.freshest(m));
    let ahead = &*others.find(|m| {
        open(m).is_some_and(|(of, theirs)| {
            mine.as_ref().is_none_or(|mine| theirs < *mine) && into_target(m) && looks_alike(m, of)
        })
    })?;
    Some(format!("SpeechModel {}", told(ahead, model)))
}

/// A model where an object copies from, as it was seen last.
fn seen(context: &Context, model: &SpeechModel, id: EntityId) -> Option<Arc<CustomModel>> {
    let key = source_key(context, model)?;
    let around = Surrounding::at(context, &key, &model.namespace().unwrap_or_default());
    let looked = around.look();
    let entry = looked.state().view()?.models.get(id)?;
    Some(Arc::clone(&entry.entity))
}

/// A Speech resource and a client for it.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// What is known of it.
    pub remote: &'a Remote,
    /// How to reach it.
    pub client: &'a Client,
}

/// Takes a step of a copy for an object; the view of the target remembers how the copy stands.
pub async fn act(
    context: &Context,
    object: &impl ResourceExt,
    source: Side<'_>,
    target: Side<'_>,
    action: &Action,
) -> Result<(), Undone> {
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    let told = |attempt: u32, answer: Answer<CopyOperation>| {
        let state = CopyState {
            attempt,
            looked_at: target.remote.later(context.clock.now()),
            rest: answer.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok()),
            stage: CopyStage::of(&answer.value),
            operation: answer.value.self_uri,
        };
        target.remote.view_mut().copies.told(uid, state);
    };
    if let Action::CopyModel(copy) = action {
        let leave_given = || {
            Failpoint::LeaveGiven
                .reached(|| format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any()))
        };
        let answer = order(source, target, copy, action, leave_given).await?;
        told(copy.attempt, answer);
    }
    if let Action::FollowCopy { attempt, operation } = action {
        match source.client.get_copy(Lane::Sweep, operation).await {
            Ok(mut answer) => {
                // The address that the order named stays: an answer may name another spelling.
                answer.value.self_uri = operation.as_str().into();
                told(*attempt, answer);
            }
            Err(error) if error.kind() == ErrorKind::NotFound || matches!(error, Error::ForeignLink { .. }) => {
                let state = CopyState {
                    attempt: *attempt,
                    operation: operation.as_str().into(),
                    looked_at: target.remote.later(context.clock.now()),
                    rest: None,
                    stage: CopyStage::Unknown,
                };
                target.remote.view_mut().copies.told(uid, state);
            }
            Err(error) => return Err(trouble(source.remote, action, &error)),
        }
    }
    Ok(())
}

/// Asks the target for leave and gives it to the source.
async fn order(
    source: Side<'_>,
    target: Side<'_>,
    copy: &CopyModel,
    action: &Action,
    leave_given: impl FnOnce(),
) -> Result<Answer<CopyOperation>, Undone> {
    let leave = target
        .client
        .authorize_copy(Lane::UserChange, &copy.resource_id)
        .await
        .map_err(|error| {
            // A leave that is not used makes nothing, whatever became of the request.
            match trouble(target.remote, action, &error) {
                Undone::Failed(Failure {
                    class: FailureClass::Uncertain,
                    operation,
                    code,
                    message,
                }) => Undone::Failed(Failure {
                    class: FailureClass::Transient { retry_after: None },
                    operation,
                    code,
                    message,
                }),
                certain @ (Undone::Failed(_) | Undone::Withheld) => certain,
            }
        })?;
    leave_given();
    source
        .client
        .copy_custom_model(Lane::UserChange, copy.source, &leave.value)
        .await
        .map_err(|error| trouble(source.remote, action, &error))
}

/// What an error means, and a look at the resource that it speaks of.
fn trouble(remote: &Remote, action: &Action, error: &Error) -> Undone {
    if is_connection_trouble(error) || error.kind() == ErrorKind::NotFound {
        remote.resource.look_soon();
    }
    Undone::of(action, error)
}
