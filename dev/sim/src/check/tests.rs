//! The searches: bounded ones that run always, deeper ones on request, and planted bugs that have to be found.
use super::*;
use state::Spent;
use stateright::{Checker, HasDiscoveries};
use std::time::Instant;

/// Searches; prints what was searched, and the shortest way to what is broken.
fn search(setting: Setting, depth: usize) -> Vec<(&'static str, String)> {
    let (name, bug, began) = (setting.name, setting.bug, Instant::now());
    let found = HasDiscoveries::AnyFailures;
    let checker = setting
        .checker()
        .target_max_depth(depth)
        .finish_when(found)
        .threads(1)
        .spawn_bfs()
        .join();
    let took = began.elapsed().as_secs_f64();
    eprintln!(
        "checked {name} ({bug:?}): {} states, {} steps, depth {}, {took:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
    );
    let discoveries = checker.discoveries();
    let mut found: Vec<_> = discoveries
        .into_iter()
        .map(|(law, path)| (law, told(checker.model(), path.into_vec())))
        .collect();
    found.sort();
    found
}

/// A way through states, a line for each step.
fn told(setting: &Setting, path: Vec<(State, Option<Event>)>) -> String {
    let last = path.last().map(|(state, _)| state.clone());
    let mut text: String = path
        .into_iter()
        .filter_map(|(state, event)| Some(format!("\n  {state:?}\n    {:?}", event?)))
        .collect();
    if let Some(last) = last {
        text += &format!(
            "\n  {last:?}\n  broken: {:?} {:?} {:?}",
            last.broken,
            law::state(&last),
            setting.rest(&last)
        );
    }
    text
}

fn depth(usual: usize) -> usize {
    std::env::var("CHECK_DEPTH")
        .ok()
        .and_then(|depth| depth.parse().ok())
        .unwrap_or(usual)
}

fn assert_sound(setting: Setting, depth: usize) {
    if let Some((law, way)) = search(setting, depth).into_iter().next() {
        panic!("{law}:{way}");
    }
}

fn assert_found(setting: Setting, law: &str) {
    let found = search(setting, 40);
    let (broken, way) = found.first().expect("the bug was not found");
    eprintln!("{broken}:{way}");
    assert!(broken.starts_with(law), "{broken}");
}

/// The bounds of a search in a word: `c1 l1 r1 g1 f0 t3 j0 d1 w0`, of which what is left out is zero.
fn bounds(text: &str) -> Spent {
    let of = |letter: char| {
        let word = text.split(' ').find_map(|word| word.strip_prefix(letter));
        word.map_or(0, |number| number.parse().unwrap())
    };
    Spent {
        crashes: of('c'),
        losses: of('l'),
        leaders: of('r'),
        lags: of('g'),
        failures: of('f'),
        ticks: of('t'),
        leaps: of('j'),
        deletions: of('d'),
        changes: of('w'),
        lies: of('y'),
        refusals: of('x'),
        vanishings: of('v'),
        omissions: of('o'),
        hollows: of('h'),
    }
}

