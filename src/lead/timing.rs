//! The three durations of an election.
use std::time::Duration;

/// How long a term is, and how often and how long its holder tries to prolong it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    term: Duration,
    renew_deadline: Duration,
    retry_period: Duration,
}

/// Durations that do not fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTiming {
    /// The Lease holds whole seconds.
    #[error("--leader-elect-lease-duration must be whole seconds, from 2s to 10m")]
    Term,
    /// Between giving up and the end of the term, what is under way must come to its end.
    #[error("--leader-elect-renew-deadline must be at least 1s shorter than --leader-elect-lease-duration")]
    Deadline,
    /// One renewal that fails must not end the term.
    #[error("--leader-elect-retry-period must be at least 1s and at most half of --leader-elect-renew-deadline")]
    Retry,
}

/// The longest term: who held it may be dead all that time.
pub const LONGEST_TERM: Duration = Duration::from_secs(600);
/// The shortest time between giving up and the end of the term.
const LEAST_MARGIN: Duration = Duration::from_secs(1);

impl Default for Timing {
    /// 15 s, 10 s, 3 s.
    fn default() -> Self {
        Self {
            term: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(3),
        }
    }
}

impl Timing {
    /// Takes durations that fit each other.
    pub fn new(term: Duration, renew_deadline: Duration, retry_period: Duration) -> Result<Self, InvalidTiming> {
        if term.subsec_nanos() != 0 || term < Duration::from_secs(2) || term > LONGEST_TERM {
            return Err(InvalidTiming::Term);
        }
        if renew_deadline + LEAST_MARGIN > term {
            return Err(InvalidTiming::Deadline);
        }
        if retry_period < Duration::from_secs(1) || retry_period * 2 > renew_deadline {
            return Err(InvalidTiming::Retry);
        }
        Ok(Self {
            term,
            renew_deadline,
            retry_period,
        })
    }

    /// A mistake, for a test that has to find it.
    #[cfg(test)]
    pub fn beyond_the_term() -> Self {
        Self {
            renew_deadline: Duration::from_secs(25),
            ..Self::default()
        }
    }

    /// How long a Lease counts as held after others saw it change.
    pub fn term(&self) -> Duration {
        self.term
    }

    /// How long after the start of the last successful renewal the holder acts at most.
    pub fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// From the start of one renewal to that of the next; also how long one request for the Lease may take, and how often
    /// a standby looks.
    pub fn retry_period(&self) -> Duration {
        self.retry_period
    }

    /// The pause after a request for the Lease that failed.
    pub fn pause(&self) -> Duration {
        self.retry_period / 3
    }

    /// What must be left before the deadline for a mutation to leave: none shall be begun only to be cut off.
    pub fn reserve(&self) -> Duration {
        self.renew_deadline / 5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(term: u64, deadline: u64, retry: u64) -> Result<Timing, InvalidTiming> {
        let of = Duration::from_secs;
        Timing::new(of(term), of(deadline), of(retry))
    }

    #[test]
    fn durations_that_do_not_fit_each_other_are_refused() {
        assert_eq!(seconds(15, 10, 3), Ok(Timing::default()));
        assert_eq!(seconds(1, 10, 3), Err(InvalidTiming::Term));
        assert_eq!(seconds(601, 10, 3), Err(InvalidTiming::Term));
        assert_eq!(seconds(10, 10, 3), Err(InvalidTiming::Deadline));
        assert_eq!(seconds(15, 10, 6), Err(InvalidTiming::Retry));
        assert_eq!(seconds(15, 10, 0), Err(InvalidTiming::Retry));
        let half = Timing::new(
            Duration::from_millis(2500),
            Duration::from_secs(1),
            Duration::from_secs(1),
        );
        assert_eq!(half, Err(InvalidTiming::Term));
    }
}
