//! From the wire to the types of [`entity`](crate::entity).
use super::{
    bounds,
    document::{Details, Document, Fault, Features, Link, Word},
};
use crate::{
    entity::{
        BaseModel, CopyOperation, CustomModel, Dataset, Endpoint, EntityError, Evaluation, File, Header, Manifest,
        ManifestFile, Project, Scores, Status,
    },
    error::BodyProblem,
    id::{EntityId, InvalidId, ModelId},
    redact::without_queries,
};
use std::sync::Arc;

/// Why a document is not the entity that it should be.
#[derive(Debug)]
pub(crate) struct Unreadable(pub String);

/// What can be read from a document.
pub(crate) trait FromDocument: Sized {
    fn from_document(document: Document<'_>) -> Result<Self, Unreadable>;

    /// The id, by which a list that moved while it was read shows the same entity twice.
    fn id(&self) -> Option<EntityId> {
        None
    }

    /// Its collection, id and `self`, where requests refer to it.
    fn known_as(&self) -> Option<(&'static str, EntityId, &str)> {
        None
    }
}

/// The collections of what requests refer to.
pub(crate) const MODELS: &str = "models";
pub(crate) const BASE_MODELS: &str = "models/base";
pub(crate) const DATASETS: &str = "datasets";

/// Reads the body that holds one entity.
pub(crate) fn read_one<T: FromDocument>(body: &[u8]) -> Result<T, BodyProblem> {
    bounds::check_size(body)?;
    let document: Document<'_> = serde_json::from_slice(body).map_err(|error| json_problem(&error))?;
    T::from_document(document).map_err(|Unreadable(reason)| BodyProblem::Unexpected(reason))
}

/// JSON that ends early was cut, JSON of another shape is unexpected, all else is none.
pub(crate) fn json_problem(error: &serde_json::Error) -> BodyProblem {
    match error.classify() {
        serde_json::error::Category::Data => BodyProblem::Unexpected(without_queries(&error.to_string())),
        serde_json::error::Category::Eof if error.column() > 0 => BodyProblem::Cut,
        serde_json::error::Category::Eof | serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            BodyProblem::NotJson
        }
    }
}

fn missing(name: &str) -> Unreadable {
    Unreadable(format!("{name} is missing"))
}

fn invalid(error: InvalidId) -> Unreadable {
    Unreadable(without_queries(&error.to_string()))
}

fn entity_id(uri: &str) -> Result<EntityId, Unreadable> {
    uri.parse().map_err(invalid)
}

fn model_id(link: &Link<'_>) -> Result<ModelId, Unreadable> {
    ModelId::from_self_uri(&link.uri).map_err(invalid)
}

fn required_model(link: Option<&Link<'_>>, name: &str) -> Result<ModelId, Unreadable> {
    model_id(link.ok_or_else(|| missing(name))?)
}

fn fault(fault: Option<Fault>) -> Option<Box<EntityError>> {
    fault.map(|fault| {
        Box::new(EntityError {
            code: fault.code.map(|text| without_queries(&text)).unwrap_or_default(),
            message: fault.message.map(|text| without_queries(&text)).unwrap_or_default(),
        })
    })
}

/// A word that is absent counts as one that we do not know: under way.
fn status(word: Option<Word<Status>>) -> Status {
    match word.map(|word| word.0) {
        Some(Status::Other(word)) => Status::Other(bounds::state(word)),
        Some(known) => known,
        None => Status::Other(Box::default()),
    }
}

/// Takes out of a document what all entities have, `properties.error` included.
fn header(document: &mut Document<'_>) -> Result<Header, Unreadable> {
    let self_uri = bounds::uri(document.self_uri.take().ok_or_else(|| missing("self"))?)?;
    let created_at = document
        .created_date_time
        .take()
        .ok_or_else(|| missing("createdDateTime"))?
        .0;
    let properties = bounds::properties(document.custom_properties.take())?;
    Ok(Header {
        id: entity_id(&self_uri)?,
        self_uri,
        display_name: bounds::name(document.display_name.take()),
        description: bounds::description(document.description.take()),
        locale: bounds::word(document.locale.take(), "locale")?,
        status: status(document.status.take()),
        created_at,
        last_action_at: document.last_action_date_time.take().map_or(created_at, |time| time.0),
        project: document.project.take().map(|link| entity_id(&link.uri)).transpose()?,
        owner: properties.owner.map(Arc::new),
        foreign_properties: properties.foreign,
        error: fault(document.properties.as_mut().and_then(|details| details.error.take())),
    })
}

impl FromDocument for Endpoint {
    fn from_document(mut document: Document<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            header: header(&mut document)?,
            model: document.model.as_ref().map(model_id).transpose()?,
            logging_enabled: document
                .properties
                .and_then(|details| details.logging_enabled)
                .unwrap_or(false),
            links: bounds::links(document.links.map(|links| links.0).unwrap_or_default()),
        })
    }

    fn id(&self) -> Option<EntityId> {
        Some(self.header.id)
    }
}

impl FromDocument for CustomModel {
    fn from_document(mut document: Document<'_>) -> Result<Self, Unreadable> {
        let header = header(&mut document)?;
        let details = document.properties.unwrap_or_default();
        let datasets = bounds::elements(document.datasets.unwrap_or_default(), "datasets")?;
        Ok(Self {
            header,
            base_model: document.base_model.as_ref().map(model_id).transpose()?,
            datasets: datasets
                .iter()
                .map(|link| entity_id(&link.uri))
                .collect::<Result<_, _>>()?,
            expires_at: details
                .deprecation_dates
                .and_then(|dates| dates.transcription_date_time)
                .map(|time| time.0),
            weight_percent: details.custom_model_weight_percent,
            supports_endpoints: details.features.and_then(|features| features.supports_endpoints),
        })
    }

