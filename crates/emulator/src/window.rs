//! The service's request limit: a sliding window in real time, so that jumps of the clock do not matter.
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// How many requests a Speech resource takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RateLimit {
    /// Requests in the window; 0 = no limit.
    pub requests: usize,
    /// Length of the window in real seconds.
    pub per_seconds: f64,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            requests: 100,
            per_seconds: 10.0,
        }
    }
}

/// The requests accepted within the last window.
#[derive(Clone, Debug, Default)]
pub struct Window(VecDeque<Instant>);

impl Window {
    /// Counts a request; else says how many seconds to wait until one would be taken.
    pub fn admit(&mut self, limit: RateLimit, now: Instant) -> Result<(), u64> {
        if limit.requests == 0 {
            return Ok(());
        }
        let length = Duration::try_from_secs_f64(limit.per_seconds).unwrap_or(Duration::MAX);
        while self
            .0
            .front()
            .is_some_and(|oldest| now.saturating_duration_since(*oldest) >= length)
        {
            self.0.pop_front();
        }
        if self.0.len() < limit.requests {
            self.0.push_back(now);
            return Ok(());
        }
        let waited = self
            .0
            .front()
            .map_or(length, |oldest| now.saturating_duration_since(*oldest));
        let left = length.saturating_sub(waited).as_secs_f64().ceil();
        // In range by the clamp.
        Err(left.clamp(1.0, 1e9) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides_and_tells_how_long_to_wait() {
        let limit = RateLimit {
            requests: 2,
            per_seconds: 10.0,
        };
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::default();
        assert_eq!(window.admit(limit, start), Ok(()));
        assert_eq!(window.admit(limit, after(4)), Ok(()));
        assert_eq!(window.admit(limit, after(5)), Err(5));
        assert_eq!(window.admit(limit, after(10)), Ok(()));
        assert_eq!(window.admit(limit, after(11)), Err(3));
    }

    #[test]
    fn refused_requests_do_not_count_and_zero_means_no_limit() {
        let limit = RateLimit {
            requests: 1,
            per_seconds: 1.0,
        };
        let now = Instant::now();
        let mut window = Window::default();
        assert_eq!(window.admit(limit, now), Ok(()));
        for _ in 0..50 {
            assert!(window.admit(limit, now).is_err());
        }
        assert_eq!(window.admit(limit, now + Duration::from_secs(1)), Ok(()));
        for _ in 0..50 {
            assert_eq!(window.admit(RateLimit { requests: 0, ..limit }, now), Ok(()));
        }
    }
}
