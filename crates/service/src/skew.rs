//! How far the service's clock and ours are apart, from the `Date` of its answers.
//!
//! `Date` has whole seconds, and between our two looks at our own clock lies the way of a request. So one answer bounds
//! the difference from both sides, and what counts is the part of it that is certain: nothing at all while the bounds
//! leave room for two clocks that agree. That keeps a healthy connection at exactly zero.
use super::retry_after::date_header;
use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// So many answers are remembered; their median counts, so that one odd answer says nothing.
const REMEMBERED: usize = 5;

/// Measures the clock of one Speech resource against ours.
#[derive(Debug, Default)]
pub struct SkewMeter {
    last: Mutex<VecDeque<SignedDuration>>,
}

impl SkewMeter {
    /// Reads the headers of an answer whose request was sent and received at these times of our clock.
    pub fn note(&self, headers: &HeaderMap, sent: Timestamp, received: Timestamp) {
        // What a cache has kept was stamped when it was made.
        if headers.contains_key(header::AGE) {
            return;
        }
        let Some(date) = headers.get(header::DATE).and_then(date_header) else {
            return;
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == REMEMBERED {
            last.pop_front();
        }
        last.push_back(certain(date, sent, received));
    }

    /// How far the service's clock is ahead of ours for certain; negative if it is behind, absent before the first answer.
    pub fn ahead(&self) -> Option<SignedDuration> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<SignedDuration> = last.iter().copied().collect();
        sorted.sort_unstable();
        let middle = sorted.len() / 2;
        match (sorted.get(middle.saturating_sub(1)), sorted.get(middle)) {
            // Between two, the one that claims less.
            (Some(low), Some(high)) if sorted.len().is_multiple_of(2) => {
                Some(if low.abs() < high.abs() { *low } else { *high })
            }
            (_, median) => median.copied(),
        }
    }
}

/// The part of the difference that one answer proves. It was stamped between `date` and a second later by the service's
/// clock, and between `sent` and `received` by ours.
fn certain(date: Timestamp, sent: Timestamp, received: Timestamp) -> SignedDuration {
    let least = date.duration_since(received.max(sent));
    let most = date.duration_since(sent.min(received)) + SignedDuration::from_secs(1);
    if least.is_positive() {
        least
    } else if most.is_negative() {
        most
    } else {
        SignedDuration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const DATE: &str = "Tue, 03 Feb 2026 08:15:00 GMT";

    fn at(time: &str) -> Timestamp {
        format!("2026-02-03T{time}Z").parse().unwrap()
    }

    fn headers(date: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::DATE, HeaderValue::from_str(date).unwrap())])
    }

    #[test]
    fn only_what_an_answer_proves_counts() {
        for (sent, received, milliseconds, why) in [
            ("08:15:00", "08:15:00.010", 0, "in step"),
            ("08:15:00.900", "08:15:00.999", 0, "within the second of the stamp"),
            ("08:14:59.800", "08:15:01", 0, "a slow answer"),
            ("08:14:00", "08:15:20", 0, "a very slow answer proves nothing"),
            ("08:14:00", "08:14:00.500", 59_500, "the service is ahead"),
            ("08:16:00", "08:16:00.500", -59_000, "the service is behind"),
            ("08:15:02", "08:15:01", 0, "our clock was set back meanwhile"),
        ] {
            let found = certain(at("08:15:00"), at(sent), at(received));
            assert_eq!(found, SignedDuration::from_millis(milliseconds), "{why}");
        }
    }

    #[test]
    fn the_median_of_the_last_answers_counts() {
        let hour = SignedDuration::from_hours(1);
        for (received, expected) in [
            (vec!["07:15:00"], hour),
            (vec!["08:15:00", "07:15:00"], SignedDuration::ZERO),
            (vec!["08:15:00", "07:15:00", "08:15:00"], SignedDuration::ZERO),
            (vec!["08:15:00", "07:15:00", "07:15:00"], hour),
            (
                vec![
                    "08:15:00", "08:15:00", "08:15:00", "08:15:00", "07:15:00", "07:15:00", "07:15:00",
                ],
                hour,
            ),
        ] {
            let meter = SkewMeter::default();
            for time in &received {
                meter.note(&headers(DATE), at(time), at(time));
            }
            assert_eq!(meter.ahead(), Some(expected), "{received:?}");
        }
    }

    #[test]
    fn an_answer_without_a_date_or_from_a_cache_says_nothing() {
        let meter = SkewMeter::default();
        let mut cached = headers(DATE);
        cached.insert(header::AGE, HeaderValue::from_static("3600"));
        for headers in [HeaderMap::new(), headers("yesterday"), cached] {
            meter.note(&headers, at("07:15:00"), at("07:15:00"));
        }
        assert_eq!(meter.ahead(), None);
    }
}
