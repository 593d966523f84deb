//! Projects, of v3.2 and 2025-10-15.
use super::{Entity, Header, View, render_common};
use crate::lifecycle::Lifecycle;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A project: a folder for the entities of one locale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// The common part.
    #[serde(flatten)]
    pub header: Header,
    /// 2025-10-15: the Foundry project it stands for.
    #[serde(default)]
    pub foundry_project_name: Option<String>,
}

impl Entity for Project {
    const KIND: &'static str = "project";

    fields!(header);

    fn lifecycle(&self) -> Option<&Lifecycle> {
        None
    }

    fn other_property(&self, name: &str) -> Option<&str> {
        self.foundry_project_name
            .as_deref()
            .filter(|_| name == "foundryProjectName")
    }

    fn render(&self, view: View<'_>) -> Value {
        let id = self.header.id;
        let path = format!("/projects/{id}");
        let mut members = render_common(self, view, &path);
        let mut links = Map::new();
        for list in ["evaluations", "datasets", "models", "endpoints", "transcriptions"] {
            links.insert(list.to_owned(), json!(view.links.to(&format!("{path}/{list}"))));
        }
        members.insert("links".to_owned(), Value::Object(links));
        let held = view.within.members(id);
        members.insert(
            "properties".to_owned(),
            json!({
                "datasetCount": held.datasets,
                "evaluationCount": held.evaluations,
                "modelCount": held.models,
                "transcriptionCount": 0,
                "endpointCount": held.endpoints,
            }),
        );
        if let Some(name) = self
            .foundry_project_name
            .as_ref()
            .filter(|_| view.links.version().has_foundry_projects())
        {
            members.insert("foundryProjectName".to_owned(), json!(name));
        }
        Value::Object(members)
    }
}
