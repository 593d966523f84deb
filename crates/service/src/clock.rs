//! The operator's only source of the present.
//!
//! In production it is the system's clock. For development it can follow the clock of an emulator, which may jump and run
//! faster, so that years pass in seconds.
use crate::install_crypto;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::watch;
use url::Url;

/// How long a question for the next change of the followed clock may stay open.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Tells the time (UTC), and waits for a time.
#[derive(Clone, Debug)]
pub struct Clock {
    followed: Option<watch::Receiver<Readings>>,
    is_the_services: bool,
}

/// A clock that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("the development clock at {url} does not answer")]
pub struct ClockError {
    url: Url,
    source: reqwest::Error,
}

/// The present for a program that looks once: as it is told, else by a development clock, else by the system's.
///
/// # Errors
///
/// When the development clock does not answer.
pub async fn present(told: Option<Timestamp>, development_clock: Option<&Url>) -> Result<Timestamp, ClockError> {
    match (told, development_clock) {
        (Some(now), _) => Ok(now),
        (None, None) => Ok(Timestamp::now()),
        (None, Some(url)) => {
            install_crypto();
            let read = read(&reqwest::Client::new(), url, None).await;
            let url = url.clone();
            read.map(|reading| reading.now)
                .map_err(|source| ClockError { url, source })
        }
    }
}

/// Reads a moment as people write it: RFC 3339, or a day, which begins at midnight UTC.
///
/// # Errors
///
/// When it is neither.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<jiff::civil::Date>().and_then(|day| day.in_tz("UTC"));
    let moment = text.parse().or_else(|_| day().map(|day| day.timestamp()));
    moment.map_err(|_| "write a day such as 2027-06-30, or a time such as 2027-06-30T09:00:00Z".to_owned())
}

/// One reading of a followed clock: it holds until the next.
#[derive(Clone, Copy, Debug)]
struct Reading {
    now: Timestamp,
    rate: f64,
    version: u64,
    /// When it was taken, by the system's clock.
    taken_at: Timestamp,
}

/// All readings since the process began, oldest first; never empty.
#[derive(Clone, Debug)]
struct Readings {
    before: Vec<Reading>,
    last: Reading,
}

