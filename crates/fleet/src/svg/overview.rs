//! A whole fleet in one drawing: how many models expire, how many endpoints are swapped and how many models are trained
//! in each week, and when no swap may begin anywhere.
use super::{Drawing, LEFT, RIGHT, WIDTH, Xml, axis::Axis, cut};
use crate::{Row, Step};
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use speech_api::planned::PlannedAction;
use speech_plan::window::Span;

/// Where the first lane begins, how high a lane is, and the room above its highest column.
const TOP: i64 = 44;
const LANE: i64 = 48;
const HEAD: i64 = 16;
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Only what is closed so long is seen as more than a line.
const SHORTEST: SignedDuration = SignedDuration::from_hours(36);

/// What a lane counts.
struct Lane {
    name: &'static str,
    about: &'static str,
    tone: &'static str,
    one: &'static str,
    many: &'static str,
    counts: fn(PlannedAction) -> bool,
}

const LANES: [Lane; 3] = [
    Lane {
        name: "Expiries",
        about: "models that expire",
        tone: "expiries",
        one: "expiry",
        many: "expiries",
        counts: |action| action == PlannedAction::Expire,
    },
    Lane {
        name: "Swaps",
        about: "endpoints that move on",
        tone: "swaps",
        one: "swap",
        many: "swaps",
        counts: |action| action == PlannedAction::Swap,
    },
    Lane {
        name: "Trainings and copies",
        about: "models that are made",
        tone: "trainings",
        one: "training or copy",
        many: "trainings and copies",
        counts: |action| matches!(action, PlannedAction::Train | PlannedAction::Copy),
    },
];

/// What happens in one week.
#[derive(Clone, Copy, Default)]
struct Count {
    all: i64,
    at_risk: i64,
}

/// A drawing of the weeks from `from` to `until` without a style of its own ([`super::PAGE_STYLE`]).
pub fn overview(rows: &[Row], from: Timestamp, until: Timestamp) -> String {
    let axis = Axis::new(from, until);
    let weeks = weeks(&axis);
    let lanes: Vec<Vec<Count>> = LANES.iter().map(|lane| count(rows, lane, &weeks)).collect();
    let bottom = TOP + LANE * i64::try_from(LANES.len()).unwrap_or_default();
    let height = bottom + 10;
    let mut out = Drawing::default();
    out.add(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="overview-title overview-description">"#
    ));
    out.add(format_args!(
        r#"<title id="overview-title">Expiries, swaps and trainings by week</title><desc id="overview-description">{}</desc>"#,
        Xml(&words(&lanes, &weeks))
    ));
    // Hatched, so that nobody has to tell red from blue.
    out.add(format_args!(
        r#"<defs><pattern id="overview-risk" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V4"/></pattern></defs>"#
    ));
    shut(&mut out, rows, &axis, bottom);
    axis.draw_from(&mut out, TOP, bottom);
    for ((lane, counts), top) in LANES
        .iter()
        .zip(&lanes)
        .zip((TOP..).step_by(usize::try_from(LANE).unwrap_or(1)))
    {
        draw(&mut out, lane, counts, &weeks, &axis, top);
    }
    out.add(format_args!("</svg>"));
    out.0
}

/// The weeks (UTC, from Monday on) that are shown.
fn weeks(axis: &Axis) -> Vec<Span> {
    let first = TimeZone::UTC.to_datetime(axis.from).date();
    let monday = first.saturating_sub(i64::from(first.weekday().to_monday_zero_offset()).days());
    let mut start = TimeZone::UTC.to_timestamp(monday.at(0, 0, 0, 0)).unwrap_or(axis.from);
    let mut weeks = Vec::new();
    while start < axis.until {
        let Ok(end) = start.checked_add(WEEK) else { break };
        weeks.push(Span { start, end });
        start = end;
    }
    weeks
}

fn count(rows: &[Row], lane: &Lane, weeks: &[Span]) -> Vec<Count> {
    let mut counts = vec![Count::default(); weeks.len()];
    let Some(first) = weeks.first() else { return counts };
    let steps = rows
        .iter()
        .flat_map(|row| &row.steps)
        .filter(|step| (lane.counts)(step.action));
    for Step { at, risk, .. } in steps {
        // What is overdue stands in the present week.
        let late = at.duration_since(first.start).as_secs().max(0);
        let week = usize::try_from(late / WEEK.as_secs())
            .ok()
            .and_then(|week| counts.get_mut(week));
        if let Some(count) = week {
            count.all += 1;
            count.at_risk += i64::from(risk.is_some());
        }
    }
    counts
}

