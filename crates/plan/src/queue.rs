//! The queue of a connection: which of its objects wait for a turn, those with the earliest deadline first.
use super::{Agenda, lead_time::Work, text::after};
use crate::view::View;
use jiff::Timestamp;
use speech_service::{EntityId, ModelId};
use std::collections::{BTreeMap, BTreeSet};

/// What an object waits for, or is doing, that others have to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Its endpoint is being created, which takes no turn of a swap.
    Creation,
    /// To move to another model; the time is its deadline (UTC).
    Swap(Timestamp),
    /// To train a model; the time is its deadline (UTC).
    Training(Timestamp),
    /// Its training is announced or being ordered: the turn is taken, though nothing can be seen of it yet.
    TrainingBegins,
    /// An evaluation, which others of the same pair share.
    Evaluation(Pair),
}

/// What an evaluation compares, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The model that might serve.
    pub candidate: ModelId,
    /// The model that serves.
    pub active: ModelId,
    pub dataset: EntityId,
}

/// The objects of one connection that want something, by uid.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    wants: BTreeMap<String, Want>,
    swaps: BTreeSet<(Timestamp, String)>,
    trainings: BTreeSet<(Timestamp, String)>,
    left: BTreeSet<String>,
}

/// So many objects that are gone are remembered; what stays of others takes a turn for a while.
const MOST_LEFT: usize = 10_000;

/// How much of a kind may run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub swaps: usize,
    pub trainings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { swaps: 5, trainings: 4 }
    }
}

impl Queue {
    /// Notes what an object wants now; tells whether that is another thing than before.
    pub fn set(&mut self, uid: &str, want: Option<Want>) -> bool {
        let before = match want {
            Some(want) => self.wants.insert(uid.to_owned(), want),
            None => self.wants.remove(uid),
        };
        if before == want {
            return false;
        }
        let entry = |at| (at, uid.to_owned());
        match before {
            Some(Want::Swap(at)) => drop(self.swaps.remove(&entry(at))),
            Some(Want::Training(at)) => drop(self.trainings.remove(&entry(at))),
            Some(Want::Creation | Want::TrainingBegins | Want::Evaluation(_)) | None => {}
        }
        match want {
            Some(Want::Swap(at)) => drop(self.swaps.insert(entry(at))),
            Some(Want::Training(at)) => drop(self.trainings.insert(entry(at))),
            Some(Want::Creation | Want::TrainingBegins | Want::Evaluation(_)) | None => {}
        }
        true
    }

    /// Notes that an object is gone: what stays of it in the Speech service takes no turn.
    pub fn leave(&mut self, uid: &str) -> bool {
        self.left.insert(uid.to_owned());
        if self.left.len() > MOST_LEFT {
            self.left.pop_first();
        }
        self.set(uid, None)
    }

    fn has_left(&self, uid: &str) -> bool {
        self.left.contains(uid)
    }

    /// Whether an object is creating its endpoint.
    pub fn creates(&self, uid: &str) -> bool {
        self.wants.get(uid) == Some(&Want::Creation)
    }

    /// Whether an object is beginning its training.
    pub fn trains(&self, uid: &str) -> bool {
        self.wants.get(uid) == Some(&Want::TrainingBegins)
    }

    /// How many others wait for a swap with an earlier deadline; the uid decides between equal ones.
    pub fn swaps_before(&self, deadline: Timestamp, uid: &str) -> usize {
        before(&self.swaps, deadline, uid)
    }

    /// How many others wait for a training with an earlier deadline; the uid decides between equal ones.
    pub fn trainings_before(&self, deadline: Timestamp, uid: &str) -> usize {
        before(&self.trainings, deadline, uid)
    }

    /// Whether another object is having this pair evaluated.
    pub fn evaluated_by_another(&self, pair: Pair, uid: &str) -> bool {
        self.wants
            .iter()
            .any(|(other, want)| other != uid && *want == Want::Evaluation(pair))
    }

    /// What each object wants, by uid.
    #[cfg(any(test, feature = "testing"))]
    pub fn wants(&self) -> impl Iterator<Item = (&str, Want)> {
        self.wants.iter().map(|(uid, want)| (uid.as_str(), *want))
    }

