//! The rows: each breaks something on purpose. One file each, and one list.

mod answers;
mod claims;
mod compaction;
mod crd_upgrade;
mod cuts;
mod deletion;
mod due;
mod endless;
mod fleet;
mod foreign;
mod gateway;
mod gitops;
mod kills;
mod leaders;
mod lie;
mod mutation;
mod namespace;
mod odd;
mod outage;
mod points;
mod poison;
mod reaction;
mod refusals;
mod restore;
mod rotation;
mod skew;
mod starved;
mod storm;
mod stranger;
mod uninstall;
mod upgrade;
mod vanish;

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
    /// How long the bounded version may take, in seconds; a row that takes longer says so.
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
        name: "outage",
        title: "the API server is killed, stopped, or comes back without its history",
        faults: &[3, 4],
        bounded_seconds: 25,
        run: |trial| outage::run(trial).boxed_local(),
    },
    Row {
        name: "cuts",
        title: "the connections to the API server are reset, closed, slowed, stalled or forgotten",
        faults: &[3, 4],
        bounded_seconds: 18,
        run: |trial| cuts::run(trial).boxed_local(),
    },
    Row {
        name: "compaction",
        title: "etcd forgets its history while objects change all the time and watches break off",
        faults: &[4],
        bounded_seconds: 12,
        run: |trial| compaction::run(trial).boxed_local(),
    },
    Row {
        name: "poison",
        title: "one object panics in every pass, another never ends, a third cannot be read",
        faults: &[19, 20],
        bounded_seconds: 30,
        run: |trial| poison::run(trial).boxed_local(),
    },
    Row {
        name: "upgrade",
        title: "the operator is replaced again and again while a training runs for days",
        faults: &[15],
        bounded_seconds: 15,
        run: |trial| upgrade::run(trial).boxed_local(),
    },
    Row {
        name: "storm-429",
        title: "the service answers 429 to six requests of ten while swaps are due",
        faults: &[5],
        bounded_seconds: 60,
        run: |trial| storm::run(trial).boxed_local(),
    },
    Row {
        name: "errors-5xx",
        title: "half of all requests end in 5xx, and some answers are lost",
        faults: &[6],
        bounded_seconds: 30,
        run: |trial| answers::errors(trial).boxed_local(),
    },
    Row {
        name: "bodies",
        title: "bodies are slow, cut, too long, half, of another shape, or no JSON",
        faults: &[6],
        bounded_seconds: 45,
        run: |trial| answers::bodies(trial).boxed_local(),
    },
    Row {
        name: "rotation",
        title: "the key is replaced every two seconds while endpoints move, then a wrong one is set",
        faults: &[11],
        bounded_seconds: 30,
        run: |trial| rotation::run(trial).boxed_local(),
    },
    Row {
        name: "skew",
        title: "the clock of the node or of the service is wrong by an hour or by two days",
        faults: &[8],
        bounded_seconds: 60,
        run: |trial| skew::run(trial).boxed_local(),
    },
    Row {
        name: "starved",
        title: "the operator has 64 MiB of memory and a twentieth of a processor",
        faults: &[22],
        bounded_seconds: 60,
        run: |trial| starved::run(trial).boxed_local(),
    },
    Row {
        name: "namespace",
        title: "a namespace is deleted with its endpoints; the credential goes first, last, or was never there",
        faults: &[12],
        bounded_seconds: 45,
        run: |trial| namespace::run(trial).boxed_local(),
    },
    Row {
        name: "claims",
        title: "many objects claim one remote endpoint, and the holder goes again and again",
        faults: &[13],
        bounded_seconds: 15,
        run: |trial| claims::run(trial).boxed_local(),
    },
    Row {
        name: "foreign",
        title: "objects claim a remote endpoint that bears the mark of another owner",
        faults: &[13],
        bounded_seconds: 10,
        run: |trial| foreign::run(trial).boxed_local(),
    },
    Row {
        name: "restore",
        title: "the cluster is lost and restored from a backup without status",
        faults: &[17],
        bounded_seconds: 30,
        run: |trial| restore::run(trial).boxed_local(),
    },
    Row {
        name: "crd-upgrade",
        title: "the CRDs go back to those before and forth again, under living objects",
        faults: &[16],
        bounded_seconds: 30,
        run: |trial| crd_upgrade::run(trial).boxed_local(),
    },
    Row {
        name: "gitops",
        title: "the same manifests are applied again and again",
        faults: &[18],
        bounded_seconds: 20,
        run: |trial| gitops::run(trial).boxed_local(),
    },
    Row {
        name: "gateway",
        title: "somebody else answers for the service: gateways, retired versions, lists that are empty",
        faults: &[23],
        bounded_seconds: 60,
        run: |trial| gateway::run(trial).boxed_local(),
    },
    Row {
        name: "stranger",
        title: "the connection leads to another Speech resource, by address or by key, and back",
        faults: &[24],
        bounded_seconds: 30,
        run: |trial| stranger::run(trial).boxed_local(),
    },
    Row {
        name: "refusals",
        title: "each step is refused with each status code, once or until the expiry is near",
        faults: &[25],
        bounded_seconds: 60,
        run: |trial| refusals::run(trial).boxed_local(),
    },
    Row {
        name: "endless",
        title: "a deployment, a training, an evaluation never end while others have to move",
        faults: &[26],
        bounded_seconds: 60,
        run: |trial| endless::run(trial).boxed_local(),
    },
    Row {
        name: "vanish",
        title: "somebody deletes endpoints, models and evaluations in the service again and again",
        faults: &[7, 27],
        bounded_seconds: 40,
        run: |trial| vanish::run(trial).boxed_local(),
    },
    Row {
        name: "mutation",
        title: "every field and annotation is set to what the schema admits, however odd; statuses are wiped",
        faults: &[29],
        bounded_seconds: 60,
        run: |trial| mutation::run(trial).boxed_local(),
    },
    Row {
        name: "uninstall",
        title: "the CRDs, the operator's namespace and its roles are deleted in every order",
        faults: &[28],
        bounded_seconds: 60,
        run: |trial| uninstall::run(trial).boxed_local(),
    },
];
