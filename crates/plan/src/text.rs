//! How models and dates are written in messages and status (whole seconds, UTC), and sums that cannot overflow.
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use speech_service::entity::Header;

/// A moment as a status keeps it: in whole seconds, and never later than the moment itself.
pub fn whole_seconds(at: Timestamp) -> Timestamp {
    let seconds = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    at.round(seconds).unwrap_or(at)
}

/// For a person: `2026-04-15 10:31 UTC`.
pub fn day_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A moment later by a span. What stands in an annotation, a status or an answer may be any date, so the sum ends at the
/// last one.
pub fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_add(span).unwrap_or(at)
}

/// A moment earlier by a span; the difference ends at the first one.
pub fn before(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_sub(span).unwrap_or(at)
}

/// A model for a person. Revisions of one SpeechModel share their name.
pub fn named(name: &str, revision: Option<impl std::fmt::Display>) -> String {
    revision.map_or_else(|| name.to_owned(), |revision| format!("{name}, revision {revision}"))
}

/// The same as the subject of a sentence.
pub fn model(name: &str, revision: Option<impl std::fmt::Display>) -> String {
    let comma = if revision.is_some() { "," } else { "" };
    named(name, revision) + comma
}

/// The service's own words on what failed.
pub fn cause(header: &Header) -> String {
    header.error.as_ref().map_or_else(
        || "no reason given".to_owned(),
        |error| format!("{} ({})", error.message, error.code),
    )
}
