//! What goes to standard output.
use super::{KubectlError, options::Format};
use serde::Serialize;
use speech_fleet::one_line;
use std::{
    error::Error,
    io::{self, Write},
};

/// Prints a text. Who reads may stop reading, as `head` does.
pub fn text(text: &str) -> Result<(), KubectlError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(KubectlError::Print(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tells on standard error what else should be known, or went wrong; on one line, whatever it holds.
pub fn trouble(words: &str) {
    eprintln!("kubectl speech: {}", one_line(words));
}

/// Tells an error: what it is, why, and the last cause of all. What lies between only wraps one in the other.
pub fn error(error: &KubectlError) {
    trouble(&told(error));
}

fn told(error: &dyn Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        parts.truncate(2);
        parts.push(inner.to_string());
        cause = inner.source();
    }
    // Some errors tell what is within them themselves.
    let mut text = String::new();
    for part in parts {
        if text.is_empty() {
            text = part;
        } else if !text.contains(&part) {
            text.push_str(&format!(": {part}"));
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Wrapped {
        words: &'static str,
        source: Option<Box<Wrapped>>,
    }

    fn chain(words: &[&'static str]) -> Wrapped {
        let mut source = None;
        for words in words.iter().rev() {
            source = Some(Box::new(Wrapped { words, source }));
        }
        *source.unwrap()
    }

    #[test]
    fn an_error_is_told_without_the_layers_between() {
        assert_eq!(told(&chain(&["a"])), "a");
        assert_eq!(told(&chain(&["a", "b"])), "a: b");
        assert_eq!(told(&chain(&["a", "b", "wrap", "wrap", "end"])), "a: b: end");
        assert_eq!(told(&chain(&["the file: is gone", "is gone"])), "the file: is gone");
    }
}
