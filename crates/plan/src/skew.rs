//! What follows from clocks that differ.
//!
//! | the service's clock and ours differ by | what happens |
//! | --- | --- |
//! | any certain amount | the later of both is the present: nothing that either takes for expired is ever promoted |
//! | more than 30 s | told: condition `ClockSkew` of the connection, metric, event |
//! | more than 10 min | swaps, trainings and deletions by date wait, unless their deadline is near by the later clock |
//!
//! What ends a statement lies well below what begins it, so that a difference that wobbles is told once.
use super::text::{after, before};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    Reason,
    condition::{CLOCK_SKEW, Statement, Truth},
};

/// More than this is told, until it is less than the second.
const TOLD: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(30), SignedDuration::from_secs(20));
/// More than this holds back what follows from dates alone, until it is less than the second.
const HELD: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(10), SignedDuration::from_mins(8));

/// How the clocks of a Speech resource and of the operator differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew {
    /// How far the service's clock is ahead for certain; negative if it is behind.
    pub ahead: SignedDuration,
    /// What is made of it.
    level: Level,
}

/// What is made of a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// Nothing.
    #[default]
    Fine,
    Told,
    /// What follows from dates alone waits.
    Held,
}

impl Skew {
    /// The next measurement.
    pub fn measured(self, ahead: SignedDuration) -> Self {
        let size = ahead.abs();
        let beyond = |level, bounds: (SignedDuration, SignedDuration)| {
            size > if self.level >= level { bounds.1 } else { bounds.0 }
        };
        let level = if beyond(Level::Held, HELD) {
            Level::Held
        } else if beyond(Level::Told, TOLD) {
            Level::Told
        } else {
            Level::Fine
        };
        Self { ahead, level }
    }

    /// The later of both clocks, when ours shows this: the present of every decision.
    pub fn later(self, local: Timestamp) -> Timestamp {
        after(local, self.ahead.max(SignedDuration::ZERO))
    }

    /// The earlier of both clocks, when ours shows this: the present for the deletion of what has become old.
    pub fn earlier(self, local: Timestamp) -> Timestamp {
        after(local, self.ahead.min(SignedDuration::ZERO))
    }

    /// What our clock shows when the later of both shows this: the end of a wait.
    pub fn local_of_later(self, later: Timestamp) -> Timestamp {
        before(later, self.ahead.max(SignedDuration::ZERO))
    }

    /// What our clock shows when the earlier of both shows this.
    pub fn local_of_earlier(self, earlier: Timestamp) -> Timestamp {
        before(earlier, self.ahead.min(SignedDuration::ZERO))
    }

    /// The earlier of both clocks, when the later shows this.
    pub fn earlier_of_later(self, later: Timestamp) -> Timestamp {
        before(later, self.ahead.abs())
    }

    /// What the later of both clocks shows when the service's shows this: for what the service has stamped.
    pub fn later_of_service(self, stamped: Timestamp) -> Timestamp {
        before(stamped, self.ahead.min(SignedDuration::ZERO))
    }

    /// Whether what follows from dates alone waits.
    pub fn holds(self) -> bool {
        self.level == Level::Held
    }

    /// Whether the same is made of both.
    pub fn is_as(self, other: Self) -> bool {
        self.level == other.level && (self.level == Level::Fine || self.direction() == other.direction())
    }

    fn direction(self) -> &'static str {
        if self.ahead.is_negative() { "behind" } else { "ahead of" }
    }

    /// The condition `ClockSkew` of a connection, present only while there is something to tell. The figure is left to the
    /// metric, so that the words stay the same.
    pub fn statement(self) -> Option<Statement> {
        let (reason, size, consequence) = match self.level {
            Level::Fine => return None,
            Level::Told => (
                Reason::ClocksDiffer,
                "30 seconds",
                "the later of both counts for every expiry",
            ),
            Level::Held => (
                Reason::ClocksDifferWidely,
                "10 minutes",
                "the later of both counts for every expiry, and swaps, trainings and deletions by date wait until the clocks agree or their deadline is near",
            ),
        };
        let direction = self.direction();
        Some(Statement {
            kind: CLOCK_SKEW,
            truth: Truth::True,
            reason,
            message: format!(
                "the service's clock is more than {size} {direction} the operator's; {consequence}. See to the time synchronisation of the node"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_difference_is_told_and_held_once_though_it_wobbles() {
        const ROWS: [(&[i64], Option<Reason>); 11] = [
            (&[0, 1, -1, 30], None),
            (&[31], Some(Reason::ClocksDiffer)),
            (&[-31], Some(Reason::ClocksDiffer)),
            (&[31, 29, 21], Some(Reason::ClocksDiffer)),
            (&[31, 20], None),
            (&[600], Some(Reason::ClocksDiffer)),
            (&[601], Some(Reason::ClocksDifferWidely)),
            (&[601, 590, 481], Some(Reason::ClocksDifferWidely)),
            (&[601, 480], Some(Reason::ClocksDiffer)),
            (&[601, 20], None),
            (&[-172_800], Some(Reason::ClocksDifferWidely)),
        ];
        for (measured, told) in ROWS {
            let skew = measured
                .iter()
                .fold(Skew::default(), |skew, ahead| skew.measured(seconds(*ahead)));
            assert_eq!(skew.statement().map(|said| said.reason), told, "{measured:?}");
            assert_eq!(skew.holds(), told == Some(Reason::ClocksDifferWidely), "{measured:?}");
        }
    }

    #[test]
    fn what_wobbles_is_told_in_the_same_words() {
        let first = Skew::default().measured(seconds(3600));
        let next = first.measured(seconds(3602));
        assert_eq!(first.statement(), next.statement());
        assert!(first.is_as(next));
        assert!(!first.is_as(first.measured(seconds(-3600))));
    }

    #[test]
    fn the_later_clock_is_the_present_and_waits_are_our_own() {
        let local = at("2026-03-01T12:00:00Z");
        for (ahead, later, earlier) in [
            (0, "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
            (5, "2026-03-01T12:00:05Z", "2026-03-01T12:00:00Z"),
            (3600, "2026-03-01T13:00:00Z", "2026-03-01T12:00:00Z"),
            (-3600, "2026-03-01T12:00:00Z", "2026-03-01T11:00:00Z"),
            (172_800, "2026-03-03T12:00:00Z", "2026-03-01T12:00:00Z"),
            (-172_800, "2026-03-01T12:00:00Z", "2026-02-27T12:00:00Z"),
        ] {
            let skew = Skew::default().measured(seconds(ahead));
            assert_eq!(
                (skew.later(local), skew.earlier(local)),
                (at(later), at(earlier)),
                "{ahead}"
            );
            assert_eq!(skew.local_of_later(at(later)), local, "{ahead}");
            assert_eq!(skew.local_of_earlier(at(earlier)), local, "{ahead}");
            assert_eq!(skew.earlier_of_later(at(later)), at(earlier), "{ahead}");
            let service = local + seconds(ahead);
            assert_eq!(skew.later_of_service(service), at(later), "{ahead}");
        }
    }

    #[test]
    fn no_time_overflows() {
        let skew = Skew::default().measured(seconds(i64::MAX / 4));
        assert!(skew.later(Timestamp::MAX) >= skew.earlier(Timestamp::MAX));
        assert!(skew.local_of_later(Timestamp::MIN) <= Timestamp::MAX);
    }
}
