//! How often the Speech service is asked to make something for one object, whatever vanishes, fails, is refused or lies.
//!
//! The first request leaves at once, and so may one more. From then on each waits longer than the one before: up to a day
//! where something was made, so that who deletes it each time gets ever fewer and not one each time; up to four hours where
//! nothing was, because what keeps it from being made may end.
//!
//! A change of the spec begins anew: it is a new declaration. A request for a reconcile only shortens the wait to ten
//! minutes, because requests may come from a loop. A day of silence beyond the wait begins anew, too: what was made has lived.
use crate::{retry::work_delay, text::after};
use jiff::{SignedDuration, Timestamp};
use speech_api::tally::Tally;

/// Requests of one kind that an object causes at most within a minute, whoever orders them. An answer of 429 does not count:
/// by its own word it had no effect.
pub const MOST_PER_MINUTE: usize = 2;
/// The same within an hour, while neither the spec is changed nor a reconcile is requested.
pub const MOST_PER_HOUR: usize = 4;
/// The same within a day.
pub const MOST_PER_DAY: usize = 11;
/// Things of one kind that come to be for an object at most within a day, as far as they are ever seen.
pub const MOST_MADE_PER_DAY: usize = 9;

/// The longest wait while nothing comes of the requests.
const LONGEST_OF_EMPTY: SignedDuration = SignedDuration::from_hours(4);
/// So many in a row are left of more where somebody asks for the next: ten minutes of waiting.
const LEFT_ON_REQUEST: u32 = 2;
/// The longest wait after a change of the spec. The bound of a minute holds where the requests arrive, so that one may be
/// on its way for another minute.
const LONGEST_ON_CHANGE: SignedDuration = SignedDuration::from_mins(2);
/// So much longer than it had to wait something has lived.
const LIVED: SignedDuration = SignedDuration::from_hours(24);

/// What the next request of a kind depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Those before it; absent before the first.
    tally: Option<Tally>,
    /// The generation of the spec.
    generation: i64,
}

impl Pace {
    /// `void` says that nothing was ever seen of the last request.
    pub fn new(before: Option<Tally>, void: bool, generation: i64) -> Self {
        let tally = before.map(|tally| if void { empty(tally) } else { tally });
        Self { tally, generation }
    }

    /// From when on the next request may be announced; absent where it may at any time.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let tally = self.tally?;
        // No honest clock wrote a later date: whoever wrote it was ahead, and is so no more.
        if tally.at > after(now, LIVED) {
            return None;
        }
        let wait = rest(&tally);
        let wait = if tally.generation == self.generation {
            wait
        } else {
            wait.min(LONGEST_ON_CHANGE)
        };
        (!wait.is_zero()).then(|| after(tally.at, wait))
    }

    /// What an announcement says that is made now.
    pub fn announced(&self, now: Timestamp) -> Tally {
        // Later than the one before, so that the two can be told apart.
        let just_before = self
            .tally
            .filter(|tally| tally.at >= now && tally.at < after(now, LONGEST_ON_CHANGE));
        let at = just_before.map_or(now, |tally| after(tally.at, SignedDuration::from_nanos(1)));
        // Whoever edits in a row gets two at once as well, and no more.
        let edited = self.is_edited() && self.tally.is_some_and(|tally| now < after(tally.at, LONGEST_ON_CHANGE));
        let first = Tally {
            made: 1 + u32::from(edited),
            empty: 0,
            at,
            generation: self.generation,
        };
        let same = |tally: &Tally| tally.generation == self.generation && now < after(tally.at, rest(tally) + LIVED);
        match self.tally.filter(same) {
            Some(tally) => Tally {
                made: tally.made.saturating_add(1),
                empty: tally.empty,
                ..first
            },
            None => first,
        }
    }

    /// Whether the spec was changed since the last request.
    pub fn is_edited(&self) -> bool {
        self.tally
            .as_ref()
            .is_some_and(|tally| tally.generation != self.generation)
    }

    /// How many requests in a row came to nothing that lasted.
    pub fn in_a_row(&self) -> u32 {
        self.tally.as_ref().map_or(0, all)
    }
}

/// The same once it is known that the last request was refused, or that nothing was ever seen of it.
pub fn empty(tally: Tally) -> Tally {
    Tally {
        empty: tally.empty.saturating_add(1),
        ..unsent(tally)
    }
}

/// The same once it is known that the last request never took effect.
pub fn unsent(tally: Tally) -> Tally {
    Tally {
        made: tally.made.saturating_sub(1),
        ..tally
    }
}

/// The same once somebody asked for the next.
pub fn requested(tally: Tally) -> Tally {
    let made = tally.made.min(LEFT_ON_REQUEST);
    Tally {
        made,
        empty: tally.empty.min(LEFT_ON_REQUEST - made),
        ..tally
    }
}

fn all(tally: &Tally) -> u32 {
    tally.made.saturating_add(tally.empty)
}

/// How long the next request waits after the last.
fn rest(tally: &Tally) -> SignedDuration {
    let after_so_many = |number: u32| match i32::try_from(number).unwrap_or(i32::MAX) {
        0 | 1 => SignedDuration::ZERO,
        many => work_delay(many - 1),
    };
    after_so_many(tally.made).max(after_so_many(all(tally)).min(LONGEST_OF_EMPTY))
}

#[cfg(test)]
mod tests;
