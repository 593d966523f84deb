//! Copies of models between Speech resources.
use super::{CustomModel, wire_time};
use crate::{lifecycle::Lifecycle, link::Links};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What a target resource gave out so that a source may copy to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyAuthorization {
    pub id: Uuid,
    /// ARM id of the only source that may use it.
    pub source_resource_id: String,
    /// When it stops working.
    pub expiration_date_time: Timestamp,
}

/// A copy under way or done, kept at the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyOperation {
    pub id: Uuid,
    /// When it was asked for.
    pub created_date_time: Timestamp,
    /// The run.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The model that is copied.
    #[serde(default)]
    pub source: Option<Uuid>,
    /// Name of the target resource in this process.
    pub target: String,
    /// The model that appears at the target at the end.
    pub result: CustomModel,
}

impl CopyOperation {
    /// The body of an answer; `links` are those of the source, `target_links` those of the target.
    pub fn render(&self, links: &Links, target_links: &Links) -> Value {
        let mut members = Map::new();
        members.insert("id".to_owned(), json!(self.id));
        members.insert(
            "self".to_owned(),
            json!(links.to(&format!("/operations/models/copy/{}", self.id))),
        );
        members.insert("createdDateTime".to_owned(), json!(wire_time(self.created_date_time)));
        let last_action = self.lifecycle.last_action_date_time.unwrap_or(self.created_date_time);
        members.insert("lastActionDateTime".to_owned(), json!(wire_time(last_action)));
        members.insert("status".to_owned(), json!(self.lifecycle.status.name()));
        if let Some(error) = &self.lifecycle.error {
            members.insert("error".to_owned(), json!(error));
        } else if self.lifecycle.status.is_terminal() {
            let link = target_links.to(&format!("/models/{}", self.result.header.id));
            members.insert("result".to_owned(), json!({ "link": link }));
        }
        Value::Object(members)
    }
}
