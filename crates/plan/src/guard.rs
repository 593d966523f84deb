//! The guard against deleting much at once: a namespace, a selector or a folder of Git that goes by mistake.
//!
//! It counts what the objects that are being deleted would delete in the Speech service, by the times at which they were
//! deleted. So the same objects give the same answer in every replica and after every restart. What is held stays held
//! until somebody agrees, or `forceOrphanAfter` is over: that fewer are left is no agreement.
use super::{Verdict, text::day_time};
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use speech_api::{
    Reason, annotation,
    condition::{self, DELETIONS_HELD, Statement, Truth},
    connection::DeletionGuard,
    duration,
};
use std::collections::{BTreeMap, VecDeque};

/// How far ahead an agreement may reach, so that none stays open for ever.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// An object that is being deleted, and what goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// When it was deleted.
    pub at: Timestamp,
    /// How many remote entities its deletion would delete.
    pub entities: usize,
    /// Whether its status says already that it is held.
    pub held: bool,
}

/// What the guard of a connection goes by.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// How much may be deleted within which time.
    limit: Limit,
    /// Up to when deletions were agreed to.
    agreed: Option<Timestamp>,
    /// The objects that are being deleted, by uid.
    leaving: BTreeMap<String, Leaving>,
    /// Those of which something is deleted already, by uid: they are not stopped half-way, and count.
    begun: BTreeMap<String, Leaving>,
    /// The moments at which something was deleted, in their order, each with the most that would be deleted within any window
    /// that it lies in. Summed up once for a look, not for each object.
    crowds: Vec<(Timestamp, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    entities: usize,
    per: SignedDuration,
}

impl Default for Limit {
    fn default() -> Self {
        Self::of(&DeletionGuard::default())
    }
}

impl Limit {
    fn of(spec: &DeletionGuard) -> Self {
        let per = duration::parse(&spec.per).ok();
        Self {
            entities: usize::try_from(spec.max_deletions).unwrap_or(0),
            per: per
                .and_then(|per| SignedDuration::try_from(per).ok())
                .unwrap_or(SignedDuration::from_mins(1)),
        }
    }
}

/// What is held of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many objects.
    pub objects: usize,
    /// How many remote entities.
    pub entities: usize,
    /// When the last of them was deleted.
    pub last: Timestamp,
}

impl Guard {
    /// Takes in what the connection says and who is being deleted.
    pub fn look(
        &mut self,
        connection: &impl Resource,
        spec: &DeletionGuard,
        leaving: BTreeMap<String, Leaving>,
        now: Timestamp,
    ) {
        self.limit = Limit::of(spec);
        self.agreed = agreement(connection, now);
        // What went so long before all that waits that no window holds both can tip nothing any more.
        let oldest = leaving.values().map(|one| one.at).min();
        let wide = self.limit.per;
        self.begun
            .retain(|_, one| oldest.is_none_or(|oldest| oldest.duration_since(one.at) <= wide));
        self.leaving = leaving;
        self.crowds = self.sum_up();
    }

    /// The deletion of an object begins.
    pub fn begin(&mut self, uid: &str) {
        if let Some(one) = self.leaving.get(uid) {
            self.begun.insert(uid.to_owned(), *one);
        }
    }

    /// Whether the deletion of an object has to wait for somebody's word.
    pub fn holds(&self, uid: &str) -> bool {
        let Some(one) = self.leaving.get(uid) else { return false };
        if one.entities == 0 || self.begun.contains_key(uid) || self.is_agreed(one) {
            return false;
        }
        one.held || self.crowd(one.at) > self.limit.entities
    }

    /// All that waits; absent if nothing does.
    pub fn held(&self) -> Option<Held> {
        let held = self.leaving.iter().filter(|(uid, _)| self.holds(uid));
        held.fold(None, |sum: Option<Held>, (_, one)| {
            Some(Held {
                objects: sum.map_or(0, |sum| sum.objects) + 1,
                entities: sum.map_or(0, |sum| sum.entities) + one.entities,
                last: sum.map_or(one.at, |sum| sum.last.max(one.at)),
            })
        })
    }

    fn is_agreed(&self, one: &Leaving) -> bool {
        self.agreed.is_some_and(|until| one.at <= until)
    }

