//! The picture of docs/kubectl-speech.md: what two commands print of the sample, in the colours of a terminal.
use super::{
    fleet::{Kind, all},
    sample::{self, SampleError},
    status,
    table::{Colours, Paint},
    why,
};
use crate::generate::terminal::{self, Line, Style};

const ABOUT: &str = "kubectl speech status and kubectl speech why in a terminal";

/// Draws it.
///
/// # Errors
///
/// When the sample cannot be read.
pub fn picture() -> Result<String, SampleError> {
    let (objects, now) = (sample::objects()?, sample::now()?);
    let fleet = all(&objects, None, &Kind::ALL);
    let letters = fleet.iter().find(|object| object.name() == "letters");
    let letters = letters.ok_or("the sample lacks letters")?;
    let mut lines = vec![command("kubectl speech status")];
    let status = status::fleet(&fleet, now, Colours(true));
    lines.extend(status.lines().map(painted));
    lines.extend([Vec::new(), command("kubectl speech why letters")]);
    let why = why::text(&why::why(letters, &objects), Colours(true));
    lines.extend(why.lines().map(painted));
    Ok(terminal::picture(ABOUT, &lines))
}

fn command(text: &str) -> Line {
    vec![(Style::Command, format!("$ {text}"))]
}

/// A line with the codes that a terminal obeys.
fn painted(line: &str) -> Line {
    let mut spans = Vec::new();
    let mut style = Style::Plain;
    for (number, part) in line.split("\u{1b}[").enumerate() {
        let text = match part.split_once('m').filter(|_| number > 0) {
            Some((code, text)) => {
                style = look(code);
                text
            }
            None => part,
        };
        if !text.is_empty() {
            spans.push((style, text.to_owned()));
        }
    }
    spans
}

fn look(code: &str) -> Style {
    match Paint::of_code(code) {
        Paint::Plain => Style::Plain,
        Paint::Green => Style::Good,
        Paint::Yellow => Style::Warning,
        Paint::Red => Style::Bad,
        Paint::Dim => Style::Dim,
        Paint::Bold => Style::Bold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_those_of_the_picture() {
        let line = painted("a \u{1b}[31mred\u{1b}[0m  m");
        let expected = [(Style::Plain, "a "), (Style::Bad, "red"), (Style::Plain, "  m")];
        assert_eq!(line, expected.map(|(style, text)| (style, text.to_owned())));
        let svg = picture().unwrap();
        for words in [
            "Expired",
            "AtRisk",
            "Waiting",
            "kubectl speech why letters",
            "ApprovalAwaited",
        ] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(!svg.contains('\u{1b}'));
    }
}
