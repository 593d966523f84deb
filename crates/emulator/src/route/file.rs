//! Files of models, datasets and evaluations, and manifests.
use crate::{
    call::Call,
    entity::{DatasetKind, Entity, FileKind, StoredFile, find, whole_seconds, wire_time},
    error::ServiceError,
    filter::Property,
    lifecycle::{Status, later},
    operation::Operation,
    page::Page,
    reference::ModelRef,
    reply::Reply,
    score_file,
    version::ApiVersion,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const FILTERABLE: [&str; 3] = ["name", "createdDateTime", "kind"];

/// Life of a signed URL when the request names none, in minutes.
const DEFAULT_SAS_MINUTES: i64 = 12 * 60;

/// Whose files an operation is about.
enum Owner {
    Model,
    Dataset,
    Evaluation,
}

fn owner(operation: Operation) -> Owner {
    if matches!(operation, Operation::ModelsListFiles | Operation::ModelsGetFile) {
        Owner::Model
    } else if matches!(operation, Operation::DatasetsListFiles | Operation::DatasetsGetFile) {
        Owner::Dataset
    } else {
        Owner::Evaluation
    }
}

/// The files of the entity of the path, and the path of their list.
fn files(call: &Call<'_>) -> Result<(String, Vec<StoredFile>), ServiceError> {
    let resource = call.resource()?;
    let id = call.route.id;
    match owner(call.route.operation) {
        Owner::Model => {
            let model = find(&resource.models, id).ok_or_else(|| ServiceError::not_found("model"))?;
            let files = ended(model, &[(FileKind::ModelReport, "modelReport.json", 2_048, 0)]);
            Ok((format!("/models/{id}/files"), files))
        }
        Owner::Dataset => {
            let dataset = find(&resource.datasets, id).ok_or_else(|| ServiceError::not_found("dataset"))?;
            let (kind, name) = match dataset.kind {
                DatasetKind::Language | DatasetKind::LanguageMarkdown => (FileKind::LanguageData, "data.txt"),
                DatasetKind::Pronunciation => (FileKind::PronunciationData, "pronunciation.txt"),
                DatasetKind::OutputFormatting => (FileKind::OutputFormattingData, "formatting.txt"),
                DatasetKind::Acoustic | DatasetKind::AudioFiles => (FileKind::AcousticDataArchive, "audio.zip"),
            };
            let size = u64::from(dataset.accepted_lines()) * 64;
            let parts = [
                (FileKind::DatasetReport, "report.json", 512, 0),
                (kind, name, size, dataset.milliseconds()),
            ];
            Ok((format!("/datasets/{id}/files"), ended(dataset, &parts)))
        }
        Owner::Evaluation => {
            let evaluation = find(&resource.evaluations, id).ok_or_else(|| ServiceError::not_found("evaluation"))?;
            let size = |number| score_file::of(evaluation, number).to_string().len() as u64;
            let parts = [
                (FileKind::EvaluationDetails, score_file::FIRST, size(1), 0),
                (FileKind::EvaluationDetails, score_file::SECOND, size(2), 0),
            ];
            Ok((format!("/evaluations/{id}/files"), ended(evaluation, &parts)))
        }
    }
}

/// Files come to be when the entity has succeeded.
fn ended<T: Entity>(entity: &T, parts: &[(FileKind, &str, u64, u64)]) -> Vec<StoredFile> {
    if entity
        .lifecycle()
        .is_none_or(|lifecycle| lifecycle.status != Status::Succeeded)
    {
        return Vec::new();
    }
    let owner = entity.header().id;
    let created = entity.last_action();
    let file = |(kind, name, size, length): &(FileKind, &str, u64, u64)| {
        StoredFile::of(owner, *kind, name, created, *size, *length)
    };
    parts.iter().map(file).collect()
}

pub fn list(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let settings = &call.resource()?.settings;
    let (path, files) = files(call)?;
    let sas = signature(call, false)?;
    let filter = call.filter(&FILTERABLE)?;
    let page = Page::of(call.query, settings.page_size, settings.max_page_size)?;
    let passes = |file: &&StoredFile| {
        filter
            .as_ref()
            .is_none_or(|filter| filter.holds(&|name| property(file, name)))
    };
    let kept: Vec<&StoredFile> = files.iter().filter(passes).collect();
    let shown = kept.iter().skip(page.skip).take(page.top);
    let mut members = Map::new();
    members.insert(
        "values".to_owned(),
        shown
            .map(|file| file.render(call.links, &path, sas.as_deref()))
            .collect(),
    );
    if let Some(link) = page.next_link(call.links, &path, call.query, kept.len()) {
        members.insert("@nextLink".to_owned(), json!(link));
    }
    Ok(Reply::ok(Value::Object(members)))
}

fn property<'f>(file: &'f StoredFile, name: &str) -> Property<'f> {
    match name {
        "name" => Property::Text(Some(&file.name)),
        "createdDateTime" => Property::Time(whole_seconds(file.created)),
        "kind" => Property::Text(Some(file.kind.name())),
        _ => Property::Text(None),
    }
}

