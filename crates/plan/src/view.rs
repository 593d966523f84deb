//! What is known of one Speech resource: plain data, filled by sweeps and by the answers to our own requests.
//!
//! The planner reads it instead of asking the service, so that a decision needs no request and can be tested without one.
mod cache;
mod copies;

pub use cache::{Cache, Cached, Entry, Tick};
pub use copies::{Copies, CopyStage, CopyState};

use jiff::Timestamp;
use speech_service::{
    EntityId, ModelId,
    entity::{BaseModel, CustomModel, Dataset, Endpoint, Evaluation, Status},
};
use std::collections::{HashMap, HashSet};

/// All that is known of one Speech resource.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub endpoints: Cache<Endpoint>,
    /// The models that the service accepted for endpoints by the last request for another one, until they serve; known to
    /// this process only.
    pub accepted: HashMap<EntityId, ModelId>,
    pub models: Cache<CustomModel>,
    pub base_models: Cache<BaseModel>,
    /// The copies into this resource that are under way.
    pub copies: Copies,
    /// The datasets; read only while an object has a use for them, so ask [`Cache::is_known`].
    pub datasets: Cache<Dataset>,
    /// The evaluations; read only while an object has a use for them, so ask [`Cache::is_known`].
    pub evaluations: Cache<Evaluation>,
}

/// What changed between two looks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Endpoints that appeared, changed or went.
    pub endpoints: HashSet<EntityId>,
    /// Custom models that appeared, changed or went.
    pub models: HashSet<EntityId>,
    /// Base models that appeared, changed or went.
    pub base_models: HashSet<EntityId>,
    /// Datasets that appeared, changed or went.
    pub datasets: HashSet<EntityId>,
    /// Evaluations that appeared, changed or went.
    pub evaluations: HashSet<EntityId>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        let Self {
            endpoints,
            models,
            base_models,
            datasets,
            evaluations,
        } = self;
        [endpoints, models, base_models, datasets, evaluations]
            .iter()
            .all(|changed| changed.is_empty())
    }

    /// Whether a model, of either kind, is among them.
    pub fn has_model(&self, model: ModelId) -> bool {
        match model {
            ModelId::Base(id) => self.base_models.contains(&id),
            ModelId::Custom(id) => self.models.contains(&id),
        }
    }
}

/// What a deployment needs to know of a model, base or custom.
#[derive(Clone, Copy, Debug)]
pub struct ModelFacts<'a> {
    pub model: ModelId,
    pub self_uri: &'a str,
    /// Its name in the portal.
    pub name: &'a str,
    pub locale: &'a str,
    /// Its state.
    pub status: &'a Status,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its `transcriptionDateTime`.
    pub expires_at: Option<Timestamp>,
    /// Whether it can be deployed; what the service leaves unsaid counts as yes.
    pub supports_endpoints: bool,
    /// The number of the revision, where the operator trained it.
    pub revision: Option<u32>,
}

impl View {
    /// Whether every list that all objects need has been read at least once.
    pub fn is_complete(&self) -> bool {
        self.endpoints.is_known() && self.models.is_known() && self.base_models.is_known()
    }

    /// Forgets which models were accepted for endpoints once they were seen to serve: what an endpoint shows later is
    /// somebody else's doing.
    pub fn note_served(&mut self) {
        let endpoints = &self.endpoints;
        self.accepted.retain(|id, model| {
            endpoints.get(*id).is_none_or(|entry| {
                let serves = entry.entity.model == Some(*model) && entry.entity.header.status == Status::Succeeded;
                !(entry.confirmed && serves)
            })
        });
    }

    /// What is known of a model.
    pub fn model(&self, model: ModelId) -> Option<ModelFacts<'_>> {
        match model {
            ModelId::Base(id) => self.base_models.get(id).map(|entry| (&*entry.entity).into()),
            ModelId::Custom(id) => self.models.get(id).map(|entry| (&*entry.entity).into()),
        }
    }

    /// What is known of a model of which only the id is known, not the kind.
    pub fn model_by_id(&self, id: EntityId) -> Option<ModelFacts<'_>> {
        self.model(ModelId::Custom(id))
            .or_else(|| self.model(ModelId::Base(id)))
    }

    /// The endpoints that serve a model, or are about to.
    pub fn users_of(&self, model: ModelId) -> impl Iterator<Item = &Endpoint> {
        self.endpoints
            .iter()
            .map(|entry| &*entry.entity)
            .filter(move |endpoint| endpoint.model.is_some_and(|used| used.entity() == model.entity()))
    }

    /// Whether any endpoint of a locale is on its way from one model to another, as far as is known.
    pub fn is_moving(&self, locale: &str) -> bool {
        self.endpoints.iter().any(|entry| {
            let header = &entry.entity.header;
            &*header.locale == locale && !(entry.confirmed && header.status.is_terminal())
        })
    }
}

impl<'a> From<&'a BaseModel> for ModelFacts<'a> {
    fn from(model: &'a BaseModel) -> Self {
        let header = &model.header;
        Self {
            model: ModelId::Base(header.id),
            self_uri: &header.self_uri,
            name: &header.display_name,
            locale: &header.locale,
            status: &header.status,
            created_at: header.created_at,
            expires_at: model.expires_at,
            supports_endpoints: model.supports_endpoints.unwrap_or(true),
            revision: None,
        }
    }
}

impl<'a> From<&'a CustomModel> for ModelFacts<'a> {
    fn from(model: &'a CustomModel) -> Self {
        let header = &model.header;
        Self {
            model: ModelId::Custom(header.id),
            self_uri: &header.self_uri,
            name: &header.display_name,
            locale: &header.locale,
            status: &header.status,
            created_at: header.created_at,
            expires_at: model.expires_at,
            supports_endpoints: model.supports_endpoints.unwrap_or(true),
            revision: header.owner.as_ref().and_then(|tag| tag.revision),
        }
    }
}
