//! How long work takes here, learned from what was seen: so that what is planned ahead begins early enough.
//!
//! What takes so long is begun so early: twice the longest time seen, because the next one may be longer, and at least
//! [`SHORTEST_LEAD`]. Where nothing was seen, [`Work::assumed`] stands for it.
use jiff::SignedDuration;
use speech_api::{connection::WorkDurations, duration};
use std::collections::BTreeMap;

/// Nothing is begun later than this before it is needed.
const SHORTEST_LEAD: SignedDuration = SignedDuration::from_hours(1);
/// So many times the longest time seen is set aside.
const MARGIN: i32 = 2;
/// The longest time that is learned: what a clock or a date that is wrong says must not be believed.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

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

impl Work {
    /// How long it is taken to last where none was seen. The service's documents speak of minutes for text and up to
    /// days for much audio, of up to a day for evaluations, and of 30 minutes for deployments as a rule.
    pub fn assumed(self) -> SignedDuration {
        match self {
            Self::Training => SignedDuration::from_hours(24),
            Self::Copying => SignedDuration::from_hours(1),
            Self::Evaluating => SignedDuration::from_hours(4),
            Self::Deploying => SignedDuration::from_mins(30),
        }
    }
}

/// How long a chain of work lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// By the longest times seen.
    pub expected: SignedDuration,
    /// What has to be set aside for it.
    pub needed: SignedDuration,
    /// Whether each link of the chain was seen; else some are assumed.
    pub seen: bool,
}

/// Work that was seen to end, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    pub work: Work,
    /// From the order to the end.
    pub time: SignedDuration,
}

/// How many durations are kept: every kind of work for more locales than the service knows.
const MOST_DURATIONS: usize = 1000;

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

    /// The longest time seen, or what is assumed.
    pub fn expected(&self, locale: &str, work: Work) -> SignedDuration {
        self.longest(locale, work).unwrap_or(work.assumed())
    }

    /// How long work takes that is done one after the other.
    pub fn lead(&self, locale: &str, chain: &[Work]) -> Lead {
        let sum = |total: SignedDuration, work: &Work| total.saturating_add(self.expected(locale, *work));
        let expected = chain.iter().fold(SignedDuration::ZERO, sum);
        Lead {
            expected,
            needed: expected.saturating_mul(MARGIN).max(SHORTEST_LEAD),
            seen: chain.iter().all(|work| self.longest(locale, *work).is_some()),
        }
    }

    /// Takes what was seen; tells whether it is longer than all before, in whole minutes.
    pub fn learn(&mut self, locale: &str, took: Took) -> bool {
        // An end before the beginning tells of clocks, not of work.
        if took.time.is_negative() {
            return false;
        }
        let seconds = took.time.min(LONGEST).as_secs();
        let time = SignedDuration::from_mins(((seconds + 59) / 60).max(1));
        let key = (locale.to_owned(), took.work);
        if self.longest.len() >= MOST_DURATIONS && !self.longest.contains_key(&key) {
            return false;
        }
        let longest = self.longest.entry(key).or_default();
        let news = time > *longest;
        *longest = time.max(*longest);
        news
    }

    /// As a status shows them: by locale, in whole minutes.
    pub fn to_status(&self) -> Vec<WorkDurations> {
        let mut shown: Vec<WorkDurations> = Vec::new();
        for ((locale, work), time) in &self.longest {
            if shown.last().is_none_or(|last| last.locale != *locale) {
                shown.push(WorkDurations {
                    locale: locale.clone(),
                    ..WorkDurations::default()
                });
            }
            if let Some(last) = shown.last_mut() {
                *field(last, *work) = Some(format!("{}m", time.as_secs() / 60));
            }
        }
        shown
    }

    /// Takes what a status shows where it is longer. What cannot be read was written by somebody else and does not count.
    pub fn learn_from_status(&mut self, shown: &[WorkDurations]) {
        for mut one in shown.iter().cloned() {
            for work in [Work::Training, Work::Copying, Work::Evaluating, Work::Deploying] {
                let time = field(&mut one, work).take();
                let time = time.and_then(|text| duration::parse(&text).ok());
                if let Some(time) = time.and_then(|time| SignedDuration::try_from(time).ok()) {
                    self.learn(&one.locale, Took { work, time });
                }
            }
        }
    }
}

fn field(shown: &mut WorkDurations, work: Work) -> &mut Option<String> {
    match work {
        Work::Training => &mut shown.training,
        Work::Copying => &mut shown.copying,
        Work::Evaluating => &mut shown.evaluating,
        Work::Deploying => &mut shown.deploying,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(work: Work, seconds: i64) -> Took {
        let time = SignedDuration::from_secs(seconds);
        Took { work, time }
    }

    #[test]
    fn only_longer_times_in_whole_minutes_are_news() {
        let mut seen = Durations::default();
        assert!(seen.learn("en-US", took(Work::Training, 3_601)));
        assert_eq!(
            seen.longest("en-US", Work::Training),
            Some(SignedDuration::from_mins(61))
        );
        for seconds in [0, -5, 60, 3_600, 3_660] {
            assert!(!seen.learn("en-US", took(Work::Training, seconds)), "{seconds}");
        }
        assert!(seen.learn("de-DE", took(Work::Training, 1)) && seen.learn("en-US", took(Work::Deploying, 1)));
        assert!(
            !Durations::default().learn("en-US", took(Work::Copying, -1)),
            "a clock that went back"
        );
        assert!(seen.learn("en-US", took(Work::Copying, i64::MAX)));
        assert_eq!(
            seen.longest("en-US", Work::Copying),
            Some(LONGEST),
            "what cannot be is cut"
        );
    }

    #[test]
    fn a_status_holds_all_of_it_in_one_order() {
        let mut seen = Durations::default();
        for (locale, work, seconds) in [
            ("en-US", Work::Training, 5_400),
            ("de-DE", Work::Deploying, 61),
            ("en-US", Work::Evaluating, 600),
            ("de-DE", Work::Copying, 60),
        ] {
            assert!(seen.learn(locale, took(work, seconds)));
        }
        let shown = seen.to_status();
        let text = serde_json::to_string(&shown).unwrap();
        assert_eq!(
            text,
            r#"[{"locale":"de-DE","copying":"1m","deploying":"2m"},{"locale":"en-US","training":"90m","evaluating":"10m"}]"#
        );
        let mut again = Durations::default();
        again.learn_from_status(&shown);
        assert_eq!(again, seen);
        again.learn_from_status(&[WorkDurations {
            locale: "en-US".into(),
            training: Some("soon".into()),
            copying: Some("-3m".into()),
            evaluating: Some("5m".into()),
            deploying: None,
        }]);
        assert_eq!(again, seen, "neither what cannot be read nor what is shorter counts");
    }

    #[test]
    fn twice_the_longest_chain_is_set_aside_and_never_less_than_an_hour() {
        let mut seen = Durations::default();
        let chain = [Work::Training, Work::Deploying];
        let hours = |lead: Lead| (lead.expected.as_mins(), lead.needed.as_mins(), lead.seen);
        assert_eq!(hours(seen.lead("en-US", &chain)), (1_470, 2_940, false));
        seen.learn("en-US", took(Work::Training, 600));
        assert_eq!(hours(seen.lead("en-US", &chain)), (40, 80, false));
        seen.learn("en-US", took(Work::Deploying, 60));
        assert_eq!(hours(seen.lead("en-US", &chain)), (11, 60, true));
        assert_eq!(
            hours(seen.lead("de-DE", &chain)),
            (1_470, 2_940, false),
            "of another locale"
        );
    }
}
