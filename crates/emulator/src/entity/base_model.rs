//! Base models: data of the seed, read-only for clients.
use super::{DatasetKind, Entity, Features, Header, View, render_common, wire_time};
use crate::{
    expiry::years_after_quarter,
    lifecycle::{Lifecycle, Status},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseModel {
    /// The common part.
    #[serde(flatten)]
    pub header: Header,
    /// Always Succeeded unless the control API says otherwise.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// Last use for training; absent = one year after the quarter of its creation.
    #[serde(default)]
    pub adaptation_date_time: Option<Timestamp>,
    /// Last use for recognition; absent = two years after the quarter of its creation.
    #[serde(default)]
    pub transcription_date_time: Option<Timestamp>,
    /// What it can be used for.
    #[serde(default)]
    pub features: Features,
    /// Kinds of datasets it can be trained with; empty = not trainable.
    #[serde(default = "DatasetKind::trainable")]
    pub supports_adaptations_with: Vec<DatasetKind>,
    /// True = training is billed.
    #[serde(default)]
    pub charge_for_adaptation: bool,
}

impl BaseModel {
    /// A base model created in the future is not there yet.
    pub fn is_visible(&self, now: Timestamp) -> bool {
        self.header.created_date_time <= now
    }

    /// When training with it ends.
    pub fn adaptation_end(&self) -> Timestamp {
        self.adaptation_date_time
            .unwrap_or_else(|| years_after_quarter(self.header.created_date_time, 1))
    }

    /// When recognition with it ends.
    pub fn transcription_end(&self) -> Timestamp {
        self.transcription_date_time
            .unwrap_or_else(|| years_after_quarter(self.header.created_date_time, 2))
    }

    /// True when an endpoint of the locale may use it now.
    pub fn is_deployable(&self, locale: &str, now: Timestamp) -> bool {
        self.is_visible(now)
            && self.header.locale.eq_ignore_ascii_case(locale)
            && self.features.supports_endpoints
            && self.lifecycle.status == Status::Succeeded
            && now < self.transcription_end()
    }

    /// True when a model of the locale may be trained from it now.
    pub fn is_trainable(&self, locale: &str, now: Timestamp) -> bool {
        self.is_visible(now)
            && self.header.locale.eq_ignore_ascii_case(locale)
            && !self.supports_adaptations_with.is_empty()
            && now < self.adaptation_end()
    }
}

impl Entity for BaseModel {
    const KIND: &'static str = "base model";

    fields!(header, lifecycle);

    fn render(&self, view: View<'_>) -> Value {
        let path = format!("/models/base/{}", self.header.id);
        let mut members = render_common(self, view, &path);
        members.remove("customProperties");
        members.insert(
            "links".to_owned(),
            json!({ "manifest": view.links.to(&format!("{path}/manifest")) }),
        );
        let mut features = self.features.render(view.links.version());
        features.insert(
            "supportsAdaptationsWith".to_owned(),
            json!(self.supports_adaptations_with),
        );
        let mut properties = Map::new();
        properties.insert(
            "deprecationDates".to_owned(),
            json!({
                "adaptationDateTime": wire_time(self.adaptation_end()),
                "transcriptionDateTime": wire_time(self.transcription_end()),
            }),
        );
        properties.insert("features".to_owned(), Value::Object(features));
        properties.insert("chargeForAdaptation".to_owned(), json!(self.charge_for_adaptation));
        members.insert("properties".to_owned(), Value::Object(properties));
        Value::Object(members)
    }
}
