//! Where a time lies in the drawing.
use super::{Drawing, LEFT, RIGHT, TOP};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use std::fmt::{self, Display, Formatter};

/// The least room for the label of a month and of a quarter day, in pixels.
const MONTH_LABEL: i64 = 34;
const QUARTER_LABEL: i64 = 48;

/// A place on the axis in tenths of a pixel, so that no rounding depends on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Px(pub i64);

impl Display for Px {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.0 / 10, self.0 % 10) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, tenth) => write!(f, "{whole}.{tenth}"),
        }
    }
}

/// The time that the drawing shows.
pub struct Axis {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Axis {
    pub fn new(from: Timestamp, until: Timestamp) -> Self {
        let least = from.checked_add(SignedDuration::from_secs(1)).unwrap_or(from);
        Self {
            from,
            until: until.max(least),
        }
    }

    /// Where a time is drawn; what lies outside is drawn at the edge.
    pub fn x(&self, at: Timestamp) -> Px {
        let seconds = |from: Timestamp, to: Timestamp| i128::from(to.duration_since(from).as_secs());
        let total = seconds(self.from, self.until).max(1);
        let part = seconds(self.from, at.clamp(self.from, self.until));
        let width = i128::from(RIGHT - LEFT) * 10;
        Px(LEFT * 10 + i64::try_from(width * part / total).unwrap_or_default())
    }

    /// Whether a time is shown.
    pub fn shows(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.until
    }

    /// Months and quarter days, down to `bottom`.
    pub fn draw(&self, out: &mut Drawing, bottom: i64) {
        self.draw_from(out, TOP, bottom);
    }

    /// The same from `top` on.
    pub fn draw_from(&self, out: &mut Drawing, top: i64, bottom: i64) {
        let months: Vec<Date> = self.months().collect();
        let room = (RIGHT - LEFT) / i64::try_from(months.len().max(1)).unwrap_or(1);
        // Every, every third, sixth or twelfth month has its name.
        let every = [1, 3, 6]
            .into_iter()
            .find(|every| room * i64::from(*every) >= MONTH_LABEL)
            .unwrap_or(12);
        for month in months {
            let Some(x) = self.day(month) else { continue };
            out.add(format_args!(r#"<path class="month" d="M{x} {}V{bottom}"/>"#, top - 8));
            if (month.month() - 1) % every == 0 && x.0 + MONTH_LABEL * 10 <= RIGHT * 10 {
                let form = if month.month() == 1 || every == 12 { "%Y" } else { "%b" };
                let (x, y) = (Px(x.0 + 30), top - 12);
                out.add(format_args!(
                    r#"<text class="tick" x="{x}" y="{y}">{}</text>"#,
                    month.strftime(form)
                ));
            }
            self.quarter_day(out, month, room * 3 >= QUARTER_LABEL, top, bottom);
        }
    }

    /// The 15th of January, April, July and October, on which the service's models expire.
    fn quarter_day(&self, out: &mut Drawing, month: Date, named: bool, top: i64, bottom: i64) {
        let day = Date::new(month.year(), month.month(), 15)
            .ok()
            .filter(|_| month.month() % 3 == 1);
        let Some((day, x)) = day.and_then(|day| Some((day, self.day(day)?))) else {
            return;
        };
        out.add(format_args!(
            r#"<path class="quarter" d="M{x} {}V{bottom}"/>"#,
            top - 24
        ));
        if named {
            let (name, y) = (day.strftime("%-d %b"), top - 28);
            out.add(format_args!(
                r#"<text class="tick quarter-day" x="{x}" y="{y}">{name}</text>"#
            ));
        }
    }

    /// The first days of the months, from the one in which the drawing begins.
    fn months(&self) -> impl Iterator<Item = Date> {
        let date = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
        let last = date(self.until);
        let mut next = Some(date(self.from).first_of_month());
        std::iter::from_fn(move || {
            let month = next.filter(|month| *month <= last)?;
            next = month.last_of_month().tomorrow().ok();
            Some(month)
        })
    }

    /// Where a day begins (UTC), if that is shown.
    fn day(&self, date: Date) -> Option<Px> {
        let at = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        self.shows(at).then(|| self.x(at))
    }
}
