//! What the written status of a model says.
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
    pub copying: Option<CopyUnderWay>,
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
            candidate: status.candidate.as_ref().map(|candidate| candidate.id),
            ids: status.ids().collect(),
            copying: status.copying.clone(),
            training: training.map(|step| (step.reason.clone(), step.at)),
        }
    }

    /// Whether a revision is the current one or the candidate.
    pub fn is_named(&self, id: EntityId) -> bool {
        self.current.as_ref().map(|current| current.id) == Some(id) || self.candidate == Some(id)
    }
}

/// The model that endpoints should serve, as a status says it.
pub struct Current {
    pub id: EntityId,
    pub revision: Option<i32>,
    /// The name in the portal.
    pub name: String,
    /// When it was created (UTC).
    pub created_at: Timestamp,
    /// Its `transcriptionDateTime` (UTC).
    pub expires_at: Option<Timestamp>,
}

impl Current {
    fn read(current: &CurrentModel) -> Self {
        Self {
            id: current.id,
            revision: current.revision,
            name: current.name.clone(),
            created_at: current.created_at,
            expires_at: current.expires_at,
        }
    }

    /// What a status would say of a model.
    pub fn of(model: &ModelFacts<'_>) -> Self {
        Self {
            id: model.model.entity(),
            revision: model.revision.and_then(|revision| i32::try_from(revision).ok()),
            name: model.name.to_owned(),
            created_at: whole_seconds(model.created_at),
            expires_at: model.expires_at.map(whole_seconds),
        }
    }
}
