//! What a spec sets for the Speech resource of a connection, read once.
use crate::queue::Limits;
use speech_api::{SpeechConnectionSpec, connection::RequestBudget, duration};
use std::time::Duration;

/// The interval of the sweeps where the spec has none that can be read.
const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// The window of the budget where the spec has none that can be read.
const WINDOW: Duration = Duration::from_secs(10);

/// So many requests in any window of such a length.
pub type Rate = (u32, Duration);

/// How a Speech resource is to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The interval of the sweeps.
    pub poll_interval: Duration,
    /// How many requests the spec allows.
    pub rate: Rate,
    /// How much of a kind may run at a time.
    pub limits: Limits,
}

impl Settings {
    /// What a spec says. One that was stored before there were bounds counts as the nearest that works.
    pub fn of(spec: &SpeechConnectionSpec) -> Self {
        let at_least_one = |number: i32| usize::try_from(number).unwrap_or(1).max(1);
        Self {
            poll_interval: duration::parse(&spec.poll_interval).unwrap_or(POLL_INTERVAL),
            rate: rate(&spec.request_budget),
            limits: Limits {
                swaps: at_least_one(spec.max_concurrent_swaps),
                trainings: at_least_one(spec.max_concurrent_trainings),
            },
        }
    }
}

/// The rate of a budget. One that was stored before there was a least one counts as the least, so that no object waits for
/// ever.
fn rate(spec: &RequestBudget) -> Rate {
    let per = duration::parse(&spec.per).unwrap_or(WINDOW);
    let least = u32::try_from(per.as_secs().div_ceil(10)).unwrap_or(u32::MAX);
    (u32::try_from(spec.requests).unwrap_or(1).max(least), per)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_that_no_object_could_live_on_is_raised_to_the_least_one() {
        for (requests, per, expected) in [
            (80, "10s", (80, 10)),
            (1, "10s", (1, 10)),
            (1, "11s", (2, 11)),
            (1, "1h", (360, 3600)),
            (400, "1h", (400, 3600)),
            (0, "1s", (1, 1)),
        ] {
            let per = per.to_owned();
            let (most, window) = rate(&RequestBudget { requests, per });
            assert_eq!((most, window.as_secs()), expected, "{requests} {window:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_would_stop_everything_counts_as_the_nearest_that_works() {
        let text = "{endpoint: 'https://x.example', auth: {}, pollInterval: often, maxConcurrentSwaps: -1, \
                    maxConcurrentTrainings: 0, requestBudget: {requests: 5, per: soon}}";
        let settings = Settings::of(&serde_saphyr::from_str(text).unwrap());
        let limits = Limits { swaps: 1, trainings: 1 };
        assert_eq!(
            settings,
            Settings {
                poll_interval: POLL_INTERVAL,
                rate: (5, WINDOW),
                limits,
            }
        );
    }
}
