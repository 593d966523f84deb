//! The default rule for deprecation dates, used where a seed or a test gives none.
use jiff::{
    Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

/// The day of the month on which the service's quarters end.
const QUARTER_DAY: i8 = 15;

/// The months, in order, whose 15th ends a quarter.
const QUARTER_MONTHS: [i8; 4] = [1, 4, 7, 10];

/// The end of the quarter in which `created` lies: the first 15 January, April, July or October on or after that day.
///
/// This is the literal reading of the service's lifecycle document ("next 15th"). The document's samples are not all
/// of one reading, so a date in the data always wins over this rule.
fn quarter_end(created: Date) -> Date {
    for month in QUARTER_MONTHS {
        let end = date(created.year(), month, QUARTER_DAY);
        if created <= end {
            return end;
        }
    }
    date(created.year().saturating_add(1), 1, QUARTER_DAY)
}

/// The instant, 00:00 UTC, that lies `years` after the end of the quarter of `created`.
pub fn years_after_quarter(created: Timestamp, years: i16) -> Timestamp {
    let end = quarter_end(created.to_zoned(TimeZone::UTC).date());
    let shifted = date(end.year().saturating_add(years), end.month(), end.day());
    shifted
        .to_zoned(TimeZone::UTC)
        .map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognition_end(created: &str) -> String {
        let created = format!("{created}T12:00:00Z").parse().unwrap();
        years_after_quarter(created, 2).to_string()
    }

    #[test]
    fn the_documents_samples_that_follow_the_next_15th_come_out() {
        for (created, end) in [
            ("2024-07-14", "2026-07-15T00:00:00Z"),
            ("2022-05-22", "2024-07-15T00:00:00Z"),
            ("2023-02-28", "2025-04-15T00:00:00Z"),
            ("2023-07-19", "2025-10-15T00:00:00Z"),
            ("2024-02-29", "2026-04-15T00:00:00Z"),
            // The calendar-quarter reading would give 2024-01-15 here, as the document shows.
            ("2021-10-13", "2023-10-15T00:00:00Z"),
        ] {
            assert_eq!(recognition_end(created), end, "{created}");
        }
    }

    #[test]
    fn the_15th_itself_belongs_to_the_ending_quarter_and_the_16th_to_the_next() {
        assert_eq!(recognition_end("2026-01-15"), "2028-01-15T00:00:00Z");
        assert_eq!(recognition_end("2026-01-16"), "2028-04-15T00:00:00Z");
        assert_eq!(recognition_end("2026-10-16"), "2029-01-15T00:00:00Z");
    }

    #[test]
    fn training_ends_one_year_after_the_quarter() {
        let created = "2024-02-29T12:00:00Z".parse().unwrap();
        assert_eq!(years_after_quarter(created, 1).to_string(), "2025-04-15T00:00:00Z");
    }
}
