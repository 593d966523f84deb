//! The picture of docs/kubectl-speech.md: what two commands print of the sample, in the colours of a terminal.
use crate::scene::{SceneError, plugin};
use kubectl_speech::{Paint, session};
use speech_terminal::{Line, Style, picture as drawn};

const ABOUT: &str = "kubectl speech status and kubectl speech why in a terminal";

/// Draws it.
pub fn picture() -> Result<String, SceneError> {
    let scene = plugin::played()?;
    let mut lines = Vec::new();
    for (command, printed) in session(&scene.objects, scene.now) {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(vec![(Style::Command, format!("$ {command}"))]);
        lines.extend(printed.lines().map(painted));
    }
    Ok(drawn(ABOUT, &lines))
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
