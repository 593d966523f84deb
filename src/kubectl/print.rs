//! What goes to standard output.
use super::{KubectlError, args::Format};
use serde::Serialize;
use std::io::{self, Write};

/// Prints a text. Who reads may stop reading, as `head` does.
pub fn text(text: &str) -> Result<(), KubectlError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(KubectlError::Print(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a document for programs, or what else the form asks for.
pub fn document(
    format: Format,
    document: &impl Serialize,
    names: impl FnOnce() -> String,
    table: impl FnOnce(bool) -> String,
) -> Result<(), KubectlError> {
    text(&match format {
        Format::Table => table(false),
        Format::Wide => table(true),
        Format::Name => names(),
        Format::Json => serde_json::to_string_pretty(document)? + "\n",
        Format::Yaml => serde_saphyr::to_string(document)?,
    })
}
