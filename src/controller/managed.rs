//! What the controller has to know of a kind: models and endpoints share one reconcile.
use super::{
    Context, copy, observe,
    references::{connection_of, source_key},
    remote::Remote,
    routes::{Route, Traveller},
    watched::Watched,
};
use crate::metrics::{self, Ended};
use serde::Serialize;
use speech_api::{SpeechEndpoint, SpeechEndpointStatus, SpeechModel, SpeechModelStatus, Subject};
use speech_plan::{self as plan, Plan, Surroundings};
use std::{fmt::Debug, sync::Arc};

/// A kind whose objects the controller brings to what they declare.
pub trait Managed: Watched + Subject<Status: Serialize + Debug> {
    /// What else was observed before the Speech resource of the object is looked at.
    type Source: Send;

    /// The Speech resources that its steps need.
    fn route(&self, context: &Context) -> Route;
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
    type Source = Option<plan::model::Source>;

    fn route(&self, context: &Context) -> Route {
        Route {
            traveller: Traveller::Model,
            connection: connection_of(self),
            source: source_key(context, self),
        }
    }

    fn ended(&self, after: &SpeechModelStatus) -> Vec<Ended> {
        metrics::of_model(self.status.as_ref(), after)
    }

    fn source(&self, context: &Context) -> Self::Source {
        copy::source(context, self)
    }

    fn source_remote(&self, context: &Context) -> Option<Arc<Remote>> {
        context.remotes.get(&source_key(context, self)?)
    }

    fn plan(&self, context: &Context, source: &Self::Source, around: Surroundings<'_>) -> Plan<SpeechModelStatus> {
        plan::model::plan(&plan::model::Snapshot {
            object: self,
            related: plan::model::Related {
                source: source.as_ref(),
                refusals: &observe::refusals(context, self),
                follower: observe::follower(context, self).as_deref(),
            },
            around,
        })
    }
}

impl Managed for SpeechEndpoint {
    type Source = ();

    fn route(&self, _context: &Context) -> Route {
        Route {
            traveller: Traveller::Endpoint,
            connection: connection_of(self),
            source: None,
        }
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
            related: plan::endpoint::Related {
                models: &models,
                holder: holder.as_deref(),
                abandoned,
            },
            around,
        })
    }
}
