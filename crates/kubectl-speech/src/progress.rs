//! Progress on standard error: a bar on a terminal, lines elsewhere.
use std::io::{self, IsTerminal, Write};

const WIDTH: usize = 24;

/// What is under way.
pub struct Progress {
    is_terminal: bool,
    told: String,
}

impl Progress {
    /// As standard error is.
    pub fn new() -> Self {
        Self {
            is_terminal: io::stderr().is_terminal() && !is_dumb(),
            told: String::new(),
        }
    }

    /// Shows how far it is (0 to 1, if that is known) and what is being done. Elsewhere than on a terminal only news are told.
    pub fn show(&mut self, share: Option<f64>, words: &str) {
        let words = speech_fleet::one_line(words);
        if self.is_terminal {
            let bar = share.map(|share| format!("{} ", bar(share))).unwrap_or_default();
            let _ = write!(io::stderr(), "\r\u{1b}[2K{bar}{words}");
        } else if self.told != words {
            eprintln!("{words}");
        }
        self.told = words.into_owned();
    }

    /// Leaves the line.
    pub fn end(&self) {
        if self.is_terminal && !self.told.is_empty() {
            eprintln!();
        }
    }
}

/// A dumb terminal cannot go back to the beginning of a line.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// A bar for a share of 1.
fn bar(share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * WIDTH as f64).round() as usize;
    format!(
        "[{}{}] {:3.0}%",
        "#".repeat(full),
        ".".repeat(WIDTH - full),
        share.clamp(0.0, 1.0) * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_whatever_the_share() {
        assert_eq!(bar(0.0), "[........................]   0%");
        assert_eq!(bar(0.5), "[############............]  50%");
        assert_eq!(bar(7.0), "[########################] 100%");
        assert_eq!(bar(f64::NAN).len(), bar(0.0).len());
    }
}
