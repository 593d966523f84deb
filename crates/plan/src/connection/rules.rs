//! The rules of a SpeechConnection, in the order in which they are asked.
use super::facts::{Concern, Deletion, Facts, Service, Trouble};
use crate::{
    Verdict,
    rule::{Answer, Rule, Rules},
    text::day_time,
};
use speech_api::{
    Reason,
    decision::{Fact, RuleName},
};

/// The rules.
pub const RULES: Rules<Facts, Verdict, 5> = Rules {
    list: [
        Rule::new(RuleName::Deletion, deletion),
        Rule::new(RuleName::Spec, spec),
        Rule::new(RuleName::Contact, contact),
        Rule::new(RuleName::Credential, credential),
        Rule::new(RuleName::Resource, resource),
    ],
    last: (RuleName::Settled, settled),
};

/// Everything is as declared.
fn settled(f: &Facts) -> Verdict {
    let message = match f.uses_tokens {
        true => "the Speech resource answers and accepts the token",
        false => "the Speech resource answers and accepts the key",
    };
    Verdict::done(Reason::Connected, message)
}

fn deletion(f: &Facts) -> Answer {
    let message = match f.deletion {
        Deletion::Wanted => return Answer::Passed(Fact::Wanted),
        Deletion::Leaving { .. } if f.dependents == 0 => return Answer::Silent,
        Deletion::Leaving { since, until } => format!(
            "deleted at {}; kept while {} objects that are being deleted need it, at most until {}",
            day_time(since),
            f.dependents,
            day_time(until),
        ),
        Deletion::InUse { since, living } => format!(
            "deleted at {}; kept as long as objects use it that are not being deleted ({living}). Delete those as well; what is \
             to go on needs a connection of another name, and an object that adopts its entity",
            day_time(since),
        ),
    };
    Answer::Decided(Verdict::working(Reason::ConnectionInUse, message))
}

fn spec(f: &Facts) -> Answer {
    match &f.service {
        Service::Troubled(trouble) if trouble.concern == Concern::Spec => decide(f, trouble),
        Service::Pending | Service::Troubled(_) | Service::Works => Answer::Passed(Fact::Usable),
    }
}

fn contact(f: &Facts) -> Answer {
    match &f.service {
        Service::Pending => Answer::Decided(Verdict::working(
            Reason::Connecting,
            "reading the lists of the Speech resource",
        )),
        Service::Troubled(trouble) => match trouble.concern {
            // Nothing was asked.
            Concern::Spec | Concern::Proof => Answer::Silent,
            Concern::Answer => decide(f, trouble),
            Concern::Credential | Concern::Resource => Answer::Passed(Fact::Answers),
        },
        Service::Works => Answer::Passed(Fact::Answers),
    }
}

fn credential(f: &Facts) -> Answer {
    match &f.service {
        Service::Pending => Answer::Silent,
        Service::Troubled(trouble) => match trouble.concern {
            Concern::Spec | Concern::Answer => Answer::Silent,
            Concern::Proof | Concern::Credential => decide(f, trouble),
            Concern::Resource => Answer::Passed(Fact::Accepted),
        },
        Service::Works => Answer::Passed(Fact::Accepted),
    }
}

fn resource(f: &Facts) -> Answer {
    match &f.service {
        Service::Troubled(trouble) if trouble.concern == Concern::Resource => decide(f, trouble),
        Service::Works if f.recognised => Answer::Passed(Fact::Same),
        Service::Pending | Service::Troubled(_) | Service::Works => Answer::Silent,
    }
}

/// Who has to move next. A credential that was withdrawn is used for nothing but deletions, and nobody has to guess that.
fn decide(f: &Facts, trouble: &Trouble) -> Answer {
    let Trouble { reason, message, .. } = trouble;
    Answer::Decided(if trouble.transient {
        Verdict::working(*reason, message.clone())
    } else {
        let what = if f.uses_tokens { "credential" } else { "key" };
        let last_key = f.last_key_until.map_or_else(String::new, |until| {
            format!(
                "; pending deletions may use the previous {what} until {}",
                day_time(until)
            )
        });
        Verdict::stalled(*reason, format!("{message}{last_key}"))
    })
}
