//! The plan as a calendar that calendar clients subscribe to or import (RFC 5545).
use super::{Row, Step, by_date, one_line};
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What the uids of events are derived under.
const EVENTS: Uuid = Uuid::from_u128(0x6c1f_5c0e_52f5_4a53_9d0a_3f6f_1f0f_6b27);
/// The longest line in octets, without its end.
const LINE: usize = 75;

/// A calendar with one event for each step. An event keeps its uid when its date changes, so that a newer calendar
/// moves it. `now` becomes the events' DTSTAMP.
pub fn ics(rows: &[Row], now: Timestamp) -> String {
    let mut calendar = Lines::default();
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//customspeech.dev//speech-operator//EN",
        "CALSCALE:GREGORIAN",
        "NAME:Custom speech",
        "X-WR-CALNAME:Custom speech",
    ] {
        calendar.line(line);
    }
    let mut alike = BTreeMap::new();
    for (row, step) in by_date(rows) {
        let number = alike.entry((&row.uid, step.action, &step.to)).or_insert(0);
        event(&mut calendar, row, step, uid(row, step, *number), now);
        *number += 1;
    }
    calendar.line("END:VCALENDAR");
    calendar.0
}

/// The same for the same object, action and model; `number` tells apart steps that are alike in these.
fn uid(row: &Row, step: &Step, number: u32) -> Uuid {
    let to = step.to.as_deref().unwrap_or_default();
    let name = format!("{}\n{}\n{number}\n{to}", row.uid, step.action.as_str());
    Uuid::new_v5(&EVENTS, name.as_bytes())
}

fn event(calendar: &mut Lines, row: &Row, step: &Step, uid: Uuid, now: Timestamp) {
    let utc = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let settled = step.blocked_by.is_empty() && !step.forecast;
    calendar.line("BEGIN:VEVENT");
    calendar.line(&format!("UID:{uid}"));
    calendar.line(&format!("DTSTAMP:{}", utc(now)));
    calendar.line(&format!("DTSTART:{}", utc(step.at)));
    calendar.text("SUMMARY", &summary(row, step));
    calendar.text("DESCRIPTION", &description(row, step));
    calendar.line(&format!("CATEGORIES:{}", step.action.as_str().to_uppercase()));
    calendar.line(if settled {
        "STATUS:CONFIRMED"
    } else {
        "STATUS:TENTATIVE"
    });
    calendar.line("TRANSP:TRANSPARENT");
    calendar.line("END:VEVENT");
}

fn summary(row: &Row, step: &Step) -> String {
    let to = step
        .to
        .as_deref()
        .map(|to| format!(": {}", one_line(to)))
        .unwrap_or_default();
    let flag = if step.risk.is_some() { "[at risk] " } else { "" };
    format!("{flag}{} {}{to}", step.action.as_str(), row.object())
}

fn description(row: &Row, step: &Step) -> String {
    let mut lines = vec![
        format!("{} {} ({}, {})", row.kind, row.object(), row.connection, row.locale),
        format!("Why: {}", one_line(&step.reason)),
    ];
    lines.extend(
        step.blocked_by
            .iter()
            .map(|blocker| format!("Blocked by: {}", one_line(blocker))),
    );
    lines.extend(step.risk.iter().map(|risk| format!("Risk: {}", one_line(risk))));
    lines.extend((step.consequence.iter()).map(|words| format!("It leads to: {}", one_line(words))));
    if step.forecast {
        lines.push("The date is a forecast from durations seen before.".to_owned());
    }
    lines.join("\n")
}

/// Content lines, folded as section 3.1 asks.
#[derive(Default)]
struct Lines(String);

impl Lines {
    /// A property of type TEXT.
    fn text(&mut self, name: &str, value: &str) {
        let mut line = format!("{name}:");
        for letter in value.chars() {
            match letter {
                '\n' => line.push_str("\\n"),
                '\\' | ';' | ',' => line.extend(['\\', letter]),
                letter if letter.is_control() => line.push(' '),
                letter => line.push(letter),
            }
        }
        self.line(&line);
    }

