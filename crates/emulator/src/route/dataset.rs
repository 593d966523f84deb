//! Datasets and the upload in blocks.
use super::{email, listed, new_header, project_reference};
use crate::{
    call::Call,
    entity::{Block, Dataset, DatasetKind, default_normalization, find},
    error::ServiceError,
    lifecycle::Lifecycle,
    payload::Members,
    reply::Reply,
};
use serde_json::{Map, Value, json};

/// Most bytes of one block.
const MAX_BLOCK: usize = 8 * 1024 * 1024;

pub fn locales(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let resource = call.resource()?;
    let mut members = Map::new();
    for kind in DatasetKind::ALL {
        let accepts = |base: &crate::entity::BaseModel| {
            kind == DatasetKind::AudioFiles || base.supports_adaptations_with.contains(&kind)
        };
        members.insert(kind.name().to_owned(), json!(resource.locales(call.now, accepts)));
    }
    Ok(Reply::ok(Value::Object(members)))
}

pub fn create(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let header = new_header(&members, call)?;
    let kind = members.required_text("kind")?;
    let kind = DatasetKind::from_name(&kind).ok_or_else(|| ServiceError::binding("$.kind"))?;
    let content_url = members.uri("contentUrl")?;
    let project = project_reference(call, members.reference("project")?, &header.locale)?;
    let properties = members.object("properties")?;
    let mut normalization = default_normalization();
    if let Some(properties) = &properties
        && let Some(asked) = properties.text("textNormalizationKind")?
    {
        if !matches!(asked, "Default" | "None") {
            return Err(ServiceError::binding("$.properties.textNormalizationKind"));
        }
        normalization = asked.to_owned();
    }
    let email = email(call, &members)?;
    let settings = &call.resource()?.settings;
    let (seconds, quota) = (settings.timings.dataset, settings.tier.datasets());
    if call.resource()?.datasets.len() >= quota {
        let message = format!("The Speech resource has reached its quota of {quota} datasets.");
        return Err(ServiceError::invalid("QuotaViolation", message));
    }
    let lifecycle = match &content_url {
        Some(_) => Lifecycle::started(call.now, seconds, call.planned_failure("dataset")),
        None => Lifecycle::waiting(call.now),
    };
    let dataset = Dataset {
        header,
        lifecycle,
        kind,
        content_url,
        text_normalization_kind: normalization,
        accepted_line_count: None,
        blocks: Vec::new(),
        project,
        email,
    };
    listed::add(call, dataset)
}

pub fn delete(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let id = call.route.id;
    let resource = call.resource()?;
    let Some(dataset) = find(&resource.datasets, id) else {
        return Ok(Reply::empty(204));
    };
    let trains =
        |model: &crate::entity::CustomModel| !model.lifecycle.status.is_terminal() && model.datasets.contains(&id);
    let is_tested = resource
        .evaluations
        .iter()
        .any(|entry| !entry.lifecycle.status.is_terminal() && entry.dataset == id);
    if is_tested || resource.models.iter().any(trains) {
        let message = "The dataset is in use by a training or an evaluation and cannot be deleted.";
        return Err(ServiceError::in_use(resource.settings.in_use_status, message));
    }
    if !dataset.lifecycle.status.is_terminal() && !dataset.awaits_blocks() {
        let message = "A dataset can only be deleted in a terminal state.";
        return Err(ServiceError::conflict("DeleteNotAllowed", message));
    }
    listed::remove::<Dataset>(call)
}

pub fn blocks(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let dataset: &Dataset = listed::found(call)?;
    let part = |committed| -> Value {
        let blocks = dataset.blocks.iter().filter(|block| block.committed == committed);
        blocks
            .map(|block| json!({ "name": block.name, "size": block.size }))
            .collect()
    };
    Ok(Reply::ok(
        json!({ "committedBlocks": part(true), "uncommittedBlocks": part(false) }),
    ))
}

pub fn upload_block(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let name = call.query.get("blockid").unwrap_or_default().to_owned();
    let size = call.body.size;
    if size > MAX_BLOCK {
        return Err(ServiceError::too_large());
    }
    let length = base64_length(&name).filter(|length| (1..=64).contains(length));
    if length.is_none() {
        let message = "The parameter blockid must be Base64 of 1 to 64 bytes.";
        return Err(ServiceError::invalid("InvalidParameterValue", message));
    }
    let dataset: &mut Dataset = listed::found_mut(call)?;
    if !dataset.awaits_blocks() {
        let message = "The dataset does not accept blocks.";
        return Err(ServiceError::conflict("InvalidPrerequisite", message));
    }
    if dataset.blocks.iter().any(|block| block.name.len() != name.len()) {
        let message = "All block ids of a dataset must have the same length.";
        return Err(ServiceError::invalid("InvalidParameterValue", message));
    }
    dataset.blocks.retain(|block| block.name != name);
    dataset.blocks.push(Block {
        name,
        size,
        committed: false,
    });
    Ok(Reply::empty(201))
}

pub fn commit_blocks(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let body = call.json()?;
    let entries = body.as_array().ok_or_else(|| ServiceError::binding("$"))?;
    let mut names = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        if !matches!(text("kind"), Some("Committed" | "Uncommitted" | "Latest")) {
            return Err(ServiceError::binding(&format!("$[{index}].kind")));
        }
        names.push(text("id").ok_or_else(|| ServiceError::binding(&format!("$[{index}].id")))?);
    }
    let present: &Dataset = listed::found(call)?;
    if !present.awaits_blocks() {
        return Err(ServiceError::conflict(
            "InvalidPrerequisite",
            "The dataset does not accept blocks.",
        ));
    }
    if names.is_empty() {
        return Err(ServiceError::member("$", "At least one block is required."));
    }
    if let Some(missing) = names
        .iter()
        .find(|name| !present.blocks.iter().any(|block| block.name == **name))
    {
        return Err(ServiceError::member(
            "$",
            &format!("The block '{missing}' was not uploaded."),
        ));
    }
    let failure = call.planned_failure("dataset");
    let (now, seconds) = (call.now, call.resource()?.settings.timings.dataset);
    let dataset: &mut Dataset = listed::found_mut(call)?;
    for block in &mut dataset.blocks {
        block.committed = names.contains(&block.name.as_str());
    }
    dataset.blocks.retain(|block| block.committed);
    dataset.lifecycle = Lifecycle::started(now, seconds, failure);
    Ok(Reply::empty(200))
}

/// Bytes that a Base64 text stands for; None = it is none.
fn base64_length(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    (text.len().is_multiple_of(4) && padding <= 2 && digits.bytes().all(is_digit)).then_some(digits.len() * 3 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_ids_are_base64() {
        assert_eq!(base64_length("AAAAAA=="), Some(4));
        assert_eq!(base64_length("YmxvY2stMDE="), Some(8));
        for wrong in ["AAA", "AA=A", "====", "YmxvY2st-DE="] {
            assert_eq!(base64_length(wrong), None, "{wrong}");
        }
    }
}
