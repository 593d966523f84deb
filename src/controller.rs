//! Effects: the watches, the three controllers, the Speech resources, and what they write.
//!
//! `observe` builds the snapshot from memory, [`speech_plan`] decides, [`speech_resource`] takes at most one remote step,
//! `reconcile` reports.
mod alarm;
mod catch_up;
mod connection;
mod context;
mod copy;
mod event;
mod export;
mod failpoint;
mod farewell;
pub mod flux;
mod guard;
mod managed;
mod mutation_cache;
mod observe;
mod part;
mod places;
mod predicate;
mod queues;
mod reconcile;
mod references;
mod refusal;
mod relations;
pub mod remote;
mod residence;
mod routes;
mod start;
mod store;
#[cfg(test)]
mod testing;
mod wake;
mod watch;
mod watched;
mod watches;
mod workqueue;
mod write;

pub use context::{Context, Known};
pub use failpoint::{Failpoint, STAND_STILL_AT};
pub use references::connection_of;
pub use start::{Options, StartError, run};
pub use store::Stores;
pub use watch::Seen;
