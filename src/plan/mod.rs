//! Decisions: pure functions of a snapshot. No clock, no randomness, no I/O; `now` is a value.
//!
//! Each kind has one function `plan(&Snapshot) -> Plan`, an ordered chain of small rules of which the first that has
//! something to say decides. The result names at most one action, the status to show, and when to look again.
pub mod claim;
pub mod connection;
mod creation;
pub mod endpoint;
pub mod evaluation;
mod export;
mod former;
#[cfg(test)]
mod fuzz;
pub mod lead_time;
pub mod line;
pub mod model;
mod model_choice;
mod notice;
mod orphan;
mod outlook;
mod report;
mod retry;
pub mod rules;
pub mod skew;
mod spread;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
pub mod window;

pub use creation::{COPY_GRACE, GRACE as CREATION_GRACE};
use lead_time::{Durations, Took};
use line::{Limits, Line, Want};
pub use notice::{Notice, document as events_document};
pub use retry::{Failure, FailureClass, is_quota};
use skew::Skew;
pub use verdict::Verdict;

use crate::{
    api::{Reason, annotation::CreationIntent},
    speech::{
        EntityId,
        entity::OwnerTag,
        request::{CreateEndpoint, CreateEvaluation, CreateModel, UpdateEndpoint, UpdateModel},
    },
    view::View,
};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
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
    /// What the object waits for in the line of its connection.
    pub wants: Option<Want>,
    /// Work that was seen to end.
    pub took: Vec<Took>,
}

/// A list of the Speech service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// Endpoints.
    Endpoints,
    /// Custom models.
    Models,
    /// Datasets.
    Datasets,
    /// Evaluations.
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
        /// What changes.
        change: Box<UpdateEndpoint>,
        /// Whether a date is near, so that it goes before all else.
        urgent: bool,
    },
    /// DELETE an endpoint.
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
        /// What changes.
        change: Box<UpdateModel>,
    },
    /// DELETE a custom model.
    DeleteModel(EntityId),
    /// POST an evaluation.
    CreateEvaluation(Box<CreateEvaluation>),
    /// DELETE an evaluation.
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

    /// The word under which a failure of this step is remembered.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Claim(_) => "Claim",
            Self::Release => "Release",
            Self::CreateEndpoint(_) => "Create",
            Self::TrainModel(_) => "Train",
            Self::CopyModel(_) => "Copy",
            Self::FollowCopy { .. } => "Follow",
            Self::UpdateEndpoint { .. } | Self::UpdateModel { .. } => "Update",
            Self::CreateEvaluation(_) => Self::EVALUATE,
            Self::DeleteEndpoint(_) | Self::DeleteModel(_) | Self::DeleteEvaluation(_) => "Delete",
        }
    }

    /// Whether the step deletes something in the Speech service.
    pub fn deletes(&self) -> bool {
        matches!(
            self,
            Self::DeleteEndpoint(_) | Self::DeleteModel(_) | Self::DeleteEvaluation(_)
        )
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
    /// The connection.
    pub connection: ConnectionState<'a>,
    /// The attempt to create that this very pass announced: nothing can have been sent for it yet.
    pub announced: Option<u32>,
    /// What went wrong in this very pass.
    pub failure: Option<&'a Failure>,
    /// What the objects of the connection have to agree on.
    pub agenda: &'a Agenda,
}

/// What the objects of one connection have to agree on.
#[derive(Clone, Debug, Default)]
pub struct Agenda {
    /// Who waits for a turn.
    pub line: Line,
    /// How much of a kind may run at a time.
    pub limits: Limits,
    /// How long work was seen to take.
    pub durations: Durations,
    /// How the service's clock and ours differ.
    pub skew: Skew,
}

/// The connection of an object.
#[derive(Clone, Copy, Debug)]
pub enum ConnectionState<'a> {
    /// There is no such SpeechConnection.
    NotFound,
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
            Self::NotFound | Self::NotAllowed | Self::NotReady { .. } => None,
        }
    }

    /// What is known of the Speech resource, however old, if its lists were ever read.
    pub fn view(&self) -> Option<&'a View> {
        match self {
            Self::NotFound | Self::NotAllowed => None,
            Self::NotReady { view, .. } => view.filter(|view| view.is_complete()),
            Self::Ready { view, .. } => view.is_complete().then_some(*view),
        }
    }

    /// Why nothing can be done through it now; absent when something can.
    fn obstacle(&self, name: &str) -> Option<Verdict> {
        match self {
            Self::NotFound => Some(Verdict::stalled(
                Reason::ConnectionNotFound,
                format!("SpeechConnection {name} does not exist; it is used as soon as it appears"),
            )),
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
