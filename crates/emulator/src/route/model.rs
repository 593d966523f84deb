//! Custom models and base models.
use super::{FILTERABLE, deprecated, email, is_deployed, listed, new_header, project_reference};
use crate::{
    call::Call,
    entity::{BaseModel, CustomModel, Dataset, default_weight, find},
    error::ServiceError,
    lifecycle::{Lifecycle, Status},
    payload::Members,
    reference::{ModelRef, entity_of, model_of},
    reply::Reply,
    version::ApiVersion,
};
use serde_json::json;
use uuid::Uuid;

pub fn locales(call: &Call<'_>) -> Result<Reply, ServiceError> {
    Ok(Reply::ok(json!(call.resource()?.locales(call.now, |_| true))))
}

pub fn list_base(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let visible = call
        .resource()?
        .base_models
        .iter()
        .filter(|model| model.is_visible(call.now));
    call.list(visible, "/models/base", &FILTERABLE)
}

pub fn get_base(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let base = find(&call.resource()?.base_models, call.route.id).filter(|model| model.is_visible(call.now));
    let base = base.ok_or_else(|| ServiceError::not_found("base model"))?;
    Ok(Reply::ok(call.render(base)?))
}

pub fn create(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let header = new_header(&members, call)?;
    let weight = match members.object("properties")? {
        Some(properties) => properties
            .integer("customModelWeightPercent")?
            .unwrap_or_else(default_weight),
        None => default_weight(),
    };
    if !(1..=100).contains(&weight) {
        let path = "$.properties.customModelWeightPercent";
        return Err(ServiceError::member(path, "The value must lie between 1 and 100."));
    }
    let project = project_reference(call, members.reference("project")?, &header.locale)?;
    let base = base_for_training(call, members.reference("baseModel")?, &header.locale)?;
    let (base_id, features) = (base.header.id, base.features.clone());
    let datasets = datasets_for_training(call, &members.references("datasets")?, base, &header.locale)?;
    let text = members
        .text("text")?
        .filter(|_| call.links.version() == ApiVersion::V3_2);
    let text = text.map(str::to_owned);
    let email = email(call, &members)?;
    let failure = call.planned_failure("model");
    let seconds = call.resource()?.settings.timings.training;
    let model = CustomModel {
        header,
        lifecycle: Lifecycle::started(call.now, seconds, failure),
        base_model: Some(base_id),
        datasets,
        transcription_date_time: None,
        custom_model_weight_percent: weight,
        features,
        project,
        text,
        email,
    };
    listed::add(call, model)
}

/// The base model a training names, or the newest that can be trained from.
fn base_for_training<'c>(call: &'c Call<'_>, uri: Option<&str>, locale: &str) -> Result<&'c BaseModel, ServiceError> {
    let resource = call.resource()?;
    let Some(uri) = uri else {
        let newest = resource.newest_trainable(locale, call.now);
        return newest.ok_or_else(|| ServiceError::invalid("InvalidBaseModel", NOT_TRAINABLE));
    };
    let base = match model_of(uri, call.name) {
        Some(ModelRef::Base(id)) => find(&resource.base_models, id).filter(|base| base.is_visible(call.now)),
        // Models are not stacked: a custom model is no base model.
        Some(ModelRef::Custom(_)) => return Err(ServiceError::invalid("InvalidBaseModel", NOT_TRAINABLE)),
        None => None,
    };
    let Some(base) = base else {
        let message = "The value of baseModel.self does not reference an entity.";
        return Err(ServiceError::invalid("InvalidBaseModel", message));
    };
    if !base.header.locale.eq_ignore_ascii_case(locale) {
        let message = format!(
            "The base model has locale '{}', the model has '{locale}'.",
            base.header.locale
        );
        return Err(ServiceError::invalid("ModelMismatch", message));
    }
    if base.supports_adaptations_with.is_empty() {
        return Err(ServiceError::invalid("InvalidBaseModel", NOT_TRAINABLE));
    }
    if call.now >= base.adaptation_end() {
        return Err(deprecated());
    }
    Ok(base)
}

const NOT_TRAINABLE: &str = "The base model isn't valid for this operation.";

fn datasets_for_training(
    call: &Call<'_>,
    uris: &[&str],
    base: &BaseModel,
    locale: &str,
) -> Result<Vec<Uuid>, ServiceError> {
    let datasets = &call.resource()?.datasets;
    let mut ids = Vec::new();
    for (index, uri) in uris.iter().enumerate() {
        let dataset = entity_of(uri, call.name, "datasets").and_then(|id| find(datasets, id));
        let Some(dataset) = dataset else {
            let message = format!("The value of datasets[{index}].self does not reference an entity.");
            return Err(ServiceError::invalid("InvalidDataset", message));
        };
        check_dataset(dataset, locale)?;
        if !base.supports_adaptations_with.contains(&dataset.kind) {
            let message = format!(
                "The base model cannot be adapted with datasets of kind {}.",
                dataset.kind.name()
            );
            return Err(ServiceError::invalid("InvalidAdaptationMapping", message));
        }
        ids.push(dataset.header.id);
    }
    Ok(ids)
}

/// What training and evaluation ask of a dataset.
pub fn check_dataset(dataset: &Dataset, locale: &str) -> Result<(), ServiceError> {
    if !dataset.header.locale.eq_ignore_ascii_case(locale) {
        let message = format!("The dataset has locale '{}', not '{locale}'.", dataset.header.locale);
        return Err(ServiceError::invalid("InvalidDataset", message));
    }
    match dataset.lifecycle.status {
        Status::Succeeded => Ok(()),
        Status::Failed => Err(ServiceError::invalid(
            "FailedDataset",
            "A failed dataset cannot be used.",
        )),
        Status::NotStarted | Status::Running => {
            let message = "The dataset must be in state Succeeded before it can be used.";
            Err(ServiceError::invalid("InvalidPrerequisite", message))
        }
    }
}

pub fn delete(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let id = call.route.id;
    let resource = call.resource()?;
    let Some(model) = find(&resource.models, id) else {
        return Ok(Reply::empty(204));
    };
    let reference = ModelRef::Custom(id);
    let is_tested = resource.evaluations.iter().any(|evaluation| {
        !evaluation.lifecycle.status.is_terminal() && (evaluation.model1 == reference || evaluation.model2 == reference)
    });
    let is_copied = resource
        .operations
        .iter()
        .any(|operation| !operation.lifecycle.status.is_terminal() && operation.source == Some(id));
    if is_deployed(resource, reference) || is_tested || is_copied {
        let message = "The model is in use by an endpoint, an evaluation or a copy and cannot be deleted.";
        return Err(ServiceError::in_use(resource.settings.in_use_status, message));
    }
    if !model.lifecycle.status.is_terminal() {
        let message = "A model can only be deleted in a terminal state.";
        return Err(ServiceError::conflict("DeleteNotAllowed", message));
    }
    listed::remove::<CustomModel>(call)
}
