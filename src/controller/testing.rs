//! What all parts share, for tests: alone, and with nothing behind it.
use super::{
    Context,
    alarm::Alarm,
    context::MutationCaches,
    event::Events,
    predicate::Predicate,
    queues::{Sleepers, Wakes},
    remote::Remotes,
    residence::Residence,
    routes::Routes,
    store::{Stores, Writer, store},
};
use crate::{lead::Leadership, metrics::Metrics};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_plan::{Hands, Scope};
use speech_service::{AllowedHosts, ReqwestTransport, clock::Clock};
use std::sync::Arc;

/// What all parts share, the writers of its stores but those of names alone, and the ends of its queues.
pub struct Parts {
    pub context: Context,
    pub connections: Writer<SpeechConnection>,
    pub models: Writer<SpeechModel>,
    pub endpoints: Writer<SpeechEndpoint>,
    pub exports: Writer<ConfigMap>,
    pub sleepers: Sleepers,
}

impl Parts {
    pub fn new(client: Client) -> Self {
        let ((c, connections), (m, models), (e, endpoints)) = (store(), store(), store());
        let ((s, _), (n, _), (x, exports)) = (store(), store(), store());
        let (wakes, sleepers) = Wakes::new();
        let clock = Clock::system();
        let context = Context {
            residence: Residence::new(client.clone(), None),
            alarm: Alarm::default(),
            client,
            hands: Hands::Free,
            leadership: Leadership::unrivalled(),
            cluster: String::new(),
            scope: Scope::default(),
            allow_http: false,
            allowed_hosts: AllowedHosts::new([]),
            transport: Arc::new(ReqwestTransport::of("tests", AllowedHosts::new([])).unwrap()),
            stores: Stores {
                connections: c,
                models: m,
                endpoints: e,
                secrets: s,
                namespaces: n,
                exports: x,
            },
            written: MutationCaches::default(),
            predicate: Predicate::default(),
            wakes,
            remotes: Remotes::default(),
            routes: Routes::new(1),
            metrics: Metrics::new(),
            events: Events::new(clock.clone(), "tests".to_owned(), None).0,
            clock,
        };
        Self {
            context,
            connections,
            models,
            endpoints,
            exports,
            sleepers,
        }
    }
}