    /// Who waits for a swap, in their order.
    pub fn next_swaps(&self) -> impl Iterator<Item = &str> {
        self.swaps.iter().map(|(_, uid)| uid.as_str())
    }

    /// Who waits for a training, in their order.
    pub fn next_trainings(&self) -> impl Iterator<Item = &str> {
        self.trainings.iter().map(|(_, uid)| uid.as_str())
    }
}

/// What lasts so many times as long as the longest before takes no turn any more: it may never end.
const PATIENCE: i32 = 3;

/// Whether work that began then still takes a turn.
fn takes_turn(agenda: &Agenda, locale: &str, work: Work, since: Timestamp, now: Timestamp) -> bool {
    let longest = agenda.durations.expected(locale, work).max(work.assumed());
    now < after(since, longest.saturating_mul(PATIENCE))
}

/// How many other endpoints of our objects move from one model to another, as far as is known. What goes on without end
/// holds up nobody, nor does what is left of an object that is gone.
pub fn swaps_under_way(view: &View, agenda: &Agenda, cluster: &str, own: EntityId, now: Timestamp) -> usize {
    let moving = view.endpoints.iter().filter(|entry| {
        let header = &entry.entity.header;
        if header.id == own {
            return false;
        }
        let ours = header.owner.as_ref().filter(|tag| tag.cluster == cluster);
        let begun = agenda
            .skew
            .later_of_service(header.last_action_at.max(header.created_at));
        // What was asked for and not read since began just now.
        let lasts = !entry.confirmed || takes_turn(agenda, &header.locale, Work::Deploying, begun, now);
        !(entry.confirmed && header.status.is_terminal())
            && lasts
            && ours.is_some_and(|tag| !agenda.queue.creates(&tag.uid) && !agenda.queue.has_left(&tag.uid))
    });
    moving.count()
}

/// How many other models of our objects are being trained, or are about to be; the same holds.
pub fn trainings_under_way(view: &View, agenda: &Agenda, cluster: &str, own: &str, now: Timestamp) -> usize {
    let queue = &agenda.queue;
    let running = view.models.iter().filter(|entry| {
        let header = &entry.entity.header;
        let tag = header
            .owner
            .as_ref()
            .filter(|tag| tag.cluster == cluster && tag.uid != own);
        let begun = agenda.skew.later_of_service(header.created_at);
        !header.status.is_terminal()
            && takes_turn(agenda, &header.locale, Work::Training, begun, now)
            && tag.is_some_and(|tag| !queue.trains(&tag.uid) && !queue.has_left(&tag.uid))
    });
    let beginning = queue
        .wants
        .iter()
        .filter(|(uid, want)| *uid != own && **want == Want::TrainingBegins);
    running.count() + beginning.count()
}

fn before(waiting: &BTreeSet<(Timestamp, String)>, deadline: Timestamp, uid: &str) -> usize {
    waiting
        .iter()
        .take_while(|(at, other)| (*at, other.as_str()) < (deadline, uid))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).unwrap()
    }

    #[test]
    fn who_has_the_earlier_deadline_goes_first_and_the_uid_decides_between_equals() {
        let mut queue = Queue::default();
        assert!(queue.set("b", Some(Want::Swap(at(2)))));
        assert!(queue.set("a", Some(Want::Swap(at(2)))));
        assert!(queue.set("z", Some(Want::Swap(at(1)))));
        assert!(queue.set("t", Some(Want::Training(at(0)))));
        assert!(!queue.set("z", Some(Want::Swap(at(1)))));
        assert_eq!(queue.next_swaps().collect::<Vec<_>>(), ["z", "a", "b"]);
        assert_eq!(queue.swaps_before(at(2), "b"), 2);
        assert_eq!(queue.swaps_before(at(1), "z"), 0);
        assert!(queue.set("a", None));
        assert_eq!(queue.swaps_before(at(2), "b"), 1);
        assert_eq!(queue.next_trainings().collect::<Vec<_>>(), ["t"]);
    }
}
