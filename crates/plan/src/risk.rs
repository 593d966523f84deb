//! What is at risk: one function for endpoints and models. The condition AtRisk says it, and event, metric, alert, page,
//! plan and exit code go by the condition.
use super::{
    Verdict,
    text::{after, before, day_time},
    verdict::Phase,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{Reason, condition};

/// A trouble with the connection that passes sooner is no risk, unless the latest start has come.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// What goes wrong if nobody acts, and why.
pub type Risk = (Reason, String);

/// From when on it is told what keeps the next model back: `before` ahead of the expiry, or earlier where the work takes
/// longer here.
pub fn alarm_from(expires_at: Timestamp, ahead: SignedDuration, lead: SignedDuration) -> Timestamp {
    before(expires_at, ahead.max(lead))
}

/// From when on work of the service counts as one that never ends: half as long again as the longest seen.
pub fn overdue_from(since: Timestamp, expected: SignedDuration) -> Timestamp {
    after(since, expected.saturating_mul(3) / 2)
}

/// What expires, and when it has to be followed.
#[derive(Clone, Copy, Debug)]
pub struct Deadline<'a> {
    /// The subject of a sentence, as `the active model`.
    pub subject: &'a str,
    /// The present (UTC).
    pub now: Timestamp,
    /// When it expires (UTC).
    pub expires_at: Timestamp,
    /// See [`alarm_from`].
    pub alarm: Timestamp,
    /// The latest start that leaves time for the work (UTC).
    pub latest: Timestamp,
}

/// How it stands with what is to follow.
#[derive(Clone, Debug)]
pub enum Way {
    /// Nothing stands against it.
    Open,
    /// The service is at work on it.
    Under {
        /// Since when (UTC).
        since: Timestamp,
        /// How long that takes here.
        expected: SignedDuration,
        /// What the work is, as `model m is being deployed`.
        words: String,
    },
    /// Something keeps it back.
    Kept {
        /// From when on that is told.
        told: Told,
        /// Why.
        reason: Reason,
        /// The same for a person.
        words: String,
    },
}

/// From when on it is told what keeps a model back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// At once: it never ends by itself.
    AtOnce,
    /// From the alarm on.
    WhenLate,
}

impl Way {
    /// Kept back by what is told from the alarm on.
    pub fn kept(reason: Reason, words: impl Into<String>) -> Self {
        Self::Kept {
            told: Told::WhenLate,
            reason,
            words: words.into(),
        }
    }
}

impl Deadline<'_> {
    /// Whether the alarm has come.
    pub fn is_late(&self) -> bool {
        self.alarm <= self.now
    }

    /// Whether it has expired.
    pub fn has_passed(&self) -> bool {
        self.expires_at <= self.now
    }

    /// `the active model expires on ...`
    pub fn words(&self) -> String {
        let verb = if self.has_passed() { "expired" } else { "expires" };
        format!("{} {verb} on {}", self.subject, day_time(self.expires_at))
    }

    /// When time alone may change the risk.
    pub fn look_again(&self, way: &Way) -> Option<Timestamp> {
        let overdue = match way {
            Way::Under { since, expected, .. } => Some(overdue_from(*since, *expected)),
            Way::Open | Way::Kept { .. } => None,
        };
        let moments = [Some(self.alarm), overdue, Some(self.expires_at)];
        moments.into_iter().flatten().filter(|at| *at > self.now).min()
    }
}

/// What is at risk, if anything.
pub fn risk(deadline: &Deadline<'_>, way: &Way) -> Option<Risk> {
    let told = |reason: Reason, words: &str| Some((reason, format!("{}; {words}", deadline.words())));
    match way {
        Way::Kept {
            told: when,
            reason,
            words,
        } if *when == Told::AtOnce || deadline.is_late() => told(*reason, words),
        Way::Under { since, expected, words } if deadline.is_late() => {
            let longest = expected.as_secs().div_euclid(60).max(1);
            let words = format!(
                "{words} since {}, which took {longest} minutes at the longest before",
                day_time(*since)
            );
            if overdue_from(*since, *expected) <= deadline.now {
                return told(Reason::Overdue, &words);
            }
            if !deadline.has_passed() && after(*since, *expected) > deadline.expires_at {
                return told(Reason::LeadTimeShort, &words);
            }
            answered_by_base(deadline)
        }
        Way::Open | Way::Under { .. } | Way::Kept { .. } => answered_by_base(deadline),
    }
}

/// Whatever is under way: from the expiry on a base model answers.
fn answered_by_base(deadline: &Deadline<'_>) -> Option<Risk> {
    let words = format!("{}; the newest base model answers in its place", deadline.words());
    deadline.has_passed().then_some((Reason::BaseModelAnswers, words))
}

