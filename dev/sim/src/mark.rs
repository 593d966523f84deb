//! The names in the mark of what the operator makes, as the service holds them. They stand here once more, so that the laws do
//! not read them with the operator's own eyes.

/// Whose it is.
pub const UID: &str = "customspeech.dev/uid";
/// The number of the attempt.
pub const ATTEMPT: &str = "customspeech.dev/attempt";
/// The cluster of the object.
pub const CLUSTER: &str = "customspeech.dev/cluster";
