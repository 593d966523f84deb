//! One window, and where in time it lies.
use super::span::Span;
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

/// A window as parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recurrence {
    pub days: Days,
    /// When it begins by the wall clock, and for how long of elapsed time; whole days without.
    pub hours: Option<(Time, SignedDuration)>,
    /// The first day on which it begins.
    pub from: Option<Date>,
    /// The last day on which it begins.
    pub until: Option<Date>,
    pub zone: TimeZone,
}

/// Days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days(u8);

impl Days {
    pub const ALL: Self = Self(0b111_1111);
    pub const NONE: Self = Self(0);

    #[must_use]
    pub fn and(self, day: Weekday) -> Self {
        Self(self.0 | Self::bit(day))
    }

    fn has(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }
}

impl Recurrence {
    /// Whether a time lies in the window.
    pub fn covers(&self, at: Timestamp) -> bool {
        // The last instant of all needs no answer: nothing could follow it.
        let instant = at
            .checked_add(SignedDuration::from_nanos(1))
            .ok()
            .and_then(|end| Span::between(at, end));
        let mut found = Vec::new();
        if let Some(instant) = instant {
            self.occurrences(instant, &mut found);
        }
        !found.is_empty()
    }

    /// Adds the parts of the window that lie within a span of time, in order. They may overlap.
    pub fn occurrences(&self, within: Span, found: &mut Vec<Span>) {
        if self.hours.is_none() && self.days == Days::ALL {
            found.extend(self.all_days().and_then(|span| span.within(within)));
            return;
        }
        let (first, last) = self.dates(within);
        let mut next = Some(first);
        while let Some(date) = next.filter(|date| *date <= last) {
            next = date.tomorrow().ok();
            if self.days.has(date.weekday()) {
                found.extend(self.on(date).and_then(|span| span.within(within)));
            }
        }
    }

    /// The days on which an occurrence can begin that reaches into a span of time. One day more at both ends than the
    /// clock says, because clocks that are put back over midnight show a day twice.
    fn dates(&self, within: Span) -> (Date, Date) {
        let length = self.hours.map_or(1, |(_, length)| length.as_hours() / 24 + 1);
        let back = SignedDuration::from_hours((length + 1) * 24);
        let first = self.zone.to_datetime(within.start).date().saturating_sub(back);
        let last = self
            .zone
            .to_datetime(within.end)
            .date()
            .saturating_add(SignedDuration::from_hours(24));
        (
            self.from.map_or(first, |from| from.max(first)),
            self.until.map_or(last, |until| until.min(last)),
        )
    }

    /// The occurrence that begins on a day; None where clocks skip that whole day.
    fn on(&self, date: Date) -> Option<Span> {
        let Some((start, length)) = self.hours else {
            return Span::between(self.midnight(date)?, self.midnight(date.tomorrow().ok()?)?);
        };
        let (start, moved) = self.instant(date, start)?;
        if moved && self.midnight(date) == self.midnight(date.tomorrow().ok()?) {
            return None;
        }
        Span::between(start, start.checked_add(length).ok()?)
    }

    /// All of the days from the first to the last.
    fn all_days(&self) -> Option<Span> {
        let start = match self.from {
            Some(from) => self.midnight(from)?,
            None => Timestamp::MIN,
        };
        let end = match self.until {
            Some(until) => self.midnight(until.tomorrow().ok()?)?,
            None => Timestamp::MAX,
        };
        Span::between(start, end)
    }

    fn midnight(&self, date: Date) -> Option<Timestamp> {
        self.instant(date, Time::midnight()).map(|(at, _)| at)
    }

    /// When the wall clock shows a time for the first time; where it skips it, when it does so, and true.
    fn instant(&self, date: Date, time: Time) -> Option<(Timestamp, bool)> {
        let ambiguous = self.zone.to_ambiguous_timestamp(date.to_datetime(time));
        let AmbiguousOffset::Gap { .. } = ambiguous.offset() else {
            return Some((ambiguous.earlier().ok()?, false)); // of a time that comes once, that one
        };
        let before = ambiguous.earlier().ok()?;
        let gap = self.zone.following(before).next()?;
        Some((gap.timestamp(), true))
    }
}
