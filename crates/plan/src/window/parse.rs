//! From the words of a window to what can be computed with.
use super::recurrence::{Days, Recurrence};
use jiff::{
    SignedDuration,
    civil::{self, Date, Time},
    tz::{TimeZone, TimeZoneDatabase},
};
use speech_api::{
    duration,
    window::{Weekday, Window},
};

const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A window that says nothing that can be kept to. Positions count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// No such time zone.
    #[error("spec.swap.windows[{position}].timeZone: there is no time zone {name:?}{}", meant(.near.as_deref()))]
    UnknownTimeZone {
        /// Which window.
        position: usize,
        /// What it says.
        name: String,
        /// What may be meant.
        near: Option<String>,
    },
    /// Text that is not what it should be. The schema lets none pass.
    #[error("spec.swap.windows[{position}].{field}: {text:?} is not {expected}")]
    Unreadable {
        /// Which window.
        position: usize,
        field: &'static str,
        /// What it says.
        text: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Only one of start and duration. The schema lets none pass.
    #[error("spec.swap.windows[{position}]: start and duration go together")]
    HalfHours {
        /// Which window.
        position: usize,
    },
    /// The first day is later than the last. The schema lets none pass.
    #[error("spec.swap.windows[{position}]: from is later than until")]
    NoDates {
        /// Which window.
        position: usize,
    },
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(
        || "; write an IANA name such as Europe/Berlin".to_owned(),
        |near| format!("; is {near} meant?"),
    )
}

/// Reads the window at a position of the list.
pub(super) fn recurrence(position: usize, window: &Window) -> Result<Recurrence, WindowError> {
    let unreadable = |field, text: &str, expected| WindowError::Unreadable {
        position,
        field,
        text: text.to_owned(),
        expected,
    };
    let hours = match (&window.start, &window.duration) {
        (None, None) => None,
        (Some(start), Some(length)) => Some((
            time_of_day(start).ok_or_else(|| unreadable("start", start, "a time of day such as 01:00"))?,
            length_of(length).ok_or_else(|| unreadable("duration", length, "a duration between 1m and 7d"))?,
        )),
        (Some(_), None) | (None, Some(_)) => return Err(WindowError::HalfHours { position }),
    };
    let date = |field, text: &Option<String>| {
        let read = |text: &String| {
            text.parse::<Date>()
                .map_err(|_| unreadable(field, text, "a day such as 2026-12-20"))
        };
        text.as_ref().map(read).transpose()
    };
    let (from, until) = (date("from", &window.from)?, date("until", &window.until)?);
    if from.zip(until).is_some_and(|(from, until)| from > until) {
        return Err(WindowError::NoDates { position });
    }
    Ok(Recurrence {
        days: days(&window.days),
        hours,
        from,
        until,
        zone: time_zone(&window.time_zone).ok_or_else(|| WindowError::UnknownTimeZone {
            position,
            name: window.time_zone.clone(),
            near: near(&window.time_zone),
        })?,
    })
}

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn length_of(text: &str) -> Option<SignedDuration> {
    let length = SignedDuration::try_from(duration::parse(text).ok()?).ok()?;
    (SignedDuration::from_mins(1)..=LONGEST)
        .contains(&length)
        .then_some(length)
}

fn days(days: &[Weekday]) -> Days {
    if days.is_empty() {
        return Days::ALL;
    }
    days.iter().fold(Days::NONE, |all, day| {
        all.and(match day {
            Weekday::Mon => civil::Weekday::Monday,
            Weekday::Tue => civil::Weekday::Tuesday,
            Weekday::Wed => civil::Weekday::Wednesday,
            Weekday::Thu => civil::Weekday::Thursday,
            Weekday::Fri => civil::Weekday::Friday,
            Weekday::Sat => civil::Weekday::Saturday,
            Weekday::Sun => civil::Weekday::Sunday,
        })
    })
}

/// A time zone of the compiled-in database. Its placeholder for "unknown" is none.
fn time_zone(name: &str) -> Option<TimeZone> {
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    (!zone.is_unknown()).then_some(zone)
}

/// The name that may be meant: a place whose region was left out or mistaken, or a name with at most two letters wrong.
fn near(name: &str) -> Option<String> {
    let wanted = name.to_lowercase();
    let place = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let distance = |known: &str| {
        if place(known) == place(&wanted) {
            0
        } else {
            strsim::osa_distance(&known.to_lowercase(), &wanted)
        }
    };
    let database = TimeZoneDatabase::bundled();
    let known = database
        .available()
        .map(|known| (distance(known.as_str()), known.as_str().to_owned()));
    let (distance, nearest) = known.min()?;
    (distance <= 2.min(name.len() / 3)).then_some(nearest)
}
