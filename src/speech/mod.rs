//! The Speech service's custom-speech REST API, seen by a careful client. Knows nothing of Kubernetes.
//!
//! What arrives is parsed at the border into the types of [`entity`]; what is sent is built from the types of [`request`].
pub mod entity;
pub mod id;
pub mod request;
pub mod version;

pub use id::{EntityId, InvalidId, ModelId};
pub use version::ApiVersion;
