//! The picture of a terminal, for the documentation. It brings its own background, so it reads on light and dark pages.
use std::fmt::Write as _;

const CHARACTER: f64 = 7.8;
const LINE: usize = 18;
const MARGIN: usize = 18;
const BAR: usize = 34;

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The heading of a part.
    Title,
    /// As it is.
    Plain,
    /// More important.
    Bold,
    /// Less important.
    Dim,
    /// What somebody types.
    Command,
    /// As it should be.
    Good,
    /// Soon somebody has to act.
    Warning,
    /// Not as it should be.
    Bad,
}

/// A line: texts one after the other.
pub type Line = Vec<(Style, String)>;

/// Draws the lines; `about` is read aloud where the picture cannot be seen.
pub fn picture(about: &str, lines: &[Line]) -> String {
    let first = lines.iter().position(|line| columns(line) > 0).unwrap_or(0);
    let lines = lines.get(first..).unwrap_or_default();
    let width = advance(lines.iter().map(columns).max().unwrap_or(0)) + 2.0 * MARGIN as f64;
    let height = BAR + LINE * lines.len() + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height}\" width=\"{width:.0}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#161b22\" stroke=\"#57606a\"/>\n\
         <circle cx=\"20\" cy=\"17\" r=\"5.5\" fill=\"#ff5f57\"/><circle cx=\"38\" cy=\"17\" r=\"5.5\" fill=\"#febc2e\"/>\
         <circle cx=\"56\" cy=\"17\" r=\"5.5\" fill=\"#28c840\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace\" \
         font-size=\"13\" xml:space=\"preserve\">\n",
        escaped(about)
    );
    for (row, line) in lines.iter().enumerate() {
        let mut column = 0;
        for (style, text) in line {
            draw(&mut svg, *style, text, column, BAR + LINE * row + 13);
            column += text.chars().count();
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn columns(line: &Line) -> usize {
    line.iter().map(|(_, text)| text.chars().count()).sum()
}

/// Browsers make one space of several, so that each part of a table stands for itself.
fn draw(svg: &mut String, style: Style, text: &str, column: usize, y: usize) {
    let (colour, weight) = look(style);
    let mut column = column;
    for part in text.split("  ") {
        let shown = part.trim();
        if !shown.is_empty() {
            let indent = part.chars().take_while(|letter| letter.is_whitespace()).count();
            let x = MARGIN as f64 + advance(column + indent);
            let length = advance(shown.chars().count()); // the same columns with every font
            let shown = escaped(shown);
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{colour}\"{weight}>{shown}</text>"
            );
        }
        column += part.chars().count() + 2;
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn look(style: Style) -> (&'static str, &'static str) {
    const BOLD: &str = " font-weight=\"bold\"";
    match style {
        Style::Title => ("#d2a8ff", BOLD),
        Style::Plain => ("#e6edf3", ""),
        Style::Bold => ("#ffffff", BOLD),
        Style::Dim => ("#9da7b3", ""),
        Style::Command => ("#79c0ff", ""),
        Style::Good => ("#56d364", ""),
        Style::Warning => ("#e3b341", ""),
        Style::Bad => ("#ff7b72", BOLD),
    }
}

#[allow(clippy::cast_precision_loss)] // columns are few
fn advance(columns: usize) -> f64 {
    CHARACTER * columns as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_stands_in_its_column_and_markup_is_text() {
        let lines = [
            vec![],
            vec![(Style::Bold, "ab ".to_owned()), (Style::Bad, "  <x>   z".to_owned())],
        ];
        let svg = picture("a \"test\"", &lines);
        assert!(svg.contains("aria-label=\"a &quot;test&quot;\""), "{svg}");
        assert!(
            svg.contains("height=\"70\""),
            "the empty line at the top is left out: {svg}"
        );
        assert!(svg.contains("x=\"18.0\" y=\"47\" textLength=\"15.6\""), "{svg}");
        assert!(
            svg.contains("x=\"57.0\" y=\"47\" textLength=\"23.4\"") && svg.contains(">&lt;x&gt;</text>"),
            "{svg}"
        );
    }
}
