//! Evaluations.
use super::{email, listed, model::check_dataset, model_reference, new_header, project_reference, refuse_expired};
use crate::{
    call::Call,
    entity::{Evaluation, find},
    error::ServiceError,
    lifecycle::{Lifecycle, Status},
    payload::Members,
    reference::{ModelRef, entity_of, model_of},
    reply::Reply,
};

pub fn create(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let header = new_header(&members, call)?;
    let dataset_uri = members.required_reference("dataset")?;
    let dataset =
        entity_of(dataset_uri, call.name, "datasets").and_then(|id| find(&call.resource().ok()?.datasets, id));
    let Some(dataset) = dataset else {
        let message = "The value of dataset.self does not reference an entity.";
        return Err(ServiceError::invalid("InvalidDataset", message));
    };
    check_dataset(dataset, &header.locale)?;
    if !dataset.kind.has_audio() {
        return Err(ServiceError::invalid(
            "InvalidTest",
            "An evaluation needs a dataset with audio.",
        ));
    }
    let dataset = dataset.header.id;
    let model1 = tested_model(call, &members, "model1", &header.locale)?;
    let model2 = tested_model(call, &members, "model2", &header.locale)?;
    let project = project_reference(call, members.reference("project")?, &header.locale)?;
    let email = email(call, &members)?;
    let failure = call.planned_failure("evaluation");
    let seconds = call.resource()?.settings.timings.evaluation;
    let evaluation = Evaluation {
        header,
        lifecycle: Lifecycle::started(call.now, seconds, failure),
        model1,
        model2,
        dataset,
        scores: None,
        project,
        email,
    };
    listed::add(call, evaluation)
}

fn tested_model(call: &Call<'_>, members: &Members<'_>, name: &str, locale: &str) -> Result<ModelRef, ServiceError> {
    let uri = members.required_reference(name)?;
    let reference = match model_of(uri, call.name) {
        // Evaluations take a base model by the path of a custom one, too.
        Some(ModelRef::Custom(id))
            if find(&call.resource()?.models, id).is_none() && find(&call.resource()?.base_models, id).is_some() =>
        {
            ModelRef::Base(id)
        }
        Some(_) | None => model_reference(call, uri, name)?,
    };
    let facts = call
        .resource()?
        .model_facts(reference, call.now)
        .ok_or_else(|| ServiceError::not_found("model"))?;
    if !facts.locale.eq_ignore_ascii_case(locale) {
        let message = format!(
            "The model has locale '{}', the evaluation has '{locale}'.",
            facts.locale
        );
        return Err(ServiceError::invalid("ModelMismatch", message));
    }
    if facts.status != Status::Succeeded {
        let message = "The model must be in state Succeeded before it can be evaluated.";
        return Err(ServiceError::invalid("InvalidModel", message));
    }
    refuse_expired(facts.transcription_end, call.now)?;
    Ok(reference)
}

pub fn delete(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let id = call.route.id;
    match find(&call.resource()?.evaluations, id) {
        None => return Ok(Reply::empty(204)),
        Some(evaluation) if !evaluation.lifecycle.status.is_terminal() => {
            let message = "An evaluation can only be deleted in a terminal state.";
            return Err(ServiceError::conflict("DeleteNotAllowed", message));
        }
        Some(_) => {}
    }
    listed::remove::<Evaluation>(call)
}
