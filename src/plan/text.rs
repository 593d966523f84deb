//! How dates are written in messages and status: whole seconds, UTC.
use jiff::{Timestamp, Unit};

/// RFC 3339 in whole seconds, for status fields.
pub fn rfc3339(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// For a person: `2026-04-15 10:31 UTC`.
pub fn day_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
