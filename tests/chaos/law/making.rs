//! I8: what one object can have made is bounded, whatever vanishes, fails, is refused or lies.
use super::{Expected, Finding};
use crate::evidence::{Evidence, Known};
use jiff::{SignedDuration, Timestamp};
use speech_plan::creation::{MOST_PER_DAY, MOST_PER_HOUR, MOST_PER_MINUTE};
use std::collections::BTreeMap;

const UID: &str = "customspeech.dev/uid";
const OBJECT: &str = "customspeech.dev/object";

/// The orders that are counted. Those of evaluations bear no uid, and are counted by what they compare.
const ORDERS: [&str; 4] = ["Endpoints_Create", "Models_Create", "Models_Copy", "Evaluations_Create"];

/// The bounds: so many orders of one kind for one object in so long a time, by the clock.
pub const BOUNDS: [(SignedDuration, usize); 3] = [
    (SignedDuration::from_mins(1), MOST_PER_MINUTE),
    (SignedDuration::from_hours(1), MOST_PER_HOUR),
    (SignedDuration::from_hours(24), MOST_PER_DAY),
];

/// Every order that reached the service counts, also one that was refused; only a 429 had no effect by its own word.
pub fn i8_bounded(evidence: &Evidence, known: &mut Known, expected: &Expected) -> Vec<Finding> {
    for entry in evidence.journal.iter().filter(|entry| entry["status"] != 429) {
        let operation = entry["operation"].as_str().unwrap_or_default();
        let Some(Ok(at)) = entry["clock"].as_str().map(str::parse::<Timestamp>) else {
            continue;
        };
        if ORDERS.contains(&operation) {
            let properties = &entry["requestBody"]["customProperties"];
            let object = properties[OBJECT].as_str().unwrap_or_default();
            let purpose = match properties[UID].as_str() {
                Some(uid) => uid.to_owned(),
                None => entry["requestBody"].to_string(),
            };
            let purpose = format!("{operation} for {object} {purpose} in {}", entry["resource"]);
            known.ordered.entry(purpose).or_default().push(at);
        }
    }
    let judged = known.ordered.iter().filter_map(|(purpose, times)| {
        let what = beyond(times, expected)?;
        Some(Finding::new(purpose, format!("I8: {what}")))
    });
    judged.collect()
}

/// The first bound that is broken. Where users edit the spec again and again, only that of a minute holds.
fn beyond(times: &[Timestamp], expected: &Expected) -> Option<String> {
    let mut sorted = times.to_vec();
    sorted.sort();
    let held = if expected.specs_are_edited { 1 } else { BOUNDS.len() };
    BOUNDS.iter().take(held).find_map(|(span, most)| {
        let most = most + expected.more_orders;
        let full = sorted.windows(most + 1).find(|window| match window {
            [first, .., last] => last.duration_since(*first) < *span,
            _ => false,
        })?;
        Some(format!(
            "more than {most} orders within {span:#} from {}",
            full.first()?
        ))
    })
}

/// How many orders each purpose has led to, for the table.
pub fn orders(known: &Known) -> BTreeMap<&str, usize> {
    known
        .ordered
        .iter()
        .map(|(purpose, times)| (purpose.as_str(), times.len()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(minutes: &[i64], status: u16) -> usize {
        found_of(minutes, status, &Expected::default())
    }

    fn found_of(minutes: &[i64], status: u16, expected: &Expected) -> usize {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let entry = |minute: &i64| {
            json!({"operation": "Models_Create", "status": status, "clock": (start + SignedDuration::from_mins(*minute)).to_string(),
                "requestBody": {"customProperties": {UID: "u", OBJECT: "a/b"}}})
        };
        let evidence = Evidence {
            journal: minutes.iter().map(entry).collect(),
            ..Evidence::default()
        };
        i8_bounded(&evidence, &mut Known::default(), expected).len()
    }

    #[test]
    fn one_order_too_many_in_a_minute_an_hour_or_a_day_is_found() {
        assert_eq!(found(&[0, 0, 10, 30, 70], 201), 0);
        assert_eq!(found(&[0, 0, 0], 201), 1);
        assert_eq!(found(&[0, 0, 0], 500), 1);
        assert_eq!(found(&[0, 0, 0], 429), 0);
        assert_eq!(found(&[0, 10, 20, 30, 40], 201), 1);
        let hourly: Vec<i64> = (0..13).map(|hour| hour * 60).collect();
        assert_eq!(found(&hourly, 201), 1);
    }

    #[test]
    fn edits_begin_anew_but_for_the_bound_of_a_minute() {
        let edited = Expected {
            specs_are_edited: true,
            ..Expected::default()
        };
        assert_eq!(found_of(&[0, 2, 4, 6, 8, 10], 500, &edited), 0);
        assert_eq!(found_of(&[0, 0, 0], 500, &edited), 1);
    }
}
