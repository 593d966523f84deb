//! Decisions: pure functions of a snapshot. No clock, no randomness, no I/O; `now` is a value.
//!
//! Each kind has one function `plan(&Snapshot) -> Plan`, an ordered chain of small rules of which the first that has
//! something to say decides. The result names at most one action, the status to show, and when to look again.
mod aside;
pub mod claim;
pub mod connection;
pub mod creation;
pub mod drift;
mod ending;
pub mod endpoint;
pub mod evaluation;
mod export;
mod failures;
mod forecast;
#[cfg(test)]
mod fuzz;
pub mod guard;
mod hands;
mod label;
pub mod lead_time;
pub mod model;
mod model_choice;
pub mod near;
mod notice;
mod orphan;
mod pass;
mod predecessor;
pub mod queue;
pub mod recognition;
pub mod relations;
mod report;
mod retry;
pub mod risk;
mod rule;
mod scope;
pub mod skew;
mod snapshot;
mod spread;
mod stay;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod text;
mod unheeded;
mod verdict;
pub mod view;
pub mod window;

pub use creation::{COPY_GRACE, GRACE as CREATION_GRACE};
use drift::Correction;
pub use hands::Hands;
use lead_time::{Durations, Took};
pub use notice::{Notice, document as events_document};
pub use orphan::UNPROVEN;
pub use pass::{Asked, Learned, Pass, Step};
use queue::{Limits, Queue, Want};
pub use report::cluster_refused;
pub use retry::{Failure, FailureClass, NOT_SENT, is_quota};
pub use scope::Scope;
use skew::Skew;
pub use snapshot::{Snapshot, deletes_remote};
pub use stay::Stay;
pub use text::named;
pub use verdict::Verdict;

use crate::view::View;
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use speech_api::{Reason, annotation::CreationIntent};
use speech_service::{
    EntityId, Lane, ModelId,
    entity::OwnerTag,
    request::{CreateEndpoint, CreateEvaluation, CreateModel, UpdateEndpoint, UpdateModel},
};
use std::collections::BTreeMap;

/// The word under which a failed publication is remembered.
pub const EXPORT: &str = "Export";

/// How long a deletion waits for a connection that is gone before it lets the remote entity go, where no spec says it.
pub const ORPHAN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What to do, what to show, and when to look again.
#[derive(Debug)]
pub struct Plan<S> {
    /// The next step; at most one.
    pub action: Option<Action>,
    /// The status to show, the step not yet taken.
    pub status: S,
    /// When time alone may change the decision (UTC).
    pub look_again: Option<Timestamp>,
    /// The list that is about to change, so that it is worth looking often.
    pub awaits: Option<List>,
    /// What the ConfigMap of `exportTo` has to hold; absent when there is nothing to publish.
    pub export: Option<Export>,
    /// What to tell as events.
    pub notices: Vec<Notice>,
    /// What the object waits for in the queue of its connection.
    pub wants: Option<Want>,
    /// Work that was seen to end.
    pub took: Vec<Took>,
    /// What the step puts back, where somebody else changed it.
    pub corrects: Option<Correction>,
}

/// A list of the Speech service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    Endpoints,
    /// Custom models.
    Models,
    Datasets,
    Evaluations,
}

/// A ConfigMap to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The ConfigMap's name.
    pub name: String,
    /// What it holds.
    pub data: BTreeMap<String, String>,
}

/// One step towards the declared state.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Put the finalizer on the object and, before a creation, the announcement, in one write.
    Claim(Option<CreationIntent>),
    /// Remove the finalizer.
    Release,
    /// POST an endpoint.
    CreateEndpoint(Box<CreateEndpoint>),
    /// PATCH an endpoint.
    UpdateEndpoint {
        /// The endpoint.
        id: EntityId,
        change: Box<UpdateEndpoint>,
        /// Whether a date is near, so that it goes before all else.
        urgent: bool,
    },
    DeleteEndpoint(EntityId),
    /// POST a model.
    TrainModel(Box<CreateModel>),
    /// Have a model of another resource copied: the leave of this resource, then the POST at the source.
    CopyModel(Box<CopyModel>),
    /// Ask at the source how a copy stands; changes nothing.
    FollowCopy {
        /// The attempt that began it.
        attempt: u32,
        /// Its URI.
        operation: String,
    },
    /// PATCH a model.
    UpdateModel {
        /// The model.
        id: EntityId,
        change: Box<UpdateModel>,
    },
    /// DELETE a custom model.
    DeleteModel(EntityId),
    /// POST an evaluation.
    CreateEvaluation(Box<CreateEvaluation>),
    DeleteEvaluation(EntityId),
}

