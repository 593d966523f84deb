//! When which lists are read, as a machine without I/O: whoever drives it waits until a look is due, asks what to read,
//! reads it, and reports what came of it.
use super::{Failed, Failures, LastLook, Scope, Seen};
use jiff::{SignedDuration, Timestamp};
use speech_plan::{List, connection::Contact, relations::Uses};
use speech_service::Error;
use std::collections::HashSet;

/// Base models appear a few times a year; datasets and evaluations seldom change unless an object waits for one.
const RARE_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// When the lists of a Speech resource are read.
#[derive(Clone, Debug, Default, Hash)]
pub struct Schedule {
    failures: Failures,
    whole_at: Option<Timestamp>,
    /// How far ahead `whole_at` was set after a failure.
    pause: SignedDuration,
    base_models_at: Option<Timestamp>,
    datasets_at: Option<Timestamp>,
    evaluations_at: Option<Timestamp>,
    last_look: LastLook,
}

/// The present, and how far two whole looks are apart.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// UTC, by our clock.
    pub now: Timestamp,
    /// The interval of the sweeps.
    pub interval: SignedDuration,
}

#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What is read.
    pub scope: Scope,
    /// Whether all is read that every object needs, and not only what somebody waits for.
    pub is_whole: bool,
    pace: Pace,
    collects: bool,
    has_gates: bool,
}

impl Pace {
    fn ahead(self, span: SignedDuration) -> Timestamp {
        self.now.saturating_add(span).unwrap_or(self.now)
    }

    /// A date further ahead than it was ever set means that our clock was set back since.
    fn is_past(self, at: Option<Timestamp>, most: SignedDuration) -> bool {
        at.is_none_or(|at| at <= self.now || at.duration_since(self.now) > most)
    }
}

impl Schedule {
    /// When a whole look is due (UTC); absent where none was taken yet. Never further ahead than it was meant, also when our
    /// clock is set back.
    pub fn due(&self, pace: Pace) -> Option<Timestamp> {
        let most = pace.ahead(pace.interval.max(self.pause));
        self.whole_at.map(|at| at.min(most))
    }

    /// What to read now. Somebody waits for the awaited lists; `held` says whether evaluations of ours are known.
    pub fn look(&mut self, pace: Pace, awaited: &HashSet<List>, uses: impl FnOnce() -> Uses, held: bool) -> Look {
        let is_whole = pace.is_past(self.whole_at, pace.interval) || self.failures.count() > 0 || awaited.is_empty();
        let is_due = |at| is_whole && pace.is_past(at, RARE_INTERVAL);
        let collects = is_due(self.evaluations_at);
        let uses = match is_due(self.datasets_at) || collects {
            true => uses(),
            false => Uses::default(),
        };
        let is_awaited = |list| awaited.contains(&list);
        let scope = Scope {
            endpoints: is_whole || is_awaited(List::Endpoints),
            models: is_whole || is_awaited(List::Models),
            base_models: is_due(self.base_models_at),
            datasets: is_awaited(List::Datasets) || (uses.datasets && is_due(self.datasets_at)),
            evaluations: is_awaited(List::Evaluations) || (collects && self.last_look.wants(uses.evaluations, held)),
        };
        if is_awaited(List::Evaluations) {
            self.last_look.awaited();
        }
        Look {
            scope,
            is_whole,
            pace,
            collects,
            has_gates: uses.evaluations,
        }
    }

    /// Notes which of the lists were read that only some objects need. One that could not be read is read again at the next
    /// whole look.
    pub fn read(&mut self, look: &Look, seen: &Seen) {
        let again = Some(look.pace.ahead(RARE_INTERVAL));
        if seen.has_datasets {
            self.datasets_at = again;
        }
        if seen.has_evaluations || (look.scope.evaluations && look.collects && !look.has_gates) {
            self.evaluations_at = again;
        }
        if seen.has_evaluations && look.collects {
            self.last_look.taken(look.has_gates, seen.lacks_evaluations);
        }
    }

    /// The lists that all objects need were read. What is read with a key that only deletions may use still is no whole look.
    pub fn succeeded(&mut self, look: &Look, counts_as_whole: bool) {
        self.failures = Failures::default();
        if counts_as_whole {
            self.whole_at = Some(look.pace.ahead(look.pace.interval));
            self.pause = SignedDuration::ZERO;
        }
        if look.scope.base_models {
            self.base_models_at = Some(look.pace.ahead(RARE_INTERVAL));
        }
    }

    /// A look failed, after such a contact.
    pub fn failed(&mut self, pace: Pace, error: &Error, before: &Contact) -> Failed {
        let failed = self.failures.failed(error, before, pace.interval.unsigned_abs());
        self.pause = SignedDuration::try_from(failed.pause).unwrap_or(SignedDuration::MAX);
        self.whole_at = Some(pace.ahead(self.pause));
        failed
    }

    /// A look that did not come to an end: our own mistake, which must not end the looks at the resource.
    pub fn broke_off(&mut self, pace: Pace) {
        self.failures.broke_off();
        self.put_off(pace);
    }

