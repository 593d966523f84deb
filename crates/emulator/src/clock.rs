//! The emulator's clock: real time moved by jumps and scaled by a rate.
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The largest rate; about three years pass in a second.
pub const MAX_RATE: f64 = 1e8;

/// A clock that follows real time at a rate, from the moment it was last set.
#[derive(Debug)]
pub struct Clock {
    set_to: Timestamp,
    set_at: Instant,
    rate: f64,
    version: u64,
}

/// A change asked of the clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockChange {
    /// The new time.
    pub now: Option<Timestamp>,
    /// How far to move forward.
    pub advance: Option<SignedDuration>,
    /// Clock seconds per real second; 0 stops the clock.
    pub rate: Option<f64>,
    /// Allows `now` to lie before the present time.
    pub force: bool,
}

impl Clock {
    /// A clock that shows `now` at this moment.
    pub fn starting_at(now: Timestamp, rate: f64) -> Self {
        Self {
            set_to: now,
            set_at: Instant::now(),
            rate,
            version: 1,
        }
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The time shown at a real moment; exact when the rate is 1.
    fn at(&self, moment: Instant) -> Timestamp {
        let passed = moment.saturating_duration_since(self.set_at);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let scaled = scale(passed, self.rate);
        self.set_to.checked_add(scaled).unwrap_or(Timestamp::MAX)
    }

    /// Clock seconds per real second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Rises with each change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Applies a change; the text says why one is refused.
    pub fn change(&mut self, change: ClockChange) -> Result<(), String> {
        if let Some(rate) = change.rate
            && !(0.0..=MAX_RATE).contains(&rate)
        {
            return Err(format!("rate must lie between 0 and {MAX_RATE:e}"));
        }
        let moment = Instant::now();
        let present = self.at(moment);
        let target = match (change.now, change.advance) {
            (Some(_), Some(_)) => return Err("give either now or advance, not both".to_owned()),
            (None, None) if change.rate.is_none() => return Err("give now, advance or rate".to_owned()),
            (None, None) => present,
            (Some(now), None) => now,
            (None, Some(advance)) => present
                .checked_add(advance)
                .map_err(|_| "advance leads past the end of time".to_owned())?,
        };
        if target < present && !change.force {
            return Err(format!(
                "{target} lies before the clock's {present}; going back needs \"force\": true"
            ));
        }
        self.set_to = target;
        self.set_at = moment;
        self.rate = change.rate.unwrap_or(self.rate);
        self.version += 1;
        Ok(())
    }

    /// What the control API says of the clock, as a machine sees it whose own is so far ahead.
    pub fn describe(&self, offset: SignedDuration) -> Value {
        let now = self.now().saturating_add(offset).unwrap_or(Timestamp::MAX);
        json!({ "now": now.to_string(), "rate": self.rate, "version": self.version })
    }
}

/// Multiplies without leaving whole nanoseconds when the rate is 1.
fn scale(passed: SignedDuration, rate: f64) -> SignedDuration {
    if rate == 1.0 {
        return passed;
    }
    SignedDuration::try_from_secs_f64(passed.as_secs_f64() * rate).unwrap_or(SignedDuration::MAX)
}

/// Reads `90d`, `36h`, `45m` or `10s`, also joined as in `1d12h`.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let mut total: i64 = 0;
    let mut digits = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit = match character {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let count: i64 = digits.parse().ok()?;
        digits.clear();
        total = total.checked_add(count.checked_mul(unit)?)?;
    }
    (digits.is_empty() && !text.is_empty()).then(|| SignedDuration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn clock() -> Clock {
        Clock::starting_at(time("2026-01-01T00:00:00Z"), 1.0)
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_runs_exactly_with_real_time_at_rate_one() {
        let clock = clock();
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(clock.now(), time("2026-01-01T00:00:01.5Z"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_time_is_lost_or_won_when_the_rate_changes() {
        let mut clock = clock();
        tokio::time::advance(Duration::from_secs(10)).await;
        clock
            .change(ClockChange {
                rate: Some(60.0),
                ..ClockChange::default()
            })
            .unwrap();
        assert_eq!(clock.now(), time("2026-01-01T00:00:10Z"));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now(), time("2026-01-01T00:02:10Z"));
        clock
            .change(ClockChange {
                rate: Some(0.0),
                ..ClockChange::default()
            })
            .unwrap();
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(clock.now(), time("2026-01-01T00:02:10Z"));
    }

    #[test]
    fn each_change_raises_the_version_and_a_refused_one_does_not() {
        let mut clock = clock();
        clock
            .change(ClockChange {
                advance: parse_duration("90d"),
                ..ClockChange::default()
            })
            .unwrap();
        assert_eq!(clock.version(), 2);
        assert!(clock.now() >= time("2026-04-01T00:00:00Z"));
        clock.change(ClockChange::default()).unwrap_err();
        assert_eq!(clock.version(), 2);
    }

    #[test]
    fn going_back_needs_force() {
        let mut clock = clock();
        let back = ClockChange {
            now: Some(time("2025-01-01T00:00:00Z")),
            ..ClockChange::default()
        };
        assert!(clock.change(back).unwrap_err().contains("force"));
        clock.change(ClockChange { force: true, ..back }).unwrap();
        assert!(clock.now() < time("2025-01-02T00:00:00Z"));
    }

    #[test]
    fn a_rate_that_is_negative_or_not_a_number_is_refused() {
        for rate in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(
                clock()
                    .change(ClockChange {
                        rate: Some(rate),
                        ..ClockChange::default()
                    })
                    .is_err()
            );
        }
    }

    #[test]
    fn durations_need_a_unit_and_may_be_joined() {
        assert_eq!(parse_duration("1d12h"), Some(SignedDuration::from_hours(36)));
        assert_eq!(parse_duration("10s"), Some(SignedDuration::from_secs(10)));
        for wrong in ["", "10", "d", "-1d", "5w", "1.5h", "99999999999999999999d"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