    /// The most that would be deleted within any window that a moment lies in.
    fn crowd(&self, at: Timestamp) -> usize {
        let place = self.crowds.partition_point(|(moment, _)| *moment < at);
        let found = self.crowds.get(place).filter(|(moment, _)| *moment == at);
        found.map_or(0, |(_, most)| *most)
    }

    /// What was agreed to does not count. What is begun later is among those that leave, and counts already.
    fn sum_up(&self) -> Vec<(Timestamp, usize)> {
        let per = self.limit.per;
        let begun = self.begun.iter().filter(|(uid, _)| !self.leaving.contains_key(*uid));
        let mut sums: BTreeMap<Timestamp, usize> = BTreeMap::new();
        for (_, one) in self.leaving.iter().chain(begun) {
            if !self.is_agreed(one) {
                *sums.entry(one.at).or_default() += one.entities;
            }
        }
        // How much leaves in the window that begins with each moment: the sum up to its end without that before it.
        let mut before = 0;
        let mut ends = sums.iter().peekable();
        let mut up_to_end = 0;
        let windows = sums.iter().map(|(from, entities)| {
            while let Some((_, more)) = ends.next_if(|(at, _)| at.duration_since(*from) < per) {
                up_to_end += more;
            }
            let window = up_to_end - before;
            before += entities;
            (*from, window)
        });
        // Of the windows that a moment lies in, one that began earlier and holds no more can never be the largest again.
        let mut largest: VecDeque<(Timestamp, usize)> = VecDeque::new();
        let crowds = windows.map(|(at, window)| {
            while largest.back().is_some_and(|(_, other)| *other <= window) {
                largest.pop_back();
            }
            largest.push_back((at, window));
            while largest.front().is_some_and(|(from, _)| at.duration_since(*from) >= per) {
                largest.pop_front();
            }
            (at, largest.front().map_or(0, |(_, most)| *most))
        });
        crowds.collect()
    }
}

/// Until when deletions are agreed to: what was deleted up to then may go.
fn agreement(connection: &impl Resource, now: Timestamp) -> Option<Timestamp> {
    let word = annotation::value(connection, annotation::ALLOW_DELETIONS)?;
    let until: Timestamp = word.parse().ok()?;
    (until.duration_since(now) <= AHEAD).then_some(until)
}

/// What stands in the way of the deletion of an object. Says no numbers: they change with every other object.
pub fn obstacle(connection: &str) -> Verdict {
    Verdict::stalled(
        Reason::DeletionHeld,
        format!(
            "more would be deleted at once than SpeechConnection {connection} allows; its condition {DELETIONS_HELD} says how to agree"
        ),
    )
}

/// Whether the status of an object says that it is held.
pub fn is_told(conditions: &[Condition]) -> bool {
    condition::find(conditions, condition::STALLED).is_some_and(|c| c.reason == Reason::DeletionHeld.as_str())
}

/// The whole second that a moment ends in: an agreement up to then takes the moment in.
fn whole(at: Timestamp) -> Timestamp {
    let seconds = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
    at.round(seconds).unwrap_or(at)
}

/// What a connection says of what it holds back.
pub fn statement(held: Held, connection: &impl kube::ResourceExt, spec: &DeletionGuard) -> Statement {
    let word = annotation::value(connection, annotation::ALLOW_DELETIONS);
    let useless = word
        .filter(|word| word.parse::<Timestamp>().is_err())
        .map_or_else(String::new, |word| format!(" (it says {word:?}, which is no time)"));
    Statement {
        kind: DELETIONS_HELD,
        truth: Truth::True,
        reason: Reason::DeletionHeld,
        message: format!(
            "{} objects with {} entities in the Speech service wait to be deleted: more than {} in {}, the last at {}. To let them go: \
             kubectl annotate spconn {} -n {} --overwrite {}={}{useless}. Else each is released after its forceOrphanAfter, and what it has stays",
            held.objects,
            held.entities,
            spec.max_deletions,
            spec.per,
            day_time(held.last),
            connection.name_any(),
            connection.namespace().unwrap_or_default(),
            annotation::ALLOW_DELETIONS,
            whole(held.last),
        ),
    }
}

#[cfg(test)]
mod tests;
