//! What all parts of the controller share.
use super::{
    alarm::Alarm, event::Events, mutation_cache::MutationCache, predicate::Predicate, queues::Wakes, remote::Remotes,
    residence::Residence, routes::Routes, store::Stores,
};
use crate::{lead::Leadership, metrics::Metrics};
use kube::Client;
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_plan::{Hands, Scope, connection::identity::Lending};
use speech_service::{AllowedHosts, Transport, clock::Clock, entra::Issuers};
use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

/// What all parts of the controller share.
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// The present.
    pub clock: Clock,
    /// Whether this replica acts.
    pub leadership: Leadership,
    /// Whether this process changes anything in the Speech service.
    pub hands: Hands,
    /// The uid of the `kube-system` namespace, which stands for the cluster in our marks.
    pub cluster: String,
    /// Which namespaces this process looks after.
    pub scope: Scope,
    /// Whether plain http endpoints are accepted.
    pub allow_http: bool,
    /// Which hosts connections may name.
    pub allowed_hosts: AllowedHosts,
    /// The network towards the Speech service.
    pub transport: Arc<dyn Transport>,
    /// The network towards those who issue tokens.
    pub issuers: Issuers,
    /// What connections may use of the operator.
    pub lending: Lending,
    /// The file with the operator's own token for Entra ID.
    pub own_token: Option<PathBuf>,
    /// What the watches know.
    pub stores: Stores,
    /// What our own writes know better.
    pub written: MutationCaches,
    /// Which watch events matter.
    pub predicate: Predicate,
    /// The queues into the controllers.
    pub wakes: Wakes,
    /// The Speech resources.
    pub remotes: Remotes,
    /// Who may wait for one of them.
    pub routes: Routes,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// What is told to the cluster.
    pub events: Events,
    /// Whether the operator is here to stay.
    pub residence: Residence,
    /// Wakes who lets objects go where it is not.
    pub alarm: Alarm,
}

/// What all parts share, once the stores are filled; empty before.
pub type Known = Arc<OnceLock<Arc<Context>>>;

/// What our own writes know better than the watches, for a moment.
#[derive(Default)]
pub struct MutationCaches {
    pub connections: MutationCache<SpeechConnection>,
    pub models: MutationCache<SpeechModel>,
    pub endpoints: MutationCache<SpeechEndpoint>,
}
