//! Where the ids of new entities come from.
use super::entity::derived_id;
use std::cell::Cell;
use uuid::Uuid;

/// A source of ids.
#[derive(Debug, Default)]
pub enum Ids {
    /// Random ones.
    #[default]
    Random,
    /// Ones that follow from a seed and from how many came before, so that a run repeats itself exactly.
    Derived {
        seed: u64,
        /// How many came before.
        count: Cell<u64>,
    },
}

impl Ids {
    /// The next id.
    pub fn next(&self) -> Uuid {
        match self {
            Self::Random => Uuid::new_v4(),
            Self::Derived { seed, count } => {
                count.set(count.get() + 1);
                derived_id(&[&seed.to_string(), &count.get().to_string()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_repeat_with_the_seed_and_never_within_a_run() {
        let run = |seed| {
            let ids = Ids::Derived {
                seed,
                count: Cell::new(0),
            };
            (0..100).map(|_| ids.next()).collect::<Vec<_>>()
        };
        let mut first = run(7);
        assert_eq!(first, run(7));
        assert_ne!(first, run(8));
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 100);
    }
}
