//! One replica acts: the election by a Lease, and what keeps everybody else's hands off.
//!
//! [`decide`](decide::decide) is pure. [`Campaign`] carries it out, on a thread of its own ([`Contest`]): it stands by until
//! the Lease is free, then renews it, and ends for good when it cannot. [`Leadership`] is what the rest of the process asks before it changes anything, and
//! [`fence`] asks it for every request that leaves, whoever sends it.
//!
//! Time is counted on our own monotonic clock only: how long *we* have seen the same resourceVersion, and how long ago
//! *we* began to renew. What another replica's clock says, e.g. in `renewTime`, is never compared.
mod candidate;
mod contest;
pub mod decide;
mod election;
pub mod fence;
mod leadership;
mod lease;
mod timing;

pub use candidate::Candidate;
pub use contest::{Contest, Election, Mandate};
pub use election::{Campaign, Lost};
pub use leadership::{Leadership, Withheld};
pub use lease::{KubeLease, LeaseApi, LeaseError};
pub use timing::{InvalidTiming, Timing};

#[cfg(test)]
mod simulation;
