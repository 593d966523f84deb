//! What all kinds share that stand for something in a Speech resource: written once, here.
use crate::{
    SpeechEndpoint, SpeechEndpointStatus, SpeechModel, SpeechModelStatus,
    decision::Decision,
    planned::PlannedStep,
    reference::{ConnectionRef, DeletionPolicy, ExportTo, LastFailure, ManagementPolicy},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;

/// A kind whose objects stand for something in a Speech resource.
pub trait Subject: Resource<DynamicType = ()> {
    /// Its status.
    type Status: SubjectStatus;

    /// What it declares as every kind does.
    fn declared(&self) -> Declared<'_>;
    /// Whether what it stands for was made for it, so that deleting the object may delete that.
    fn makes_remote(&self) -> bool;
    /// The status, once somebody wrote one.
    fn status(&self) -> Option<&Self::Status>;
    /// Puts a status in the place of the one before.
    fn set_status(&mut self, status: Self::Status);
    /// How many remote entities its status names.
    fn entities(&self) -> usize;

    /// What its conditions say.
    fn conditions(&self) -> &[Condition] {
        self.status().map_or(&[], SubjectStatus::conditions)
    }
}

/// The fields that the specs of all kinds have.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'a> {
    pub connection_ref: &'a ConnectionRef,
    pub locale: &'a str,
    pub display_name: Option<&'a str>,
    pub management_policy: ManagementPolicy,
    pub deletion_policy: DeletionPolicy,
    pub force_orphan_after: &'a str,
    pub suspend: bool,
    pub export_to: Option<&'a ExportTo>,
}

impl Declared<'_> {
    /// Whether the spec lets anything remote be changed.
    pub fn may_act(&self) -> bool {
        self.management_policy == ManagementPolicy::Full && !self.suspend
    }
}

/// What the statuses of all kinds have.
pub trait SubjectStatus: Clone + Default + PartialEq + Send + Sync {
    /// The conditions as written.
    fn conditions(&self) -> &[Condition];
    /// Generation of the spec that it describes.
    fn observed_generation(&self) -> i64;
    /// The change that the service accepted and no read has shown.
    fn accepted_change(&self) -> Option<&str>;
    /// What happens next.
    fn plan(&self) -> &[PlannedStep];
    /// The last failed request that holds others back.
    fn last_failure(&self) -> Option<&LastFailure>;
    /// The failed requests that hold nothing else back.
    fn side_failures(&self) -> &[LastFailure];
    /// The rule that decided, and what each rule saw.
    fn decision(&self) -> &Decision;
    /// The last handled value of a reconcile-requested annotation.
    fn last_handled_reconcile_at(&self) -> Option<&str>;
    /// All of these, to be written.
    fn fields_mut(&mut self) -> StatusFields<'_>;
}

/// The fields that the statuses of all kinds have.
#[derive(Debug)]
pub struct StatusFields<'a> {
    pub observed_generation: &'a mut i64,
    pub conditions: &'a mut Vec<Condition>,
    pub decision: &'a mut Decision,
    pub plan: &'a mut Vec<PlannedStep>,
    pub last_failure: &'a mut Option<LastFailure>,
    pub side_failures: &'a mut Vec<LastFailure>,
    pub closed_attempt: &'a mut Option<i32>,
    pub accepted_change: &'a mut Option<String>,
    pub last_handled_reconcile_at: &'a mut Option<String>,
}

macro_rules! subject {
    ($kind:ident, $status:ident, makes: $makes:expr, entities: $entities:expr) => {
        impl Subject for $kind {
            type Status = $status;

            fn declared(&self) -> Declared<'_> {
                let spec = &self.spec;
                Declared {
                    connection_ref: &spec.connection_ref,
                    locale: &spec.locale,
                    display_name: spec.display_name.as_deref(),
                    management_policy: spec.management_policy,
                    deletion_policy: spec.deletion_policy,
                    force_orphan_after: &spec.force_orphan_after,
                    suspend: spec.suspend,
                    export_to: spec.export_to.as_ref(),
                }
            }

            fn makes_remote(&self) -> bool {
                let makes: fn(&Self) -> bool = $makes;
                makes(self)
            }

            fn status(&self) -> Option<&$status> {
                self.status.as_ref()
            }

            fn set_status(&mut self, status: $status) {
                self.status = Some(status);
            }

            fn entities(&self) -> usize {
                let entities: fn(&Self) -> usize = $entities;
                entities(self)
            }
        }

        impl SubjectStatus for $status {
            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            fn observed_generation(&self) -> i64 {
                self.observed_generation
            }

            fn accepted_change(&self) -> Option<&str> {
                self.accepted_change.as_deref()
            }

            fn plan(&self) -> &[PlannedStep] {
                &self.plan
            }

            fn last_failure(&self) -> Option<&LastFailure> {
                self.last_failure.as_ref()
            }

            fn side_failures(&self) -> &[LastFailure] {
                &self.side_failures
            }

            fn decision(&self) -> &Decision {
                &self.decision
            }

            fn last_handled_reconcile_at(&self) -> Option<&str> {
                self.last_handled_reconcile_at.as_deref()
            }

            fn fields_mut(&mut self) -> StatusFields<'_> {
                StatusFields {
                    observed_generation: &mut self.observed_generation,
                    conditions: &mut self.conditions,
                    decision: &mut self.decision,
                    plan: &mut self.plan,
                    last_failure: &mut self.last_failure,
                    side_failures: &mut self.side_failures,
                    closed_attempt: &mut self.closed_attempt,
                    accepted_change: &mut self.accepted_change,
                    last_handled_reconcile_at: &mut self.last_handled_reconcile_at,
                }
            }
        }
    };
}

subject!(
    SpeechEndpoint,
    SpeechEndpointStatus,
    makes: |_| true,
    entities: |object| usize::from(object.status.as_ref().is_some_and(|status| status.id.is_some()))
);
subject!(
    SpeechModel,
    SpeechModelStatus,
    makes: |object| object.spec.source.training.is_some() || object.spec.source.copy.is_some(),
    entities: |object| object.status.as_ref().map_or(0, |status| status.ids().count())
);
