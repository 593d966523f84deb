//! Endpoints: deployments of a model.
use super::{Entity, Header, View, render_common};
use crate::{
    lifecycle::{Lifecycle, Status},
    link::Links,
    reference::ModelRef,
    settings::{Settings, UpdateStatus},
    version::ApiVersion,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// The common part.
    #[serde(flatten)]
    pub header: Header,
    /// Deployment, the first or a later one.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The model asked for last.
    pub model: ModelRef,
    /// The model that was deployed last and answers; in a seed, absent = `model` once Succeeded.
    #[serde(default)]
    pub serving: Option<ModelRef>,
    /// Audio and transcripts are kept.
    #[serde(default)]
    pub logging_enabled: bool,
    /// The project it belongs to.
    #[serde(default)]
    pub project: Option<Uuid>,
    /// v3.2: ISO 8601 duration after which it is deleted.
    #[serde(default)]
    pub time_to_live: Option<String>,
    /// v3.2: whom to tell.
    #[serde(default)]
    pub email: Option<String>,
    /// v3.2: text for a model made on the fly.
    #[serde(default)]
    pub text: Option<String>,
}

impl Endpoint {
    /// True while another model than the one that answers is being deployed.
    pub fn is_redeploying(&self) -> bool {
        self.lifecycle.pending.is_some() && self.serving.is_some()
    }

    /// The model that a GET shows.
    pub fn shown_model(&self, settings: &Settings) -> ModelRef {
        match self.serving {
            Some(old) if self.is_redeploying() && settings.show_old_model_until_redeployed => old,
            _ => self.model,
        }
    }

    fn render_links(&self, links: &Links) -> Value {
        let id = self.header.id;
        if links.version() != ApiVersion::V3_2 {
            return json!({ "webSocket": links.web_socket(id) });
        }
        json!({
            "logs": links.to(&format!("/endpoints/{id}/files/logs")),
            "restInteractive": links.recognition("http", "interactive", id),
            "restConversation": links.recognition("http", "conversation", id),
            "restDictation": links.recognition("http", "dictation", id),
            "webSocketInteractive": links.recognition("ws", "interactive", id),
            "webSocketConversation": links.recognition("ws", "conversation", id),
            "webSocketDictation": links.recognition("ws", "dictation", id),
        })
    }
}

impl Entity for Endpoint {
    const KIND: &'static str = "endpoint";

    fields!(header, lifecycle, project);

    fn shown_status(&self, settings: &Settings) -> Option<Status> {
        let hides_redeploy =
            settings.show_old_model_until_redeployed || settings.update_status == UpdateStatus::Succeeded;
        if self.is_redeploying() && hides_redeploy {
            return Some(Status::Succeeded);
        }
        Some(self.lifecycle.status)
    }

    fn render(&self, view: View<'_>) -> Value {
        let mut members = render_common(self, view, &format!("/endpoints/{}", self.header.id));
        let model = self.shown_model(view.within.settings());
        members.insert("model".to_owned(), json!({ "self": model.link(view.links) }));
        members.insert("links".to_owned(), self.render_links(view.links));
        let mut properties = Map::new();
        properties.insert("loggingEnabled".to_owned(), json!(self.logging_enabled));
        if let Some(error) = &self.lifecycle.error {
            properties.insert("error".to_owned(), json!(error));
        }
        if view.links.version() == ApiVersion::V3_2 {
            if let Some(time_to_live) = &self.time_to_live {
                properties.insert("timeToLive".to_owned(), json!(time_to_live));
            }
            if let Some(email) = &self.email {
                properties.insert("email".to_owned(), json!(email));
            }
            if let Some(text) = &self.text {
                members.insert("text".to_owned(), json!(text));
            }
        }
        members.insert("properties".to_owned(), Value::Object(properties));
        Value::Object(members)
    }
}
