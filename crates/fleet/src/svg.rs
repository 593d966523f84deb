//! The plan as a drawing: a time axis, and one line for each object.
//!
//! One file without scripts, fonts or links. It follows the reader's light or dark theme, has a title and a description
//! for screen readers, and tells each mark in words when the pointer rests on it.
mod axis;
mod life;
mod line;
mod overview;

use super::{Row, date, in_order};
use axis::{Axis, Px};
use jiff::Timestamp;
use speech_api::planned::PlannedAction;
use std::fmt::{self, Display, Formatter, Write};

pub use overview::overview;

const STYLE: &str = include_str!("svg/style.css");
/// The style of the drawings, for a page that holds them without one of their own.
pub const PAGE_STYLE: &str = concat!(include_str!("svg/style.css"), include_str!("svg/overview.css"));
const DEFS: &str = include_str!("svg/defs.xml");

const WIDTH: i64 = 1080;
/// Where the time axis begins and ends.
const LEFT: i64 = 230;
const RIGHT: i64 = WIDTH - 16;
/// Where the first line begins.
const TOP: i64 = 76;
/// How high a line is.
const LINE: i64 = 44;
/// How much room the legend takes.
const LEGEND: i64 = 83;
/// How far the strokes of a hatched bar are from each other.
const STROKES: i64 = 6;

/// A drawing of the time from `from` to `until`, which is made a second at least.
pub fn svg(rows: &[Row], from: Timestamp, until: Timestamp) -> String {
    drawing(rows, from, until, &format!("<style>\n{STYLE}</style>\n"))
}

/// The same for a page that has the style ([`PAGE_STYLE`]) already.
pub fn unstyled(rows: &[Row], from: Timestamp, until: Timestamp) -> String {
    drawing(rows, from, until, "")
}

fn drawing(rows: &[Row], from: Timestamp, until: Timestamp, style: &str) -> String {
    let rows = in_order(rows);
    let axis = Axis::new(from, until);
    let bottom = TOP + LINE * i64::try_from(rows.len().max(1)).unwrap_or(1);
    let height = bottom + LEGEND;
    let mut out = Drawing::default();
    out.add(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="plan-title plan-description">"#
    ));
    out.add(format_args!(r#"<title id="plan-title">{}</title>"#, Xml(&title(&axis))));
    out.add(format_args!(
        r#"<desc id="plan-description">{}</desc>"#,
        Xml(&description(&rows))
    ));
    out.add(format_args!("{style}{}", DEFS.trim_end()));
    out.add(format_args!(
        r#"<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>"#
    ));
    out.add(format_args!(
        r#"<text class="heading" x="16" y="27">{}</text>"#,
        Xml(&title(&axis))
    ));
    for (position, _) in rows.iter().enumerate().step_by(2) {
        let y = top_of(position);
        out.add(format_args!(
            r#"<rect class="stripe" y="{y}" width="{WIDTH}" height="{LINE}"/>"#
        ));
    }
    axis.draw(&mut out, bottom);
    for (position, row) in rows.iter().enumerate() {
        line::draw(&mut out, row, &axis, top_of(position));
    }
    if rows.is_empty() {
        let y = TOP + 26;
        out.add(format_args!(
            r#"<text class="name" x="16" y="{y}">Nothing is planned.</text>"#
        ));
    }
    legend(&mut out, bottom);
    out.add(format_args!("</svg>"));
    out.0
}

fn top_of(position: usize) -> i64 {
    TOP + LINE * i64::try_from(position).unwrap_or_default()
}

fn title(axis: &Axis) -> String {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    format!(
        "Plan of custom speech from {} to {} (UTC)",
        day(axis.from),
        day(axis.until)
    )
}

/// What the drawing shows, in words.
fn description(rows: &[&Row]) -> String {
    let steps = || rows.iter().flat_map(|row| &row.steps);
    let count = |action: PlannedAction| steps().filter(|step| step.action == action).count();
    let pairs = rows
        .iter()
        .flat_map(|row| row.steps.iter().map(move |step| row.blocks(step)));
    let blocked = pairs.filter(|blocked| *blocked).count();
    let risks = steps().filter(|step| step.risk.is_some()).count();
    let mut text = format!(
        "One line for each of {} objects. Steps: {} trainings, {} copies, {} evaluations, {} swaps, {} expiries. Blocked: {blocked}. At risk: {risks}.",
        rows.len(),
        count(PlannedAction::Train),
        count(PlannedAction::Copy),
        count(PlannedAction::Evaluate),
        count(PlannedAction::Swap),
        count(PlannedAction::Expire),
    );
    let next = steps().min_by_key(|step| (step.at, step.action));
    if let Some(next) = next {
        let _ = write!(text, " First: {} on {}.", next.action.as_str(), date(next.at));
    }
    text
}

/// What the looks mean, in three lines: what is certain, what is not, and marks.
fn legend(out: &mut Drawing, bottom: i64) {
    let mut x = 16;
    for (class, text) in [
        ("bar even", "serves"),
        ("bar odd", "the next model serves"),
        ("kept", "kept until it expires"),
        ("bar over", "expired: a base model answers"),
        ("shut", "closed for swaps"),
    ] {
        let (y, height) = if class == "kept" {
            (bottom + 22, 3)
        } else {
            (bottom + 17, 12)
        };
        out.add(format_args!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="22" height="{height}" rx="2"/>"#
        ));
        x = explain(out, x + 28, bottom + 27, text);
    }
    x = 16;
    for (class, text) in [
        ("unsure", "not certain: something has to happen first"),
        ("endangered", "at risk: not in time, or not at all, unless someone acts"),
    ] {
        let y = bottom + 36;
        out.add(format_args!(
            r#"<rect class="bar {class}" x="{x}" y="{y}" width="22" height="12" rx="2"/>"#
        ));
        hatched(out, class, (Px(x * 10), Px(220)), (y, 12));
        x = explain(out, x + 28, bottom + 46, text);
    }
    x = 16;
    for (sign, class, text) in [
        ("train", "train", "train"),
        ("copy", "copy", "copy"),
        ("evaluate", "evaluate", "evaluate"),
        ("swap", "swap", "swap"),
        ("expire", "expire", "expiry"),
        ("swap", "swap blocked", "blocked"),
        ("swap", "swap risk", "at risk"),
    ] {
        out.add(format_args!(
            r##"<use href="#sign-{sign}" class="sign {class}" x="{}" y="{}"/>"##,
            x + 8,
            bottom + 65
        ));
        x = explain(out, x + 22, bottom + 69, text);
    }
}

