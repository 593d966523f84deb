//! The rows: each breaks something on purpose. One file each, and one list.

mod deletion;
mod fleet;
mod kills;
mod leaders;
mod points;
mod upgrade;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use crate::trial::Trial;

/// A kind of fault and how it is made.
#[derive(Debug)]
pub struct Row {
    /// Name on the command line.
    pub name: &'static str,
    /// What is broken, in a sentence.
    pub title: &'static str,
    /// Numbers of the faults in the list that docs/reliability.md explains.
    pub faults: &'static [u8],
    /// How long the bounded version may take, in seconds; the sum of all rows stays below 180.
    pub bounded_seconds: u64,
    /// Makes the faults and checks what came of them.
    pub run: for<'a> fn(&'a mut Trial) -> LocalBoxFuture<'a, ()>,
}

/// Every row, in the order in which they run.
pub const ALL: &[Row] = &[
    Row {
        name: "kills",
        title: "the operator is killed at random while objects are created, trained, copied, swapped and deleted",
        faults: &[1, 2],
        bounded_seconds: 35,
        run: |trial| kills::run(trial).boxed_local(),
    },
    Row {
        name: "leaders",
        title: "the leader is cut from the API server, stopped or ended while another takes over",
        faults: &[9],
        bounded_seconds: 40,
        run: |trial| leaders::run(trial).boxed_local(),
    },
    Row {
        name: "points",
        title: "the operator is killed at each named point between an intent and its status",
        faults: &[1, 2],
        bounded_seconds: 60,
        run: |trial| points::run(trial).boxed_local(),
    },
    Row {
        name: "deletion-moments",
        title: "objects are deleted at moments of their creation, from its first to its last",
        faults: &[14],
        bounded_seconds: 15,
        run: |trial| deletion::run(trial).boxed_local(),
    },
    Row {
        name: "upgrade",
        title: "the operator is replaced again and again while a training runs for days",
        faults: &[15],
        bounded_seconds: 15,
        run: |trial| upgrade::run(trial).boxed_local(),
    },
];