/// What to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyModel {
    /// The number of the attempt.
    pub attempt: u32,
    /// The model in the source's resource.
    pub source: EntityId,
    /// The ARM id of the source's resource.
    pub resource_id: String,
}

impl Action {
    /// The word of a request for an evaluation.
    pub const EVALUATE: &'static str = "Evaluate";
    /// The word of a move to another model.
    pub const SWAP: &'static str = "Swap";
    /// The word of our mark.
    pub const MARK: &'static str = "Mark";
    /// What our mark is to a person, and in a status.
    const MARK_FIELD: &'static str = "the mark of ownership";
    /// The word of a deletion.
    pub const DELETE: &'static str = "Delete";
    /// How the words of all other changes begin.
    const UPDATE: &'static str = "Update ";

    /// What the word of a change names, for a person.
    fn field(operation: &str) -> Option<&str> {
        let is_mark = operation == Self::MARK;
        operation
            .strip_prefix(Self::UPDATE)
            .or_else(|| is_mark.then_some(Self::MARK_FIELD))
    }

    /// Whether what is remembered under this word holds nothing else back: names and the like, our mark, evaluations, and
    /// what is deleted for an object that stays.
    fn is_aside(operation: &str, leaves: bool) -> bool {
        operation.starts_with(Self::UPDATE)
            || [Self::MARK, Self::EVALUATE].contains(&operation)
            || operation == Self::DELETE && !leaves
    }

    /// The word under which a failure of this step is remembered. Each has its own, so that none waits for another.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Claim(_) => "Claim",
            Self::Release => "Release",
            Self::CreateEndpoint(_) => "Create",
            Self::TrainModel(_) => "Train",
            Self::CopyModel(_) => "Copy",
            Self::FollowCopy { .. } => "Follow",
            Self::UpdateEndpoint { change, .. } => match **change {
                UpdateEndpoint::Model(_) => Self::SWAP,
                UpdateEndpoint::DisplayName(_) => "Update displayName",
                UpdateEndpoint::Description(_) => "Update description",
                UpdateEndpoint::Project(_) => "Update project",
                UpdateEndpoint::LoggingEnabled(_) => "Update loggingEnabled",
                UpdateEndpoint::Owner(..) => Self::MARK,
            },
            Self::UpdateModel { change, .. } => match **change {
                UpdateModel::DisplayName(_) => "Update displayName",
                UpdateModel::Description(_) => "Update description",
                UpdateModel::Project(_) => "Update project",
                UpdateModel::Owner(..) => Self::MARK,
            },
            Self::CreateEvaluation(_) => Self::EVALUATE,
            Self::DeleteEndpoint(_) | Self::DeleteModel(_) | Self::DeleteEvaluation(_) => Self::DELETE,
        }
    }

    /// Whether the step deletes something in the Speech service.
    pub fn deletes(&self) -> bool {
        matches!(
            self,
            Self::DeleteEndpoint(_) | Self::DeleteModel(_) | Self::DeleteEvaluation(_)
        )
    }

    /// The model to which the step moves an endpoint, if it does.
    pub fn moves_to(&self) -> Option<ModelId> {
        if let Self::UpdateEndpoint { change, .. } = self {
            change.model()
        } else {
            None
        }
    }

    /// Whether the step may end the use of a model by an endpoint.
    pub fn frees_model(&self) -> bool {
        matches!(self, Self::DeleteEndpoint(_)) || self.moves_to().is_some()
    }

    /// What the step is taken for: what must happen before a date goes first.
    pub fn lane(&self) -> Lane {
        match self {
            Self::UpdateEndpoint { urgent: true, .. } => Lane::Deadline,
            Self::UpdateEndpoint { urgent: false, .. }
            | Self::Claim(_)
            | Self::Release
            | Self::CreateEndpoint(_)
            | Self::DeleteEndpoint(_)
            | Self::TrainModel(_)
            | Self::CopyModel(_)
            | Self::FollowCopy { .. }
            | Self::UpdateModel { .. }
            | Self::DeleteModel(_)
            | Self::CreateEvaluation(_) => Lane::UserChange,
            Self::DeleteEvaluation(_) => Lane::Sweep,
        }
    }

    /// Whether the step is a request to the Speech service.
    pub fn is_remote(&self) -> bool {
        !matches!(self, Self::Claim(_) | Self::Release)
    }
}

