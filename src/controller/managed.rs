//! What the controller has to know of a kind: models and endpoints share one reconcile.
use super::{
    Context, copy, observe,
    recent::Recent,
    refusal::Conditions,
    remote::Remote,
    routes::{Route, Traveller},
    wake::{Sleeper, connection_key},
    watch::Kept,
};
use crate::metrics::{self, Ended};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, core::NamespaceResourceScope, runtime::reflector::ObjectRef};
use serde::{Serialize, de::DeserializeOwned};
use speech_api::{
    SpeechConnection, SpeechEndpoint, SpeechEndpointStatus, SpeechModel, SpeechModelStatus,
    reference::{ConnectionRef, ExportTo},
};
use speech_plan::{self as plan, Hands, Plan, Surroundings, connection::Need};
use std::{fmt::Debug, sync::Arc};

/// What models and endpoints have in common.
pub trait Managed:
    Kept
    + Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The type of the status.
    type Status: Conditions + PartialEq + Send + Sync;
    /// What else was observed before the Speech resource of the object is looked at.
    type Source: Send;

    /// The connection that it refers to.
    fn connection_ref(&self) -> &ConnectionRef;
    /// The locale of its model.
    fn locale(&self) -> &str;
    /// Where it publishes.
    fn export_to(&self) -> Option<&ExportTo>;
    /// An object of the kind as one that can be woken.
    fn sleeper(key: ObjectRef<Self>) -> Sleeper;
    /// The Speech resources that its steps need.
    fn route(&self, context: &Context) -> Route;
    /// What it needs its connection for, in a process with these hands.
    fn need(&self, hands: Hands) -> Need<'_>;
    /// How many remote entities its status names.
    fn entities(&self) -> usize;
    /// What its conditions say.
    fn conditions(&self) -> &[Condition];
    /// The status, once somebody wrote one.
    fn status(&self) -> Option<&Self::Status>;
    /// Our own writes to the kind.
    fn recent(context: &Context) -> &Recent<Self>;
    /// What came to an end since the status was last written.
    fn ended(&self, after: &Self::Status) -> Vec<Ended>;
    /// Observes where the object is copied from.
    fn source(&self, context: &Context) -> Self::Source;
    /// The Speech resource from which the object is copied.
    fn source_remote(&self, context: &Context) -> Option<Arc<Remote>>;
    /// Decides.
    fn plan(&self, context: &Context, source: &Self::Source, around: Surroundings<'_>) -> Plan<Self::Status>;
}

/// The connection that an object refers to.
fn connection_of<K: Managed>(object: &K) -> ObjectRef<SpeechConnection> {
    connection_key(
        object.connection_ref(),
        object.meta().namespace.as_deref().unwrap_or_default(),
    )
}

impl Managed for SpeechModel {
    type Status = SpeechModelStatus;
    type Source = Option<plan::model::Source>;

    fn connection_ref(&self) -> &ConnectionRef {
        &self.spec.connection_ref
    }

    fn locale(&self) -> &str {
        &self.spec.locale
    }

    fn export_to(&self) -> Option<&ExportTo> {
        self.spec.export_to.as_ref()
    }

    fn sleeper(key: ObjectRef<Self>) -> Sleeper {
        Sleeper::Model(key)
    }

    fn route(&self, context: &Context) -> Route {
        Route {
            traveller: Traveller::Model,
            connection: connection_of(self),
            source: copy::source_key(context, self),
        }
    }

    fn need(&self, hands: Hands) -> Need<'_> {
        Need {
            namespace: self.metadata.namespace.as_deref().unwrap_or_default(),
            deleted: self.metadata.deletion_timestamp.is_some(),
            deletes_remote: hands.are_free() && plan::model::deletes_remote(self),
            force_orphan_after: &self.spec.force_orphan_after,
        }
    }

    fn entities(&self) -> usize {
        self.status.as_ref().map_or(0, |status| status.ids().count())
    }

    fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map_or(&[], |status| &status.conditions)
    }

    fn status(&self) -> Option<&SpeechModelStatus> {
        self.status.as_ref()
    }

    fn recent(context: &Context) -> &Recent<Self> {
        &context.recent.models
    }

    fn ended(&self, after: &SpeechModelStatus) -> Vec<Ended> {
        metrics::of_model(self.status.as_ref(), after)
    }

    fn source(&self, context: &Context) -> Self::Source {
        copy::source(context, self)
    }

    fn source_remote(&self, context: &Context) -> Option<Arc<Remote>> {
        context.remotes.get(&copy::source_key(context, self)?)
    }

    fn plan(&self, context: &Context, source: &Self::Source, around: Surroundings<'_>) -> Plan<SpeechModelStatus> {
        plan::model::plan(&plan::model::Snapshot {
            object: self,
            source: source.as_ref(),
            refusals: &observe::refusals(context, self),
            follower: observe::follower(context, self).as_deref(),
            around,
        })
    }
}

impl Managed for SpeechEndpoint {
    type Status = SpeechEndpointStatus;
    type Source = ();

    fn connection_ref(&self) -> &ConnectionRef {
        &self.spec.connection_ref
    }

    fn locale(&self) -> &str {
        &self.spec.locale
    }

    fn export_to(&self) -> Option<&ExportTo> {
        self.spec.export_to.as_ref()
    }

    fn sleeper(key: ObjectRef<Self>) -> Sleeper {
        Sleeper::Endpoint(key)
    }

    fn route(&self, _context: &Context) -> Route {
        Route {
            traveller: Traveller::Endpoint,
            connection: connection_of(self),
            source: None,
        }
    }

    fn need(&self, hands: Hands) -> Need<'_> {
        Need {
            namespace: self.metadata.namespace.as_deref().unwrap_or_default(),
            deleted: self.metadata.deletion_timestamp.is_some(),
            deletes_remote: hands.are_free() && plan::endpoint::deletes_remote(self),
            force_orphan_after: &self.spec.force_orphan_after,
        }
    }

    fn entities(&self) -> usize {
        usize::from(self.status.as_ref().is_some_and(|status| status.id.is_some()))
    }

    fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map_or(&[], |status| &status.conditions)
    }

    fn status(&self) -> Option<&SpeechEndpointStatus> {
        self.status.as_ref()
    }

    fn recent(context: &Context) -> &Recent<Self> {
        &context.recent.endpoints
    }

    fn ended(&self, after: &SpeechEndpointStatus) -> Vec<Ended> {
        metrics::of_endpoint(self.status.as_ref(), after)
    }

    fn source(&self, _context: &Context) {}

    fn source_remote(&self, _context: &Context) -> Option<Arc<Remote>> {
        None
    }

    fn plan(&self, context: &Context, _source: &(), around: Surroundings<'_>) -> Plan<SpeechEndpointStatus> {
        let models = observe::referenced_models(context, self);
        let models: Vec<&SpeechModel> = models.iter().map(|model| &**model).collect();
        let holder = observe::holder(context, self, &around.connection);
        let abandoned = observe::is_abandoned(context, self, &around.connection);
        plan::endpoint::plan(&plan::endpoint::Snapshot {
            object: self,
            models: &models,
            holder: holder.as_deref(),
            abandoned,
            around,
        })
    }
}