fn draw(out: &mut Drawing, lane: &Lane, counts: &[Count], weeks: &[Span], axis: &Axis, top: i64) {
    let foot = top + LANE - 1;
    let all: i64 = counts.iter().map(|count| count.all).sum();
    let about = format!("{all} · {}", lane.about);
    out.add(format_args!(
        r#"<text class="name" x="4" y="{}">{}</text><text class="sub" x="4" y="{}">{}</text><path class="month" d="M4 {foot}H{RIGHT}"/>"#,
        top + 24,
        lane.name,
        top + 38,
        Xml(&cut(&about, 34)),
    ));
    let most = counts.iter().map(|count| count.all).max().unwrap_or(0).max(1);
    for (count, week) in counts.iter().zip(weeks).filter(|(count, _)| count.all > 0) {
        let (left, right) = (axis.x(week.start), axis.x(week.end));
        let (x, width) = (left.0 + 15, (right.0 - left.0 - 30).max(60));
        let high = |part: i64| (part * (LANE - HEAD - 2) * 10 + most - 1) / most;
        let (whole, danger) = (high(count.all), high(count.at_risk));
        let (x, width) = (super::axis::Px(x), super::axis::Px(width));
        let tenths = super::axis::Px;
        out.add(format_args!(
            "<g><title>{}</title>",
            Xml(&week_words(lane, *count, week))
        ));
        out.add(format_args!(
            r#"<rect class="column {}" x="{x}" y="{}" width="{width}" height="{}" rx="1.5"/>"#,
            lane.tone,
            tenths(foot * 10 - whole),
            tenths(whole),
        ));
        if danger > 0 {
            for look in [r#"class="column danger""#, r##"fill="url(#overview-risk)""##] {
                out.add(format_args!(
                    r#"<rect {look} x="{x}" y="{}" width="{width}" height="{}" rx="1.5"/>"#,
                    tenths(foot * 10 - danger),
                    tenths(danger),
                ));
            }
        }
        out.add(format_args!(
            r#"<text class="count" x="{}" y="{}">{}</text></g>"#,
            tenths(x.0 + width.0 / 2),
            tenths(foot * 10 - whole - 35),
            count.all
        ));
    }
}

fn week_words(lane: &Lane, count: Count, week: &Span) -> String {
    let what = if count.all == 1 { lane.one } else { lane.many };
    let mut text = format!("Week of {}: {} {what}", week.start.strftime("%-d %B %Y"), count.all);
    if count.at_risk > 0 {
        text.push_str(&format!(", {} at risk", count.at_risk));
    }
    text
}

/// Shades the longer times in which no endpoint may be swapped.
fn shut(out: &mut Drawing, rows: &[Row], axis: &Axis, bottom: i64) {
    for span in closed_everywhere(rows, axis.until) {
        let (left, right) = (axis.x(span.start), axis.x(span.end));
        if span.end.duration_since(span.start) < SHORTEST || left >= right {
            continue;
        }
        let width = super::axis::Px(right.0 - left.0);
        let day = |at: Timestamp| at.strftime("%-d %B %Y").to_string();
        out.add(format_args!(
            r#"<rect class="shut" x="{left}" y="{TOP}" width="{width}" height="{}"><title>no swaps anywhere from {} to {}</title></rect>"#,
            bottom - TOP,
            day(span.start),
            day(span.end)
        ));
    }
}

/// The times that are closed for every endpoint.
fn closed_everywhere(rows: &[Row], until: Timestamp) -> Vec<Span> {
    let mut common: Option<Vec<Span>> = None;
    let mut last: Option<&[Span]> = None;
    for row in rows.iter().filter(|row| row.kind == "SpeechEndpoint") {
        if last == Some(&row.closed) {
            continue; // the windows of a fleet are few and alike
        }
        last = Some(&row.closed);
        common = Some(match common {
            None => row.closed.clone(),
            Some(common) => both(&common, &row.closed),
        });
        if common.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
    }
    let mut common = common.unwrap_or_default();
    common.retain(|span| span.start < until);
    common
}

