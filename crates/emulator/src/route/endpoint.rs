//! Endpoints: create, change of model, delete.
use super::{
    HeaderChange, apply_project, email, listed, model_reference, new_header, project_change, project_reference,
    refuse_expired,
};
use crate::{
    call::Call,
    entity::Endpoint,
    error::ServiceError,
    lifecycle::{Lifecycle, Pending, Status},
    payload::Members,
    reference::ModelRef,
    reply::Reply,
    resource::life_span,
    version::ApiVersion,
};
use jiff::SignedDuration;

/// The longest life v3.2 lets a client ask for.
const MAX_LIFE: SignedDuration = SignedDuration::from_hours(31 * 24);

pub fn create(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let header = new_header(&members, call)?;
    let model = match members.reference("model")? {
        Some(uri) => model_reference(call, uri, "model")?,
        None => newest_base(call, &header.locale)?,
    };
    let project = project_reference(call, members.reference("project")?, &header.locale)?;
    let properties = members.object("properties")?;
    let logging_enabled = match &properties {
        Some(properties) => properties.flag("loggingEnabled")?.unwrap_or(false),
        None => false,
    };
    let is_v3 = call.links.version() == ApiVersion::V3_2;
    let (mut time_to_live, mut text) = (None, None);
    if is_v3 {
        text = members.text("text")?.map(str::to_owned);
        if let Some(properties) = &properties {
            time_to_live = properties.text("timeToLive")?.map(check_life).transpose()?;
        }
    }
    let email = email(call, &members)?;
    check_deployable(call, model, &header.locale)?;
    check_logging(call, logging_enabled)?;
    check_quota(call)?;
    let failure = call.planned_failure("endpoint");
    let seconds = call.resource()?.settings.timings.endpoint_create;
    let endpoint = Endpoint {
        header,
        lifecycle: Lifecycle::started(call.now, seconds, failure),
        model,
        serving: None,
        logging_enabled,
        project,
        time_to_live,
        email,
        text,
    };
    listed::add(call, endpoint)
}

fn newest_base(call: &Call<'_>, locale: &str) -> Result<ModelRef, ServiceError> {
    match call.resource()?.newest_deployable(locale, call.now) {
        Some(model) => Ok(ModelRef::Base(model.header.id)),
        None => Err(ServiceError::invalid(
            "InvalidModel",
            "No base model of this locale can be deployed.",
        )),
    }
}

/// The rules every deployed model must fulfil.
fn check_deployable(call: &Call<'_>, model: ModelRef, locale: &str) -> Result<(), ServiceError> {
    let facts = call
        .resource()?
        .model_facts(model, call.now)
        .ok_or_else(|| ServiceError::not_found("model"))?;
    if !facts.locale.eq_ignore_ascii_case(locale) {
        let message = format!("The model has locale '{}', the endpoint has '{locale}'.", facts.locale);
        return Err(ServiceError::invalid("ModelMismatch", message));
    }
    match facts.status {
        Status::Succeeded => {}
        Status::Failed => {
            let message = "A failed model cannot be deployed.";
            return Err(ServiceError::invalid("DeployingFailedModel", message));
        }
        Status::NotStarted | Status::Running => {
            let message = "The model must be in state Succeeded before it can be deployed.";
            return Err(ServiceError::invalid("ModelDeploymentNotCompleteState", message));
        }
    }
    if !facts.supports_endpoints {
        return Err(ServiceError::invalid(
            "ModelNotDeployable",
            "The model does not support endpoints.",
        ));
    }
    refuse_expired(facts.transcription_end, call.now)
}

/// Since 2024-11-15 logs are kept only in storage of one's own.
fn check_logging(call: &Call<'_>, enabled: bool) -> Result<(), ServiceError> {
    if enabled && call.links.version() != ApiVersion::V3_2 && !call.resource()?.settings.byos {
        let message = "Logging is only supported for Speech resources with bring your own storage.";
        return Err(ServiceError::invalid("EndpointLoggingNotSupported", message));
    }
    Ok(())
}

fn check_quota(call: &Call<'_>) -> Result<(), ServiceError> {
    let resource = call.resource()?;
    let quota = resource.settings.tier.endpoints();
    if resource.endpoints.len() >= quota {
        let message = format!("The Speech resource has reached its quota of {quota} endpoints.");
        return Err(ServiceError::invalid("QuotaViolation", message));
    }
    Ok(())
}

fn check_life(text: &str) -> Result<String, ServiceError> {
    let is_duration = text.parse::<jiff::Span>().is_ok();
    if !is_duration || life_span(text).is_some_and(|life| life > MAX_LIFE) {
        let message = "timeToLive must be an ISO 8601 duration of at most 31 days.";
        return Err(ServiceError::invalid("InvalidTimeToLive", message));
    }
    Ok(text.to_owned())
}

pub fn update(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let present = listed::found::<Endpoint>(call)?.clone();
    let header = HeaderChange::of(&members, &present.header)?;
    let project = project_change(call, &members, &present.header.locale)?;
    let logging = match members.object("properties")? {
        Some(properties) => properties.flag("contentLoggingEnabled")?,
        None => None,
    };
    check_logging(call, logging.unwrap_or(false))?;
    let model = match members.reference("model")? {
        Some(uri) => Some(model_reference(call, uri, "model")?),
        None => None,
    };
    let redeploy = match model {
        Some(model) if is_redeploy(&present, model) => Some((model, start_redeploy(call, &present, model)?)),
        Some(_) | None => None,
    };
    let now = call.now;
    let endpoint = listed::found_mut::<Endpoint>(call)?;
    header.apply(&mut endpoint.header);
    apply_project(project, &mut endpoint.project);
    endpoint.logging_enabled = logging.unwrap_or(endpoint.logging_enabled);
    if let Some((model, pending)) = redeploy {
        endpoint.model = model;
        endpoint.lifecycle = Lifecycle {
            status: Status::Running,
            last_action_date_time: Some(now),
            error: None,
            pending: Some(pending),
        };
    }
    let changed = endpoint.clone();
    call.ok(&changed)
}

/// Naming the model that is deployed already, or being deployed, starts nothing; after a failure it tries again.
fn is_redeploy(endpoint: &Endpoint, model: ModelRef) -> bool {
    endpoint.model != model || endpoint.lifecycle.status == Status::Failed
}

fn start_redeploy(call: &mut Call<'_>, endpoint: &Endpoint, model: ModelRef) -> Result<Pending, ServiceError> {
    check_deployable(call, model, &endpoint.header.locale)?;
    let settings = &call.resource()?.settings;
    if !endpoint.lifecycle.status.is_terminal() && !settings.accept_update_during_deployment {
        let message = "The endpoint cannot be updated while a deployment is running.";
        return Err(ServiceError::conflict("EndpointNotUpdatable", message));
    }
    let seconds = settings.timings.endpoint_update;
    let failure = call.planned_failure("endpoint");
    Ok(Pending {
        starts: call.now,
        ..Pending::lasting(call.now, seconds, failure)
    })
}

pub fn delete(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let id = listed::found::<Endpoint>(call)?.header.id;
    // Logs of the service's own storage go with the endpoint.
    call.resource_mut()?.logs.retain(|log| log.endpoint != Some(id));
    listed::remove::<Endpoint>(call)
}
