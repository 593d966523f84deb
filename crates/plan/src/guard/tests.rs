use super::*;
use crate::testing::at;
use proptest::prelude::*;
use speech_api::SpeechConnection;

const NOON: &str = "2026-03-01T12:00:00Z";

fn connection(word: Option<&str>) -> SpeechConnection {
    let annotations = word.map_or_else(String::new, |word| {
        format!(", annotations: {{customspeech.dev/allow-deletions: '{word}'}}")
    });
    let text = format!(
        "apiVersion: customspeech.dev/v1alpha1\nkind: SpeechConnection\nmetadata: {{name: west, namespace: team{annotations}}}\nspec: {{endpoint: 'https://x.example', auth: {{keySecretRef: {{name: key}}}}}}\n"
    );
    serde_saphyr::from_str(&text).unwrap()
}

fn after(seconds: i64) -> Timestamp {
    at(NOON) + SignedDuration::from_secs(seconds)
}

/// Objects that were deleted so many seconds after noon, each with one entity.
fn leaving(seconds: impl IntoIterator<Item = i64>) -> BTreeMap<String, Leaving> {
    let one = |(number, seconds): (usize, i64)| {
        let one = Leaving {
            at: after(seconds),
            entities: 1,
            held: false,
        };
        (format!("{number:03}"), one)
    };
    seconds.into_iter().enumerate().map(one).collect()
}

fn guard(seconds: impl IntoIterator<Item = i64>, word: Option<&str>) -> Guard {
    let mut guard = Guard::default();
    let (connection, now) = (connection(word), after(600));
    guard.look(&connection, &connection.spec.deletion_guard, leaving(seconds), now);
    guard
}

fn held(guard: &Guard) -> usize {
    guard.held().map_or(0, |held| held.objects)
}

#[test]
fn ten_in_a_minute_go_and_eleven_wait_all_of_them() {
    assert_eq!(held(&guard(0..10, None)), 0);
    assert_eq!(held(&guard(0..11, None)), 11);
    assert_eq!(held(&guard((0..11).map(|n| n * 60), None)), 0, "one a minute");
    assert_eq!(held(&guard((0..11).map(|n| n * 5), None)), 11, "eleven in 50 s");
    assert_eq!(
        held(&guard((0..11).map(|_| 0).chain([3600]), None)),
        11,
        "one much later"
    );
}

#[test]
fn what_has_begun_goes_on_and_counts() {
    let mut guard = guard(0..10, None);
    for number in 0..10 {
        guard.begin(&format!("{number:03}"));
    }
    // The first ten are gone; one more within the minute waits, one after it does not.
    let connection = connection(None);
    let mut see = |seconds| {
        let next = BTreeMap::from([(
            "next".to_owned(),
            Leaving {
                at: after(seconds),
                entities: 1,
                held: false,
            },
        )]);
        guard.look(&connection, &connection.spec.deletion_guard, next, after(600));
        held(&guard)
    };
    assert_eq!(see(50), 1);
    assert_eq!(see(70), 0);
}

#[test]
fn a_model_counts_as_many_as_it_has_revisions_and_an_object_without_any_is_never_held() {
    let mut guard = Guard::default();
    let connection = connection(None);
    let mut all = leaving([0, 1]);
    all.get_mut("000").unwrap().entities = 11;
    all.get_mut("001").unwrap().entities = 0;
    guard.look(&connection, &connection.spec.deletion_guard, all, after(600));
    assert!(guard.holds("000") && !guard.holds("001"));
    let held = guard.held().unwrap();
    assert_eq!((held.objects, held.entities), (1, 11));
}