    /// The next whole look comes an interval later, whatever this one brought.
    pub fn put_off(&mut self, pace: Pace) {
        self.whole_at = Some(pace.ahead(pace.interval));
    }

    /// The resource is reached in another way: what the former was refused for says nothing of this one.
    pub fn forgive(&mut self) {
        self.failures = Failures::default();
    }

    /// Another resource took the place of this one: all lists are read again.
    pub fn begin_anew(&mut self) {
        (self.base_models_at, self.datasets_at, self.evaluations_at) = (None, None, None);
    }

    /// When the base models are read again, at the earliest (UTC); absent where they were never read.
    pub fn base_models_due(&self) -> Option<Timestamp> {
        self.base_models_at
    }

    /// How many looks have failed in a row.
    pub fn failures(&self) -> u32 {
        self.failures.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATES: Uses = Uses {
        datasets: true,
        evaluations: true,
    };

    fn at(seconds: i64) -> Pace {
        Pace {
            now: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(100_000 + seconds),
            interval: SignedDuration::from_secs(60),
        }
    }

    fn nobody() -> HashSet<List> {
        HashSet::new()
    }

    fn names(scope: Scope) -> Vec<&'static str> {
        let lists = [
            (scope.endpoints, "endpoints"),
            (scope.models, "models"),
            (scope.base_models, "base models"),
            (scope.datasets, "datasets"),
            (scope.evaluations, "evaluations"),
        ];
        let read = lists.into_iter().filter(|(is_read, _)| *is_read);
        read.map(|(_, name)| name).collect()
    }

    /// A look at which all goes well.
    fn looks(schedule: &mut Schedule, seconds: i64, awaited: &[List], uses: Uses) -> Vec<&'static str> {
        let awaited = awaited.iter().copied().collect();
        let look = schedule.look(at(seconds), &awaited, || uses, false);
        let seen = Seen {
            has_datasets: look.scope.datasets,
            has_evaluations: look.scope.evaluations,
            ..Seen::default()
        };
        schedule.read(&look, &seen);
        schedule.succeeded(&look, look.is_whole);
        names(look.scope)
    }

    #[test]
    fn what_seldom_changes_is_read_every_ten_minutes_and_what_nobody_needs_is_not() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.due(at(0)), None, "at once");
        let first = looks(&mut schedule, 0, &[], Uses::default());
        assert_eq!(
            first,
            ["endpoints", "models", "base models", "evaluations"],
            "a former process may have asked"
        );
        assert_eq!(schedule.due(at(0)), Some(at(60).now));
        assert_eq!(
            looks(&mut schedule, 60, &[], GATES),
            ["endpoints", "models", "datasets"]
        );
        assert_eq!(looks(&mut schedule, 120, &[], GATES), ["endpoints", "models"]);
        assert_eq!(
            looks(&mut schedule, 700, &[], GATES),
            ["endpoints", "models", "base models", "datasets", "evaluations"]
        );
    }

    #[test]
    fn what_somebody_waits_for_is_read_alone_until_a_whole_look_is_due() {
        let mut schedule = Schedule::default();
        looks(&mut schedule, 0, &[], Uses::default());
        assert_eq!(looks(&mut schedule, 1, &[List::Models], GATES), ["models"]);
        assert_eq!(looks(&mut schedule, 2, &[List::Datasets], GATES), ["datasets"]);
        assert_eq!(schedule.due(at(2)), Some(at(60).now), "put off by none of these");
        assert_eq!(
            looks(&mut schedule, 60, &[List::Models], Uses::default()),
            ["endpoints", "models"]
        );
    }

    #[test]
    fn a_clock_that_is_set_back_puts_no_look_off() {
        let mut schedule = Schedule::default();
        looks(&mut schedule, 3600, &[], Uses::default());
        assert_eq!(schedule.due(at(0)), Some(at(60).now));
        let look = schedule.look(at(0), &[List::Models].into(), Uses::default, false);
        assert!(look.is_whole && look.scope.base_models);
    }

    #[test]
    fn after_a_failure_the_next_look_is_whole_and_a_list_that_was_not_read_is_read_again() {
        let mut schedule = Schedule::default();
        looks(&mut schedule, 0, &[], Uses::default());
        schedule.broke_off(at(1));
        assert_eq!((schedule.failures(), schedule.due(at(1))), (1, Some(at(61).now)));
        let look = schedule.look(at(2), &[List::Models].into(), || GATES, false);
        assert!(look.is_whole && look.scope.datasets);
        schedule.read(&look, &Seen::default());
        schedule.succeeded(&look, true);
        assert_eq!(schedule.failures(), 0);
        assert!(
            schedule.look(at(3), &nobody(), || GATES, false).scope.datasets,
            "it could not be read"
        );
    }

    #[test]
    fn a_look_for_deletions_alone_puts_the_whole_one_off_by_nothing() {
        let mut schedule = Schedule::default();
        looks(&mut schedule, 0, &[], Uses::default());
        let look = schedule.look(at(60), &nobody(), Uses::default, false);
        schedule.succeeded(&look, false);
        assert_eq!(schedule.due(at(60)), Some(at(60).now));
    }
}