#[derive(Deserialize)]
struct Answer {
    now: Timestamp,
    rate: f64,
    version: u64,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self {
            followed: None,
            is_the_services: false,
        }
    }

    /// The clock of a development is beside it: no proxy is on the way.
    fn direct(url: &Url) -> Result<reqwest::Client, ClockError> {
        let built = reqwest::Client::builder().no_proxy().build();
        built.map_err(|source| ClockError {
            url: url.clone(),
            source,
        })
    }

    /// Follows the clock at a URL from now on. For development only. With an `offsetSeconds` in the URL it is that of a
    /// machine whose clock is wrong, else it is the clock of the service itself.
    pub async fn follow(url: Url) -> Result<Self, ClockError> {
        let client = Self::direct(&url)?;
        let is_the_services = !url.query_pairs().any(|(name, _)| name == "offsetSeconds");
        let first = read(&client, &url, None).await.map_err(|source| ClockError {
            url: url.clone(),
            source,
        })?;
        let (sender, receiver) = watch::channel(Readings {
            before: Vec::new(),
            last: first,
        });
        tokio::spawn(async move {
            loop {
                let after = sender.borrow().last.version;
                match read(&client, &url, Some(after)).await {
                    // Ours is exact between changes; another reading of the same version would only add jitter.
                    Ok(reading) if reading.version != after => sender.send_modify(|readings| {
                        readings.before.push(readings.last);
                        readings.last = reading;
                    }),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "the development clock does not answer");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
                if sender.is_closed() {
                    return;
                }
            }
        });
        Ok(Self {
            followed: Some(receiver),
            is_the_services,
        })
    }

    /// Whether this is the service's own clock. Then there is no difference to measure: while it jumps, answers that are
    /// on their way would seem to prove one.
    pub fn is_the_services(&self) -> bool {
        self.is_the_services
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        match &self.followed {
            None => Timestamp::now(),
            Some(receiver) => receiver.borrow().last.at(Timestamp::now()),
        }
    }

    /// When, by this clock, something happened that the cluster stamped by the system's clock.
    pub fn place(&self, stamped: Timestamp) -> Timestamp {
        self.followed
            .as_ref()
            .map_or(stamped, |receiver| receiver.borrow().at(stamped))
    }

    /// How long a machine that sleeps has to sleep until then, as the clock runs now.
    pub fn wait_for(&self, at: Timestamp) -> Duration {
        let ahead = at.duration_since(self.now());
        let rate = self
            .followed
            .as_ref()
            .map_or(1.0, |receiver| receiver.borrow().last.rate);
        real(ahead, rate)
    }

    /// Sleeps until then, or at most so long by the system's clock; wakes when a followed clock jumps there.
    pub async fn sleep_until(&self, at: Timestamp) {
        let Some(mut receiver) = self.followed.clone() else {
            return tokio::time::sleep(self.wait_for(at)).await;
        };
        while self.now() < at {
            tokio::select! {
                () = tokio::time::sleep(self.wait_for(at)) => {}
                changed = receiver.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Waits for the next jump of a followed clock; for ever where there is none.
    pub async fn jumped(&mut self) {
        if let Some(receiver) = &mut self.followed
            && receiver.changed().await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

impl Reading {
    /// What the followed clock showed at a time of the system's clock.
    fn at(&self, system: Timestamp) -> Timestamp {
        let passed = system.duration_since(self.taken_at).as_secs_f64() * self.rate;
        SignedDuration::try_from_secs_f64(passed)
            .ok()
            .and_then(|passed| self.now.checked_add(passed).ok())
            .unwrap_or(self.now)
    }
}

impl Readings {
    /// What the followed clock showed at a time of the system's clock, which may lie before a jump.
    fn at(&self, system: Timestamp) -> Timestamp {
        let earlier = self.before.iter().rev().find(|reading| reading.taken_at <= system);
        let reading = if self.last.taken_at <= system {
            &self.last
        } else {
            earlier.or(self.before.first()).unwrap_or(&self.last)
        };
        reading.at(system)
    }
}

/// The real time that a span of the clock takes; never zero, so that nothing spins, and bounded.
fn real(ahead: SignedDuration, rate: f64) -> Duration {
    const LEAST: f64 = 0.001;
    const MOST: f64 = 86_400.0 * 30.0;
    let seconds = if rate > 0.0 { ahead.as_secs_f64() / rate } else { MOST };
    Duration::from_secs_f64(seconds.clamp(LEAST, MOST))
}

async fn read(client: &reqwest::Client, url: &Url, after: Option<u64>) -> Result<Reading, reqwest::Error> {
    let mut request = client.get(url.clone()).timeout(LONG_POLL + Duration::from_secs(10));
    if let Some(after) = after {
        request = request.query(&[("after", after), ("timeoutSeconds", LONG_POLL.as_secs())]);
    }
    let answer: Answer = request.send().await?.error_for_status()?.json().await?;
    Ok(Reading {
        now: answer.now,
        rate: answer.rate,
        version: answer.version,
        taken_at: Timestamp::now(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_told_comes_before_every_clock_and_a_day_begins_at_midnight() {
        let nowhere: Url = "http://127.0.0.1:9/control/clock".parse().unwrap();
        let told = moment("2028-07-16").unwrap();
        assert_eq!(told, "2028-07-16T00:00:00Z".parse().unwrap());
        assert_eq!(present(Some(told), Some(&nowhere)).await.unwrap(), told);
        assert_eq!(
            moment("2028-07-16T09:00:00Z").unwrap(),
            told + SignedDuration::from_hours(9)
        );
        assert!(moment("tomorrow").unwrap_err().contains("2027-06-30"));
    }

    #[test]
    fn a_stamp_from_before_a_jump_is_placed_before_the_jump() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let reading = |now, taken_at, rate| Reading {
            now: at(now),
            rate,
            version: 1,
            taken_at: at(taken_at),
        };
        let readings = Readings {
            before: vec![reading("2030-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 1.0)],
            last: reading("2031-01-01T00:00:00Z", "2026-01-01T01:00:00Z", 2.0),
        };
        for (stamped, placed) in [
            ("2025-12-31T23:00:00Z", "2029-12-31T23:00:00Z"),
            ("2026-01-01T00:30:00Z", "2030-01-01T00:30:00Z"),
            ("2026-01-01T02:00:00Z", "2031-01-01T02:00:00Z"),
        ] {
            assert_eq!(readings.at(at(stamped)), at(placed), "{stamped}");
        }
    }

    #[test]
    fn real_waits_follow_the_rate_and_are_never_zero() {
        for (ahead, rate, expected) in [
            (60, 1.0, 60.0),
            (60, 60.0, 1.0),
            (-5, 1.0, 0.001),
            (5, 0.0, 86_400.0 * 30.0),
        ] {
            assert_eq!(
                real(SignedDuration::from_secs(ahead), rate).as_secs_f64(),
                expected,
                "{ahead} at {rate}"
            );
        }
    }
}
