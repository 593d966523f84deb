//! Durations as a user writes them: Go style (`90m`, `720h`, `1h30m`) plus whole days (`30d`).
use std::time::Duration;

/// Text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write for example 90s, 15m, 1h30m or 30d")]
pub struct InvalidDuration(String);

/// Reads a duration; a day is 24 hours.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    let mut seconds: u64 = 0;
    let mut rest = text;
    let mut units = "dhms";
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.chars().next().ok_or_else(invalid)?;
        let position = units.find(unit).ok_or_else(invalid)?;
        let factor = match unit {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            _ => 1,
        };
        let count: u64 = number.parse().map_err(|_| invalid())?;
        seconds = count
            .checked_mul(factor)
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(invalid)?;
        units = units.get(position + 1..).unwrap_or_default();
        rest = tail.get(1..).unwrap_or_default();
    }
    if text.is_empty() {
        Err(invalid())
    } else {
        Ok(Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_style_and_days_are_read() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("1h30m", 5400),
            ("720h", 2_592_000),
            ("30d", 2_592_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "1m1h",
            "1.5h",
            "-1s",
            "1w",
            "99999999999999999999s",
            "1s1s",
            "é",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