/// The times that are in both; each list is in order and without overlaps.
fn both(ones: &[Span], others: &[Span]) -> Vec<Span> {
    let (mut ones, mut others) = (ones.iter().peekable(), others.iter().peekable());
    let mut common = Vec::new();
    while let (Some(one), Some(other)) = (ones.peek(), others.peek()) {
        common.extend(Span::between(one.start.max(other.start), one.end.min(other.end)));
        if one.end < other.end {
            ones.next();
        } else {
            others.next();
        }
    }
    common
}

/// The drawing in words: what each lane sums up to, and its fullest week.
fn words(lanes: &[Vec<Count>], weeks: &[Span]) -> String {
    let mut text = String::new();
    for (lane, counts) in LANES.iter().zip(lanes) {
        let all: i64 = counts.iter().map(|count| count.all).sum();
        let danger: i64 = counts.iter().map(|count| count.at_risk).sum();
        text.push_str(&format!("{}: {all}, {danger} of them at risk", lane.name));
        let fullest = counts.iter().zip(weeks).rev().max_by_key(|(count, _)| count.all);
        if let Some((count, week)) = fullest.filter(|(count, _)| count.all > 0) {
            text.push_str(&format!(
                "; most in the week of {}: {}",
                week.start.strftime("%-d %B %Y"),
                count.all
            ));
        }
        text.push_str(". ");
    }
    text.trim_end().to_owned()
}

const _: () = assert!(LEFT < RIGHT);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, fleet, row, step};

    const FROM: &str = "2026-11-21T00:00:00Z";
    const UNTIL: &str = "2027-12-01T00:00:00Z";

    #[test]
    fn each_week_tells_its_numbers_in_words() {
        let drawing = overview(&fleet(), at(FROM), at(UNTIL));
        for words in [
            "Expiries: 1, 0 of them at risk; most in the week of 11 January 2027: 1.",
            "Swaps: 3, 2 of them at risk; most in the week of 7 December 2026: 1.",
            "<title>Week of 15 March 2027: 1 swap, 1 at risk</title>",
            "<title>Week of 30 November 2026: 1 training or copy</title>",
        ] {
            assert!(drawing.contains(words), "{words}: {drawing}");
        }
        assert!(!drawing.contains("<style") && !drawing.contains("style="));
    }

    #[test]
    fn steps_that_are_overdue_stand_in_the_present_week_and_those_beyond_the_end_nowhere() {
        let mut one = row("shop", "claims");
        one.steps = vec![
            step("2026-10-01T00:00:00Z", PlannedAction::Swap, "a"),
            step("2026-11-22T00:00:00Z", PlannedAction::Swap, "b"),
            step("2029-11-22T00:00:00Z", PlannedAction::Swap, "c"),
        ];
        let drawing = overview(&[one], at(FROM), at(UNTIL));
        assert!(drawing.contains("Week of 16 November 2026: 2 swaps"), "{drawing}");
        assert!(drawing.contains("Swaps: 2, 0 of them at risk"), "{drawing}");
    }

    #[test]
    fn only_what_is_closed_for_all_endpoints_is_shaded() {
        let span = |start: &str, end: &str| Span {
            start: at(start),
            end: at(end),
        };
        let christmas = span("2026-12-20T00:00:00Z", "2027-01-06T00:00:00Z");
        let (mut one, mut other) = (row("shop", "a"), row("shop", "b"));
        one.closed = vec![span("2026-12-01T00:00:00Z", "2026-12-04T00:00:00Z"), christmas];
        other.closed = vec![span("2026-12-10T00:00:00Z", "2027-02-01T00:00:00Z")];
        let model = crate::Row {
            kind: "SpeechModel".to_owned(),
            ..row("shop", "m")
        };
        assert_eq!(
            closed_everywhere(&[one.clone(), other.clone(), model], at(UNTIL)),
            [christmas]
        );
        let drawing = overview(&[one.clone(), other.clone()], at(FROM), at(UNTIL));
        assert!(
            drawing.contains("no swaps anywhere from 20 December 2026 to 6 January 2027"),
            "{drawing}"
        );
        let open = row("shop", "c");
        assert!(closed_everywhere(&[one, other, open], at(UNTIL)).is_empty());
        assert!(closed_everywhere(&[], at(UNTIL)).is_empty());
    }
}
