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
    store::{Writers, stores},
};
use crate::{lead::Leadership, metrics::Metrics};
use kube::Client;
use speech_plan::{Hands, Scope, connection::identity::Lending};
use speech_service::{
    AllowedHosts, ReqwestTransport,
    clock::Clock,
    entra::{IMDS, Issuers},
};
use std::sync::Arc;

/// What all parts share, the writers of its stores, and the ends of its queues.
pub struct Parts {
    pub context: Context,
    pub writers: Writers,
    pub sleepers: Sleepers,
}

impl Parts {
    pub fn new(client: Client) -> Self {
        let (stores, writers) = stores();
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
            issuers: Issuers::new("tests", &[], IMDS.parse().unwrap()).unwrap(),
            lending: Lending::default(),
            own_token: None,
            stores,
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
            writers,
            sleepers,
        }
    }
}
