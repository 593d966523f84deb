//! The `Retry-After` header: seconds, or a date.
use http::{HeaderMap, HeaderValue, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use std::time::Duration;

/// No service means more than a day, and no caller's arithmetic overflows with it.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What an answer says about the earliest useful next try. A date counts from the answer's own `Date` where it has one,
/// so that a wrong clock on either side does not matter.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let then = http_date(text)?;
    let now = headers
        .get(header::DATE)
        .and_then(date_header)
        .unwrap_or_else(Timestamp::now);
    let wait = Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST))
}

/// What the words of gateways say of it: `Quota will be replenished in 2.12:03:11.`, `Try again in 4 seconds.`
pub(super) fn wait_in_words(message: &str) -> Option<Duration> {
    let message = message.to_lowercase();
    let (_, after) = ["replenished in ", "again in ", "again after ", "retry after "]
        .iter()
        .find_map(|words| message.split_once(words))?;
    let first = after.split_whitespace().next()?.trim_end_matches(['.', ',', ';', ')']);
    let seconds = if first.contains(':') {
        let (days, clock) = first.split_once('.').unwrap_or(("0", first));
        let mut seconds = 0_u64;
        for part in clock.split(':') {
            seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
        }
        days.parse::<u64>().ok()?.checked_mul(86_400)?.checked_add(seconds)?
    } else {
        let unit = match after.split_whitespace().nth(1)?.get(..3)? {
            "sec" => 1,
            "min" => 60,
            "hou" => 3_600,
            _ => return None,
        };
        first.parse::<u64>().ok()?.checked_mul(unit)?
    };
    Some(Duration::from_secs(seconds).min(LONGEST))
}

pub(super) fn date_header(value: &HeaderValue) -> Option<Timestamp> {
    http_date(value.to_str().ok()?.trim())
}

fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        retry_after(&map)
    }

    #[test]
    fn seconds_and_dates_are_understood_and_bounded() {
        const NOW: (&str, &str) = ("date", "Tue, 03 Feb 2026 08:15:00 GMT");
        assert_eq!(read(&[("retry-after", "30")]), Some(Duration::from_secs(30)));
        assert_eq!(read(&[("retry-after", "99999999999999999999999")]), Some(LONGEST));
        let date = ("retry-after", "Tue, 03 Feb 2026 08:16:10 GMT");
        assert_eq!(read(&[NOW, date]), Some(Duration::from_secs(70)));
        assert_eq!(read(&[date]), Some(Duration::ZERO), "a date in the past");
        assert_eq!(
            read(&[NOW, ("retry-after", "Tue, 03 Feb 2099 08:16:10 GMT")]),
            Some(LONGEST)
        );
    }

    #[test]
    fn the_words_of_gateways_tell_a_wait() {
        for (message, seconds) in [
            (
                "Out of call volume quota. Quota will be replenished in 2.12:03:11.",
                Some(86_400),
            ),
            (
                "Out of call volume quota. Quota will be replenished in 00:10:05.",
                Some(605),
            ),
            ("Rate limit is exceeded. Try again in 4 seconds.", Some(4)),
            ("Please retry after 2 minutes, or ask for more", Some(120)),
            ("Please retry after lunch", None),
            ("Quota will be replenished in a:b", None),
            ("Try again in 99999999999999999999 hours", None),
            ("Try again in 4 \u{e9}\u{e9}", None),
            ("Out of call volume quota.", None),
        ] {
            assert_eq!(wait_in_words(message), seconds.map(Duration::from_secs), "{message}");
        }
    }

    #[test]
    fn anything_else_counts_as_absent() {
        for value in ["", "-1", "soon", "1.5"] {
            assert_eq!(read(&[("retry-after", value)]), None, "{value}");
        }
        assert_eq!(read(&[]), None);
    }
}
