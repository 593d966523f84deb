//! Files of models, datasets and evaluations, and the log files of v3.2.
use super::{dataset::iso_duration, derived_id, wire_time};
use crate::{link::Links, version::ApiVersion};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// What happened at the import of a dataset.
    DatasetReport,
    /// Sound.
    Audio,
    /// Sentences of a dataset.
    LanguageData,
    /// Pronunciations of a dataset.
    PronunciationData,
    /// Audio of a dataset.
    AcousticDataArchive,
    /// Display rules of a dataset.
    OutputFormattingData,
    /// Scores of an evaluation, sentence by sentence.
    EvaluationDetails,
    /// What happened at the training of a model.
    ModelReport,
}

impl FileKind {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::DatasetReport => "DatasetReport",
            Self::Audio => "Audio",
            Self::LanguageData => "LanguageData",
            Self::PronunciationData => "PronunciationData",
            Self::AcousticDataArchive => "AcousticDataArchive",
            Self::OutputFormattingData => "OutputFormattingData",
            Self::EvaluationDetails => "EvaluationDetails",
            Self::ModelReport => "ModelReport",
        }
    }
}

/// A file that follows from an entity; nothing of it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFile {
    pub id: Uuid,
    /// What it is.
    pub kind: FileKind,
    /// Its name, with extension.
    pub name: String,
    /// When the entity it belongs to ended.
    pub created: Timestamp,
    /// Bytes.
    pub size: u64,
    /// Length of the sound in it.
    pub milliseconds: u64,
}

impl StoredFile {
    /// A file of the entity `owner`; its id follows from owner and name.
    pub fn of(owner: Uuid, kind: FileKind, name: &str, created: Timestamp, size: u64, milliseconds: u64) -> Self {
        let id = derived_id(&[&owner.to_string(), name]);
        Self {
            id,
            kind,
            name: name.to_owned(),
            created,
            size,
            milliseconds,
        }
    }

    /// The body of an answer; `parent` is the path of the list, `sas` the signed part of the content's URL.
    pub fn render(&self, links: &Links, parent: &str, sas: Option<&str>) -> Value {
        let link = links.to(&format!("{parent}/{}", self.id));
        render(
            links,
            FileBody {
                link,
                kind: self.kind,
                name: &self.name,
                created: self.created,
                size: self.size,
                milliseconds: self.milliseconds,
                content: links.content(&format!("{}/{}", self.id, self.name), sas),
            },
        )
    }
}

/// One log of an endpoint (v3.2); its id is no UUID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogFile {
    /// Its id, in the order of time.
    pub id: String,
    /// The endpoint; absent = a base model answered without an endpoint.
    pub endpoint: Option<Uuid>,
    /// The locale that was recognized.
    pub locale: String,
    /// When the recognition was.
    pub created_date_time: Timestamp,
    /// Bytes of sound that were sent.
    pub size: u64,
}

impl LogFile {
    /// The body of an answer; `parent` is the path of the list.
    pub fn render(&self, links: &Links, parent: &str, sas: Option<&str>) -> Value {
        let name = format!("{}.wav", self.id);
        render(
            links,
            FileBody {
                link: links.to(&format!("{parent}/{}", self.id)),
                kind: FileKind::Audio,
                name: &name,
                created: self.created_date_time,
                size: self.size,
                // 16 kHz, 16 bit, one channel.
                milliseconds: self.size / 32,
                content: links.content(&format!("logs/{name}"), sas),
            },
        )
    }
}

struct FileBody<'a> {
    link: String,
    kind: FileKind,
    name: &'a str,
    created: Timestamp,
    size: u64,
    milliseconds: u64,
    content: String,
}

fn render(links: &Links, file: FileBody<'_>) -> Value {
    let mut properties = Map::new();
    properties.insert("size".to_owned(), json!(file.size));
    if links.version() == ApiVersion::V3_2 {
        properties.insert("duration".to_owned(), json!(iso_duration(file.milliseconds)));
    } else {
        properties.insert("durationMilliseconds".to_owned(), json!(file.milliseconds));
    }
    json!({
        "name": file.name,
        "kind": file.kind.name(),
        "properties": properties,
        "createdDateTime": wire_time(file.created),
        "links": { "contentUrl": file.content },
        "self": file.link,
    })
}
