//! Where a copy is taken from: the objects that lead to it, and what stands in the way.
use super::super::Snapshot;
use crate::{Verdict, model_choice::parse_id, text::day_time};
use kube::ResourceExt;
use speech_api::{Reason, SpeechModel, model::CopySource, reference::ModelRef};
use speech_service::{
    EntityId, ModelId,
    entity::{CustomModel, Status},
};
use std::sync::Arc;

/// Where a copy is taken from.
#[derive(Clone, Debug)]
pub enum Source {
    /// There is no such SpeechModel; its `namespace/name`.
    NotFound(String),
    /// The SpeechModel is of another namespace, and does not exist or stands for a Speech resource that the copying object
    /// may not use; its `namespace/name`, as the object names it.
    NotAllowed(String),
    /// The SpeechModel is itself a copy of this object, by way of others; their names in order.
    Cycle(String),
    /// There is something.
    Found(Box<Found>),
}

/// What was found of a source. Owned, because the Speech resources of source and target are never looked at under one
/// lock.
#[derive(Clone, Debug)]
pub struct Found {
    /// The SpeechModel, when the source is named by one.
    pub object: Option<Arc<SpeechModel>>,
    /// The name of the source's SpeechConnection.
    pub connection: String,
    /// How that connection is.
    pub state: SourceState,
    /// Its `resourceId`.
    pub resource_id: Option<String>,
    /// Whether it leads to the Speech resource of the copying object.
    pub is_own_resource: bool,
    /// Models of the source's Speech resource: the one to copy, and the one that an announcement on the object names.
    pub models: Vec<Arc<CustomModel>>,
    /// Another object that is having the same model copied into the same Speech resource, and began earlier: the two
    /// copies could not be told apart.
    pub rival: Option<String>,
}

/// How the connection of a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// There is no such SpeechConnection.
    NotFound,
    /// It does not allow the namespace of the copying object.
    NotAllowed,
    /// It does not work now; what it says itself.
    NotReady(String),
    /// It works.
    Ready,
}

impl Source {
    /// What was found, if it can be read now.
    pub fn ready(&self) -> Option<&Found> {
        match self {
            Self::Found(found) if found.state == SourceState::Ready => Some(found),
            Self::Found(_) | Self::NotFound(_) | Self::NotAllowed(_) | Self::Cycle(_) => None,
        }
    }
}

impl Found {
    /// A model of the source's Speech resource.
    pub fn model(&self, id: EntityId) -> Option<&CustomModel> {
        self.models.iter().map(|model| &**model).find(|m| m.header.id == id)
    }
}

/// The model that is to be copied now, as far as the objects name one.
pub fn wanted_id(copy: &CopySource, object: Option<&SpeechModel>) -> Option<EntityId> {
    match object {
        Some(object) => Some(object.status.as_ref()?.current.as_ref()?.id),
        None => copy.id.as_deref()?.parse().ok(),
    }
}

/// A SpeechModel's namespace and name.
type Key = (String, String);

fn key_of(reference: &ModelRef, namespace: &str) -> Key {
    let namespace = reference.namespace.as_deref().unwrap_or(namespace);
    (namespace.to_owned(), reference.name.clone())
}

/// The way on which copies lead from an object back to one that was passed already, if they do.
pub fn find_cycle(object: &SpeechModel, get: impl Fn(&str, &str) -> Option<Arc<SpeechModel>>) -> Option<String> {
    let next = |object: &SpeechModel| {
        let reference = object.spec.source.copy.as_ref()?.model_ref.as_ref()?;
        Some(key_of(reference, &object.namespace().unwrap_or_default()))
    };
    let mut way: Vec<Key> = vec![(object.namespace().unwrap_or_default(), object.name_any())];
    let mut step = next(object);
    while let Some(key) = step {
        let passed = way.contains(&key);
        step = get(&key.0, &key.1).and_then(|object| next(&object));
        way.push(key);
        if passed {
            // Only the namespace of the object and the one that it names are its business.
            let known: Vec<_> = way.iter().take(2).map(|(namespace, _)| namespace.clone()).collect();
            let names: Vec<_> = way
                .iter()
                .map(|(namespace, name)| match known.contains(namespace) {
                    true => format!("{namespace}/{name}"),
                    false => "a SpeechModel of another namespace".to_owned(),
                })
                .collect();
            return Some(names.join(" copies "));
        }
    }
    None
}

