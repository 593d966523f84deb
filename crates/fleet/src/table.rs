//! The plan as a table for a terminal.
use super::{Row, Step, by_date, date, one_line};
use jiff::Timestamp;
use std::fmt::Write;

const HEADER: [&str; 9] = [
    "DATE (UTC)",
    "IN",
    "KIND",
    "OBJECT",
    "ACTION",
    "TO",
    "WHY",
    "BLOCKED BY",
    "RISK",
];
const GAP: usize = 3;

/// A table of all steps until a date, by date, then namespace and name. `~` in column IN marks a forecast.
pub fn table(rows: &[Row], now: Timestamp, until: Timestamp) -> String {
    let steps = by_date(rows);
    if steps.is_empty() {
        let day = until.strftime("%Y-%m-%d");
        return format!("Nothing is planned until {day}; --until looks further.\n");
    }
    let mut lines = vec![HEADER.map(str::to_owned)];
    lines.extend(steps.into_iter().map(|(row, step)| cells(row, step, now)));
    let mut widths = [0; HEADER.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut table = String::new();
    for line in &lines {
        let mut owed = 0;
        for (cell, width) in line.iter().zip(widths) {
            // What pads a column is written by the next one, so that no line ends in spaces.
            let _ = write!(table, "{:owed$}{cell}", "");
            owed = width - cell.chars().count() + GAP;
        }
        table.push('\n');
    }
    table
}

fn cells(row: &Row, step: &Step, now: Timestamp) -> [String; HEADER.len()] {
    let shown = |text: &str| match one_line(text).trim() {
        "" => "-".to_owned(),
        text => text.to_owned(),
    };
    [
        date(step.at),
        format!("{}{}", if step.forecast { "~" } else { "" }, until(now, step.at)),
        shown(row.short_kind()),
        shown(&row.object()),
        step.action.as_str().to_owned(),
        shown(step.to.as_deref().unwrap_or_default()),
        shown(&step.reason),
        shown(&step.blocked_by.join(", ")),
        shown(step.risk.as_deref().unwrap_or_default()),
    ]
}

/// How far away a time is, in the largest unit of which there are two or more, rounded down.
pub fn until(now: Timestamp, at: Timestamp) -> String {
    let minutes = at.duration_since(now).as_mins();
    match minutes {
        ..=0 => "now".to_owned(),
        1..120 => format!("{minutes}m"),
        120..2880 => format!("{}h", minutes / 60),
        2880.. => format!("{}d", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, fleet, row, step};
    use jiff::ToSpan;
    use speech_api::planned::PlannedAction;

    #[test]
    fn a_fleet_is_a_table_that_a_person_reads() {
        insta::assert_snapshot!(table(&fleet(), at("2026-11-21T07:00:00Z"), Timestamp::MAX));
    }

    #[test]
    fn the_order_of_rows_and_steps_does_not_matter_and_no_line_ends_in_spaces() {
        let now = at("2026-11-21T07:00:00Z");
        let expected = table(&fleet(), now, Timestamp::MAX);
        let mut other = fleet();
        other.reverse();
        other.iter_mut().for_each(|row| row.steps.reverse());
        assert_eq!(table(&other, now, Timestamp::MAX), expected);
        assert!(expected.ends_with('\n') && !expected.contains(" \n"));
    }

    #[test]
    fn nothing_planned_is_said_in_words() {
        let nothing = "Nothing is planned until 1970-01-01; --until looks further.\n";
        let epoch = Timestamp::UNIX_EPOCH;
        assert_eq!(table(&[], epoch, epoch), nothing);
        let mut idle = fleet();
        idle.iter_mut().for_each(|row| row.steps.clear());
        assert_eq!(table(&idle, epoch, epoch), nothing);
    }

    #[test]
    fn a_name_from_the_portal_cannot_break_a_line_or_command_the_terminal() {
        let mut row = row("shop", "claims");
        let mut step = step(
            "2027-01-01T00:00:00Z",
            PlannedAction::Swap,
            "\u{1b}[31mred\r\n\u{9b}2Jnext",
        );
        step.risk = Some(" \n ".to_owned());
        row.steps = vec![step];
        let table = table(&[row], Timestamp::UNIX_EPOCH, Timestamp::MAX);
        assert_eq!(table.lines().count(), 2);
        assert!(!table.contains(|c: char| c.is_control() && c != '\n'));
        let cells: Vec<&str> = table.lines().last().unwrap().split_whitespace().rev().take(2).collect();
        assert_eq!(cells, ["-", "-"], "nothing blocks, and a risk of spaces is none");
    }

    #[test]
    fn how_far_a_time_is_away_is_told_in_the_unit_that_fits() {
        let now = at("2026-11-21T07:00:00Z");
        for (seconds, text) in [
            (-86_400, "now"),
            (59, "now"),
            (60, "1m"),
            (7_199, "119m"),
            (7_200, "2h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (500 * 86_400, "500d"),
        ] {
            assert_eq!(until(now, now + seconds.seconds()), text);
        }
    }
}
