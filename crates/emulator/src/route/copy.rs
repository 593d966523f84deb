//! Copies of custom models to another Speech resource.
use super::refuse_expired;
use crate::{
    call::Call,
    entity::{CopyAuthorization, CopyOperation, CustomModel, find, wire_time},
    error::ServiceError,
    lifecycle::{Lifecycle, Status, later},
    link::Links,
    payload::Members,
    reply::Reply,
    settings::CopyExpiry,
};
use serde_json::json;
use uuid::Uuid;

/// Gives a source resource leave to copy a model here.
pub fn authorize(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let source = members.required_text("sourceResourceId")?;
    if !is_arm_id(&source) {
        let message = "The value of sourceResourceId is not an Azure resource id of a Speech resource.";
        return Err(ServiceError::invalid("InvalidSourceAzureResourceId", message));
    }
    let now = call.now;
    let endpoint = call.links.to("/models");
    let resource = call.resource_mut()?;
    let authorization = CopyAuthorization {
        id: Uuid::new_v4(),
        source_resource_id: source,
        expiration_date_time: later(now, resource.settings.authorization_seconds),
    };
    let body = json!({
        "targetResourceRegion": resource.settings.region,
        "targetResourceId": resource.settings.arm_id,
        "targetResourceEndpoint": endpoint,
        "sourceResourceId": authorization.source_resource_id,
        "expirationDateTime": wire_time(authorization.expiration_date_time),
        "id": authorization.id,
    });
    resource.authorizations.push(authorization);
    Ok(Reply::ok(body))
}

fn is_arm_id(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.starts_with("/subscriptions/") && text.contains("/providers/microsoft.cognitiveservices/accounts/")
}

/// Starts a copy with the authorization of the target.
pub fn start(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let mut texts = Vec::new();
    for name in [
        "targetResourceRegion",
        "targetResourceEndpoint",
        "targetResourceId",
        "sourceResourceId",
        "id",
        "expirationDateTime",
    ] {
        texts.push(members.required_text(name)?);
    }
    let [_, _, target_id, source_id, id, _] = texts.as_slice() else {
        return Err(ServiceError::binding("$"));
    };
    let model = copyable(call)?;
    if !source_id.eq_ignore_ascii_case(&call.resource()?.settings.arm_id) {
        let message = "The authorization was given to another source resource.";
        return Err(ServiceError::invalid("InvalidSourceAzureResourceId", message));
    }
    let target = find_target(call, target_id, source_id, id)?;
    let operation = begin(call, model, target)?;
    let links = call.links.clone();
    let target_links = Links::new(call.host, &operation.target, links.version());
    let body = operation.render(&links, &target_links);
    let location = links.to(&format!("/operations/models/copy/{}", operation.id));
    let hint = operation
        .lifecycle
        .remaining(call.now)
        .and_then(|remaining| call.hint(remaining));
    call.resource_mut()?.operations.push(operation);
    Ok(Reply::empty(202)
        .json(body)
        .header("operation-location", location)
        .retry_after(hint))
}

/// The model of the path, if it may be copied.
fn copyable(call: &Call<'_>) -> Result<CustomModel, ServiceError> {
    let model = find(&call.resource()?.models, call.route.id)
        .ok_or_else(|| ServiceError::not_found("model"))?
        .clone();
    if model.lifecycle.status != Status::Succeeded {
        let message = "The model must be in state Succeeded before it can be copied.";
        return Err(ServiceError::invalid("InvalidModel", message));
    }
    refuse_expired(model.transcription_end(), call.now)?;
    Ok(model)
}

/// The name of the resource that gave the authorization.
fn find_target(call: &Call<'_>, target_id: &str, source_id: &str, id: &str) -> Result<String, ServiceError> {
    let refuse = || {
        let message = "The authorization to copy the model is not known or has expired.";
        ServiceError::invalid("ModelCopyAuthorizationExpired", message)
    };
    let id = Uuid::parse_str(id).map_err(|_| refuse())?;
    for (name, resource) in call.resources.iter() {
        let known = resource
            .authorizations
            .iter()
            .find(|authorization| authorization.id == id);
        let Some(authorization) = known else { continue };
        let fits = resource.settings.arm_id.eq_ignore_ascii_case(target_id)
            && authorization.source_resource_id.eq_ignore_ascii_case(source_id)
            && call.now < authorization.expiration_date_time;
        return if fits { Ok(name.clone()) } else { Err(refuse()) };
    }
    Err(refuse())
}

fn begin(call: &mut Call<'_>, model: CustomModel, target: String) -> Result<CopyOperation, ServiceError> {
    let settings = &call.resource()?.settings;
    let (seconds, expiry) = (settings.timings.copy, settings.copy_expiry);
    let failure = call.planned_failure("copy");
    Ok(CopyOperation {
        id: Uuid::new_v4(),
        created_date_time: call.now,
        lifecycle: Lifecycle::started(call.now, seconds, failure),
        source: Some(model.header.id),
        result: copy_of(call, model, &target, expiry),
        target,
    })
}

/// The model as it will stand in the target: without datasets and project, with its base model if the target has it.
fn copy_of(call: &Call<'_>, mut model: CustomModel, target: &str, expiry: CopyExpiry) -> CustomModel {
    model.transcription_date_time = match expiry {
        CopyExpiry::Keep => Some(model.transcription_end()),
        CopyExpiry::New => None,
    };
    model.header.id = Uuid::new_v4();
    model.datasets = Vec::new();
    model.project = None;
    let target = call.resources.get(target);
    model.base_model = model
        .base_model
        .filter(|base| target.is_some_and(|to| find(&to.base_models, *base).is_some()));
    model
}

/// The copy of v3.1, still linked in v3.2: the key of the target instead of an authorization, the model as answer.
pub fn copy_to(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let key = members.required_text("targetSubscriptionKey")?;
    let model = copyable(call)?;
    let target = call
        .resources
        .iter()
        .find(|(_, resource)| resource.settings.key_number(&key).is_some());
    let Some(target) = target.map(|(name, _)| name.clone()) else {
        let message = "The value of targetSubscriptionKey is not a key of a Speech resource.";
        return Err(ServiceError::invalid("InvalidSubscription", message));
    };
    let settings = &call.resource()?.settings;
    let (seconds, expiry) = (settings.timings.copy, settings.copy_expiry);
    let failure = call.planned_failure("copy");
    let mut copied = copy_of(call, model, &target, expiry);
    copied.header.created_date_time = call.now;
    copied.lifecycle = Lifecycle::started(call.now, seconds, failure);
    let links = Links::new(call.host, &target, call.links.version());
    let resource = call
        .resources
        .get_mut(&target)
        .ok_or_else(ServiceError::no_such_resource)?;
    let view = crate::entity::View {
        links: &links,
        within: resource,
    };
    let reply = Reply::created(crate::entity::Entity::render(&copied, view));
    resource.models.push(copied);
    resource.touch();
    Ok(reply)
}

/// The state of a copy.
pub fn get(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let operation = call
        .resource()?
        .operations
        .iter()
        .find(|operation| operation.id == call.route.id);
    let operation = operation.ok_or_else(|| ServiceError::not_found("operation"))?;
    let target_links = Links::new(call.host, &operation.target, call.links.version());
    let hint = operation
        .lifecycle
        .remaining(call.now)
        .and_then(|remaining| call.hint(remaining));
    Ok(Reply::ok(operation.render(call.links, &target_links)).retry_after(hint))
}