/// The model that is to be copied. Looks at objects only, so that an object at rest needs nothing of the source's service.
pub fn wanted<'a>(s: &Snapshot<'a>, copy: &CopySource) -> Result<(EntityId, &'a Found), Verdict> {
    let found = match s.related.source {
        Some(Source::Found(found)) => found,
        Some(Source::NotFound(name)) => {
            let message = format!("SpeechModel {name} does not exist; it is copied as soon as it appears");
            return Err(Verdict::stalled(Reason::ModelNotFound, message));
        }
        Some(Source::NotAllowed(name)) => {
            let message = format!(
                "SpeechModel {name} does not exist, or the SpeechConnection of its Speech resource does not allow the namespace of this object; see spec.allowedNamespaces there"
            );
            return Err(Verdict::stalled(Reason::NamespaceNotAllowed, message));
        }
        Some(Source::Cycle(way)) => {
            return Err(Verdict::stalled(Reason::CopyCycle, format!("nothing is copied: {way}")));
        }
        None => {
            let message = "spec.source.copy needs either modelRef, or connectionRef together with id";
            return Err(Verdict::stalled(Reason::SpecInvalid, message));
        }
    };
    let name = &found.connection;
    match found.state {
        SourceState::NotFound => {
            let message =
                format!("SpeechConnection {name} of the source does not exist; it is used as soon as it appears");
            return Err(Verdict::stalled(Reason::ConnectionNotFound, message));
        }
        SourceState::NotAllowed => {
            let message = format!(
                "SpeechConnection {name} of the source is in another namespace, and does not exist or does not allow the namespace of this object; see its spec.allowedNamespaces"
            );
            return Err(Verdict::stalled(Reason::NamespaceNotAllowed, message));
        }
        SourceState::NotReady(_) | SourceState::Ready => {}
    }
    if found.is_own_resource {
        let message =
            format!("SpeechConnection {name} leads to this object's own Speech resource; use source.existing");
        return Err(Verdict::stalled(Reason::SameResource, message));
    }
    let id = match &found.object {
        Some(object) => current_of(object, &s.object.spec.locale)?,
        None => parse_id("source.copy.id", copy.id.as_deref().unwrap_or_default())?,
    };
    Ok((id, found))
}

/// The current revision of the SpeechModel that is to be copied.
fn current_of(object: &SpeechModel, locale: &str) -> Result<EntityId, Verdict> {
    let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
    if object.spec.locale != locale {
        let message = format!("SpeechModel {name} is of locale {}, not {locale}", object.spec.locale);
        return Err(Verdict::stalled(Reason::LocaleMismatch, message));
    }
    let current = object.status.as_ref().and_then(|status| status.current.as_ref());
    let Some(current) = current else {
        let message = format!("SpeechModel {name} has no current revision yet");
        return Err(Verdict::working(Reason::ModelNotReady, message));
    };
    let is_base = ModelId::from_self_uri(&current.self_uri).is_ok_and(ModelId::is_base);
    if is_base || object.spec.source.base.is_some() {
        let message = format!("SpeechModel {name} stands for a base model; only custom models can be copied");
        return Err(Verdict::stalled(Reason::ModelNotCopyable, message));
    }
    Ok(current.id)
}

/// Whether a model can be copied now, as its own Speech resource tells; the ARM id to ask leave for.
pub fn copyable<'a>(s: &Snapshot<'_>, found: &'a Found, id: EntityId) -> Result<&'a str, Verdict> {
    let name = &found.connection;
    if let SourceState::NotReady(message) = &found.state {
        let message = format!("SpeechConnection {name} of the source does not work: {message}");
        return Err(Verdict::working(Reason::ConnectionNotReady, message));
    }
    let Some(resource_id) = found.resource_id.as_deref() else {
        let message = format!(
            "SpeechConnection {name} of the source lacks spec.resourceId, the ARM id of its Speech resource, which a copy needs"
        );
        return Err(Verdict::stalled(Reason::ResourceIdMissing, message));
    };
    let Some(model) = found.model(id) else {
        let message = format!("the Speech resource of SpeechConnection {name} has no custom model {id}");
        return Err(Verdict::stalled(Reason::ModelNotFound, message));
    };
    let locale = &s.object.spec.locale;
    if *model.header.locale != **locale {
        let message = format!("model {id} is of locale {}, not {locale}", model.header.locale);
        return Err(Verdict::stalled(Reason::LocaleMismatch, message));
    }
    match &model.header.status {
        Status::Succeeded => {}
        Status::Failed => {
            let message = format!("model {id} of SpeechConnection {name} has failed and cannot be copied");
            return Err(Verdict::stalled(Reason::ModelFailed, message));
        }
        status @ (Status::NotStarted | Status::Running | Status::Other(_)) => {
            let message = format!("model {id} of SpeechConnection {name} is {}", status.as_str());
            return Err(Verdict::working(Reason::ModelNotReady, message));
        }
    }
    match model.expires_at.filter(|at| *at <= s.now()) {
        Some(at) => {
            let message = format!(
                "model {id} of SpeechConnection {name} expired on {} and cannot be copied",
                day_time(at)
            );
            Err(Verdict::stalled(Reason::ModelExpired, message))
        }
        None => Ok(resource_id),
    }
}

/// Whether copies of two models could be taken for each other: they equal in all that a copy keeps, as far as it is known.
pub fn are_alike(a: &CustomModel, b: &CustomModel) -> bool {
    let weights = a.weight_percent.zip(b.weight_percent);
    a.header.locale == b.header.locale
        && a.header.display_name == b.header.display_name
        && a.header.description == b.header.description
        && weights.is_none_or(|(a, b)| a == b)
}