/// Each world with its bounds and depth: first as always, then as on request.
fn worlds() -> [(Setting, [(&'static str, usize); 2]); 14] {
    [
        (
            Setting::endpoint(),
            [("c1 l1 r1 g1 t3 d1", 10), ("c2 l2 r1 g2 t4 d1", 11)],
        ),
        (
            Setting::endpoint().at_rest("swap"),
            [("c1 l1 g1 j3 w2 f1", 13), ("c1 l2 r1 g1 t2 j3 w2 f1 d1", 10)],
        ),
        (Setting::recreated(), [("c1 r1 g1 t2", 10), ("c1 l1 r1 g1 t3 d1", 11)]),
        (
            Setting::follower(),
            [("c1 l1 g1 t2 d1 w1 f1", 9), ("c1 l1 r1 g1 t3 d1 w1 f1", 10)],
        ),
        (
            Setting::follower().at_rest("renewal"),
            [("c1 l1 g1 t1 w1 f1", 14), ("c1 l2 r1 g1 t2 d1 w1 f1", 10)],
        ),
        (
            Setting::pair().at_rest("pair"),
            [("c1 l1 g1 j2 w1", 11), ("c1 l1 r1 g1 t1 j2 w1 d1", 10)],
        ),
        (
            Setting::endpoint().named("gateway"),
            [("l1 t3 d1 y2 x1 h1", 9), ("c1 l1 g1 t4 d1 y2 x2 h1", 11)],
        ),
        (
            Setting::recreated().at_rest("vanished"),
            [("c1 l1 t2 y1 x1 v2", 9), ("c1 l1 g1 t3 d1 y2 x1 v3", 11)],
        ),
        (
            Setting::follower().at_rest("impolite"),
            [("l1 t1 w1 y1 x1 v1", 8), ("c1 l1 t2 d1 w1 y1 x1 v2", 10)],
        ),
        // Failures and the deadline are worlds of their own: an evaluation that fails after the swap at the deadline stays until
        // the next candidate is judged, so that the two together do not come to rest.
        (Setting::gate(), [("c1 l1 t2 f1", 13), ("c1 l1 r1 g1 t3 f2 d1 h1", 9)]),
        (
            Setting::gate().named("deadline"),
            [("c1 l1 t2 j1", 11), ("c1 l1 r1 g1 t3 j1 d1", 8)],
        ),
        (Setting::silent(), [("c1 l1 j2 o1", 13), ("c1 l1 r1 g1 t1 j2 o1 x1", 9)]),
        (Setting::elsewhere(), [("c1 t1 w2 y1", 9), ("c1 r1 g1 t2 w2 y1", 8)]),
        (Setting::accepted(), [("c1 l1 t2 w2", 12), ("c1 l1 r1 g1 t2 w2 y1", 9)]),
    ]
}

fn searched(name: &str, which: usize) {
    for (setting, bounds_and_depths) in worlds().into_iter().filter(|(setting, _)| setting.name == name) {
        let (most, deep) = bounds_and_depths[which];
        assert_sound(setting.at_most(bounds(most)), depth(deep));
    }
}

#[test]
fn an_endpoint_is_created_and_deleted_without_twins_or_orphans() {
    searched("endpoint", 0);
}

#[test]
fn an_endpoint_moves_to_what_lasts_longer_and_never_to_what_is_worse() {
    searched("swap", 0);
}

#[test]
fn an_endpoint_that_may_be_made_anew_is_not_made_anew_because_a_list_is_old() {
    searched("recreated", 0);
}

#[test]
fn a_model_is_trained_once_for_each_revision_and_its_follower_moves_on() {
    searched("follower", 0);
}

#[test]
fn a_spec_that_changes_is_trained_once_and_what_follows_moves_before_the_old_revision_goes() {
    searched("renewal", 0);
}

#[test]
fn two_endpoints_that_choose_alike_move_in_turn() {
    searched("pair", 0);
}

#[test]
fn an_endpoint_is_neither_doubled_nor_lost_by_what_a_gateway_answers() {
    searched("gateway", 0);
}

#[test]
fn an_endpoint_that_others_delete_is_made_anew_once_and_never_because_a_gateway_says_so() {
    searched("vanished", 0);
}

#[test]
fn a_model_that_others_delete_is_trained_again_once_and_never_because_a_gateway_says_so() {
    searched("impolite", 0);
}

#[test]
fn a_gated_endpoint_has_its_candidate_evaluated_once_and_moves_only_to_what_passed() {
    searched("gate", 0);
}

#[test]
fn a_gated_endpoint_moves_at_the_deadline_though_nothing_has_failed_or_passed() {
    searched("deadline", 0);
}

#[test]
fn what_the_service_accepted_and_does_not_show_is_asked_for_once_and_again_when_it_does_not_come() {
    searched("silent", 0);
}

#[test]
fn another_speech_resource_is_left_alone_and_what_is_in_the_known_one_is_not_forgotten() {
    searched("elsewhere", 0);
}

#[test]
fn in_another_speech_resource_everything_begins_anew_once_somebody_accepts_it() {
    searched("accepted", 0);
}

/// Part of `make chaos`; `CHECK_DEPTH` sets another depth for all.
#[test]
#[ignore = "takes many minutes"]
fn all_worlds_are_searched_deeply() {
    std::thread::scope(|scope| {
        for (setting, bounds_and_depths) in worlds() {
            let (most, deep) = bounds_and_depths[1];
            scope.spawn(move || assert_sound(setting.at_most(bounds(most)), depth(deep)));
        }
    });
}

#[test]
fn an_announcement_that_is_ignored_makes_a_twin() {
    assert_found(
        Setting::endpoint()
            .at_most(bounds("c1 l1 g1 t2"))
            .with_bug(PlantedBug::NoAdoption),
        "I1",
    );
}

#[test]
fn a_swap_to_an_earlier_expiry_is_found() {
    assert_found(
        Setting::endpoint()
            .at_most(bounds("w1 j1"))
            .with_bug(PlantedBug::EarlierExpiry),
        "I2",
    );
}

#[test]
fn a_deletion_that_does_not_wait_leaves_an_orphan() {
    assert_found(
        Setting::endpoint()
            .at_most(bounds("c1 l1 t2 d1"))
            .with_bug(PlantedBug::HastyDeletion),
        "I1",
    );
}

#[test]
fn writes_without_a_guard_let_two_leaders_create_twice() {
    assert_found(
        Setting::endpoint()
            .at_most(bounds("r1 t1"))
            .with_bug(PlantedBug::UnguardedWrites),
        "I1",
    );
}

#[test]
fn absence_that_is_believed_from_a_gateway_is_found() {
    assert_found(
        Setting::endpoint()
            .at_most(bounds("d1 y1"))
            .with_bug(PlantedBug::BelievedGateway),
        "I1",
    );
    assert_found(
        Setting::recreated()
            .at_rest("vanished")
            .at_most(bounds("y1"))
            .with_bug(PlantedBug::BelievedGateway),
        "I",
    );
}

#[test]
fn a_list_of_a_gateway_that_counts_as_read_makes_a_twin() {
    assert_found(
        Setting::endpoint()
            .at_most(bounds("l1 t3 y1"))
            .with_bug(PlantedBug::BelievedList),
        "I1",
    );
}

#[test]
fn a_list_of_a_gateway_that_another_list_vouches_for_makes_a_twin() {
    assert_found(
        Setting::endpoint()
            .at_most(bounds("l1 t3 h1"))
            .with_bug(PlantedBug::BelievedNeighbour),
        "I1",
    );
}

#[test]
fn a_refusal_that_is_final_is_found() {
    assert_found(
        Setting::endpoint()
            .at_most(bounds("x1"))
            .with_bug(PlantedBug::FinalRefusal),
        "comes to rest",
    );
}

#[test]
fn what_is_made_anew_without_a_bound_is_found() {
    assert_found(
        Setting::recreated()
            .at_rest("vanished")
            .at_most(bounds("v3"))
            .with_bug(PlantedBug::NoBound),
        "I8",
    );
}

#[test]
fn an_announcement_of_an_evaluation_that_is_ignored_makes_a_twin() {
    assert_found(
        Setting::gate()
            .at_most(bounds("l1 t2"))
            .unfollowed()
            .with_bug(PlantedBug::NoAdoption),
        "G1",
    );
}

#[test]
fn a_swap_past_the_gate_is_found() {
    assert_found(Setting::gate().unfollowed().with_bug(PlantedBug::NoGate), "G2");
}

#[test]
fn an_evaluation_that_is_left_behind_is_found() {
    assert_found(Setting::gate().with_bug(PlantedBug::NoCollection), "comes to rest");
}

#[test]
fn what_is_made_in_another_speech_resource_is_found() {
    assert_found(
        Setting::elsewhere()
            .at_most(bounds("w1"))
            .unfollowed()
            .with_bug(PlantedBug::HastyTrust),
        "E1",
    );
}

#[test]
fn what_is_forgotten_because_another_speech_resource_lacks_it_is_found() {
    assert_found(
        Setting::accepted()
            .at_most(bounds("w1"))
            .with_bug(PlantedBug::BlindTrust),
        "E2",
    );
}

#[test]
fn a_model_that_is_asked_for_twice_is_found() {
    assert_found(
        Setting::silent()
            .at_most(bounds("t1 j1"))
            .with_bug(PlantedBug::NoMemory),
        "A1",
    );
}

#[test]
fn a_model_that_is_never_asked_for_again_is_found() {
    assert_found(
        Setting::silent()
            .at_most(bounds("o1"))
            .with_bug(PlantedBug::EndlessMemory),
        "comes to rest",
    );
}

/// The grace is measured for requests that leave soon after their announcement; the client gives up those that do not.
#[test]
fn a_request_that_leaves_a_minute_after_its_announcement_makes_a_twin() {
    let setting = Setting {
        leaves_late: true,
        ..Setting::endpoint()
    };
    assert_found(setting.at_most(bounds("c1 t2")), "I1");
}

/// `CHECK_SETTING=endpoint CHECK_BOUNDS="c1 l1" CHECK_DEPTH=12 cargo test -p speech-sim check:: -- --ignored --nocapture as_told`
#[test]
#[ignore = "a search with bounds of your own"]
fn a_search_as_told() {
    let var = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    let name = var("CHECK_SETTING", "endpoint");
    let (setting, _) = worlds().into_iter().find(|(setting, _)| setting.name == name).unwrap();
    let bug = match var("CHECK_BUG", "").as_str() {
        "adoption" => PlantedBug::NoAdoption,
        "expiry" => PlantedBug::EarlierExpiry,
        "deletion" => PlantedBug::HastyDeletion,
        "guard" => PlantedBug::UnguardedWrites,
        "gateway" => PlantedBug::BelievedGateway,
        "list" => PlantedBug::BelievedList,
        "neighbour" => PlantedBug::BelievedNeighbour,
        "refusal" => PlantedBug::FinalRefusal,
        "bound" => PlantedBug::NoBound,
        "gate" => PlantedBug::NoGate,
        "collection" => PlantedBug::NoCollection,
        "trust" => PlantedBug::BlindTrust,
        "haste" => PlantedBug::HastyTrust,
        "memory" => PlantedBug::NoMemory,
        "patience" => PlantedBug::EndlessMemory,
        _ => PlantedBug::Nothing,
    };
    let setting = Setting {
        rest_of: var("CHECK_REST", "1").parse().unwrap(),
        leaves_late: var("CHECK_LATE", "") == "1",
        ..setting
    };
    let bounds = bounds(&var("CHECK_BOUNDS", "c1 l1 r1 g1 t3 d1"));
    assert_sound(setting.at_most(bounds).with_bug(bug), depth(10));
}
