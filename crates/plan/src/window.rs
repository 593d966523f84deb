//! When swaps may begin: the calendar that a list of windows makes.
//!
//! Without an Allow window every time is open that no Deny window covers; with Allow windows a time is open within one
//! of them and outside of every Deny window. Time zones come from the database that is compiled in, so that all
//! machines agree.
mod parse;
mod recurrence;
mod span;
#[cfg(test)]
mod tests;

pub use parse::WindowError;
pub use span::Span;

use jiff::{SignedDuration, Timestamp};
use recurrence::Recurrence;
use speech_api::window::{Window, WindowKind};

/// How far is looked at a time in search of the next change.
const STRIDE: SignedDuration = SignedDuration::from_hours(40 * 24);

/// How far ahead is looked. A model may be said to expire in the year 9999, and a window of every day would be counted
/// three million times until then.
const HORIZON: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// The times at which swaps may begin. The default one is always open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    allow: Vec<Recurrence>,
    deny: Vec<Recurrence>,
    shut: bool,
}

impl Calendar {
    /// Reads the windows of `spec.swap.windows`.
    pub fn parse(windows: &[Window]) -> Result<Self, WindowError> {
        let mut calendar = Self::default();
        for (position, window) in windows.iter().enumerate() {
            let recurrence = parse::recurrence(position, window)?;
            match window.kind {
                WindowKind::Allow => calendar.allow.push(recurrence),
                WindowKind::Deny => calendar.deny.push(recurrence),
            }
        }
        Ok(calendar)
    }

    /// One that is never open: what stands for windows that cannot be read.
    pub fn shut() -> Self {
        Self {
            shut: true,
            ..Self::default()
        }
    }

    /// Whether there are no windows, so that every time is open.
    pub fn is_always_open(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty() && !self.shut
    }

    /// Whether a swap may begin at this time.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let covered = |windows: &[Recurrence]| windows.iter().any(|window| window.covers(at));
        !self.shut && (self.allow.is_empty() || covered(&self.allow)) && !covered(&self.deny)
    }

    /// The open times from `from` to before `to`: in order, apart from each other, cut off at both ends.
    pub fn open_spans(&self, from: Timestamp, to: Timestamp) -> Vec<Span> {
        let Some(whole) = Span::between(from, to).filter(|_| !self.shut) else {
            return Vec::new();
        };
        let open = match &self.allow[..] {
            [] => vec![whole],
            allow => covered(allow, whole),
        };
        match &self.deny[..] {
            [] => open,
            deny => span::without(&open, &covered(deny, whole)),
        }
    }

    /// The closed times from `from` to before `to`, as [`Calendar::open_spans`].
    pub fn closed_spans(&self, from: Timestamp, to: Timestamp) -> Vec<Span> {
        let whole: Vec<Span> = Span::between(from, to).into_iter().collect();
        span::without(&whole, &self.open_spans(from, to))
    }

    /// The first open time at or after `at` and before `until`.
    pub fn next_open(&self, at: Timestamp, until: Timestamp) -> Option<Timestamp> {
        strides(at, until).find_map(|part| Some(self.open_spans(part.start, part.end).first()?.start))
    }

    /// Whether nothing is open from `from` to before `until`.
    pub fn never_opens(&self, from: Timestamp, until: Timestamp) -> bool {
        self.next_open(from, until).is_none()
    }

    /// The open moment after this share of the open time between `from` and `to`, in whole seconds.
    ///
    /// The share is a fraction of 2^64, such as a hash, so that many hashes spread evenly over the open time. A larger
    /// share never gives an earlier moment. None when not one whole second is open.
    pub fn point(&self, from: Timestamp, to: Timestamp, share: u64) -> Option<Timestamp> {
        let spans = self.open_spans(span::second_after(from)?, within_horizon(from, to));
        let total: i64 = spans.iter().map(Span::whole_seconds).sum();
        let mut rest = i64::try_from((u128::from(share) * u128::try_from(total).ok()?) >> 64).ok()?;
        for span in spans {
            let length = span.whole_seconds();
            if rest < length {
                return span.start.checked_add(SignedDuration::from_secs(rest)).ok();
            }
            rest -= length;
        }
        None
    }
}

/// The end of a search that begins at `from`.
fn within_horizon(from: Timestamp, to: Timestamp) -> Timestamp {
    from.checked_add(HORIZON).map_or(to, |end| end.min(to))
}

/// What any of the windows covers, in order and apart.
fn covered(windows: &[Recurrence], within: Span) -> Vec<Span> {
    let mut all = Vec::new();
    for window in windows {
        window.occurrences(within, &mut all);
    }
    span::merged(all)
}

/// A span of time in parts of a stride, so that a search for what is near does not compute what is far.
fn strides(from: Timestamp, to: Timestamp) -> impl Iterator<Item = Span> {
    let (mut start, to) = (from, within_horizon(from, to));
    std::iter::from_fn(move || {
        let end = start.checked_add(STRIDE).map_or(to, |end| end.min(to));
        let part = Span::between(start, end)?;
        start = end;
        Some(part)
    })
}
