//! The Speech service's custom-speech REST API. What arrives is parsed at the border into the types of [`entity`]; what is
//! sent is built from the types of [`request`].
//!
//! These need no feature and do no I/O: decisions are made with them. The feature `client` adds who speaks to the service:
//! a careful client with its transport, credentials, budget and proxies, and the clocks of both sides.
pub mod absence;
pub mod authority;
pub mod entity;
pub mod id;
pub mod request;
pub mod version;

#[cfg(feature = "client")]
pub mod allowed_hosts;
#[cfg(feature = "client")]
pub mod base_url;
#[cfg(feature = "client")]
pub mod budget;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
pub mod clock;
#[cfg(feature = "client")]
pub mod credential;
#[cfg(feature = "client")]
pub mod entra;
#[cfg(feature = "client")]
pub mod error;
#[cfg(feature = "client")]
pub mod failure;
#[cfg(test)]
#[cfg(feature = "client")]
mod fuzz;
#[cfg(feature = "client")]
mod header_secret;
#[cfg(feature = "client")]
pub mod keeper;
#[cfg(feature = "client")]
pub mod key;
#[cfg(feature = "client")]
pub mod proxy;
#[cfg(feature = "client")]
mod redact;
#[cfg(feature = "client")]
mod retry_after;
#[cfg(feature = "client")]
pub mod skew;
#[cfg(feature = "client")]
pub mod token;
#[cfg(feature = "client")]
pub mod transport;
#[cfg(feature = "client")]
mod wire;

pub use absence::{Absent, Heard};
pub use authority::{App, Authority, Cloud};
pub use entity::Entity;
pub use id::{EntityId, InvalidId, ModelId};
pub use request::Lane;
#[cfg(all(feature = "client", any(test, feature = "in-process")))]
pub use transport::InProcess;
pub use version::ApiVersion;
#[cfg(feature = "client")]
pub use {
    allowed_hosts::{AllowedHosts, HostPattern},
    base_url::{BaseUrl, InvalidBaseUrl},
    budget::{Budget, BudgetUsage, Shares},
    client::{Answer, Client, Kind, Listing, Observer, Presence, Removable, Witness},
    credential::Credential,
    error::{Error, ErrorKind},
    failure::Failure,
    keeper::TokenKeeper,
    key::{ClientSecret, InvalidKey, SubscriptionKey},
    skew::SkewMeter,
    transport::{ReqwestTransport, Transport, install_crypto},
};
