//! What the controller has to know of a kind: models and endpoints share one reconcile.
use super::{Context, copy, observe, recent::Recent, remote::Remote, watch::Kept};
use crate::{
    api::{SpeechEndpoint, SpeechEndpointStatus, SpeechModel, SpeechModelStatus, reference::ConnectionRef},
    metrics::{self, Ended},
    plan::{self, Plan, Surroundings, connection::Need},
};
use kube::{Resource, core::NamespaceResourceScope};
use serde::{Serialize, de::DeserializeOwned};
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
    type Status: Serialize + Clone + Debug + PartialEq + Send + Sync;
    /// What else was observed before the Speech resource of the object is looked at.
    type Source: Send;

    /// The connection that it refers to.
    fn connection_ref(&self) -> &ConnectionRef;
    /// The locale of its model.
    fn locale(&self) -> &str;
    /// What it needs its connection for.
    fn need(&self) -> Need<'_>;
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

impl Managed for SpeechModel {
    type Status = SpeechModelStatus;
    type Source = Option<plan::model::Source>;

    fn connection_ref(&self) -> &ConnectionRef {
        &self.spec.connection_ref
    }

    fn locale(&self) -> &str {
        &self.spec.locale
    }

    fn need(&self) -> Need<'_> {
        Need {
            namespace: self.metadata.namespace.as_deref().unwrap_or_default(),
            deleted: self.metadata.deletion_timestamp.is_some(),
            deletes_remote: plan::model::deletes_remote(&self.spec),
            force_orphan_after: &self.spec.force_orphan_after,
        }
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

    fn need(&self) -> Need<'_> {
        Need {
            namespace: self.metadata.namespace.as_deref().unwrap_or_default(),
            deleted: self.metadata.deletion_timestamp.is_some(),
            deletes_remote: plan::endpoint::deletes_remote(&self.spec),
            force_orphan_after: &self.spec.force_orphan_after,
        }
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
