//! Randomness that repeats: everything that happens by chance follows from one seed.
use jiff::SignedDuration;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A run of random numbers.
#[derive(Clone, Debug)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The run that belongs to a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A run of its own for a part of the simulation, so that one part's draws do not shift another's.
    pub fn fork(seed: u64, part: impl Hash) -> Self {
        Self::new(weigh(seed, part))
    }

    /// The next number (SplitMix64).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number from 0 up to but not including `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias is below one in a million for every bound used here.
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// Whether something happens that happens in this share (0 to 1) of all cases.
    pub fn hits(&mut self, share: f64) -> bool {
        is_below(self.next(), share)
    }

    /// A time between two others.
    pub fn between(&mut self, least: SignedDuration, most: SignedDuration) -> SignedDuration {
        let span = u64::try_from(most.as_secs() - least.as_secs()).unwrap_or(0);
        least + SignedDuration::from_secs(i64::try_from(self.below(span.saturating_add(1))).unwrap_or(0))
    }

    /// One of several; none of none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or(0))
    }
}

/// A number that follows from the seed and from what it is asked for: the order of the questions does not matter.
pub fn weigh(seed: u64, what: impl Hash) -> u64 {
    // Without keys, so that it is the same in every run of a build.
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    what.hash(&mut hasher);
    mix(hasher.finish())
}

/// Whether a number lies in the lowest share (0 to 1) of all numbers.
pub fn is_below(number: u64, share: f64) -> bool {
    // 53 bits are what a float can hold.
    ((number >> 11) as f64) < share * (1_u64 << 53) as f64
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_run_and_shares_come_out() {
        let run = |seed| {
            let mut chance = Chance::fork(seed, "x");
            (0..10_000).map(|_| chance.hits(0.05)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let hits = run(1).into_iter().filter(|hit| *hit).count();
        assert!((400..600).contains(&hits), "{hits}");
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut chance = Chance::new(3);
        let (least, most) = (SignedDuration::from_secs(5), SignedDuration::from_secs(8));
        for _ in 0..1_000 {
            assert!(chance.below(7) < 7);
            assert!((least..=most).contains(&chance.between(least, most)));
        }
        assert_eq!((chance.below(0), chance.pick::<u8>(&[])), (0, None));
        assert_eq!(chance.between(most, most), most);
    }
}
