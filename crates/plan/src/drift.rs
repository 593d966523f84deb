//! What somebody else changes again and again: when it may be put back once more.
//!
//! Two operators that both take an entity for their own, as after the restore of a backup into a second cluster, undo each
//! other's work without end. Neither can know who the other is, but each sees that what it has put back does not stay. So
//! the first corrections leave at once, and each further one waits twice as long as the one before. A date that the
//! correction is needed for shortens the wait to what is usual there after refusals.
//!
//! What is counted stands in the status, is written with the correction itself, and so outlives a restart at no further cost.
use super::{
    Action, Verdict,
    retry::{Asking, Need},
    text::{after, day_time},
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    Reason,
    condition::{CONTESTED, Statement, Truth},
    drift::DriftTally,
};
use speech_service::{
    ModelId,
    request::{UpdateEndpoint, UpdateModel},
};

/// So many corrections in a row wait for nothing.
pub const FREE: i32 = 3;
/// Corrections of one field within an hour at most, while neither the spec is changed nor a reconcile is requested.
pub const MOST_PER_HOUR: usize = 8;
/// The same within a day.
pub const MOST_PER_DAY: usize = 34;

/// The first wait; doubled each time.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(1);
/// The longest wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// What stayed for so much longer than the wait is contested no more.
const STAYED: SignedDuration = SignedDuration::from_hours(6);
/// How many fields are remembered: an entity has no more.
const MOST_FIELDS: usize = 8;

/// Where to look for who does it.
const ADVICE: &str = "look for a person, a pipeline, or an operator of another cluster that was restored from the same backup (docs/clones.md)";

/// What a correction puts back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Correction {
    /// Name of the field.
    field: &'static str,
    /// The model, where it is one.
    model: Option<ModelId>,
}

impl Correction {
    /// What a change of an endpoint would put back.
    pub fn of_endpoint(change: &UpdateEndpoint) -> Self {
        Self {
            field: change.field(),
            model: change.model(),
        }
    }

    /// The same of a change of a model.
    pub fn of_model(change: &UpdateModel) -> Self {
        Self {
            field: change.field(),
            model: None,
        }
    }

    /// Whether the same was put back before, and not long ago.
    pub fn is_repeated(&self, tallies: &[DriftTally], generation: i64, now: Timestamp) -> bool {
        self.find(tallies, generation, now).is_some()
    }

    /// The next correction waits until then; absent where it may leave at once.
    pub fn held_until(
        &self,
        tallies: &[DriftTally],
        generation: i64,
        need: Option<Need>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let tally = self.find(tallies, generation, now)?;
        let last = tally.last_at;
        let slow = after(last, wait(tally.count));
        let due = need.map_or(slow, |need| need.no_later(last, slow));
        (due > now).then_some(due)
    }

    /// What is said of a correction that waits; nothing where it may leave. `what` names the entity.
    pub fn hold(&self, tallies: &[DriftTally], what: &str, asking: Asking) -> Option<Verdict> {
        let held = self.held_until(tallies, asking.generation, asking.need, asking.now);
        let due = held.filter(|_| !asking.fresh)?;
        let message = format!(
            "somebody changes {} of {what} again each time it is put back; the next time at {}. An edit of the spec or a request for a reconcile does it at once; {ADVICE}",
            self.field,
            day_time(due)
        );
        Some(Verdict::working(Reason::DriftRepeated, message).until(due))
    }

    fn find<'a>(&self, tallies: &'a [DriftTally], generation: i64, now: Timestamp) -> Option<&'a DriftTally> {
        let mut all = tallies.iter();
        all.find(|tally| self.is_of(tally) && is_alive(tally, generation, now))
    }

    fn is_of(&self, tally: &DriftTally) -> bool {
        tally.field == self.field && tally.model == self.model.map(ModelId::entity)
    }
}

/// How long the next correction waits after so many in a row.
fn wait(count: i32) -> SignedDuration {
    let Ok(doublings) = u32::try_from(count.saturating_sub(FREE)) else {
        return SignedDuration::ZERO;
    };
    (FIRST_WAIT * 2_i32.saturating_pow(doublings.min(16))).min(LONGEST_WAIT)
}

/// Until when what was put back counts.
fn counts_until(tally: &DriftTally) -> Timestamp {
    after(tally.last_at, wait(tally.count) + STAYED)
}

fn is_alive(tally: &DriftTally, generation: i64, now: Timestamp) -> bool {
    // No honest clock wrote a later date: whoever wrote it was ahead, and is so no more.
    tally.generation == generation && now < counts_until(tally) && tally.last_at <= after(now, LONGEST_WAIT)
}

/// Drops what counts no more.
pub fn forget(tallies: &mut Vec<DriftTally>, generation: i64, now: Timestamp) {
    tallies.retain(|tally| is_alive(tally, generation, now));
}

/// Counts a change that the service accepted in this pass: one more correction, or a move to another model, which no longer
/// says anything of the one before. `asked` is the word of the step.
pub fn count(
    tallies: &mut Vec<DriftTally>,
    asked: Option<&str>,
    correction: Option<&Correction>,
    generation: i64,
    now: Timestamp,
) {
    let Some(correction) = correction else {
        if asked == Some(Action::SWAP) {
            tallies.retain(|tally| tally.model.is_none());
        }
        return;
    };
    let before = correction.find(tallies, generation, now).map_or(0, |tally| tally.count);
    tallies.retain(|tally| tally.field != correction.field);
    tallies.insert(
        0,
        DriftTally {
            field: correction.field.to_owned(),
            model: correction.model.map(ModelId::entity),
            count: before.saturating_add(1),
            last_at: now,
            generation,
        },
    );
    tallies.truncate(MOST_FIELDS);
}

/// The condition `Contested`: what does not stay as it is put back.
pub fn statement(tallies: &[DriftTally], what: &str) -> Option<Statement> {
    let mut told: Vec<String> = contested(tallies)
        .map(|tally| {
            let (field, count, last) = (&tally.field, tally.count, day_time(tally.last_at));
            format!(
                "{field} of {what} was changed by somebody else and put back {count} times, the last time at {last}"
            )
        })
        .collect();
    told.sort();
    (!told.is_empty()).then(|| Statement {
        kind: CONTESTED,
        truth: Truth::True,
        reason: Reason::DriftRepeated,
        message: format!("{}; {ADVICE}", told.join("; ")),
    })
}

/// When the condition `Contested` may end.
pub fn look_again(tallies: &[DriftTally]) -> Option<Timestamp> {
    contested(tallies).map(counts_until).min()
}

fn contested(tallies: &[DriftTally]) -> impl Iterator<Item = &DriftTally> {
    tallies.iter().filter(|tally| tally.count >= FREE)
}

#[cfg(test)]
mod tests;
