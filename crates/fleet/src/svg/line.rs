//! The line of one object: its name, its models as bars, its steps as marks.
use super::{
    Drawing, LINE, Xml,
    axis::{Axis, Px},
    cut, hatched,
    life::{Life, lives},
};
use crate::{Certainty, Row, Step, date};
use jiff::Timestamp;
use speech_api::planned::PlannedAction;
use speech_plan::window::Span;
use std::fmt::Write;

/// How many letters the column of names holds.
const NAME: usize = 29;
const ABOUT: usize = 32;
/// Where in a line the lanes are: steps that prepare, the bar, what is kept.
const ABOVE: i64 = 8;
const BAR: i64 = 15;
const BAR_HEIGHT: i64 = 14;
const BELOW: i64 = 37;
/// About how wide a letter in a bar is, in tenths of a pixel.
const LETTER: i64 = 65;

pub fn draw(out: &mut Drawing, row: &Row, axis: &Axis, top: i64) {
    let about = format!("{} · {} · {}", row.kind, row.locale, row.connection);
    out.add(format_args!(
        "<g><title>{} ({})</title>",
        Xml(&row.object()),
        Xml(&about)
    ));
    let connection = row.connection.rsplit('/').next().unwrap_or_default();
    let about = format!("{} · {} · {connection}", row.short_kind(), row.locale);
    let (name, about) = (cut(&row.object(), NAME), cut(&about, ABOUT));
    out.add(format_args!(
        r#"<text class="name" x="16" y="{}">{}</text>"#,
        top + 19,
        Xml(&name)
    ));
    out.add(format_args!(
        r#"<text class="sub" x="16" y="{}">{}</text>"#,
        top + 34,
        Xml(&about)
    ));
    out.add(format_args!("</g>"));
    shut(out, &row.closed, axis, top);
    for (number, life) in lives(row, axis.from, axis.until).iter().enumerate() {
        bars(out, life, number, axis, top);
    }
    for (at, text) in expiries(row) {
        if axis.shows(at) {
            let x = axis.x(at);
            out.add(format_args!(r#"<path class="end" d="M{x} {top}v{LINE}"/>"#));
            mark(out, "expire", "", x, top + BELOW, &text);
        }
    }
    let mut steps: Vec<&Step> = row.steps.iter().filter(|step| axis.shows(step.at)).collect();
    steps.sort_by(|one, other| (one.at, one.action, &one.to).cmp(&(other.at, other.action, &other.to)));
    for step in steps {
        let (sign, lane) = match step.action {
            PlannedAction::Train => ("train", ABOVE),
            PlannedAction::Copy => ("copy", ABOVE),
            PlannedAction::Evaluate => ("evaluate", ABOVE),
            PlannedAction::Swap => ("swap", BAR + BAR_HEIGHT / 2),
            PlannedAction::Expire => continue, // drawn with the expiries
        };
        let state = match (&step.risk, row.blocks(step)) {
            (Some(_), _) => " risk",
            (None, false) => "",
            (None, true) => " blocked",
        };
        mark(out, sign, state, axis.x(step.at), top + lane, &words(step));
    }
}

/// Shades closed times, all in one path; those that meet in the drawing are one area.
fn shut(out: &mut Drawing, closed: &[Span], axis: &Axis, top: i64) {
    let mut path = String::new();
    let mut drawn: Option<(Px, Px)> = None;
    let mut close = |(left, right): (Px, Px)| {
        let width = Px(right.0 - left.0);
        let _ = write!(path, "M{left} {top}h{width}v{LINE}h-{width}z");
    };
    for span in closed {
        let (left, right) = (axis.x(span.start), axis.x(span.end));
        match drawn {
            Some((first, last)) if left <= last => drawn = Some((first, right.max(last))),
            Some(done) => {
                close(done);
                drawn = Some((left, right));
            }
            None => drawn = Some((left, right)),
        }
    }
    if let Some(last) = drawn.filter(|(left, right)| left < right) {
        close(last);
    }
    if !path.is_empty() {
        out.add(format_args!(
            r#"<path class="shut" d="{path}"><title>closed for swaps</title></path>"#
        ));
    }
}

fn bars(out: &mut Drawing, life: &Life<'_>, number: usize, axis: &Axis, top: i64) {
    if let Some(span) = life.serves {
        let (class, doubt) = match life.certainty {
            Certainty::Planned if number.is_multiple_of(2) => ("even", ""),
            Certainty::Planned => ("odd", ""),
            Certainty::Uncertain => ("unsure", "not certain: "),
            Certainty::AtRisk => ("endangered", "at risk: "),
        };
        let bar = Bar {
            class,
            hatched: life.certainty != Certainty::Planned,
            span,
            label: format!("{doubt}{}", life.model),
            text: format!("{doubt}{} serves", life.model),
        };
        bar.draw(out, axis, top);
    }
    if let Some(span) = life.over {
        let bar = Bar {
            class: "over",
            hatched: false,
            span,
            label: "a base model answers".to_owned(),
            text: format!("{} has expired: a base model answers", life.model),
        };
        bar.draw(out, axis, top);
    }
    if let Some(span) = life.kept {
        let (x, width) = extent(span, axis);
        let (y, text) = (top + BELOW - 1, format!("{} until it expires", life.model));
        out.add(format_args!(
            r#"<rect class="kept" x="{x}" y="{y}" width="{width}" height="3"><title>{}</title></rect>"#,
            Xml(&text)
        ));
    }
}

/// A time in which one model answers.
struct Bar {
    class: &'static str,
    hatched: bool,
    span: Span,
    /// What is written in it, where there is room.
    label: String,
    /// The tooltip, without the dates.
    text: String,
}

impl Bar {
    fn draw(&self, out: &mut Drawing, axis: &Axis, top: i64) {
        let Self {
            class,
            hatched: is_hatched,
            span,
            label,
            text,
        } = self;
        let (x, width) = extent(*span, axis);
        let top = top + BAR;
        let text = format!("{text} from {} to {}", date(span.start), date(span.end));
        out.add(format_args!(
            r#"<g><title>{}</title><rect class="bar {class}" x="{x}" y="{top}" width="{width}" height="{BAR_HEIGHT}" rx="3"/>"#,
            Xml(&text)
        ));
        if *is_hatched {
            hatched(out, class, (x, width), (top, BAR_HEIGHT));
        }
        let letters = usize::try_from((width.0 - 220) / LETTER).unwrap_or_default();
        // A word of doubt is of use as a whole only.
        let least = if *is_hatched { 12 } else { 5 };
        if letters >= label.chars().count().min(least) {
            let label = cut(label, letters);
            if *is_hatched {
                // Letters are read on a plain ground.
                let width = LETTER * i64::try_from(label.chars().count()).unwrap_or_default() + 100;
                out.add(format_args!(
                    r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"/>"#,
                    Px(x.0 + 60),
                    top + 1,
                    Px(width),
                    BAR_HEIGHT - 2
                ));
            }
            out.add(format_args!(
                r#"<text class="in-bar" x="{}" y="{}">{}</text>"#,
                Px(x.0 + 110),
                top + 11,
                Xml(&label)
            ));
        }
        out.add(format_args!("</g>"));
    }
}

/// Where a span begins, and how wide it is: a pixel at least, so that it is seen.
fn extent(span: Span, axis: &Axis) -> (Px, Px) {
    let (left, right) = (axis.x(span.start), axis.x(span.end));
    (left, Px((right.0 - left.0).max(10)))
}

fn mark(out: &mut Drawing, sign: &str, state: &str, x: Px, y: i64, text: &str) {
    out.add(format_args!(
        r##"<use href="#sign-{sign}" class="sign {sign}{state}" x="{x}" y="{y}"><title>{}</title></use>"##,
        Xml(text)
    ));
}

/// The expiries, and the steps that speak of others.
fn expiries(row: &Row) -> Vec<(Timestamp, String)> {
    let mut all: Vec<(Timestamp, String)> = row
        .expiries
        .iter()
        .map(|expiry| (expiry.at, format!("{} UTC: {} expires", date(expiry.at), expiry.model)))
        .collect();
    let told = |at| row.expiries.iter().any(|expiry| expiry.at == at);
    let steps = row
        .steps
        .iter()
        .filter(|step| step.action == PlannedAction::Expire && !told(step.at));
    all.extend(steps.map(|step| (step.at, words(step))));
    all.sort();
    all
}

/// A step in words.
fn words(step: &Step) -> String {
    let mut text = format!("{} UTC: {}", date(step.at), step.action.as_str());
    if let Some(to) = &step.to {
        let _ = write!(text, " {to}");
    }
    let _ = write!(text, ". Why: {}", step.reason);
    if !step.blocked_by.is_empty() {
        let _ = write!(text, ". Blocked by: {}", step.blocked_by.join(", "));
    }
    if let Some(risk) = &step.risk {
        let _ = write!(text, ". Risk: {risk}");
    }
    if step.forecast {
        text.push_str(" (forecast)");
    }
    text
}
