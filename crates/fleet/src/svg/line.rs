//! The line of one object: its name, its models as bars, its steps as marks.
use super::{
    Drawing, LINE, Xml,
    axis::{Axis, Px},
    cut,
    life::{Life, lives},
};
use crate::{Row, Step, date};
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
    let tone = if number.is_multiple_of(2) { "even" } else { "odd" };
    if let Some(span) = life.serves {
        bar(
            out,
            tone,
            span,
            life.model,
            &format!("{} serves", life.model),
            axis,
            top,
        );
    }
    if let Some(span) = life.over {
        let text = format!("{} has expired: a base model answers", life.model);
        bar(out, "over", span, "a base model answers", &text, axis, top);
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

fn bar(out: &mut Drawing, class: &str, span: Span, label: &str, text: &str, axis: &Axis, top: i64) {
    let (x, width) = extent(span, axis);
    let text = format!("{text} from {} to {}", date(span.start), date(span.end));
    out.add(format_args!(
        r#"<rect class="bar {class}" x="{x}" y="{}" width="{width}" height="{BAR_HEIGHT}" rx="3"><title>{}</title></rect>"#,
        top + BAR,
        Xml(&text)
    ));
    let letters = usize::try_from((width.0 - 220) / 65).unwrap_or_default();
    if letters >= label.chars().count().min(5) {
        let (x, y, label) = (Px(x.0 + 110), top + BAR + 11, cut(label, letters));
        out.add(format_args!(
            r#"<text class="in-bar" x="{x}" y="{y}">{}</text>"#,
            Xml(&label)
        ));
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