#[test]
fn a_word_lets_go_what_was_deleted_up_to_then_and_nothing_later() {
    let until = |seconds| after(seconds).to_string();
    assert_eq!(held(&guard(0..20, Some(&until(19)))), 0);
    assert_eq!(held(&guard(0..20, Some(&until(8)))), 11, "eleven are not agreed to");
    assert_eq!(
        held(&guard(0..20, Some(&until(9)))),
        0,
        "ten that are left need no word"
    );
    assert_eq!(held(&guard(0..20, Some("yes"))), 20);
    assert_eq!(held(&guard(0..20, Some(&until(600 + 3600)))), 0);
    assert_eq!(
        held(&guard(0..20, Some(&until(601 + 3600)))),
        20,
        "more than an hour ahead"
    );
}

#[test]
fn the_word_that_is_told_takes_in_the_last_deletion_to_its_fraction() {
    let mut all = leaving(0..12);
    for one in all.values_mut() {
        one.at += SignedDuration::from_millis(400);
    }
    let last = all.values().map(|one| one.at).max().unwrap();
    let agrees = connection(Some(&whole(last).to_string()));
    let mut guard = Guard::default();
    guard.look(&agrees, &agrees.spec.deletion_guard, all, after(600));
    assert_eq!(held(&guard), 0);
}

#[test]
fn what_was_held_stays_held_when_fewer_are_left() {
    let mut all = leaving([0, 1]);
    for one in all.values_mut() {
        one.held = true;
    }
    let mut guard = Guard::default();
    let west = connection(None);
    guard.look(&west, &west.spec.deletion_guard, all.clone(), after(600));
    assert_eq!(held(&guard), 2, "as after a restart");
    let agrees = connection(Some(&after(1).to_string()));
    guard.look(&agrees, &agrees.spec.deletion_guard, all, after(600));
    assert_eq!(held(&guard), 0);
}

#[test]
fn a_connection_tells_how_many_wait_and_the_very_command_that_agrees() {
    let guard = guard(0..12, Some("soon"));
    let connection = connection(Some("soon"));
    let said = statement(guard.held().unwrap(), &connection, &connection.spec.deletion_guard);
    assert_eq!(
        said.message,
        "12 objects with 12 entities in the Speech service wait to be deleted: more than 10 in 1m, the last at 2026-03-01 12:00 UTC. \
         To let them go: kubectl annotate spconn west -n team --overwrite customspeech.dev/allow-deletions=2026-03-01T12:00:11Z \
         (it says \"soon\", which is no time). Else each is released after its forceOrphanAfter, and what it has stays"
    );
}

#[test]
fn what_is_held_says_so_and_names_the_connection() {
    let said = obstacle("west");
    assert_eq!(said.reason.as_str(), "DeletionHeld");
    assert!(said.message.contains("SpeechConnection west"), "{}", said.message);
}

proptest! {
    /// Whatever comes in whatever order, no more begin within any window than the limit says.
    #[test]
    fn no_window_ever_sees_more_than_the_limit_begin(
        times in proptest::collection::vec(0_i64..200, 1..60),
        looks in proptest::collection::vec(1_usize..20, 1..20),
    ) {
        let connection = connection(None);
        let mut times = times;
        times.sort_unstable();
        let all = leaving(times);
        let mut guard = Guard::default();
        let mut gone: Vec<Timestamp> = Vec::new();
        let (mut seen, mut done) = (0, Vec::new());
        for look in looks {
            seen = (seen + look).min(all.len());
            let there = all.iter().take(seen).filter(|(uid, _)| !done.contains(*uid));
            let there: BTreeMap<_, _> = there.map(|(uid, one)| (uid.clone(), *one)).collect();
            guard.look(&connection, &connection.spec.deletion_guard, there.clone(), after(600));
            for (uid, one) in &there {
                if !guard.holds(uid) {
                    guard.begin(uid);
                    done.push(uid.clone());
                    gone.push(one.at);
                }
            }
            for from in &gone {
                let inside = gone.iter().filter(|at| **at >= *from && at.duration_since(*from) < SignedDuration::from_mins(1));
                prop_assert!(inside.count() <= 10);
            }
        }
    }
}
