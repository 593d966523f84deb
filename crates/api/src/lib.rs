//! The three kinds of `customspeech.dev/v1alpha1`. No client, no clock, no I/O.
//!
//! The controller never writes a `spec`. Rules across fields are CEL rules in the schemas, so that the API server
//! refuses a wrong manifest before anything acts on it.
pub mod annotation;
pub mod auth;
pub mod condition;
pub mod connection;
pub mod decision;
pub mod drift;
pub mod duration;
pub mod endpoint;
mod lenient;
pub mod links;
pub mod model;
pub mod planned;
pub mod reason;
pub mod reference;
mod rule;
pub mod schema;
mod subject;
pub mod swap;
pub mod tally;
pub mod window;

pub use connection::{SpeechConnection, SpeechConnectionSpec, SpeechConnectionStatus};
pub use endpoint::{SpeechEndpoint, SpeechEndpointSpec, SpeechEndpointStatus};
pub use model::{SpeechModel, SpeechModelSpec, SpeechModelStatus};
pub use reason::Reason;
pub use subject::{Declared, StatusFields, Subject, SubjectStatus};

/// The API group of all kinds.
pub const GROUP: &str = "customspeech.dev";
/// The finalizer on objects that have a remote entity to take care of.
pub const FINALIZER: &str = "customspeech.dev/remote-entity";
/// The field manager of all our writes.
pub const FIELD_MANAGER: &str = "speech-operator";

/// Whether our finalizer is on an object.
pub fn is_held(object: &impl kube::ResourceExt) -> bool {
    object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}