/// The risk while nothing can be seen or done: what was told before stands; else it is the obstacle, once that has lasted
/// for a while. `broken_since` is the connection's. The second value is when time alone may change it.
pub fn unseen(
    deadline: Option<&Deadline<'_>>,
    obstacle: &Verdict,
    broken_since: Option<Timestamp>,
    conditions: &[Condition],
) -> (Option<Risk>, Option<Timestamp>) {
    let Some(deadline) = deadline else {
        return (told(conditions), None);
    };
    let obstacle_since = match obstacle.phase {
        Phase::Stalled => stalled_since(conditions),
        Phase::Working | Phase::Done => None,
    };
    let since = broken_since.or(obstacle_since).unwrap_or(deadline.now);
    let lasts = after(since, PATIENCE).min(deadline.latest.max(since));
    let words = format!("nothing can be changed: {}", obstacle.message);
    let way = Way::kept(obstacle.reason, words);
    let again = [deadline.look_again(&way), Some(lasts).filter(|at| *at > deadline.now)];
    let again = again.into_iter().flatten().min();
    let told = told(conditions).filter(|_| !deadline.has_passed());
    let risk = told.or_else(|| risk(deadline, &way).filter(|_| lasts <= deadline.now));
    (risk, again)
}

/// What was found, beside what the object rests on that is being taken away: that nothing follows is then a consequence.
pub fn with_ending(deadline: Option<&Deadline<'_>>, found: Option<Risk>, ending: Option<Risk>) -> Option<Risk> {
    let Some((reason, ends)) = ending else { return found };
    let is_other = |found| found != Reason::NoSuccessor && found != reason;
    match found {
        // What was told before stands, and holds it already.
        Some((found, words)) if is_other(found) && words.contains(&ends) => Some((found, words)),
        Some((found, words)) if is_other(found) => Some((found, format!("{words}; {ends}"))),
        Some(_) | None => {
            let words = deadline.map(|deadline| format!("{}; {ends}", deadline.words()));
            Some((reason, words.unwrap_or(ends)))
        }
    }
}

/// The risk of what served once and does not serve at all now, when that lasts. The second value is when time alone may
/// change the risk.
pub fn unserved(now: Timestamp, conditions: &[Condition], obstacle: Risk) -> (Option<Risk>, Option<Timestamp>) {
    let ready = condition::find(conditions, condition::READY).filter(|ready| ready.status == "False");
    let since = ready.map_or(now, |ready| ready.last_transition_time.0);
    let lasts = after(since, PATIENCE);
    if now < lasts {
        return (None, Some(lasts));
    }
    let (reason, words) = obstacle;
    let words = format!(
        "nothing has served since {}, and a base model answers whoever names the endpoint; {words}",
        day_time(since)
    );
    (Some((reason, words)), None)
}

/// A trouble that may pass by itself is a risk once it has lasted for a while. The second value is when it will have.
pub fn lasting(now: Timestamp, conditions: &[Condition]) -> (bool, Option<Timestamp>) {
    let lasts = after(stalled_since(conditions).unwrap_or(now), PATIENCE);
    (lasts <= now, Some(lasts).filter(|at| *at > now))
}

/// Since when nothing goes on without somebody, whatever it was at first: the time of a condition outlives its reason, so
/// that only a condition that is new says since when its reason holds.
fn stalled_since(conditions: &[Condition]) -> Option<Timestamp> {
    let stalled = condition::find(conditions, condition::STALLED)?;
    Some(stalled.last_transition_time.0)
}

