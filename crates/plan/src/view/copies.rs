//! Copies into one Speech resource, as the sources last told how they stand.
use jiff::{SignedDuration, Timestamp};
use speech_service::{
    EntityId,
    entity::{CopyOperation, EntityError, Status},
};
use std::collections::HashMap;

/// The last copy that each object ordered, by its uid.
#[derive(Clone, Debug, Default)]
pub struct Copies {
    by_uid: HashMap<String, CopyState>,
}

/// How a copy stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyState {
    /// The attempt of the object that began it.
    pub attempt: u32,
    /// The URI to ask for its state.
    pub operation: Box<str>,
    /// When its state was last told (UTC).
    pub looked_at: Timestamp,
    /// How long the service asked to wait before the next look.
    pub rest: Option<SignedDuration>,
    /// How far it is.
    pub stage: CopyStage,
}

/// How far a copy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyStage {
    /// Not done.
    Running,
    /// Done: the new model in the target.
    Done(EntityId),
    /// The service gave up.
    Failed(EntityError),
    /// The source knows no such operation, or its answer cannot be understood: what came of it is unknown.
    Unknown,
}

impl CopyStage {
    /// What the source tells.
    pub fn of(operation: &CopyOperation) -> Self {
        match operation.status {
            Status::Succeeded => {
                let result = operation.result.as_deref().and_then(|uri| uri.parse().ok());
                result.map_or(Self::Unknown, Self::Done)
            }
            Status::Failed => Self::Failed(operation.error.as_deref().cloned().unwrap_or_else(|| EntityError {
                code: "Failed".to_owned(),
                message: "no reason given".to_owned(),
            })),
            Status::NotStarted | Status::Running | Status::Other(_) => Self::Running,
        }
    }
}

impl Copies {
    /// The last copy of the object with this uid.
    pub fn get(&self, uid: &str) -> Option<&CopyState> {
        self.by_uid.get(uid)
    }

    /// Takes what the source told of an object's copy.
    pub fn told(&mut self, uid: &str, state: CopyState) {
        self.by_uid.insert(uid.to_owned(), state);
    }

    /// Forgets an object that is gone.
    pub fn forget(&mut self, uid: &str) {
        self.by_uid.remove(uid);
    }
}
