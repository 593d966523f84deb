//! Effects: the watches, the three controllers, the Speech resources, and what they write.
//!
//! `observe` builds the snapshot from memory, [`speech_plan`] decides, `act` takes at most one remote step, `reconcile` reports.
pub mod act;
mod catch_up;
mod connection;
mod context;
mod copy;
mod event;
mod export;
mod farewell;
pub mod flux;
mod guard;
mod managed;
mod news;
pub mod observe;
mod passes;
mod places;
mod point;
mod recent;
pub mod reconcile;
mod refusal;
pub mod remote;
mod residence;
mod routes;
mod start;
pub mod wake;
mod watch;
mod write;

pub use context::{Context, Stores};
pub use point::{Point, STAND_STILL_AT};
pub use start::{Options, StartError, run};
pub use watch::Seen;
