//! Does its connection work, can its spec be used, and is the remote endpoint free or its own? That is: what keeps the object
//! from its Speech resource, and for which rule that is to say.
use super::{Answer, Facts, Ruling, obstructed, unserved};
use crate::{Verdict, endpoint::identity::Identity};
use speech_api::{
    Reason,
    decision::{Fact, RuleName},
};

/// What keeps the object from its Speech resource, if it is for this rule to say.
fn unreachable(f: &Facts<'_>, rule: RuleName, otherwise: Fact) -> Answer<Ruling> {
    match &f.reach {
        Err(obstacle) if obstacle.rule == rule => obstructed(f, obstacle.verdict.clone()),
        Err(_) | Ok(_) => Answer::Passed(otherwise),
    }
}

pub fn connection(f: &Facts<'_>) -> Answer<Ruling> {
    match (&f.reach, f.identity) {
        (Ok(_), Identity::Unseen) => obstructed(
            f,
            Verdict::working(Reason::Connecting, "waiting for the first look at the Speech resource"),
        ),
        _ => unreachable(f, RuleName::Connection, Fact::Works),
    }
}

pub fn spec(f: &Facts<'_>) -> Answer<Ruling> {
    unreachable(f, RuleName::Spec, Fact::Usable)
}

pub fn owner(f: &Facts<'_>) -> Answer<Ruling> {
    if let Err(verdict) = &f.own {
        // Another object of the cluster that came first is named rather than a mark.
        let before = unreachable(f, RuleName::Owner, Fact::Free);
        return match before {
            Answer::Decided(_) => before,
            Answer::Passed(_) | Answer::Noted(_) | Answer::Holds(_) | Answer::Silent => {
                Answer::Decided(unserved(f, verdict.clone()))
            }
        };
    }
    let is_there = matches!(f.identity, Identity::Known(_));
    let free = if is_there { Fact::Own } else { Fact::Free };
    unreachable(f, RuleName::Owner, free)
}
