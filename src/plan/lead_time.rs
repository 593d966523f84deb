//! How long work takes here, learned from what was seen: so that what is planned ahead begins early enough.
use jiff::SignedDuration;
use std::collections::BTreeMap;

/// What takes time at the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// Training a model.
    Training,
    /// Copying a model from another resource.
    Copying,
    /// Evaluating two models.
    Evaluating,
    /// Deploying a model to an endpoint.
    Deploying,
}

/// Work that was seen to end, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    /// The work.
    pub work: Work,
    /// From the order to the end.
    pub time: SignedDuration,
}

/// The longest times seen for each kind of work, by locale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    longest: BTreeMap<(String, Work), SignedDuration>,
}

impl Durations {
    /// The longest time seen for a locale.
    pub fn longest(&self, locale: &str, work: Work) -> Option<SignedDuration> {
        self.longest.get(&(locale.to_owned(), work)).copied()
    }

    /// Takes what was seen; tells whether it is longer than all before, in whole minutes.
    pub fn learn(&mut self, locale: &str, took: Took) -> bool {
        let minutes = (took.time.as_secs().max(0) + 59) / 60;
        let time = SignedDuration::from_mins(minutes);
        let longest = self.longest.entry((locale.to_owned(), took.work)).or_default();
        let news = time > *longest;
        *longest = time.max(*longest);
        news
    }
}
