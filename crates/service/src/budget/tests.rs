//! The budget under paused time.
use super::*;
use futures::future::join_all;
use proptest::prelude::*;
use std::sync::Arc;

const WINDOW: Duration = Duration::from_secs(10);

/// Whoever is never woken ends the test: virtual time runs to the deadline when nobody else has a timer.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime
        .unwrap()
        .block_on(async { tokio::time::timeout(Duration::from_secs(86_400), future).await.unwrap() })
}

/// Acquires in a task of its own and tells when that succeeded.
fn start(budget: &Arc<Budget>, lane: Lane) -> tokio::task::JoinHandle<Instant> {
    let budget = budget.clone();
    tokio::spawn(async move {
        budget.acquire(lane).await;
        Instant::now()
    })
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn most_in_any_window(mut starts: Vec<Instant>, per: Duration) -> usize {
    starts.sort();
    let within = |from: &Instant| starts.iter().filter(|at| **at >= *from && **at < *from + per).count();
    starts.iter().map(within).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_window_ever_holds_more_starts_than_the_limit(
        limit in 1_u32..12,
        steps in proptest::collection::vec((0_u64..4_000, 0_u8..3, any::<bool>(), 0_u8..12), 1..80),
    ) {
        let starts = run(async {
            let budget = Arc::new(Budget::new(limit, WINDOW));
            let mut tasks = Vec::new();
            for (pause, lane, impatient, event) in steps {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let lane = [Lane::Deadline, Lane::UserChange, Lane::Sweep][usize::from(lane)];
                let task = start(&budget, lane);
                match event {
                    0 => budget.throttled(None),
                    1 => budget.throttled(Some(Duration::from_millis(pause))),
                    2..=6 => budget.succeeded(),
                    _ => {}
                }
                settle().await;
                if impatient && !task.is_finished() {
                    task.abort();
                } else {
                    tasks.push(task);
                }
            }
            join_all(tasks).await.into_iter().filter_map(Result::ok).collect::<Vec<_>>()
        });
        prop_assert!(most_in_any_window(starts, WINDOW) <= limit as usize);
    }
}

/// One start after another at random, of which so many within any window have a date. Tells how long dates waited at most.
fn longest_wait_of_dates(kept: u32, dated: usize, pauses: &[(u64, bool)]) -> Duration {
    run(async {
        let budget = Arc::new(Budget::new(40, WINDOW));
        budget.keep_for_dates(kept);
        let (mut dates, mut others) = (Vec::<(Instant, tokio::task::JoinHandle<Instant>)>::new(), Vec::new());
        for (pause, is_look) in pauses {
            tokio::time::sleep(Duration::from_millis(*pause)).await;
            let lane = if *is_look { Lane::Sweep } else { Lane::UserChange };
            others.extend((0..10).map(|_| start(&budget, lane)));
            settle().await;
            let now = Instant::now();
            if dates.iter().filter(|(at, _)| *at + WINDOW > now).count() < dated {
                dates.push((now, start(&budget, Lane::Deadline)));
                settle().await;
            }
        }
        let mut longest = Duration::ZERO;
        for (at, task) in dates {
            longest = longest.max(task.await.unwrap() - at);
        }
        others.iter().for_each(tokio::task::JoinHandle::abort);
        longest
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_has_a_date_starts_at_once_if_no_more_come_than_were_told(
        dated in 0_usize..22,
        pauses in proptest::collection::vec((0_u64..900, any::<bool>()), 1..80),
    ) {
        let kept = u32::try_from(dated).unwrap();
        prop_assert_eq!(longest_wait_of_dates(kept, dated, &pauses), Duration::ZERO);
    }
}

#[test]
fn dates_of_which_nobody_told_may_wait_but_never_longer_than_a_window() {
    let pauses = [(100, false); 60];
    let wait = longest_wait_of_dates(0, 20, &pauses);
    assert!(wait > Duration::ZERO && wait <= WINDOW, "{wait:?}");
}

#[test]
fn fifty_creations_and_the_looks_beside_them_take_one_window() {
    run(async {
        let budget = Arc::new(Budget::new(80, WINDOW));
        budget.keep_for_dates(0);
        let begin = Instant::now();
        let changes: Vec<_> = (0..50).map(|_| start(&budget, Lane::UserChange)).collect();
        let looks: Vec<_> = (0..12).map(|_| start(&budget, Lane::Sweep)).collect();
        for task in changes {
            assert_eq!(task.await.unwrap(), begin);
        }
        let at_once = join_all(looks)
            .await
            .into_iter()
            .filter(|at| *at.as_ref().unwrap() == begin);
        assert_eq!(at_once.count(), 8, "looks have a share that changes leave them");
    });
}

#[test]
fn changes_without_end_keep_no_look_from_its_share() {
    run(async {
        let budget = Arc::new(Budget::new(80, WINDOW));
        budget.keep_for_dates(0);
        let begin = Instant::now();
        let changes: Vec<_> = (0..1000).map(|_| start(&budget, Lane::UserChange)).collect();
        settle().await;
        for window in 0..3 {
            for task in (0..8).map(|_| start(&budget, Lane::Sweep)).collect::<Vec<_>>() {
                assert_eq!(task.await.unwrap() - begin, WINDOW * window);
            }
            tokio::time::sleep_until(begin + WINDOW * (window + 1)).await;
        }
        changes.iter().for_each(tokio::task::JoinHandle::abort);
    });
}

#[test]
fn of_the_dates_of_those_who_share_a_budget_nothing_is_known() {
    run(async {
        let (host, guest) = (Arc::new(Budget::new(80, WINDOW)), Budget::new(80, WINDOW));
        host.keep_for_dates(0);
        guest.keep_for_dates(0);
        guest.join(Some(Arc::clone(&host)));
        let changes: Vec<_> = (0..80).map(|_| start(&host, Lane::UserChange)).collect();
        settle().await;
        assert_eq!(host.usage().in_window, 28);
        guest.join(None);
        settle().await;
        assert_eq!(host.usage().in_window, 64);
        drop(changes);
    });
}

#[test]
fn a_token_comes_back_exactly_one_window_after_it_was_spent() {
    run(async {
        let budget = Arc::new(Budget::new(2, WINDOW));
        let begin = Instant::now();
        budget.acquire(Lane::Deadline).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        budget.acquire(Lane::Deadline).await;
        budget.acquire(Lane::Deadline).await;
        assert_eq!(begin.elapsed(), Duration::from_secs(10));
        budget.acquire(Lane::Deadline).await;
        assert_eq!(begin.elapsed(), Duration::from_secs(14));
    });
}

#[test]
fn sweeps_and_changes_leave_more_than_half_to_what_has_a_date() {
    run(async {
        let budget = Arc::new(Budget::new(80, WINDOW));
        let begin = Instant::now();
        let sweeps: Vec<_> = (0..100).map(|_| start(&budget, Lane::Sweep)).collect();
        settle().await;
        assert_eq!(budget.usage().in_window, 32);
        let changes: Vec<_> = (0..10).map(|_| start(&budget, Lane::UserChange)).collect();
        settle().await;
        assert_eq!(budget.usage().in_window, 36);
        for task in (0..44).map(|_| start(&budget, Lane::Deadline)).collect::<Vec<_>>() {
            assert_eq!(
                task.await.unwrap(),
                begin,
                "a deadline does not wait behind a hundred sweeps"
            );
        }
        assert_eq!(
            budget.usage(),
            BudgetUsage {
                in_window: 80,
                waiting: 74,
                ..budget.usage()
            }
        );
        drop((sweeps, changes));
    });
}

#[test]
fn a_budget_of_one_still_serves_every_lane_in_order() {
    run(async {
        let budget = Arc::new(Budget::new(1, WINDOW));
        budget.acquire(Lane::Sweep).await;
        let begin = Instant::now();
        let sweep = start(&budget, Lane::Sweep);
        settle().await;
        let change = start(&budget, Lane::UserChange);
        settle().await;
        let deadline = start(&budget, Lane::Deadline);
        let order = [deadline.await.unwrap(), change.await.unwrap(), sweep.await.unwrap()];
        assert_eq!(order.map(|at| (at - begin).as_secs()), [10, 20, 30]);
    });
}

#[test]
fn a_dropped_waiter_loses_nothing_and_blocks_nobody() {
    run(async {
        let budget = Arc::new(Budget::new(1, WINDOW));
        budget.acquire(Lane::Deadline).await;
        let begin = Instant::now();
        let first = start(&budget, Lane::Deadline);
        settle().await;
        let second = start(&budget, Lane::Deadline);
        settle().await;
        first.abort();
        assert_eq!(second.await.unwrap() - begin, WINDOW);
        assert_eq!(budget.usage().waiting, 0);
        assert_eq!(budget.usage().in_window, 1);
    });
}

#[test]
fn a_429_halves_once_per_stop_and_retry_after_stops_all_lanes() {
    run(async {
        let budget = Arc::new(Budget::new(80, WINDOW));
        let begin = Instant::now();
        budget.throttled(Some(Duration::from_secs(7)));
        budget.throttled(None);
        assert_eq!(
            budget.usage().effective_limit,
            40,
            "the second answer was on its way already"
        );
        budget.acquire(Lane::Deadline).await;
        assert_eq!(begin.elapsed(), Duration::from_secs(7));
        budget.throttled(Some(Duration::from_secs(86_400)));
        assert_eq!(budget.usage().effective_limit, 20);
        budget.acquire(Lane::Deadline).await;
        assert_eq!(
            begin.elapsed(),
            Duration::from_secs(7 + 300),
            "what has a deadline asks again"
        );
        assert_eq!(budget.pause(Lane::Deadline), Duration::ZERO);
        assert_eq!(budget.pause(Lane::UserChange), Duration::from_secs(3300));
        budget.acquire(Lane::Sweep).await;
        assert_eq!(begin.elapsed(), Duration::from_secs(7 + 3600));
        for _ in 0..10 {
            budget.throttled(Some(Duration::ZERO));
        }
        assert_eq!(budget.usage().effective_limit, 1);
    });
}

#[test]
fn one_long_pause_is_told_at_once() {
    run(async {
        let budget = Budget::new(80, WINDOW);
        budget.throttled(Some(Duration::from_secs(19)));
        assert!(!budget.usage().is_throttled);
        budget.throttled(Some(Duration::from_secs(20)));
        assert!(budget.usage().is_throttled);
    });
}

#[test]
fn a_throttled_budget_grows_back_step_by_step_and_not_beyond_its_limit() {
    run(async {
        let budget = Budget::new(80, WINDOW);
        budget.throttled(None);
        for expected in [40, 48, 56, 64, 72, 80, 80] {
            assert_eq!(budget.usage().effective_limit, expected);
            tokio::time::sleep(WINDOW).await;
            budget.succeeded();
            budget.succeeded();
        }
    });
}

#[test]
fn a_new_limit_counts_at_once_for_those_who_wait() {
    run(async {
        let budget = Arc::new(Budget::new(1, Duration::from_secs(3600)));
        budget.acquire(Lane::Deadline).await;
        let waiting = start(&budget, Lane::Deadline);
        settle().await;
        assert_eq!(budget.usage().waiting, 1);
        let now = Instant::now();
        budget.reconfigure(2, WINDOW);
        assert_eq!(waiting.await.unwrap(), now);
        assert_eq!((budget.usage().limit, budget.usage().effective_limit), (2, 2));
    });
}

#[test]
fn a_storm_is_told_once_and_ends_when_it_has_been_calm_for_a_while() {
    run(async {
        let budget = Budget::new(80, WINDOW);
        let is_told = || budget.usage().is_throttled;
        budget.throttled(Some(Duration::ZERO));
        assert!(!is_told(), "one 429 is no storm");
        tokio::time::advance(Duration::from_secs(1)).await;
        budget.throttled(Some(Duration::ZERO));
        assert!(is_told());
        for _ in 0..29 {
            tokio::time::advance(WINDOW).await;
            budget.succeeded();
            assert!(is_told(), "{:?}", budget.usage());
        }
        tokio::time::advance(WINDOW).await;
        budget.succeeded();
        assert!(!is_told());
        assert_eq!(budget.usage().effective_limit, 80);
    });
}

#[test]
fn two_budgets_of_one_resource_are_one() {
    run(async {
        let (first, second) = (Arc::new(Budget::new(2, WINDOW)), Budget::new(80, WINDOW));
        second.join(Some(Arc::clone(&first)));
        let begin = Instant::now();
        for _ in 0..2 {
            second.acquire(Lane::Deadline).await;
        }
        assert_eq!((first.usage().in_window, second.usage().limit), (2, 2));
        first.acquire(Lane::Deadline).await;
        assert_eq!(begin.elapsed(), WINDOW, "what one spends the other has not");
        second.throttled(Some(Duration::from_secs(60)));
        assert_eq!(first.pause(Lane::Sweep), Duration::from_secs(60));
        second.join(None);
        assert_eq!((second.pause(Lane::Sweep), second.usage().limit), (Duration::ZERO, 80));
    });
}
