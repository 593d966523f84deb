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
    fn anything_else_counts_as_absent() {
        for value in ["", "-1", "soon", "1.5"] {
            assert_eq!(read(&[("retry-after", value)]), None, "{value}");
        }
        assert_eq!(read(&[]), None);
    }
}
