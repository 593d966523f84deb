//! Whether a process changes anything in the Speech service.
use super::Verdict;
use speech_api::{Reason, reference::ManagementPolicy};

/// What a process may do to the Speech service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hands {
    /// It changes what the objects declare.
    #[default]
    Free,
    /// It reads and reports (`--observe-only`). No plan names a step that would change anything there, and an object that is
    /// deleted is let go with all that it has.
    Tied,
}

impl Hands {
    /// Whether anything may be changed.
    pub fn are_free(self) -> bool {
        self == Self::Free
    }
}

/// Why nothing is changed for an object that nobody may act for: its own spec comes first, and the process last.
pub fn why_not(suspended: bool, policy: ManagementPolicy) -> (Reason, &'static str) {
    if suspended {
        (Reason::Suspended, "suspended")
    } else if policy == ManagementPolicy::Observe {
        (Reason::Observed, "observed only")
    } else {
        (Reason::ObserveOnly, "the operator runs with --observe-only")
    }
}

/// An object that is deleted where the operator only observes: it is let go, and what it stands for stays.
pub fn lets_go(what: &str) -> Verdict {
    let message =
        format!("{what} stays in the Speech service: the operator runs with --observe-only and deletes nothing");
    Verdict::working(Reason::ObserveOnly, message).with(super::Action::Release)
}
