//! The rules of the planners by name, in the order in which they are asked, and which of them gives which reason.
//!
//! A planner is a chain of which the first rule that has something to say decides; what it said stands in the conditions.
//! So the reason tells the rule, and all rules before it had nothing to say. The matches name every reason, so that no
//! reason comes without a place in the chain.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{
    Reason,
    condition::{READY, RECONCILING, STALLED, find},
};

/// One rule of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Is it going to be deleted?
    Deletion,
    /// Does its connection work?
    Connection,
    /// Can its spec be used?
    Spec,
    /// Is the remote entity its own?
    Owner,
    /// Is there a remote entity?
    Entity,
    /// Is the service at work on it?
    Work,
    /// Which model does the spec choose?
    Choice,
    /// Can that model serve, and for longer than what serves?
    Fitness,
    /// What does it have to be made from?
    Inputs,
    /// Has the candidate passed its gate?
    Gate,
    /// Has a person agreed to it?
    Approval,
    /// Have its day and a window come?
    Date,
    /// Do the clocks agree?
    Clocks,
    /// Is it its turn?
    Turn,
    /// May the operator change anything?
    Hands,
    /// Is everything as declared?
    Settled,
}

impl Rule {
    /// The chain of a SpeechEndpoint.
    pub const OF_ENDPOINT: &[Self] = &[
        Self::Deletion,
        Self::Connection,
        Self::Spec,
        Self::Owner,
        Self::Entity,
        Self::Work,
        Self::Choice,
        Self::Fitness,
        Self::Gate,
        Self::Approval,
        Self::Date,
        Self::Clocks,
        Self::Turn,
        Self::Hands,
        Self::Settled,
    ];
    /// The chain of a SpeechModel.
    pub const OF_MODEL: &[Self] = &[
        Self::Deletion,
        Self::Connection,
        Self::Owner,
        Self::Spec,
        Self::Entity,
        Self::Work,
        Self::Choice,
        Self::Fitness,
        Self::Hands,
        Self::Inputs,
        Self::Turn,
        Self::Settled,
    ];

