//! The way to the API server breaks, in every manner that TCP knows.
use super::reaction::Watched;
use crate::{
    harness::{Proxy, eventually},
    law::Expected,
    trial::{Patience, Trial},
};
use std::time::Duration;

/// The first change after the end of a cut is acted on within this.
const BOUND: Duration = Duration::from_secs(5);
/// The same where nothing tells the end of the connections: bookmarks that stay away do.
const HALF_DEAD: Duration = Duration::from_secs(100);

/// How the way breaks.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Reset,
    Closed,
    Stalled,
    Unanswered,
    Slow,
}

const CUTS: [Cut; 5] = [Cut::Reset, Cut::Closed, Cut::Stalled, Cut::Unanswered, Cut::Slow];

/// Each run is a cut of a few seconds; what is measured is the first change after it. In full also connections that are
/// half-dead: open for ever, and silent.
pub async fn run(trial: &mut Trial) {
    let (proxy, kubeconfig) = trial.world.plane.operator_behind_proxy().await.unwrap();
    let mut watched = Watched::start(trial, "cuts", 5, Some(kubeconfig), &[]).await;
    let times = trial.times(5, 30);
    for time in 0..times {
        let cut = CUTS[usize::try_from(time).unwrap() % CUTS.len()];
        match cut {
            Cut::Reset => proxy.reset_all(),
            Cut::Closed => proxy.drop_all(),
            Cut::Stalled => proxy.stall(),
            Cut::Unanswered => proxy.stall_answers(),
            Cut::Slow => proxy.delay(Duration::from_millis(300)),
        }
        let longest = trial.sized(1000, 2500);
        let lasts = Duration::from_millis(500 + trial.chance.below(longest));
        watched.pass(trial, lasts).await;
        proxy.pass();
        proxy.delay(Duration::ZERO);
        watched.react(trial, &format!("{cut:?}"), BOUND).await;
    }
    let before = watched.restarts;
    let dead = if trial.is_full { 3 } else { 0 };
    let mut noticed = Vec::new();
    for _ in 0..dead {
        // Until the apiserver has shown that it sends bookmarks, its silence says nothing for five minutes.
        watched.pass(trial, Duration::from_secs(70)).await;
        proxy.forget();
        noticed.push(watched.react(trial, "half-dead connections", HALF_DEAD).await.as_secs());
    }
    if watched.restarts > before {
        trial.violated("the operator", "half-dead connections ended it");
    }
    trial.converge(&[&watched.tenant], &Patience::default()).await;
    let lawful = Expected {
        more_changes: 2,
        ..Expected::default()
    };
    trial.check(&[&watched.tenant], &lawful).await;
    stays_quiet(trial, &proxy).await;
    trial.saw(format!(
        "{times} cuts; half-dead connections noticed after {noticed:?} s"
    ));
}

/// Afterwards nothing goes on asking: no watch was left in a circle.
async fn stays_quiet(trial: &mut Trial, proxy: &Proxy) {
    let quiet = eventually(
        "no more than a few new connections in 3 s",
        Duration::from_secs(60),
        async || {
            let before = proxy.accepted();
            tokio::time::sleep(Duration::from_secs(3)).await;
            match proxy.accepted() - before {
                0..=3 => Ok(()),
                many => Err(format!("{many} new connections")),
            }
        },
    );
    if let Err(error) = quiet.await {
        trial.violated("the operator", error);
    }
}
