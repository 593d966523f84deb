//! Is the remote endpoint there? If not, it is created, or was deleted and stays so.
use super::{Answer, Facts, Ruling, unserved};
use crate::{
    Action, Verdict,
    endpoint::{create, identity::Identity, observed::unlisted_yet},
    predecessor,
};
use speech_api::{Reason, decision::Fact};

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    let s = &f.s;
    let create = || {
        let (verdict, upcoming) = create::decide(f);
        Ruling {
            upcoming,
            ..unserved(f, verdict)
        }
    };
    let waits = || unlisted_yet(s).map(|verdict| unserved(f, verdict));
    Answer::Decided(match f.identity {
        Identity::Known(_) if s.may_act() && !s.has_finalizer() => {
            let verdict = Verdict::working(Reason::Creating, "taking over the endpoint");
            unserved(f, verdict.with(Action::Claim(None)))
        }
        Identity::Known(_) => return Answer::Passed(Fact::Found),
        Identity::Unseen => return Answer::Silent,
        Identity::Missing(id) => waits().unwrap_or_else(|| unserved(f, create::missing(s, id))),
        Identity::Lost(_) => waits().unwrap_or_else(create),
        Identity::Left(id) => unserved(f, predecessor::wait(&format!("endpoint {id}"), s.written(), s.now())),
        Identity::None => create(),
    })
}
