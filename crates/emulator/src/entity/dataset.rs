//! Datasets and their blocks.
use super::{Entity, Header, View, fingerprint, render_common};
use crate::{
    lifecycle::{Lifecycle, Status},
    version::ApiVersion,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What a dataset holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatasetKind {
    /// Sentences.
    Language,
    /// Audio with transcripts.
    Acoustic,
    Pronunciation,
    /// Audio alone.
    AudioFiles,
    /// Structured text.
    LanguageMarkdown,
    /// Rules for display.
    OutputFormatting,
}

impl DatasetKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Language,
        Self::Acoustic,
        Self::Pronunciation,
        Self::AudioFiles,
        Self::LanguageMarkdown,
        Self::OutputFormatting,
    ];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Language => "Language",
            Self::Acoustic => "Acoustic",
            Self::Pronunciation => "Pronunciation",
            Self::AudioFiles => "AudioFiles",
            Self::LanguageMarkdown => "LanguageMarkdown",
            Self::OutputFormatting => "OutputFormatting",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a usual base model can be trained with.
    pub fn trainable() -> Vec<Self> {
        vec![
            Self::Language,
            Self::LanguageMarkdown,
            Self::Pronunciation,
            Self::OutputFormatting,
            Self::Acoustic,
        ]
    }

    /// True when it has audio, so that an evaluation can use it.
    pub fn has_audio(self) -> bool {
        matches!(self, Self::Acoustic | Self::AudioFiles)
    }
}

/// An uploaded block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Base64, as given in `blockid`.
    pub name: String,
    /// Bytes.
    pub size: usize,
    /// Part of the dataset.
    #[serde(default)]
    pub committed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dataset {
    /// The common part.
    #[serde(flatten)]
    pub header: Header,
    /// Import.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// What it holds.
    pub kind: DatasetKind,
    /// Where it was read from; absent = uploaded in blocks.
    #[serde(default)]
    pub content_url: Option<String>,
    /// `Default` or `None`.
    #[serde(default = "default_normalization")]
    pub text_normalization_kind: String,
    /// Lines taken; absent = a number that follows from the id.
    #[serde(default)]
    pub accepted_line_count: Option<u32>,
    /// Blocks uploaded so far.
    #[serde(default)]
    pub blocks: Vec<Block>,
    /// The project it belongs to.
    #[serde(default)]
    pub project: Option<Uuid>,
    /// v3.2: whom to tell.
    #[serde(default)]
    pub email: Option<String>,
}

/// The normalization when a create names none.
pub fn default_normalization() -> String {
    "Default".to_owned()
}

impl Dataset {
    /// True until the blocks are committed.
    pub fn awaits_blocks(&self) -> bool {
        self.content_url.is_none() && self.lifecycle.status == Status::NotStarted && self.lifecycle.pending.is_none()
    }

    /// Lines taken, known once imported.
    pub fn accepted_lines(&self) -> u32 {
        let derived = 500 + u32::try_from(fingerprint(&[&self.header.id.to_string()]) % 9_500).unwrap_or(0);
        self.accepted_line_count.unwrap_or(derived)
    }

    /// Length of the audio, known once imported.
    pub fn milliseconds(&self) -> u64 {
        if self.kind.has_audio() {
            u64::from(self.accepted_lines()) * 4_200
        } else {
            0
        }
    }

    fn render_properties(&self, version: ApiVersion) -> Value {
        let mut properties = Map::new();
        properties.insert("textNormalizationKind".to_owned(), json!(self.text_normalization_kind));
        let is_imported = self.lifecycle.status == Status::Succeeded;
        if is_imported {
            properties.insert("acceptedLineCount".to_owned(), json!(self.accepted_lines()));
            properties.insert("rejectedLineCount".to_owned(), json!(self.accepted_lines() / 600));
        }
        let milliseconds = if is_imported { self.milliseconds() } else { 0 };
        if version == ApiVersion::V3_2 {
            properties.insert("duration".to_owned(), json!(iso_duration(milliseconds)));
            if let Some(email) = &self.email {
                properties.insert("email".to_owned(), json!(email));
            }
        } else {
            properties.insert("durationMilliseconds".to_owned(), json!(milliseconds));
        }
        if let Some(error) = &self.lifecycle.error {
            properties.insert("error".to_owned(), json!(error));
        }
        Value::Object(properties)
    }
}

/// A length as v3.2 writes it.
pub fn iso_duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let part = |count: u64, unit: &str| {
        if count > 0 {
            format!("{count}{unit}")
        } else {
            String::new()
        }
    };
    let text = [part(hours, "H"), part(minutes, "M"), part(seconds, "S")].concat();
    if text.is_empty() {
        "PT0S".to_owned()
    } else {
        format!("PT{text}")
    }
}

impl Entity for Dataset {
    const KIND: &'static str = "dataset";

    fields!(header, lifecycle, project);

    fn other_property(&self, name: &str) -> Option<&str> {
        (name == "kind").then(|| self.kind.name())
    }

    fn render(&self, view: View<'_>) -> Value {
        let path = format!("/datasets/{}", self.header.id);
        let mut members = render_common(self, view, &path);
        members.insert("kind".to_owned(), json!(self.kind.name()));
        if let Some(url) = &self.content_url {
            members.insert("contentUrl".to_owned(), json!(url));
        }
        let mut links = Map::new();
        links.insert("files".to_owned(), json!(view.links.to(&format!("{path}/files"))));
        if self.awaits_blocks() {
            links.insert(
                "commitBlocks".to_owned(),
                json!(view.links.to(&format!("{path}/blocks:commit"))),
            );
            links.insert("listBlocks".to_owned(), json!(view.links.to(&format!("{path}/blocks"))));
            links.insert(
                "uploadBlocks".to_owned(),
                json!(view.links.to(&format!("{path}/blocks"))),
            );
        }
        members.insert("links".to_owned(), Value::Object(links));
        members.insert("properties".to_owned(), self.render_properties(view.links.version()));
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_iso_8601() {
        assert_eq!(iso_duration(0), "PT0S");
        assert_eq!(iso_duration(3_723_000), "PT1H2M3S");
        assert_eq!(iso_duration(60_000), "PT1M");
    }
}
