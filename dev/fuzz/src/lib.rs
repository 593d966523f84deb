//! Bad input by the million: what every target of the fuzz tests shares. Targets stand beside the code that they feed.
//!
//! A case follows from seed, target and number, so that a failure is found again:
//! `FUZZ_SEED=1 FUZZ_CASE=4711 cargo test --workspace --lib NAME`. `FUZZ_CASES` sets the number of cases of each target.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "part of tests, though no test itself"
)]
mod chance;
mod garble;

pub use chance::{Chance, is_below, weigh};
pub use garble::Garble;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The longest that one case may take, on a busy machine and without optimization.
const SLOWEST: Duration = Duration::from_secs(10);
/// Cases that a thread takes at a time.
const BATCH: u64 = 16;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")),
    )
}

/// Feeds a target with cases: `few` of them, or as many as `FUZZ_CASES` says. `start` makes what a thread keeps from case
/// to case; no verdict may depend on it.
pub fn feed<S>(target: &str, few: u64, start: impl Fn() -> S + Sync, run: impl Fn(&mut S, &mut Garble) + Sync) {
    feed_in_rows(target, few, 1, start, run);
}

/// The same with cases that come in rows: each run feeds so many.
pub fn feed_in_rows<S>(
    target: &str,
    few: u64,
    row: u64,
    start: impl Fn() -> S + Sync,
    run: impl Fn(&mut S, &mut Garble) + Sync,
) {
    let seed = setting("FUZZ_SEED").unwrap_or(1);
    if let Some(number) = setting("FUZZ_CASE") {
        return run(&mut start(), &mut Garble::new(weigh(seed, (target, number))));
    }
    let count = setting("FUZZ_CASES").unwrap_or(few).div_ceil(row);
    let (next, slowest, failed) = (AtomicU64::new(0), Mutex::new((Duration::ZERO, 0)), Mutex::new(None));
    let began = Instant::now();
    let work = || {
        let mut kept = start();
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= count || failed.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                return;
            }
            for number in first..count.min(first + BATCH) {
                let at = Instant::now();
                let mut garble = Garble::new(weigh(seed, (target, number)));
                let done = std::panic::catch_unwind(AssertUnwindSafe(|| run(&mut kept, &mut garble)));
                let took = at.elapsed();
                let mut longest = slowest.lock().unwrap_or_else(PoisonError::into_inner);
                *longest = (*longest).max((took, number));
                drop(longest);
                if done.is_err() || took > SLOWEST {
                    failed
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert((number, took));
                    return;
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let failure = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some((number, took)) = failure {
        panic!("{target}: case {number} failed after {took:?}; again with FUZZ_SEED={seed} FUZZ_CASE={number}");
    }
    let took = began.elapsed();
    let slowest = slowest.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "\nfuzz {target}: {} cases, seed {seed}, {:.1} s, {:.0} per second, slowest {:.1} ms (case {}), peak memory of the process {} MiB",
        count * row,
        took.as_secs_f64(),
        (count * row) as f64 / took.as_secs_f64().max(1e-9),
        slowest.0.as_secs_f64() * 1000.0,
        slowest.1,
        peak_memory_mib(),
    );
}

/// The most memory that this process ever held, as Linux tells; 0 elsewhere.
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
