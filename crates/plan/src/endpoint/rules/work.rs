//! Has the service ended its work on it?
use super::{Answer, Facts, Ruling, served};
use crate::{endpoint::in_flight, queue::Want};
use speech_api::decision::Fact;
use speech_service::entity::Status;

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(k) = &f.known else { return Answer::Silent };
    if !k.under_way {
        return Answer::Passed(Fact::Idle);
    }
    let upcoming = in_flight::deploying(f, k);
    let verdict = match k.endpoint().header.status {
        Status::NotStarted | Status::Running | Status::Other(_) => {
            in_flight::progress(f, k.endpoint(), upcoming.target.as_ref())
        }
        Status::Succeeded | Status::Failed => in_flight::unconfirmed(f, k, &upcoming),
    };
    let creates = f.record.active.is_none();
    let verdict = if creates {
        verdict.wanting(Want::Creation)
    } else {
        verdict
    };
    Answer::Decided(served(f, verdict, upcoming, f.record.failures.clone()))
}
