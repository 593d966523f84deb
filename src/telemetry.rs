//! Log lines, as JSON or for people.
use clap::ValueEnum;
use kube::runtime::reflector::{Lookup, ObjectRef};
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, filter::ParseError};

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// Sends what is traced to standard error.
pub fn install(filter: &str, format: LogFormat) -> Result<(), ParseError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse(filter)?)
        .with_writer(std::io::stderr)
        // Told on standard error, where it would panic once whoever read the log has gone, and end the operator.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .init(),
        LogFormat::Text => builder.with_target(false).init(),
    }
    Ok(())
}

/// What every line calls an object: namespace/name. Its kind is a field of its own.
pub fn name<K: Lookup>(key: &ObjectRef<K>) -> String {
    match &key.namespace {
        Some(namespace) => format!("{namespace}/{}", key.name),
        None => key.name.clone(),
    }
}
