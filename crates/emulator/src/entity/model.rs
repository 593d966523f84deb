//! Custom models.
use super::{Entity, Header, View, render_common, wire_time};
use crate::{expiry::years_after_quarter, lifecycle::Lifecycle, version::ApiVersion};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What a model can be used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Features {
    /// Batch transcription.
    pub supports_transcriptions_submit: bool,
    /// Synchronous transcription.
    pub supports_transcriptions_transcribe: bool,
    /// False (Whisper): cannot be deployed.
    pub supports_endpoints: bool,
    /// Use in containers.
    pub supports_transcriptions_on_speech_containers: bool,
    /// `Lexical`, `Display`.
    pub supported_output_formats: Vec<String>,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            supports_transcriptions_submit: true,
            supports_transcriptions_transcribe: false,
            supports_endpoints: true,
            supports_transcriptions_on_speech_containers: false,
            supported_output_formats: vec!["Display".to_owned(), "Lexical".to_owned()],
        }
    }
}

impl Features {
    /// The members as a version names them.
    pub fn render(&self, version: ApiVersion) -> Map<String, Value> {
        let mut members = Map::new();
        if version == ApiVersion::V3_2 {
            members.insert(
                "supportsTranscriptions".to_owned(),
                json!(self.supports_transcriptions_submit),
            );
        } else {
            members.insert(
                "supportsTranscriptionsSubmit".to_owned(),
                json!(self.supports_transcriptions_submit),
            );
            members.insert(
                "supportsTranscriptionsTranscribe".to_owned(),
                json!(self.supports_transcriptions_transcribe),
            );
        }
        members.insert("supportsEndpoints".to_owned(), json!(self.supports_endpoints));
        members.insert(
            "supportsTranscriptionsOnSpeechContainers".to_owned(),
            json!(self.supports_transcriptions_on_speech_containers),
        );
        members.insert(
            "supportedOutputFormats".to_owned(),
            json!(self.supported_output_formats),
        );
        members
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomModel {
    /// The common part.
    #[serde(flatten)]
    pub header: Header,
    /// Training.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The base model it was trained from; a copy may have none.
    #[serde(default)]
    pub base_model: Option<Uuid>,
    /// The datasets it was trained with.
    #[serde(default)]
    pub datasets: Vec<Uuid>,
    /// Last use for recognition; absent = two years after the quarter of its creation.
    #[serde(default)]
    pub transcription_date_time: Option<Timestamp>,
    /// Weight of the custom part, 1 to 100.
    #[serde(default = "default_weight")]
    pub custom_model_weight_percent: i64,
    /// What it can be used for, from its base model.
    #[serde(default)]
    pub features: Features,
    /// The project it belongs to.
    #[serde(default)]
    pub project: Option<Uuid>,
    /// v3.2: text it was trained with.
    #[serde(default)]
    pub text: Option<String>,
    /// v3.2: whom to tell of its end.
    #[serde(default)]
    pub email: Option<String>,
}

/// What the service takes when a create names no weight.
pub fn default_weight() -> i64 {
    30
}

impl CustomModel {
    /// When recognition with it ends.
    pub fn transcription_end(&self) -> Timestamp {
        self.transcription_date_time
            .unwrap_or_else(|| years_after_quarter(self.header.created_date_time, 2))
    }
}

impl Entity for CustomModel {
    const KIND: &'static str = "model";

    fields!(header, lifecycle, project);

    fn render(&self, view: View<'_>) -> Value {
        let path = format!("/models/{}", self.header.id);
        let is_v3 = view.links.version() == ApiVersion::V3_2;
        let mut members = render_common(self, view, &path);
        if let Some(base) = self.base_model {
            let link = view.links.to(&format!("/models/base/{base}"));
            members.insert("baseModel".to_owned(), json!({ "self": link }));
        }
        if !self.datasets.is_empty() {
            let link = |id: &Uuid| json!({ "self": view.links.to(&format!("/datasets/{id}")) });
            members.insert("datasets".to_owned(), self.datasets.iter().map(link).collect());
        }
        let mut links = Map::new();
        links.insert("manifest".to_owned(), json!(view.links.to(&format!("{path}/manifest"))));
        links.insert("copy".to_owned(), json!(view.links.to(&format!("{path}:copy"))));
        links.insert("files".to_owned(), json!(view.links.to(&format!("{path}/files"))));
        let mut properties = Map::new();
        properties.insert(
            "deprecationDates".to_owned(),
            json!({ "transcriptionDateTime": wire_time(self.transcription_end()) }),
        );
        properties.insert(
            "customModelWeightPercent".to_owned(),
            json!(self.custom_model_weight_percent),
        );
        properties.insert(
            "features".to_owned(),
            Value::Object(self.features.render(view.links.version())),
        );
        if let Some(error) = &self.lifecycle.error {
            properties.insert("error".to_owned(), json!(error));
        }
        if is_v3 {
            links.insert("copyTo".to_owned(), json!(view.links.to(&format!("{path}:copyto"))));
            if let Some(email) = &self.email {
                properties.insert("email".to_owned(), json!(email));
            }
            if let Some(text) = &self.text {
                members.insert("text".to_owned(), json!(text));
            }
        }
        members.insert("links".to_owned(), Value::Object(links));
        members.insert("properties".to_owned(), Value::Object(properties));
        Value::Object(members)
    }
}