pub fn get(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let (path, files) = files(call)?;
    let sas = signature(call, false)?;
    let wanted = &call.route.part;
    let file = files
        .iter()
        .find(|file| file.id.to_string().eq_ignore_ascii_case(wanted));
    let file = file.ok_or_else(|| ServiceError::not_found("file"))?;
    Ok(Reply::ok(file.render(call.links, &path, sas.as_deref())))
}

/// The manifest of a custom or a base model, for use in containers.
pub fn manifest(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let id = call.route.id;
    let is_base = call.route.operation == Operation::ModelsGetBaseModelManifest;
    let reference = if is_base {
        ModelRef::Base(id)
    } else {
        ModelRef::Custom(id)
    };
    let facts = call.resource()?.model_facts(reference, call.now);
    let facts = facts.ok_or_else(|| ServiceError::not_found(if is_base { "base model" } else { "model" }))?;
    if facts.status != Status::Succeeded {
        let message = "The model must be in state Succeeded before it has a manifest.";
        return Err(ServiceError::invalid("InvalidModel", message));
    }
    let sas = signature(call, call.links.version() != ApiVersion::V3_2)?;
    let files = ["acoustic.bin", "language.bin"];
    let file = |name: &&str| json!({ "name": name, "contentUrl": call.links.content(&format!("{reference}/{name}"), sas.as_deref()) });
    Ok(Reply::ok(json!({
        "model": { "self": reference.link(call.links) },
        "modelFiles": files.iter().map(file).collect::<Vec<_>>(),
        "properties": { "locale": facts.locale },
    })))
}

/// The signed part of content URLs; None with storage of one's own.
///
/// # Errors
/// InvalidSasValidityDuration when a life is missing where it is required, is no positive number, or is given for a
/// resource with storage of its own (manifests excepted, where the parameter is required).
pub fn signature(call: &Call<'_>, required: bool) -> Result<Option<String>, ServiceError> {
    let refuse = |message: String| ServiceError::invalid("InvalidSasValidityDuration", message);
    let is_v3 = call.links.version() == ApiVersion::V3_2;
    let (name, per_minute) = if is_v3 {
        ("sasValidityInSeconds", 60)
    } else {
        ("sasLifetimeMinutes", 1)
    };
    let own_storage = call.resource()?.settings.byos;
    let asked = match call.query.get(name) {
        None if required => return Err(refuse(format!("The parameter {name} is required."))),
        None => None,
        Some(text) => {
            let number = text.parse::<i32>().ok().filter(|number| *number >= 0);
            Some(number.ok_or_else(|| refuse(format!("The parameter {name} must be a positive whole number.")))?)
        }
    };
    if own_storage {
        let is_given = asked.is_some_and(|number| number > 0);
        if is_given && !required {
            return Err(refuse(format!(
                "The parameter {name} is not allowed with bring your own storage."
            )));
        }
        return Ok(None);
    }
    if asked == Some(0) {
        return Err(refuse(format!("The parameter {name} must be greater than 0.")));
    }
    let seconds = asked.map_or(DEFAULT_SAS_MINUTES * 60, |number| i64::from(number) * 60 / per_minute);
    Ok(Some(sas(call.now, seconds)))
}

fn sas(now: Timestamp, seconds: i64) -> String {
    // Signed by nobody: the emulator's storage does not check it.
    let end = wire_time(later(now, seconds as f64));
    format!("sv=2024-11-04&sr=b&sp=r&se={}&sig=emulator", end.replace(':', "%3A"))
}
