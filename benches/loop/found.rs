//! What the rounds have found of one operator.
use crate::{cold::Started, create::Created, edit::Edited, page::Asked, rest::Rested};
use serde::Serialize;

/// One entry for each round.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    pub created: Vec<Created>,
    pub edited: Vec<Edited>,
    pub rested: Vec<Rested>,
    pub asked: Vec<Asked>,
    /// The peak of the memory in MiB, at each size of the fleet.
    pub peaks: Vec<Vec<f64>>,
    pub started: Vec<Started>,
    pub program_mib: Vec<f64>,
}

/// The median of what the rounds have found; none where nothing was measured.
pub fn median<T>(rounds: &[T], value: impl Fn(&T) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = rounds.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// The most that any round has found, for what may never be.
pub fn most<T>(rounds: &[T], value: impl Fn(&T) -> u32) -> Option<f64> {
    rounds.iter().map(value).max().map(f64::from)
}
