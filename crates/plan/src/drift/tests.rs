use super::*;
use crate::testing::{NOW, at, custom_id, minutes};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn model(n: u128) -> Correction {
    Correction::of_endpoint(&UpdateEndpoint::Model(custom_id(n)))
}

fn name() -> Correction {
    Correction::of_endpoint(&UpdateEndpoint::DisplayName("claims".into()))
}

fn asking(now: Timestamp, need: Option<Need>) -> Asking {
    Asking {
        generation: 1,
        fresh: false,
        need,
        now,
    }
}

fn put_back(tallies: &mut Vec<DriftTally>, correction: &Correction, now: Timestamp) {
    count(tallies, Some("Swap"), Some(correction), 1, now);
}

fn after_so_many(number: i32, now: Timestamp) -> Vec<DriftTally> {
    let mut tallies = Vec::new();
    (0..number).for_each(|_| put_back(&mut tallies, &model(4), now));
    tallies
}

/// The most corrections within a span: whoever changes a value again may do so at once, or wait until all is forgotten.
fn most(span: SignedDuration) -> usize {
    let mut earliest = BTreeMap::from([(1, SignedDuration::ZERO)]);
    for number in 1.. {
        let mut next = BTreeMap::new();
        for (count, at) in earliest {
            let due = at + wait(count);
            for (count, at) in [((count + 1).min(20), due), (1, due + STAYED)] {
                let known = next.entry(count).or_insert(at);
                *known = at.min(*known);
            }
        }
        next.retain(|_, at| *at < span);
        if next.is_empty() {
            return number;
        }
        earliest = next;
    }
    0
}

#[test]
fn whoever_changes_it_again_causes_no_more_corrections_than_the_documented_bounds() {
    assert_eq!(most(minutes(1)), 3);
    assert_eq!(most(minutes(60)), MOST_PER_HOUR);
    assert_eq!(most(minutes(24 * 60)), MOST_PER_DAY);
}

#[test]
fn each_correction_beyond_the_free_ones_waits_twice_as_long() {
    let now = at(NOW);
    let waits = |number| {
        let tallies = after_so_many(number, now);
        let due = model(4).held_until(&tallies, 1, None, now);
        due.map_or(0, |due| due.duration_since(now).as_mins())
    };
    let all: Vec<_> = (0..12).map(waits).collect();
    assert_eq!(all, [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn an_edit_a_request_another_model_and_time_begin_anew() {
    let now = at(NOW);
    let tallies = after_so_many(5, now);
    let held = |correction: &Correction, generation, now| correction.held_until(&tallies, generation, None, now);
    assert!(held(&model(4), 1, now).is_some());
    assert_eq!(held(&model(4), 2, now), None, "an edit is a new declaration");
    assert_eq!(held(&model(5), 1, now), None, "another model was put back by nobody");
    assert_eq!(held(&name(), 1, now), None);
    assert_eq!(held(&model(4), 1, now + minutes(4)), None);
    assert_eq!(held(&model(4), 1, now - minutes(120)), None, "no honest clock wrote it");
    let asked = Asking {
        fresh: true,
        ..asking(now, None)
    };
    assert_eq!(
        model(4).hold(&tallies, "endpoint x", asked).map(|held| held.reason),
        None
    );
    let mut later = tallies.clone();
    forget(&mut later, 1, now + minutes(4 + 6 * 60 - 1));
    assert_eq!(later, tallies);
    forget(&mut later, 1, now + minutes(4 + 6 * 60));
    assert_eq!(later, []);
    let mut edited = tallies.clone();
    forget(&mut edited, 2, now);
    assert_eq!(edited, []);
}

#[test]
fn a_move_of_our_own_to_another_model_says_nothing_of_a_contest() {
    let now = at(NOW);
    let mut tallies = after_so_many(2, now);
    put_back(&mut tallies, &name(), now);
    count(&mut tallies, Some("Update displayName"), None, 1, now);
    assert_eq!(tallies.len(), 2);
    count(&mut tallies, Some("Swap"), None, 1, now);
    assert_eq!(
        tallies.iter().map(|tally| &*tally.field).collect::<Vec<_>>(),
        ["displayName"]
    );
    put_back(&mut tallies, &model(4), now);
    put_back(&mut tallies, &model(5), now);
    put_back(&mut tallies, &model(4), now);
    assert_eq!(tallies[0].count, 1, "only the same in a row counts on");
}

#[test]
fn it_is_told_from_the_third_on_until_it_stays() {
    let now = at(NOW);
    assert_eq!(statement(&after_so_many(2, now), "endpoint x"), None);
    assert_eq!(look_again(&after_so_many(2, now)), None);
    let told = statement(&after_so_many(3, now), "endpoint x").unwrap();
    assert_eq!((told.kind, told.reason), ("Contested", Reason::DriftRepeated));
    let words = "model of endpoint x was changed by somebody else and put back 3 times";
    assert!(told.message.starts_with(words), "{}", told.message);
    assert!(told.message.contains("docs/clones.md"));
    assert_eq!(look_again(&after_so_many(3, now)), Some(now + minutes(6 * 60 + 1)));
}

proptest! {
    /// From the latest start on, a correction waits no longer than what was refused does there; and never past that start.
    #[test]
    fn a_date_is_never_missed_for_a_contest(number in 0..40_i32, latest in -5000..5000_i64, lead in 1..500_i64) {
        let last = at(NOW);
        let tallies = after_so_many(number, last);
        let need = Need { latest: last + minutes(latest), expires_at: last + minutes(latest + lead) };
        let Some(due) = model(4).held_until(&tallies, 1, Some(need), last) else { return Ok(()) };
        prop_assert!(due > last && due <= last + LONGEST_WAIT);
        if latest > 0 {
            prop_assert!(due <= need.latest);
        } else if latest + lead > 0 {
            prop_assert!(due <= last + minutes(15));
        }
    }
}
