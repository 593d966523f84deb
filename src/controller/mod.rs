//! Effects: the watches, the three controllers, the Speech resources, and what they write.
//!
//! `observe` builds the snapshot from memory, [`crate::plan`] decides, `act` takes at most one remote step, `reconcile` reports.
mod act;
mod connection;
mod context;
mod copy;
mod event;
mod export;
mod guard;
mod managed;
mod news;
mod observe;
mod recent;
mod reconcile;
mod remote;
mod start;
mod wake;
mod watch;
mod write;

pub use context::{Context, Stores};
pub use start::{Options, StartError, run};
pub use watch::Seen;