    fn id(&self) -> Option<EntityId> {
        Some(self.header.id)
    }

    fn known_as(&self) -> Option<(&'static str, EntityId, &str)> {
        Some((MODELS, self.header.id, &self.header.self_uri))
    }
}

impl FromDocument for BaseModel {
    fn from_document(mut document: Document<'_>) -> Result<Self, Unreadable> {
        let header = header(&mut document)?;
        let details = document.properties.unwrap_or_default();
        let dates = details.deprecation_dates.unwrap_or_default();
        let features: Features = details.features.unwrap_or_default();
        Ok(Self {
            header,
            adaptation_until: dates.adaptation_date_time.map(|time| time.0),
            expires_at: dates.transcription_date_time.map(|time| time.0),
            supports_endpoints: features.supports_endpoints,
            supports_adaptations_with: kinds(features.supports_adaptations_with)?,
        })
    }

    fn id(&self) -> Option<EntityId> {
        Some(self.header.id)
    }

    fn known_as(&self) -> Option<(&'static str, EntityId, &str)> {
        Some((BASE_MODELS, self.header.id, &self.header.self_uri))
    }
}

/// The kinds of datasets.
fn kinds(found: Option<Box<[Box<str>]>>) -> Result<Box<[Box<str>]>, Unreadable> {
    let found = bounds::elements(found.unwrap_or_default().into_vec(), "supportsAdaptationsWith")?;
    found
        .into_iter()
        .map(|kind| bounds::word(Some(kind), "a kind of dataset"))
        .collect()
}

impl FromDocument for Dataset {
    fn from_document(mut document: Document<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            header: header(&mut document)?,
            kind: bounds::word(document.kind, "kind")?,
            accepted_lines: document.properties.and_then(|details| details.accepted_line_count),
        })
    }

    fn id(&self) -> Option<EntityId> {
        Some(self.header.id)
    }

    fn known_as(&self) -> Option<(&'static str, EntityId, &str)> {
        Some((DATASETS, self.header.id, &self.header.self_uri))
    }
}

impl FromDocument for Evaluation {
    fn from_document(mut document: Document<'_>) -> Result<Self, Unreadable> {
        let header = header(&mut document)?;
        let dataset = document.dataset.as_ref().ok_or_else(|| missing("dataset"))?;
        // Before the end the service fills the numbers with -1, which would look like a splendid rate.
        let details = document
            .properties
            .filter(|_| header.status == Status::Succeeded)
            .unwrap_or_default();
        let Details {
            word_error_rate1,
            token_error_rate1,
            word_count1,
            ..
        } = details;
        let Details {
            word_error_rate2,
            token_error_rate2,
            word_count2,
            ..
        } = details;
        Ok(Self {
            model1: required_model(document.model1.as_ref(), "model1")?,
            model2: required_model(document.model2.as_ref(), "model2")?,
            dataset: entity_id(&dataset.uri)?,
            scores1: scores(word_error_rate1, token_error_rate1, word_count1),
            scores2: scores(word_error_rate2, token_error_rate2, word_count2),
            header,
        })
    }

    fn id(&self) -> Option<EntityId> {
        Some(self.header.id)
    }
}

fn scores(word_error_rate: Option<f64>, token_error_rate: Option<f64>, word_count: Option<i64>) -> Option<Scores> {
    Some(Scores {
        word_error_rate: word_error_rate.filter(|rate| *rate >= 0.0)?,
        token_error_rate: token_error_rate.filter(|rate| *rate >= 0.0),
        word_count: word_count.filter(|count| *count >= 0),
    })
}

impl FromDocument for Project {
    fn from_document(document: Document<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            id: entity_id(&document.self_uri.ok_or_else(|| missing("self"))?)?,
            display_name: bounds::name(document.display_name),
            locale: bounds::word(document.locale, "locale")?,
        })
    }

    fn id(&self) -> Option<EntityId> {
        Some(self.id)
    }
}

impl FromDocument for File {
    fn from_document(document: Document<'_>) -> Result<Self, Unreadable> {
        let self_uri = document.self_uri.ok_or_else(|| missing("self"))?;
        let content_url = document.links.as_ref().and_then(|links| links.get("contentUrl"));
        Ok(Self {
            id: last_segment(&self_uri)
                .ok_or_else(|| Unreadable("self names no file".to_owned()))?
                .into(),
            name: document.name.unwrap_or_default(),
            kind: document.kind.unwrap_or_default(),
            created_at: document.created_date_time.map(|time| time.0),
            size: document.properties.and_then(|details| details.size),
            content_url: content_url.map(Into::into),
        })
    }
}

/// The last segment of a URI's path, decoded no further: it goes back into a path as it is.
fn last_segment(uri: &str) -> Option<&str> {
    let path = uri.split(['?', '#']).next()?;
    path.rsplit('/').next().filter(|segment| !segment.is_empty())
}

impl FromDocument for CopyOperation {
    fn from_document(document: Document<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            self_uri: bounds::uri(document.self_uri.ok_or_else(|| missing("self"))?)?,
            status: status(document.status),
            result: document
                .result
                .and_then(|result| result.link)
                .map(bounds::uri)
                .transpose()?,
            error: fault(document.error),
        })
    }
}

impl FromDocument for Manifest {
    fn from_document(document: Document<'_>) -> Result<Self, Unreadable> {
        let files = document.model_files.ok_or_else(|| missing("modelFiles"))?;
        Ok(Self {
            model: required_model(document.model.as_ref(), "model")?,
            files: files
                .into_iter()
                .map(|file| ManifestFile {
                    name: file.name.unwrap_or_default(),
                    content_url: file.content_url.map(Into::into),
                })
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests;