/// What surrounds an object, the same for models and endpoints.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The present (UTC): the later of the service's clock and ours.
    pub now: Timestamp,
    /// The uid of the cluster's `kube-system` namespace.
    pub cluster: &'a str,
    pub connection: ConnectionState<'a>,
    /// What this very pass has learned so far.
    pub learned: Learned<'a>,
    /// What the objects of the connection have to agree on.
    pub agenda: &'a Agenda,
    /// Whether the operator and its kinds stay; only deletions ask.
    pub stay: Stay<'a>,
    /// Whether this process changes anything in the Speech service.
    pub hands: Hands,
    /// Whether the object's namespace is being deleted: then nothing may wait for ever.
    pub namespace_ends: bool,
}

/// What the objects of one connection have to agree on.
#[derive(Clone, Debug, Default)]
pub struct Agenda {
    /// Who waits for a turn.
    pub queue: Queue,
    /// How much of a kind may run at a time.
    pub limits: Limits,
    /// How long work was seen to take.
    pub durations: Durations,
    /// How the service's clock and ours differ.
    pub skew: Skew,
    /// What may be deleted at once.
    pub guard: guard::Guard,
    /// Since when the connection itself is being deleted (UTC); absent while it is not. Its living objects keep it.
    pub ends_since: Option<Timestamp>,
}

/// The connection of an object.
#[derive(Clone, Copy, Debug)]
pub enum ConnectionState<'a> {
    /// There is no such SpeechConnection.
    NotFound {
        /// The one of this namespace that was probably meant.
        near: Option<&'a str>,
    },
    /// It is in another namespace, and does not allow this one or does not exist: the same to whoever may not use it.
    NotAllowed,
    /// It does not work now.
    NotReady {
        /// What it says itself.
        message: &'a str,
        /// What was known when it last worked, if anything.
        view: Option<&'a View>,
        /// Whether requests can still be sent, which a deletion tries.
        usable: bool,
        /// Since when, by its own status (UTC); absent before it says so.
        since: Option<Timestamp>,
    },
    /// It works.
    Ready {
        /// What is known of the Speech resource.
        view: &'a View,
        /// Whether its API version has projects.
        has_projects: bool,
    },
}

impl Surroundings<'_> {
    /// Our mark for what an object creates; whoever creates says which attempt it is.
    fn mark(&self, object: &impl ResourceExt) -> OwnerTag {
        OwnerTag {
            uid: object.uid().unwrap_or_default(),
            object: format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any()),
            cluster: self.cluster.to_owned(),
            attempt: 0,
            revision: None,
            inputs: None,
        }
    }
}

impl<'a> ConnectionState<'a> {
    /// The view to delete through: requests can be sent, and what is not listed does not exist.
    fn view_to_delete(&self) -> Option<&'a View> {
        match self {
            Self::Ready { .. } | Self::NotReady { usable: true, .. } => self.view(),
            Self::NotFound { .. } | Self::NotAllowed | Self::NotReady { .. } => None,
        }
    }

    /// What is known of the Speech resource, however old, if its lists were ever read.
    pub fn view(&self) -> Option<&'a View> {
        match self {
            Self::NotFound { .. } | Self::NotAllowed => None,
            Self::NotReady { view, .. } => view.filter(|view| view.is_complete()),
            Self::Ready { view, .. } => view.is_complete().then_some(*view),
        }
    }

    /// Since when it does not work (UTC), where that is known.
    pub fn broken_since(&self) -> Option<Timestamp> {
        match self {
            Self::NotReady { since, .. } => *since,
            Self::NotFound { .. } | Self::NotAllowed | Self::Ready { .. } => None,
        }
    }

    /// Why nothing can be done through it now; absent when something can.
    fn obstacle(&self, name: &str) -> Option<Verdict> {
        match self {
            Self::NotFound { near } => {
                let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                Some(Verdict::stalled(
                    Reason::ConnectionNotFound,
                    format!("SpeechConnection {name} does not exist; it is used as soon as it appears{meant}"),
                ))
            }
            Self::NotAllowed => Some(Verdict::stalled(
                Reason::NamespaceNotAllowed,
                format!(
                    "SpeechConnection {name} of another namespace does not exist or does not allow this namespace; see its spec.allowedNamespaces"
                ),
            )),
            Self::NotReady { message, .. } => Some(Verdict::working(
                Reason::ConnectionNotReady,
                format!("SpeechConnection {name} does not work: {message}"),
            )),
            Self::Ready { .. } => None,
        }
    }
}
