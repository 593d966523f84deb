//! What the written status of a model says, its ids and dates read once. What cannot be read is absent.
use crate::{text::whole_seconds, view::ModelFacts};
use jiff::Timestamp;
use speech_api::{
    SpeechModelStatus,
    model::{CopyUnderWay, CurrentModel},
    planned::PlannedAction,
};
use speech_service::EntityId;

/// What the written status says.
#[derive(Default)]
pub struct Told {
    pub current: Option<Current>,
    pub candidate: Option<EntityId>,
    /// The ids of the revisions: the candidate, the current one, the others.
    pub ids: Vec<EntityId>,
    pub copying: Option<Copying>,
    /// The training that comes first in the plan: why, and when.
    pub training: Option<(String, Timestamp)>,
}

impl Told {
    /// Reads a status.
    pub fn read(status: Option<&SpeechModelStatus>) -> Self {
        let Some(status) = status else { return Self::default() };
        let first = status.plan.first();
        let training = first.filter(|step| step.action == PlannedAction::Train);
        Self {
            current: status.current.as_ref().map(Current::read),
            candidate: status
                .candidate
                .as_ref()
                .and_then(|candidate| candidate.id.parse().ok()),
            ids: status.ids().filter_map(|id| id.parse().ok()).collect(),
            copying: status.copying.clone().map(Copying::read),
            training: training.map(|step| (step.reason.clone(), step.at)),
        }
    }

    /// Whether a revision is the current one or the candidate.
    pub fn is_named(&self, id: EntityId) -> bool {
        self.current.as_ref().and_then(|current| current.id) == Some(id) || self.candidate == Some(id)
    }
}

/// The model that endpoints should serve, as a status says it.
pub struct Current {
    pub id: Option<EntityId>,
    pub revision: Option<i32>,
    /// The name in the portal.
    pub name: String,
    /// When it was created (UTC).
    pub created_at: Option<Timestamp>,
    /// Its `transcriptionDateTime` (UTC).
    pub expires_at: Option<Timestamp>,
}

impl Current {
    fn read(current: &CurrentModel) -> Self {
        Self {
            id: current.id.parse().ok(),
            revision: current.revision,
            name: current.name.clone(),
            created_at: Some(current.created_at),
            expires_at: current.expires_at,
        }
    }

    /// What a status would say of a model.
    pub fn of(model: &ModelFacts<'_>) -> Self {
        Self {
            id: Some(model.model.entity()),
            revision: model.revision.and_then(|revision| i32::try_from(revision).ok()),
            name: model.name.to_owned(),
            created_at: Some(whole_seconds(model.created_at)),
            expires_at: model.expires_at.map(whole_seconds),
        }
    }
}

/// The copy that is in progress.
#[derive(Clone)]
pub struct Copying {
    /// As a status says it.
    pub wire: CopyUnderWay,
    /// The model that is copied.
    pub source: Option<EntityId>,
    /// The new model, once the operation has succeeded.
    pub model: Option<EntityId>,
    /// When it was requested (UTC).
    pub started_at: Option<Timestamp>,
}

impl Copying {
    /// Reads it.
    pub fn read(wire: CopyUnderWay) -> Self {
        Self {
            source: wire.source.parse().ok(),
            model: wire.model.as_deref().and_then(|id| id.parse().ok()),
            started_at: Some(wire.started_at),
            wire,
        }
    }
}
