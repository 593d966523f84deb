//! How often in a row the operator asked the Speech service to create something for an object.
//!
//! The tally is in the announcement, which is written before the request is sent, so that it survives a crash. It is
//! also in the status, so that it outlives the announcement. The later of the two counts.
use jiff::Timestamp;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Consecutive requests of one kind, as the planner counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tally {
    /// Requests that created something, or may still turn out to have done so.
    pub made: u32,
    /// Requests that were refused, or had no visible result: a lost response, an error of the service, a crash.
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
    /// The later of the two. If both are about the same request, the first one, which knows the outcome.
    pub fn later(knows: Option<Self>, announced: Option<Self>) -> Option<Self> {
        match (knows, announced) {
            (Some(knows), Some(announced)) if announced.at > knows.at => Some(announced),
            (Some(knows), _) => Some(knows),
            (None, announced) => announced,
        }
    }
}

/// How often in a row the operator asked the service to create something for this object. The more often, the longer
/// the next request waits. The count restarts after a change of the spec, and when a whole day more than the wait has
/// passed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreationTally {
    /// Requests that created something.
    #[serde(default)]
    pub made: i32,
    /// Requests that the service refused, or that had no visible result.
    #[serde(default, skip_serializing_if = "is_none")]
    pub empty: i32,
    /// When the last request was announced (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub last_at: Timestamp,
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
            last_at: tally.at,
            generation: tally.generation,
        }
    }
}

impl From<&CreationTally> for Tally {
    fn from(tally: &CreationTally) -> Self {
        let number = |number| u32::try_from(number).unwrap_or(0);
        Self {
            made: number(tally.made),
            empty: number(tally.empty),
            at: tally.last_at,
            generation: tally.generation,
        }
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
        assert_eq!(Tally::from(&CreationTally::from(tally)), tally);
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
