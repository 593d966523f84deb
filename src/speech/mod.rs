//! The Speech service's custom-speech REST API, seen by a careful client. Knows nothing of Kubernetes.
//!
//! What arrives is parsed at the border into the types of [`entity`]; what is sent is built from the types of [`request`].
pub mod allowed_hosts;
pub mod base_url;
pub mod budget;
pub mod client;
pub mod entity;
pub mod error;
pub mod failure;
#[cfg(test)]
mod fuzz;
pub mod id;
pub mod key;
mod redact;
pub mod request;
mod retry_after;
pub mod skew;
pub mod transport;
pub mod version;
mod wire;

pub use allowed_hosts::{AllowedHosts, HostPattern};
pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use budget::{Budget, BudgetUsage, Lane};
pub use client::{Absent, Answer, Client, Kind, Listing, Observer, Presence, Removable, Witness};
pub use error::{Error, ErrorKind};
pub use failure::Failure;
pub use id::{EntityId, InvalidId, ModelId};
pub use key::{InvalidKey, SubscriptionKey};
pub use skew::SkewMeter;
pub use transport::{InProcess, ReqwestTransport, Transport, install_crypto};
pub use version::ApiVersion;
