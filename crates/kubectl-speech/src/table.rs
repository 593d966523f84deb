//! Tables and colours for a terminal.
use speech_fleet::one_line;
use std::{env, fmt::Write, io::IsTerminal};

const GAP: usize = 3;

/// How a text is shown where there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    #[default]
    Plain,
    /// All is well.
    Green,
    /// Soon somebody has to act.
    Yellow,
    /// Somebody has to act.
    Red,
    /// Less important.
    Dim,
    /// More important.
    Bold,
}

impl Paint {
    /// What a code of a terminal means; plain where it is none of ours.
    pub fn of_code(code: &str) -> Self {
        let all = [Self::Green, Self::Yellow, Self::Red, Self::Dim, Self::Bold];
        let found = all.into_iter().find(|paint| paint.code() == Some(code));
        found.unwrap_or_default()
    }

    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Green => Some("32"),
            Self::Yellow => Some("33"),
            Self::Red => Some("31"),
            Self::Dim => Some("2"),
            Self::Bold => Some("1"),
        }
    }
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours(pub bool);

impl Colours {
    /// As standard output and the environment want it.
    pub fn of_stdout() -> Self {
        let word = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::of(
            std::io::stdout().is_terminal(),
            word("NO_COLOR").as_deref(),
            word("TERM").as_deref(),
        )
    }

    /// On a terminal only, which is no dumb one, and not where `NO_COLOR` says anything (<https://no-color.org>).
    fn of(is_terminal: bool, no_color: Option<&str>, term: Option<&str>) -> Self {
        Self(is_terminal && no_color.is_none_or(str::is_empty) && term != Some("dumb"))
    }

    /// A text in its colour.
    pub fn show(self, text: &str, paint: Paint) -> String {
        match paint.code().filter(|_| self.0 && !text.is_empty()) {
            Some(code) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            None => text.to_owned(),
        }
    }
}

/// One field of a table, on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A text; `-` stands for nothing.
    pub fn of(text: impl AsRef<str>, paint: Paint) -> Self {
        let text = match one_line(text.as_ref()).trim() {
            "" => "-".to_owned(),
            text => text.to_owned(),
        };
        Self { text, paint }
    }

    /// Nothing, in a line that goes on from the one above, or above a column that needs no name.
    pub fn blank() -> Self {
        Self::default()
    }

    /// The same without a colour.
    pub fn plain(text: impl AsRef<str>) -> Self {
        Self::of(text, Paint::Plain)
    }
}

/// Cuts a text between words into lines of no more than so many columns; a longer word has a line for itself.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push_str(&format!(" {word}"));
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A table with aligned columns; no line ends in spaces.
pub fn table(header: &[&str], rows: &[Vec<Cell>], colours: Colours) -> String {
    let name = |text: &&str| {
        if text.is_empty() {
            Cell::blank()
        } else {
            Cell::of(text, Paint::Bold)
        }
    };
    let header: Vec<Cell> = header.iter().map(name).collect();
    let lines: Vec<&Vec<Cell>> = std::iter::once(&header).chain(rows).collect();
    let mut widths = vec![0; header.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line.iter()) {
            *width = (*width).max(cell.text.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let mut owed = 0;
        for (cell, width) in line.iter().zip(&widths) {
            if !cell.text.is_empty() {
                let _ = write!(text, "{:owed$}{}", "", colours.show(&cell.text, cell.paint));
                owed = 0;
            }
            owed += width - cell.text.chars().count() + GAP;
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let of = |terminal, no_color, term| Colours::of(terminal, no_color, term).0;
        assert!(of(true, None, Some("xterm-256color")));
        assert!(of(true, Some(""), None));
        assert!(!of(false, None, Some("xterm")));
        assert!(!of(true, Some("1"), Some("xterm")));
        assert!(!of(true, None, Some("dumb")));
    }

    #[test]
    fn a_long_text_goes_on_in_the_next_line() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one  extraordinary two", 7), ["one", "extraordinary", "two"]);
        assert_eq!(wrapped("", 7), [""]);
        let rows = [
            vec![Cell::plain("a"), Cell::plain("b")],
            vec![Cell::blank(), Cell::plain("c")],
        ];
        assert_eq!(table(&["", "X"], &rows, Colours(false)), "    X\na   b\n    c\n");
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen_and_a_text_commands_no_terminal() {
        let rows = [
            vec![Cell::of("\u{1b}[2Jred", Paint::Red), Cell::plain("x")],
            vec![Cell::plain(""), Cell::plain("y\nz")],
        ];
        let plain = table(&["NAME", "B"], &rows, Colours(false));
        assert_eq!(plain, "NAME     B\n[2Jred   x\n-        y z\n");
        let painted = table(&["NAME", "B"], &rows, Colours(true));
        assert!(painted.contains("\u{1b}[31m[2Jred\u{1b}[0m   x"), "{painted:?}");
        let mut stripped = painted;
        for code in ["1", "31", "0"] {
            stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(stripped, plain);
    }
}
