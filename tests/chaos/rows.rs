//! The rows: each breaks something on purpose. One file each, and one list.

mod answers;
mod claims;
mod compaction;
mod crd_upgrade;
mod cuts;
mod deletion;
mod due;
mod endless;
mod failpoints;
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

use crate::trial::Trial;
use futures::{FutureExt as _, future::LocalBoxFuture};

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

macro_rules! rows {
    ($($name:literal $run:path [$($fault:literal),*] $bounded_seconds:literal $title:literal;)+) => {
        /// Every row, in the order in which they run.
        pub const ALL: &[Row] = &[$(Row {
            name: $name,
            title: $title,
            faults: &[$($fault),*],
            bounded_seconds: $bounded_seconds,
            run: |trial| $run(trial).boxed_local(),
        }),+];
    };
}

rows! {
    "kills" kills::run [1, 2] 35
        "the operator is killed at random while objects are created, trained, copied, swapped and deleted";
    "leaders" leaders::run [9] 40
        "the leader is cut from the API server, stopped or ended while another takes over";
    "failpoints" failpoints::run [1, 2] 60
        "the operator is killed at each named point between an intent and its status";
    "deletion-moments" deletion::run [14] 15
        "objects are deleted at moments of their creation, from its first to its last";
    "outage" outage::run [3, 4] 25
        "the API server is killed, stopped, or comes back without its history";
    "cuts" cuts::run [3, 4] 18
        "the connections to the API server are reset, closed, slowed, stalled or forgotten";
    "compaction" compaction::run [4] 12
        "etcd forgets its history while objects change all the time and watches break off";
    "poison" poison::run [19, 20] 30
        "one object panics in every pass, another never ends, a third cannot be read";
    "upgrade" upgrade::run [15] 15
        "the operator is replaced again and again while a training runs for days";
    "storm-429" storm::run [5] 60
        "the service answers 429 to six requests of ten while swaps are due";
    "errors-5xx" answers::errors [6] 30
        "half of all requests end in 5xx, and some answers are lost";
    "bodies" answers::bodies [6] 45
        "bodies are slow, cut, too long, half, of another shape, or no JSON";
    "rotation" rotation::run [11] 30
        "the key is replaced every two seconds while endpoints move, then a wrong one is set";
    "skew" skew::run [8] 60
        "the clock of the node or of the service is wrong by an hour or by two days";
    "starved" starved::run [22] 60
        "the operator has 64 MiB of memory and a twentieth of a processor";
    "namespace" namespace::run [12] 45
        "a namespace is deleted with its endpoints; the credential goes first, last, or was never there";
    "claims" claims::run [13] 15
        "many objects claim one remote endpoint, and the holder goes again and again";
    "foreign" foreign::run [13] 10
        "objects claim a remote endpoint that bears the mark of another owner";
    "restore" restore::run [17] 30
        "the cluster is lost and restored from a backup without status";
    "crd-upgrade" crd_upgrade::run [16] 30
        "the CRDs go back to those before and forth again, under living objects";
    "gitops" gitops::run [18] 20
        "the same manifests are applied again and again";
    "gateway" gateway::run [23] 60
        "somebody else answers for the service: gateways, retired versions, lists that are empty";
    "stranger" stranger::run [24] 30
        "the connection leads to another Speech resource, by address or by key, and back";
    "refusals" refusals::run [25] 60
        "each step is refused with each status code, once or until the expiry is near";
    "endless" endless::run [26] 60
        "a deployment, a training, an evaluation never end while others have to move";
    "vanish" vanish::run [7, 27] 40
        "somebody deletes endpoints, models and evaluations in the service again and again";
    "mutation" mutation::run [29] 60
        "every field and annotation is set to what the schema admits, however odd; statuses are wiped";
    "uninstall" uninstall::run [28] 60
        "the CRDs, the operator's namespace and its roles are deleted in every order";
}
