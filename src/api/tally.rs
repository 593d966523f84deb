//! How often in a row the Speech service was asked to make something for an object.
//!
//! It stands in the announcement, which is written before the request leaves, so that no crash forgets it; and in the
//! status, so that it outlives the announcement. The later of both counts.
use jiff::Timestamp;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The requests of one kind in a row, as the planner counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tally {
    /// Those that made something, or may yet turn out to have.
    pub made: u32,
    /// Those that were refused, or of which nothing was ever seen: a lost answer, an error of the service, a crash.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub empty: u32,
    /// When the last one was announced (UTC).
    pub at: Timestamp,
    /// The generation of the spec that the last one was announced for.
    pub generation: i64,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Tally {
    /// The later of two; of two that speak of the same request the first, which knows what came of it.
    pub fn later(knows: Option<Self>, announced: Option<Self>) -> Option<Self> {
        match (knows, announced) {
            (Some(knows), Some(announced)) if announced.at > knows.at => Some(announced),
            (Some(knows), _) => Some(knows),
            (None, announced) => announced,
        }
    }
}

/// How often in a row the service was asked to make something for this object: the more often, the longer the next request
/// waits. It begins anew with a change of the spec, and when a whole day more than the wait has passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreationTally {
    /// Requests that made something.
    #[serde(default)]
    pub made: i32,
    /// Requests that the service refused, or of which nothing was ever seen.
    #[serde(default, skip_serializing_if = "is_none")]
    pub empty: i32,
    /// When the last request was announced (RFC 3339, UTC).
    pub last_at: String,
    /// Generation of the spec that the last request was announced for.
    #[serde(default)]
    pub generation: i64,
}

fn is_none(number: &i32) -> bool {
    *number == 0
}

impl From<Tally> for CreationTally {
    fn from(tally: Tally) -> Self {
        let number = |number| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            made: number(tally.made),
            empty: number(tally.empty),
            last_at: tally.at.to_string(),
            generation: tally.generation,
        }
    }
}

impl CreationTally {
    /// Reads it back; nothing where somebody wrote a time that is none.
    pub fn read(&self) -> Option<Tally> {
        let number = |number| u32::try_from(number).unwrap_or(0);
        Some(Tally {
            made: number(self.made),
            empty: number(self.empty),
            at: self.last_at.parse().ok()?,
            generation: self.generation,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(made: u32, at: &str) -> Tally {
        Tally {
            made,
            empty: 1,
            at: at.parse().unwrap(),
            generation: 3,
        }
    }

    #[test]
    fn a_status_gives_back_what_was_written() {
        let tally = tally(2, "2026-03-01T10:00:00.123456789Z");
        assert_eq!(CreationTally::from(tally).read(), Some(tally));
        let odd = CreationTally {
            last_at: "yesterday".to_owned(),
            ..tally.into()
        };
        assert_eq!(odd.read(), None);
    }

    #[test]
    fn the_later_counts_and_of_one_request_what_is_known_of_it() {
        let (old, new) = (tally(5, "2026-03-01T10:00:00Z"), tally(2, "2026-03-01T10:00:01Z"));
        let corrected = Tally { made: 1, ..new };
        assert_eq!(Tally::later(Some(old), Some(new)), Some(new));
        assert_eq!(Tally::later(Some(new), Some(old)), Some(new));
        assert_eq!(Tally::later(Some(corrected), Some(new)), Some(corrected));
        assert_eq!(Tally::later(None, Some(new)), Some(new));
        assert_eq!(Tally::later(None, None), None);
    }
}
