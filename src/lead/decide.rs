//! What to do about the Lease. Pure: no clock, no request.
use super::candidate::Candidate;
use std::time::Duration;

/// What is known of the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// There was none whenever we looked.
    Never,
    /// Somebody deleted it. Whoever held it may not have noticed yet.
    Gone {
        /// The term of whoever held it; zero when nobody did.
        term: Duration,
    },
    There {
        /// `holderIdentity`; empty when it was released.
        holder: String,
        /// `leaseDurationSeconds`, which is the holder's, not ours.
        term: Duration,
    },
}

/// What we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We do not lead.
    Candidate,
    /// We lead, as far as we know.
    Leader,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create the Lease in our name.
    Create,
    /// Write our name into it, guarded by its resourceVersion.
    Claim,
    /// Prolong it, guarded by its resourceVersion.
    Renew,
    /// Nothing for so long, unless it changes.
    Wait(Duration),
    /// We lead no more: somebody else wrote to it.
    Yield,
}

/// Decides. `unchanged_for` is how long we ourselves have seen the Lease as it is now.
pub fn decide(seen: &Seen, me: &Candidate, role: Role, unchanged_for: Duration) -> Step {
    let after = |term: Duration, step: Step| match term.checked_sub(unchanged_for) {
        Some(rest) if !rest.is_zero() => Step::Wait(rest),
        Some(_) | None => step,
    };
    match (seen, role) {
        // Also when our own claim came through and its answer did not.
        (Seen::There { holder, .. }, Role::Candidate | Role::Leader) if me.is(holder) => Step::Renew,
        // Whoever emptied, deleted or took it, another may have led since.
        (Seen::There { .. } | Seen::Gone { .. } | Seen::Never, Role::Leader) => Step::Yield,
        (Seen::Never, Role::Candidate) => Step::Create,
        (Seen::Gone { term }, Role::Candidate) => after(*term, Step::Create),
        (Seen::There { holder, .. }, Role::Candidate) if holder.is_empty() || me.succeeds(holder) => Step::Claim,
        (Seen::There { term, .. }, Role::Candidate) => after(*term, Step::Claim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(15);

    fn there(holder: &str) -> Seen {
        Seen::There {
            holder: holder.to_owned(),
            term: TERM,
        }
    }

    /// Each row: what is seen, what we are, for how many seconds, and what follows.
    #[test]
    fn every_sight_of_the_lease_has_its_step() {
        let me = Candidate::of_pod("speech-operator-a");
        let (mine, before) = (there(&me.to_string()), there("speech-operator-a_0123"));
        let other = there("speech-operator-b_0123");
        let (free, gone) = (there(""), Seen::Gone { term: TERM });
        let left = |seconds| Step::Wait(Duration::from_secs(seconds));
        let rows = [
            (&Seen::Never, Role::Candidate, 0, Step::Create),
            (&Seen::Never, Role::Leader, 0, Step::Yield),
            (&gone, Role::Candidate, 0, left(15)),
            (&gone, Role::Candidate, 14, left(1)),
            (&gone, Role::Candidate, 15, Step::Create),
            (&gone, Role::Leader, 99, Step::Yield),
            (&free, Role::Candidate, 0, Step::Claim),
            (&free, Role::Leader, 0, Step::Yield),
            (&mine, Role::Candidate, 0, Step::Renew),
            (&mine, Role::Leader, 99, Step::Renew),
            (&before, Role::Candidate, 0, Step::Claim),
            (&before, Role::Leader, 0, Step::Yield),
            (&other, Role::Candidate, 0, left(15)),
            (&other, Role::Candidate, 14, left(1)),
            (&other, Role::Candidate, 15, Step::Claim),
            (&other, Role::Candidate, 99, Step::Claim),
            (&other, Role::Leader, 99, Step::Yield),
        ];
        for (seen, role, seconds, step) in rows {
            let decided = decide(seen, &me, role, Duration::from_secs(seconds));
            assert_eq!(decided, step, "{seen:?} as {role:?} after {seconds} s");
        }
    }

    #[test]
    fn a_holder_whose_name_only_looks_alike_is_a_stranger() {
        let me = Candidate::of_pod("speech-operator-a");
        for holder in [
            "speech-operator-a",
            "speech-operator",
            "speech-operator-a-b_1",
            "x_speech-operator-a",
        ] {
            assert_eq!(
                decide(&there(holder), &me, Role::Candidate, Duration::ZERO),
                Step::Wait(TERM)
            );
        }
    }

    #[test]
    fn the_term_that_counts_is_the_holders() {
        let me = Candidate::anonymous();
        let long = Seen::There {
            holder: "speech-operator-b_1".to_owned(),
            term: Duration::from_secs(60),
        };
        assert_eq!(
            decide(&long, &me, Role::Candidate, TERM),
            Step::Wait(Duration::from_secs(45))
        );
    }
}
