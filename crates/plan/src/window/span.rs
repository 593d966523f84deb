//! Spans of time, and what can be computed with lists of them.
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// A span of time (UTC): `start` belongs to it, `end` does not. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// The first moment.
    pub start: Timestamp,
    /// The first moment that no longer belongs to it.
    pub end: Timestamp,
}

impl Span {
    /// The span between two times; None unless the first is earlier.
    pub fn between(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Whether a time lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// The part that also belongs to another span.
    pub fn within(&self, other: Self) -> Option<Self> {
        Self::between(self.start.max(other.start), self.end.min(other.end))
    }

    /// The seconds from `start` that lie in it as a whole.
    pub(super) fn whole_seconds(&self) -> i64 {
        self.end.duration_since(self.start).as_secs()
    }
}

/// The first whole second at or after a time; None at the end of all time.
pub(super) fn second_after(at: Timestamp) -> Option<Timestamp> {
    let past = at.subsec_nanosecond();
    let up = if past > 0 { 1_000_000_000 - past } else { -past };
    at.checked_add(SignedDuration::from_nanos(up.into())).ok()
}

/// The same time in order, with what overlaps or touches joined.
pub(super) fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort();
    spans.dedup_by(|next, last| {
        let joined = next.start <= last.end;
        if joined {
            last.end = last.end.max(next.end);
        }
        joined
    });
    spans
}

/// What of `spans` no hole covers; both in order and apart.
pub(super) fn without(spans: &[Span], holes: &[Span]) -> Vec<Span> {
    let mut left = Vec::with_capacity(spans.len());
    let mut holes = holes.iter().peekable();
    for span in spans {
        let mut start = span.start;
        while let Some(hole) = holes.peek().filter(|hole| hole.start < span.end) {
            left.extend(Span::between(start, hole.start));
            start = start.max(hole.end);
            if hole.end > span.end {
                break; // it may cover of the next span, too
            }
            holes.next();
        }
        left.extend(Span::between(start, span.end));
    }
    left
}
