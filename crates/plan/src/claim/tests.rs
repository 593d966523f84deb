use super::*;
use crate::testing::{Meta, at, endpoint, tag};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;

fn claimant(n: usize, created: &str, held: bool) -> SpeechEndpoint {
    let mut object = endpoint("model: {base: {}}\nadopt: {id: 00000000-0000-0000-0000-00000000000a}");
    object.metadata.name = Some(format!("claimant-{n}"));
    object.metadata.uid = Some(format!("uid-{n}"));
    object.metadata.creation_timestamp = Some(Time(at(created)));
    if held { object.claimed() } else { object }
}

fn mark_of(uid: &str, n: usize) -> OwnerTag {
    OwnerTag {
        object: format!("team/claimant-{n}"),
        ..tag(uid, 0)
    }
}

/// The holder that each of the claimants sees; itself where it sees no other.
fn seen(all: &[SpeechEndpoint], mark: Option<&OwnerTag>) -> Vec<usize> {
    let number = |e: &SpeechEndpoint| all.iter().position(|other| other.uid() == e.uid()).unwrap();
    all.iter()
        .map(|e| {
            let rivals = all.iter().filter(|rival| rival.uid() != e.uid());
            match is_first(e, mark) {
                true => number(e),
                false => holder(e, rivals, mark).map_or_else(|| number(e), number),
            }
        })
        .collect()
}

#[test]
fn the_oldest_holds_what_bears_no_mark_and_the_marked_one_what_bears_one() {
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
    let three = || {
        vec![
            claimant(0, late, false),
            claimant(1, early, false),
            claimant(2, early, false),
        ]
    };
    assert_eq!(seen(&three(), None), [1, 1, 1], "the oldest, then the lowest uid");
    let mut begun = three();
    begun[2] = claimant(2, early, true);
    assert_eq!(seen(&begun, None), [2, 2, 2], "of one second: who has begun");
    begun[0] = claimant(0, late, true);
    assert_eq!(seen(&begun, None), [2, 2, 2], "to have begun makes nobody older");
    assert_eq!(seen(&three(), Some(&mark_of("uid-0", 0))), [0, 0, 0]);
    assert_eq!(
        seen(&three(), Some(&mark_of("restored", 0))),
        [0, 0, 0],
        "the mark of a former life"
    );
    assert_eq!(
        seen(&three(), Some(&mark_of("gone", 9))),
        [1, 1, 1],
        "the mark of one that is gone"
    );
}

#[test]
fn who_only_looks_on_asks_nobody() {
    let mut object = claimant(0, "2026-01-01T00:00:00Z", false);
    assert!(!is_first(&object, None));
    object.spec.management_policy = ManagementPolicy::Observe;
    assert!(is_first(&object, None));
}

proptest! {
    /// Fifty claimants agree at every moment, and each is the holder in one stretch of time at most: orderly, no flapping.
    #[test]
    fn claimants_agree_and_each_holds_once(
        ages in prop::collection::vec((0_i64..5, any::<bool>()), 2..50),
        marks in any::<bool>(),
        leaves in any::<u64>(),
    ) {
        let mut all: Vec<_> = ages
            .iter()
            .enumerate()
            .map(|(n, (age, held))| claimant(n, &format!("2026-01-01T00:00:0{age}Z"), *held))
            .collect();
        let mut mark: Option<OwnerTag> = None;
        let mut held = Vec::new();
        let mut dice = leaves;
        while !all.is_empty() {
            let seen = seen(&all, mark.as_ref());
            prop_assert!(seen.iter().all(|holder| *holder == seen[0]), "{seen:?}");
            let holder = all[seen[0]].clone();
            let uid = holder.uid().unwrap();
            if held.last() != Some(&uid) {
                prop_assert!(!held.contains(&uid), "{uid} holds again");
                held.push(uid.clone());
            }
            if marks {
                let name = holder.name_any();
                mark = Some(OwnerTag { object: format!("team/{name}"), ..tag(&uid, 0) });
            }
            // Anybody may go: the holder or one that waits.
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let goes = usize::try_from(dice >> 33).unwrap() % all.len();
            all.remove(goes);
        }
    }
}
