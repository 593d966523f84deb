//! The bounds, against every course that the world may take.
use super::*;
use crate::{
    creation::GRACE,
    testing::{NOW, at, minutes},
};
use std::collections::BTreeMap;

/// So many requests of each fate are followed; within a day there are fewer.
const MOST: u32 = 14;

/// How many requests made something, how many were lost, and how many refused.
type Fates = [u32; 3];
const MADE: usize = 0;
const LOST: usize = 1;

/// How long the next request waits after the last, whose fate is of this index.
fn wait([made, lost, refused]: Fates, last: usize) -> SignedDuration {
    let now = at(NOW);
    let tally = Tally {
        empty: lost + refused,
        ..tally(made, now)
    };
    let due = Pace::new(Some(tally), false, 1).due(now);
    let rest = due.map_or(SignedDuration::ZERO, |due| due.duration_since(now));
    // What nothing was seen of is looked for first.
    if last == LOST { rest.max(GRACE) } else { rest }
}

/// How long after the first request the next can leave at the earliest after these fates, in any order.
fn earliest() -> BTreeMap<Fates, SignedDuration> {
    let mut known = BTreeMap::from([([0, 0, 0], SignedDuration::ZERO)]);
    for made in 0..MOST {
        for lost in 0..MOST {
            for refused in 0..MOST {
                let fates = [made, lost, refused];
                let ways = (0..3).filter_map(|last| {
                    let mut before = fates;
                    before[last] = before[last].checked_sub(1)?;
                    Some(known[&before] + wait(fates, last))
                });
                if let Some(first) = ways.min() {
                    known.insert(fates, first);
                }
            }
        }
    }
    known
}

#[test]
fn no_course_of_the_world_causes_more_requests_than_the_documented_bounds() {
    let earliest = earliest();
    // The most requests within a span, of those whose fate counts; the last one may have any.
    let most = |span: SignedDuration, counted: &[usize]| {
        let within = earliest.iter().filter(|(_, first)| **first < span);
        let number = |fates: &Fates| counted.iter().map(|fate| fates[*fate]).sum::<u32>();
        usize::try_from(within.map(|(fates, _)| number(fates)).max().unwrap() + 1).unwrap()
    };
    let all = [0, 1, 2];
    assert_eq!(most(minutes(1), &all), MOST_PER_MINUTE);
    assert_eq!(most(minutes(60), &all), MOST_PER_HOUR);
    assert_eq!(most(minutes(24 * 60), &all), MOST_PER_DAY);
    assert_eq!(most(minutes(24 * 60), &[MADE]), MOST_MADE_PER_DAY);
}

#[test]
fn what_becomes_known_of_a_request_moves_it_to_another_count() {
    let now = at(NOW);
    let first = Pace::new(None, false, 1).announced(now);
    let counts = |tally: Tally| [tally.made, tally.empty];
    assert_eq!(counts(first), [1, 0]);
    assert_eq!(counts(empty(first)), [0, 1]);
    assert_eq!(counts(unsent(first)), [0, 0]);
    let after_void = Pace::new(Some(first), true, 1).announced(now);
    assert_eq!(counts(after_void), [1, 1]);
}

fn tally(made: u32, at: Timestamp) -> Tally {
    Tally {
        made,
        empty: 0,
        at,
        generation: 1,
    }
}

#[test]
fn an_edit_begins_anew_and_a_request_only_shortens_the_wait() {
    let now = at(NOW);
    let wait = |tally: Tally, generation| {
        let due = Pace::new(Some(tally), false, generation).due(now);
        due.map_or(0, |due| due.duration_since(now).as_secs())
    };
    let tally = |made| tally(made, now);
    assert_eq!([1, 2, 5].map(|made| wait(tally(made), 1)), [0, 600, 4800]);
    assert_eq!([1, 2, 5].map(|made| wait(requested(tally(made)), 1)), [0, 600, 600]);
    assert_eq!([1, 2, 5].map(|made| wait(tally(made), 2)), [0, 120, 120]);
    let mixed = Tally { empty: 7, ..tally(1) };
    assert_eq!([wait(mixed, 1), wait(requested(mixed), 1)], [14_400, 600]);
    let announced = |tally, generation| Pace::new(Some(tally), false, generation).announced(now).made;
    let five = tally(5);
    assert_eq!(
        [announced(five, 1), announced(requested(five), 1), announced(five, 2)],
        [6, 3, 2]
    );
    let later = Pace::new(Some(five), false, 2).announced(after(now, minutes(2)));
    assert_eq!(later.made, 1);
}

#[test]
fn whoever_edits_again_and_again_causes_two_requests_within_a_minute_though_one_is_late() {
    let (mut tally, mut now, mut orders): (Option<Tally>, _, Vec<Timestamp>) = (None, at(NOW), Vec::new());
    for generation in 1..20 {
        let pace = Pace::new(tally, false, generation);
        now = pace.due(now).unwrap_or(now).max(now);
        tally = Some(pace.announced(now));
        orders.push(now);
    }
    for window in orders.windows(MOST_PER_MINUTE + 1) {
        let apart = window[MOST_PER_MINUTE].duration_since(window[0]);
        assert!(apart >= minutes(2), "a minute, and another on the way: {orders:?}");
    }
}

#[test]
fn what_has_lived_for_a_day_is_replaced_at_once() {
    let now = at(NOW);
    let announced = |hours: i64| {
        let pace = Pace::new(Some(tally(4, now)), false, 1);
        pace.announced(after(now, minutes(40 + hours * 60))).made
    };
    assert_eq!([announced(0), announced(23), announced(24)], [5, 5, 1]);
}

#[test]
fn a_date_that_no_honest_clock_wrote_holds_nothing_back() {
    let now = at(NOW);
    let far = Pace::new(Some(tally(9, at("2035-01-01T00:00:00Z"))), false, 1);
    assert_eq!(far.due(now), None);
}
