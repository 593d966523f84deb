//! The picture of a terminal, for the README. It brings its own background, so it reads on light and dark pages.

use std::fmt::Write as _;

use super::screen::{Line, Style};

const CHARACTER: f64 = 7.8;
const LINE: usize = 18;
const MARGIN: usize = 18;
const BAR: usize = 34;

/// Draws the lines.
pub fn render(lines: &[Line]) -> String {
    let first = lines.iter().position(|line| !line.text.is_empty()).unwrap_or(0);
    let lines = lines.get(first..).unwrap_or_default();
    let columns = lines.iter().map(|line| line.text.chars().count()).max().unwrap_or(0);
    let width = advance(columns) + 2.0 * MARGIN as f64;
    let height = BAR + LINE * lines.len() + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height}\" width=\"{width:.0}\" height=\"{height}\" \
         role=\"img\" aria-label=\"Output of make demo\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#161b22\" stroke=\"#57606a\"/>\n\
         <circle cx=\"20\" cy=\"17\" r=\"5.5\" fill=\"#ff5f57\"/><circle cx=\"38\" cy=\"17\" r=\"5.5\" fill=\"#febc2e\"/>\
         <circle cx=\"56\" cy=\"17\" r=\"5.5\" fill=\"#28c840\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace\" \
         font-size=\"13\" xml:space=\"preserve\">\n"
    );
    for (row, line) in lines.iter().enumerate() {
        draw(&mut svg, line, BAR + LINE * row + 13);
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn draw(svg: &mut String, line: &Line, y: usize) {
    let text = line.text.trim_end();
    let shown = text.trim_start();
    if shown.is_empty() {
        return;
    }
    let indent = text.chars().count() - shown.chars().count();
    let x = MARGIN as f64 + advance(indent);
    let length = advance(shown.chars().count()); // the same columns with every font
    let (colour, weight) = look(line.style);
    let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{colour}\"{weight}>{shown}</text>"
    );
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
        Style::Bad => ("#ff7b72", BOLD),
    }
}

#[allow(clippy::cast_precision_loss)] // columns are few
fn advance(columns: usize) -> f64 {
    CHARACTER * columns as f64
}
