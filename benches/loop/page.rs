//! The fleet page: from the request to the last byte of the answer.
use crate::{Outcome, edit::percentile, fleet::Fleet, stack::Stack};
use serde::Serialize;
use std::time::Instant;

/// How often the page is asked for.
pub const TIMES: usize = 50;

/// What was found, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Asked {
    pub kib: usize,
    pub p50: f64,
    pub longest: f64,
}

/// Asks for the page of the whole fleet, one time after another.
pub async fn measure(stack: &Stack, fleet: &Fleet) -> Outcome<Asked> {
    eprintln!("asking {TIMES} times for the page of {} endpoints", fleet.endpoints);
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let began = Instant::now();
        let (status, page) = stack.operator.here()?.get("/fleet").await?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
        let rows = page.matches("<th scope=\"row\"").count();
        if status != 200 || rows != fleet.endpoints {
            return Err(format!("the answer is {status} with {rows} rows").into());
        }
        bytes = page.len();
    }
    times.sort_by(f64::total_cmp);
    let asked = Asked {
        kib: bytes / 1024,
        p50: percentile(&times, 50),
        longest: percentile(&times, 100),
    };
    eprintln!("  {asked:?}");
    Ok(asked)
}