    /// The name of the rule.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deletion => "Deletion",
            Self::Connection => "Connection",
            Self::Spec => "Spec",
            Self::Owner => "Owner",
            Self::Entity => "Entity",
            Self::Work => "Work",
            Self::Choice => "Choice",
            Self::Fitness => "Fitness",
            Self::Inputs => "Inputs",
            Self::Gate => "Gate",
            Self::Approval => "Approval",
            Self::Date => "Date",
            Self::Clocks => "Clocks",
            Self::Turn => "Turn",
            Self::Hands => "Hands",
            Self::Settled => "Settled",
        }
    }

    /// What it asks.
    pub fn question(self) -> &'static str {
        match self {
            Self::Deletion => "Is it being deleted?",
            Self::Connection => "Does its connection work?",
            Self::Spec => "Can its spec be used?",
            Self::Owner => "Is the remote entity free, or its own?",
            Self::Entity => "Is the remote entity there?",
            Self::Work => "Has the service ended its work on it?",
            Self::Choice => "Is there a model that the spec chooses?",
            Self::Fitness => "Can that model serve, and for longer?",
            Self::Inputs => "Is there all that it is made from?",
            Self::Gate => "Has the candidate passed its gate?",
            Self::Approval => "Has a person agreed, where that is wanted?",
            Self::Date => "Have its day and a window come?",
            Self::Clocks => "Do the clocks agree?",
            Self::Turn => "Is it its turn?",
            Self::Hands => "May the operator change it?",
            Self::Settled => "Is everything as declared?",
        }
    }

    /// The rule that gives a reason; none for reasons of connections and events only.
    pub fn of(reason: Reason) -> Option<Self> {
        Some(match reason {
            Reason::Deleting
            | Reason::ModelInUse
            | Reason::Orphaned
            | Reason::Released
            | Reason::DeletionHeld
            | Reason::DeletionUnproven
            | Reason::ClusterUnreadable => Self::Deletion,
            Reason::Connecting
            | Reason::ConnectionNotFound
            | Reason::ConnectionNotReady
            | Reason::NamespaceNotAllowed => Self::Connection,
            Reason::SpecInvalid => Self::Spec,
            Reason::OwnedByAnother => Self::Owner,
            Reason::Creating
            | Reason::AwaitingCreation
            | Reason::EndpointNotFound
            | Reason::RemoteDeleted
            | Reason::Recreating
            | Reason::RecreationDelayed => Self::Entity,
            Reason::Deploying
            | Reason::Swapping
            | Reason::Updating
            | Reason::RolledBack
            | Reason::Training
            | Reason::TrainingFailed
            | Reason::Copying
            | Reason::CopyFailed
            | Reason::CopyRefused
            | Reason::Refused
            | Reason::Retrying
            | Reason::DriftRepeated
            | Reason::QuotaExceeded => Self::Work,
            Reason::ModelNotFound
            | Reason::ModelNotReady
            | Reason::ModelOfOtherConnection
            | Reason::LocaleMismatch
            | Reason::NoBaseModel
            | Reason::BaseModelNotFound
            | Reason::ModelExcluded
            | Reason::NoEligibleModel
            | Reason::CopyCycle
            | Reason::SameResource
            | Reason::ResourceIdMissing
            | Reason::ModelNotCopyable => Self::Choice,
            Reason::DeploymentFailed
            | Reason::ModelFailed
            | Reason::ModelNotDeployable
            | Reason::ModelExpired
            | Reason::ModelExpiresEarlier => Self::Fitness,
            Reason::BaseModelNotTrainable => Self::Inputs,
            Reason::Evaluating
            | Reason::GateFailed
            | Reason::GateInconclusive
            | Reason::GateError
            | Reason::DatasetNotFound
            | Reason::DatasetNotReady
            | Reason::DatasetUnsuitable => Self::Gate,
            Reason::ApprovalAwaited | Reason::ApprovalOfOther => Self::Approval,
            Reason::SwapScheduled | Reason::WindowClosed | Reason::WindowNeverOpens => Self::Date,
            Reason::ClocksDifferWidely => Self::Clocks,
            Reason::AwaitingTurn => Self::Turn,
            Reason::Suspended | Reason::Observed | Reason::ObserveOnly | Reason::ClusterRefused => Self::Hands,
            Reason::Synced
            | Reason::Serving
            | Reason::BaseModelAnswers
            | Reason::ExportConflict
            | Reason::ExportRefused
            | Reason::ExportFailed => Self::Settled,
            Reason::Connected
            | Reason::SecretNotFound
            | Reason::SecretKeyInvalid
            | Reason::CredentialInvalid
            | Reason::PermissionDenied
            | Reason::EndpointInvalid
            | Reason::HostNotAllowed
            | Reason::HostNotFound
            | Reason::TlsFailed
            | Reason::Unreachable
            | Reason::NotASpeechResource
            | Reason::DifferentResource
            | Reason::ApiVersionUnsupported
            | Reason::Throttled
            | Reason::VersionRetires
            | Reason::ResourceIsShared
            | Reason::ServiceUnavailable
            | Reason::ClocksDiffer
            | Reason::SelectorInvalid
            | Reason::NotTheCandidate
            | Reason::AnnotationInvalid
            | Reason::ProjectKept
            | Reason::DriftCorrected
            | Reason::NoSuccessor
            | Reason::ModelEnds
            | Reason::Overdue
            | Reason::LeadTimeShort
            | Reason::QuarantineCleared
            | Reason::ModelServes
            | Reason::ExpiryUnknown
            | Reason::ConnectionInUse => return None,
        })
    }

    /// The same in a chain: a model has no gate, and datasets are what it is made from.
    pub fn in_chain(reason: Reason, chain: &[Self]) -> Option<Self> {
        let rule = Self::of(reason)?;
        if rule == Self::Gate && !chain.contains(&rule) {
            return Some(Self::Inputs);
        }
        chain.contains(&rule).then_some(rule)
    }
}

/// The condition that holds the verdict of a pass: what only a user can end, else what is under way, else `Ready`.
pub fn verdict(conditions: &[Condition]) -> Option<&Condition> {
    [STALLED, RECONCILING, READY]
        .iter()
        .find_map(|kind| find(conditions, kind))
}

/// The reason of a condition; none if another version of the operator wrote it.
pub fn reason(condition: &Condition) -> Option<Reason> {
    Reason::ALL
        .iter()
        .copied()
        .find(|known| known.as_str() == condition.reason)
}