/// What the written conditions say.
pub fn told(conditions: &[Condition]) -> Option<Risk> {
    let told = condition::at_risk(conditions)?;
    Some((condition::reason(told)?, told.message.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    const EXPIRES: &str = "2026-04-15T00:00:00Z";

    fn on(day: &str) -> Deadline<'static> {
        Deadline {
            subject: "the active model",
            now: at(day),
            expires_at: at(EXPIRES),
            alarm: alarm_from(
                at(EXPIRES),
                SignedDuration::from_hours(48),
                SignedDuration::from_hours(1),
            ),
            latest: at("2026-04-14T23:00:00Z"),
        }
    }

    fn said(day: &str, way: &Way) -> String {
        risk(&on(day), way).map_or("-".to_owned(), |(reason, words)| format!("{reason:?}: {words}"))
    }

    #[test]
    fn what_keeps_a_model_back_is_told_from_the_alarm_on() {
        let kept = Way::kept(Reason::Retrying, "m fails");
        let barred = Way::Kept {
            told: Told::AtOnce,
            reason: Reason::WindowNeverOpens,
            words: "shut".into(),
        };
        let late = "Retrying: the active model expires on 2026-04-15 00:00 UTC; m fails";
        let past = "BaseModelAnswers: the active model expired on 2026-04-15 00:00 UTC; the newest base model answers in its place";
        for (day, way, expected) in [
            ("2026-04-12T23:59:59Z", &kept, "-"),
            ("2026-04-13T00:00:00Z", &kept, late),
            (
                EXPIRES,
                &kept,
                "Retrying: the active model expired on 2026-04-15 00:00 UTC; m fails",
            ),
            (
                "2026-01-01T00:00:00Z",
                &barred,
                "WindowNeverOpens: the active model expires on 2026-04-15 00:00 UTC; shut",
            ),
            ("2026-04-14T23:59:59Z", &Way::Open, "-"),
            (EXPIRES, &Way::Open, past),
        ] {
            assert_eq!(said(day, way), expected, "{day}");
        }
    }

    #[test]
    fn work_is_a_risk_once_it_lasts_longer_than_ever_before() {
        let under = |since: &str| Way::Under {
            since: at(since),
            expected: SignedDuration::from_mins(20),
            words: "model m is being deployed".into(),
        };
        let before = under("2026-04-01T00:00:00Z");
        assert_eq!(said("2026-04-12T00:00:00Z", &before), "-", "nobody has to care yet");
        assert!(said("2026-04-13T00:00:00Z", &before).starts_with("Overdue: "));
        let late = under("2026-04-14T23:50:00Z");
        assert!(
            said("2026-04-14T23:51:00Z", &late).starts_with("LeadTimeShort: "),
            "it would end too late"
        );
        let now = under("2026-04-14T10:00:00Z");
        assert_eq!(said("2026-04-14T10:29:59Z", &now), "-");
        assert_eq!(
            said("2026-04-14T10:30:00Z", &now),
            "Overdue: the active model expires on 2026-04-15 00:00 UTC; model m is being deployed since 2026-04-14 10:00 UTC, which took 20 minutes at the longest before"
        );
        assert_eq!(
            on("2026-04-14T10:00:00Z").look_again(&now),
            Some(at("2026-04-14T10:30:00Z"))
        );
    }

    #[test]
    fn what_is_taken_away_is_told_whatever_the_dates_are_and_once() {
        let ends = || Some((Reason::ModelEnds, "m is being deleted".to_owned()));
        let deadline = on("2026-01-01T00:00:00Z");
        let told = |found: Option<(Reason, &str)>, deadline: Option<&Deadline<'_>>| {
            let found = found.map(|(reason, words)| (reason, words.to_owned()));
            let (reason, words) = with_ending(deadline, found, ends()).unwrap();
            format!("{reason:?}: {words}")
        };
        let dated = "ModelEnds: the active model expires on 2026-04-15 00:00 UTC; m is being deleted";
        for (found, deadline, expected) in [
            (None, None, "ModelEnds: m is being deleted"),
            (None, Some(&deadline), dated),
            (
                Some((Reason::NoSuccessor, "nothing follows it")),
                Some(&deadline),
                dated,
            ),
            (
                Some((Reason::ModelEnds, "as told before; m is being deleted")),
                Some(&deadline),
                dated,
            ),
            (
                Some((Reason::Retrying, "fails")),
                None,
                "Retrying: fails; m is being deleted",
            ),
            (
                Some((Reason::Retrying, "fails; m is being deleted")),
                None,
                "Retrying: fails; m is being deleted",
            ),
        ] {
            assert_eq!(told(found, deadline), expected, "{found:?}");
        }
        assert_eq!(with_ending(Some(&deadline), None, None), None);
    }

    #[test]
    fn what_serves_nothing_for_long_is_a_risk() {
        let ready: Vec<Condition> = serde_json::from_value(serde_json::json!([{
            "type": "Ready", "status": "False", "reason": "RecreationDelayed", "message": "",
            "lastTransitionTime": "2026-03-01T10:00:00Z",
        }]))
        .unwrap();
        let on = |now: &str| unserved(at(now), &ready, (Reason::RecreationDelayed, "later".to_owned()));
        let lasts = at("2026-03-01T10:05:00Z");
        assert_eq!(on("2026-03-01T10:04:59Z"), (None, Some(lasts)));
        let (risk, again) = on("2026-03-01T10:05:00Z");
        let (reason, words) = risk.unwrap();
        assert_eq!((reason, again), (Reason::RecreationDelayed, None));
        assert!(
            words.starts_with("nothing has served since 2026-03-01 10:00 UTC"),
            "{words}"
        );
        assert_eq!(unserved(lasts, &[], (Reason::Refused, String::new())).0, None);
    }

    #[test]
    fn a_short_trouble_of_the_connection_is_no_risk_and_a_long_one_is() {
        let said = |day: &str, since: &str| {
            // What the object does was begun long before, which says nothing of the connection.
            let told: Vec<Condition> = serde_json::from_value(serde_json::json!([{
                "type": "Reconciling", "status": "True", "reason": "ConnectionNotReady", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }]))
            .unwrap();
            let obstacle = Verdict::working(Reason::ConnectionNotReady, "down");
            let (risk, again) = unseen(Some(&on(day)), &obstacle, Some(at(since)), &told);
            (risk.is_some(), again)
        };
        let alarm = at("2026-04-13T00:00:00Z");
        assert_eq!(
            said("2026-04-01T00:00:00Z", "2026-03-01T00:00:00Z"),
            (false, Some(alarm))
        );
        assert!(said("2026-04-13T00:00:00Z", "2026-03-01T00:00:00Z").0);
        let short = said("2026-04-14T12:00:00Z", "2026-04-14T11:59:00Z");
        assert_eq!(short, (false, Some(at("2026-04-14T12:04:00Z"))));
        assert!(said("2026-04-14T12:04:00Z", "2026-04-14T11:59:00Z").0);
        assert!(
            said("2026-04-14T23:30:00Z", "2026-04-14T23:29:59Z").0,
            "too near to be patient"
        );
    }
}