    /// A content line of any length; no character is torn apart.
    fn line(&mut self, line: &str) {
        let mut length = 0;
        for letter in line.chars() {
            if length + letter.len_utf8() > LINE {
                self.0.push_str("\r\n ");
                length = 1;
            }
            self.0.push(letter);
            length += letter.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, fleet, row, step};
    use icalendar::{Calendar, Component};
    use proptest::prelude::*;
    use speech_api::planned::PlannedAction;
    use std::collections::BTreeSet;

    const NOW: &str = "2026-11-21T07:00:00.123Z";

    fn read(text: &str) -> Vec<icalendar::Event> {
        let calendar: Calendar = text.parse().unwrap();
        let events = calendar
            .components
            .iter()
            .filter_map(|component| component.as_event().cloned())
            .collect::<Vec<_>>();
        assert_eq!(events.len(), calendar.components.len(), "there is nothing but events");
        events
    }

    #[test]
    fn a_calendar_has_one_event_for_each_step() {
        insta::assert_snapshot!(ics(&fleet(), at(NOW)).replace("\r\n", "\n"));
    }

    #[test]
    fn a_parser_of_others_reads_what_was_written() {
        let fleet = fleet();
        let events = read(&ics(&fleet, at(NOW)));
        let steps = by_date(&fleet);
        assert_eq!(events.len(), steps.len());
        for (event, (row, step)) in events.iter().zip(steps) {
            assert_eq!(event.get_summary(), Some(&*summary(row, step)));
            assert_eq!(event.get_description(), Some(&*description(row, step)));
            assert_eq!(
                event.property_value("DTSTART"),
                Some(&*step.at.strftime("%Y%m%dT%H%M%SZ").to_string())
            );
            assert_eq!(event.property_value("DTSTAMP"), Some("20261121T070000Z"));
            assert!(event.get_start().is_some() && event.get_timestamp().is_some());
        }
    }

    #[test]
    fn an_event_keeps_its_uid_when_its_date_moves_and_all_uids_differ() {
        let uids = |rows: &[Row]| -> Vec<String> {
            let events = read(&ics(rows, at(NOW)));
            events.iter().map(|event| event.get_uid().unwrap().to_owned()).collect()
        };
        let mut rows = fleet();
        let mut twin = rows[0].steps[0].clone();
        twin.at = at("2029-01-01T00:00:00Z");
        rows[0].steps.push(twin);
        let before = uids(&rows);
        assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), before.len());
        for step in rows.iter_mut().flat_map(|row| &mut row.steps) {
            step.at += jiff::SignedDuration::from_hours(30);
        }
        assert_eq!(uids(&rows), before);
    }

    #[test]
    fn a_calendar_without_steps_is_still_one() {
        assert!(read(&ics(&[], at(NOW))).is_empty());
    }

    proptest! {
        #[test]
        fn any_text_survives_folding_and_escaping(text in "\\PC{0,200}", more in "[a\\\\;,:\"ü漢🎤 ]{0,200}") {
            let mut row = row("shop", "claims");
            let mut planned = step("2027-01-01T00:00:00Z", PlannedAction::Swap, &text);
            planned.reason = more;
            row.steps = vec![planned];
            let rows = [row];
            let written = ics(&rows, at(NOW));
            prop_assert!(written.ends_with("\r\n"));
            prop_assert!(!written.replace("\r\n", "").contains(['\r', '\n']));
            prop_assert!(written.split("\r\n").all(|line| line.len() <= LINE));
            let events = read(&written);
            let expected = (summary(&rows[0], &rows[0].steps[0]), description(&rows[0], &rows[0].steps[0]));
            prop_assert_eq!(events[0].get_summary(), Some(&*expected.0));
            prop_assert_eq!(events[0].get_description(), Some(&*expected.1));
        }
    }
}