/// Writes what a look means; returns where the next one begins.
fn explain(out: &mut Drawing, x: i64, y: i64, text: &str) -> i64 {
    out.add(format_args!(r#"<text class="sub" x="{x}" y="{y}">{text}</text>"#));
    x + width_of(text) + 26
}

/// Strokes across a bar, from its left edge and width to its top and height. They are drawn one by one: a pattern is found
/// by its name, and a page holds more than one drawing.
fn hatched(out: &mut Drawing, class: &str, (left, width): (Px, Px), (top, height): (i64, i64)) {
    let (height, right) = (height * 10, left.0 + width.0);
    let mut path = String::new();
    let mut foot = left.0 - height + STROKES * 10;
    while foot < right {
        let (from, to) = (foot.max(left.0), (foot + height).min(right));
        let (y, length) = (Px(top * 10 + height - (from - foot)), Px(to - from));
        let _ = write!(path, "M{} {y}l{length} -{length}", Px(from));
        foot += STROKES * 10;
    }
    out.add(format_args!(r#"<path class="strokes {class}-strokes" d="{path}"/>"#));
}

/// About how wide a small text is, in pixels.
fn width_of(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or_default() * 13 / 2
}

/// A text cut to a number of letters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}

/// The elements as they are drawn, each on its line.
#[derive(Default)]
struct Drawing(String);

impl Drawing {
    fn add(&mut self, element: fmt::Arguments<'_>) {
        // Writing into a text cannot fail.
        let _ = self.0.write_fmt(element);
        self.0.push('\n');
    }
}

/// A text as XML holds it. What XML 1.0 cannot hold at all becomes a space.
struct Xml<'a>(&'a str);

impl Display for Xml<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\u{fffe}' | '\u{ffff}' => f.write_char(' ')?,
                letter if letter.is_control() => f.write_char(' ')?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
