//! A local Azure Speech service for custom speech: endpoints, models and what belongs to them, in three API versions.
//!
//! It shares nothing with the operator's client of that service, so that an error in one is not mirrored in the other.
//! Its clock can be moved, so that models expire in seconds. What the public documents leave open is decided in
//! `docs/emulator.md`.

mod access;
mod call;
mod clock;
mod connection;
mod control;
mod entity;
mod entra;
mod error;
mod expiry;
mod fault;
mod fault_reply;
mod filter;
#[cfg(test)]
mod fuzz;
mod gate;
mod identity;
mod inside;
mod journal;
mod lifecycle;
mod link;
mod operation;
mod page;
mod payload;
mod query;
mod recognition;
mod reference;
mod reply;
mod resource;
mod route;
mod score_file;
mod seed;
mod settings;
mod strict;
mod version;
mod window;
mod wire;
mod world;

use axum::{Router, routing::get};
use connection::{Cut, CuttableListener};
pub use entra::{CertificateError, Credentials};
use entra::{Issuer, TlsListener};
pub use inside::{Deployment, Revision, Work};
pub use seed::{Seed, SeedError};
use std::{
    future::{Future, IntoFuture as _},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};
use world::World;

/// How long requests under way, such as a reader who follows the clock, may hold up the end.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// An emulated Speech service; clones share their state.
#[derive(Clone, Debug)]
pub struct Emulator {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    clock_version: watch::Sender<u64>,
}

impl Emulator {
    /// An emulator that holds what the seed describes; its clock starts now.
    pub fn new(seed: Seed) -> Self {
        let world = World::new(seed);
        let (clock_version, _) = watch::channel(world.clock.version());
        Self {
            shared: Arc::new(Shared {
                world: Mutex::new(world),
                clock_version,
            }),
        }
    }

    /// The emulator as a service without sockets; base URL of a Speech resource is `http://HOST/NAME`.
    pub fn router(&self) -> Router {
        control::router()
            .route("/metadata/identity/oauth2/token", get(entra::imds_token))
            .fallback(gate::answer)
            .with_state(self.clone())
    }

    /// The Entra authority as a service without sockets.
    pub fn authority(&self) -> Router {
        entra::router().with_state(self.clone())
    }

    /// Lets the authority accept assertions of an issuer, whose keys are given as a JSON Web Key Set.
    ///
    /// # Errors
    /// The text says what is wrong with the keys.
    pub fn trust(&self, issuer: &str, key_set: &str) -> Result<(), String> {
        let issuer = Issuer::parse(issuer, key_set)?;
        self.world().entra.trust(issuer);
        Ok(())
    }

    /// Serves the authority, until this is dropped.
    ///
    /// # Errors
    /// What the listener reports when it cannot go on.
    pub async fn serve_authority(&self, listener: TcpListener, credentials: &Credentials) -> io::Result<()> {
        let listener = TlsListener::new(listener, Arc::clone(&credentials.server))?;
        let service = self.authority().into_make_service_with_connect_info::<Cut>();
        axum::serve(listener, service).await
    }

    /// Serves connections until `shutdown` is ready, then gives requests under way a moment to end.
    ///
    /// # Errors
    /// What the listener reports when it cannot go on.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let (stopping, stopped) = oneshot::channel();
        let signal = async move {
            shutdown.await;
            // Nobody listens only when serving has ended already.
            let _ = stopping.send(());
        };
        let service = self.router().into_make_service_with_connect_info::<Cut>();
        let served = axum::serve(CuttableListener(listener), service).with_graceful_shutdown(signal);
        let patience_ends = async {
            match stopped.await {
                Ok(()) => tokio::time::sleep(SHUTDOWN_GRACE).await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            result = served.into_future() => result,
            () = patience_ends => Ok(()),
        }
    }

    /// The state, for a moment; never held across an await.
    fn world(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere left the state as it was: going on is better than refusing all.
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock_version(&self) -> watch::Receiver<u64> {
        self.shared.clock_version.subscribe()
    }

    fn tell_clock_version(&self, version: u64) {
        // Two changes at once may tell theirs in either order.
        self.shared.clock_version.send_modify(|told| *told = version.max(*told));
    }
}
