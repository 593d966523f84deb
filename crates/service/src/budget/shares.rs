//! How the budget of a Speech resource is divided among the lanes: nothing is kept free for which there is no use.
use crate::request::Lane;

/// How much of a limit may be kept for dates at most, in percent: also what is kept while nobody has counted them.
const MOST_FOR_DATES: u32 = 55;
/// How much of a limit is kept for dates and for looks at least, in percent: a date that moves is told by a look, and
/// what is due at once must find room.
const SPARE: u32 = 10;
/// How much of a limit looks may use up, in percent, when nobody else wants it.
const MOST_FOR_LOOKS: u32 = 40;

/// The shares of the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    limit: u32,
    dates: u32,
    looks: u32,
}

impl Shares {
    /// Divides a limit of which so many starts may be needed for dates within a window; `None` while that is not known.
    pub fn of(limit: u32, dated: Option<u32>) -> Self {
        let part = |percent| portion(limit, percent);
        let most = part(MOST_FOR_DATES);
        Self {
            limit,
            dates: dated.map_or(most, |dated| dated.max(part(SPARE)).min(most)),
            // Rounded down: looks must not have the whole of a small limit.
            looks: limit / 10,
        }
    }

    /// How many starts a window may hold for this lane to start one more, if so many of them are looks; at least one.
    pub fn room(self, lane: Lane, looks: u32) -> u32 {
        let free = self.limit.saturating_sub(self.dates);
        let room = match lane {
            Lane::Deadline => self.limit,
            Lane::UserChange => free.saturating_sub(self.looks.saturating_sub(looks)),
            Lane::Sweep if self.owes_looks(looks) => free,
            Lane::Sweep => free.min(portion(self.limit, MOST_FOR_LOOKS)),
        };
        room.max(1)
    }

    /// Whether looks have not had their share of a window, so that they go before what users changed.
    pub fn owes_looks(self, looks: u32) -> bool {
        looks < self.looks
    }
}

/// A part of the limit, rounded up: of a small limit something is kept as well.
fn portion(limit: u32, percent: u32) -> u32 {
    u32::try_from((u64::from(limit) * u64::from(percent)).div_ceil(100)).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_date_and_no_look_needs_is_free_for_changes() {
        for (dated, looks, change, look) in [
            // Nobody has counted: more than half is kept.
            (None, 0, 28, 36),
            (None, 8, 36, 32),
            // No date is near: a tenth is kept for what comes up, and a tenth for looks.
            (Some(0), 0, 64, 72),
            (Some(0), 8, 72, 32),
            (Some(20), 8, 60, 32),
            // Dates never take more than their share from the others.
            (Some(80), 8, 36, 32),
        ] {
            let shares = Shares::of(80, dated);
            let room = |lane| shares.room(lane, looks);
            let found = (room(Lane::Deadline), room(Lane::UserChange), room(Lane::Sweep));
            assert_eq!(found, (80, change, look), "{dated:?} {looks}");
        }
    }

    #[test]
    fn each_lane_can_start_however_small_the_limit() {
        for limit in 1..20 {
            for lane in [Lane::Deadline, Lane::UserChange, Lane::Sweep] {
                for (dated, looks) in [(None, 0), (Some(0), 0), (Some(limit), limit)] {
                    let room = Shares::of(limit, dated).room(lane, looks);
                    assert!((1..=limit).contains(&room), "{limit} {lane:?}");
                }
            }
        }
    }
}
