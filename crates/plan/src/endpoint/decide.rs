//! The decision: what the rules say, and what has the last word whichever of them decided. Nothing after this replaces a
//! verdict.
use super::{
    facts::Facts,
    forecast,
    record::Upcoming,
    rules::{Ahead, Ruling},
    status, write_ahead,
};
use crate::{Verdict, export, failures::Failures, forecast::Forecast, verdict::Phase};
use speech_api::{
    Reason,
    decision::{Decision, RuleName},
};

/// What is decided.
pub struct Decided {
    pub verdict: Verdict,
    /// Which model comes next.
    pub upcoming: Upcoming,
    pub failures: Failures,
    /// Which rule decided, and what each of them saw.
    pub decision: Decision,
    /// What lies ahead; none where what was told before stands.
    pub forecast: Option<Forecast>,
}

/// Asks the rules. What lies ahead follows from what they say, not from what has the last word after them.
pub fn decide(f: &Facts<'_>) -> Decided {
    let (ruling, decision) = Facts::RULES.decide(f);
    let (verdict, spec) = of_windows(f, ruling.ahead, ruling.verdict);
    let ruling = Ruling { verdict, ..ruling };
    let forecast = forecast::after(f, &ruling);
    let Ruling {
        verdict,
        upcoming,
        failures,
        ..
    } = write_ahead::written_first(f, ruling);
    let (verdict, fitness) = of_expiry(f, &upcoming, verdict);
    let verdict = export::trouble(f.s.around.learned.failure, failures.last.as_ref(), verdict, f.s.now());
    let decision = spec.into_iter().chain(fitness).fold(decision, Decision::by);
    Decided {
        decision: decision.concluding(verdict.reason),
        verdict,
        upcoming,
        failures,
        forecast,
    }
}

/// Windows that cannot be read keep nothing back that is due, but nothing is as declared with them.
fn of_windows(f: &Facts<'_>, ahead: Ahead, verdict: Verdict) -> (Verdict, Option<RuleName>) {
    let planned = matches!(ahead, Ahead::Unserved | Ahead::Served);
    match &f.windows.trouble {
        Some(trouble) if planned && verdict.phase == Phase::Done => {
            let verdict = verdict.but_stalled(Reason::SpecInvalid, trouble.clone());
            (verdict, Some(RuleName::Spec))
        }
        Some(_) | None => (verdict, None),
    }
}

/// The moment of expiry is a reason to look again; past it, nothing is as declared whatever else is.
fn of_expiry(f: &Facts<'_>, upcoming: &Upcoming, verdict: Verdict) -> (Verdict, Option<RuleName>) {
    let active = f.record.active.as_ref();
    match active.and_then(|active| active.expires_at) {
        Some(at) if at > f.s.now() => (verdict.until(at), None),
        Some(at) if verdict.phase == Phase::Done => {
            let message = match &upcoming.candidate {
                Some(_) => verdict.message.clone(),
                None => status::base_model_answers(active, at),
            };
            let verdict = verdict.but_stalled(Reason::BaseModelAnswers, message);
            (verdict, Some(RuleName::Fitness))
        }
        Some(_) | None => (verdict, None),
    }
}
