//! Conditions that follow kstatus: `Ready` and `observedGeneration` are always present, `Reconciling` and `Stalled` only while
//! true.
use super::Reason;
use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Everything is as declared and usable.
pub const READY: &str = "Ready";
/// Work is under way.
pub const RECONCILING: &str = "Reconciling";
/// The operator cannot continue until someone acts.
pub const STALLED: &str = "Stalled";
/// The active model has not expired.
pub const MODEL_VALID: &str = "ModelValid";
/// The active model will expire before another one follows, unless someone acts. Present only while true.
pub const AT_RISK: &str = "AtRisk";
/// The Speech service refuses some fields; everything else continues without them. Present only while true.
pub const FIELDS_REFUSED: &str = "FieldsRefused";
/// The clocks of the Speech service and of the operator differ. Present only while true.
pub const CLOCK_SKEW: &str = "ClockSkew";
/// The Speech service refuses many requests because there are too many, so everything takes longer. Present only while true.
pub const THROTTLED: &str = "Throttled";
/// Something in the spec or in an annotation has no effect. Present only while true.
pub const UNHEEDED: &str = "Unheeded";

/// Someone else keeps changing the remote entity, so the operator corrects it less and less often. Present only while true.
pub const CONTESTED: &str = "Contested";

/// More deletions were requested at once than the connection allows, and they wait. Present only while true.
pub const DELETIONS_HELD: &str = "DeletionsHeld";

/// The retirement of the chosen API version has been announced. Present only while true.
pub const RETIRING_VERSION: &str = "RetiringVersion";
/// The operator only observes: it changes nothing in the Speech service. Present only while true.
pub const OBSERVE_ONLY: &str = "ObserveOnly";
/// Another connection leads to the same Speech resource. Present only while true.
pub const SHARED_RESOURCE: &str = "SharedResource";

/// The condition that holds the verdict of a pass: what only a person can end, otherwise what is under way, otherwise
/// `Ready`.
pub fn verdict(conditions: &[Condition]) -> Option<&Condition> {
    [STALLED, RECONCILING, READY]
        .iter()
        .find_map(|kind| find(conditions, kind))
}

/// The reason of a condition; none if another version of the operator wrote it.
pub fn reason(condition: &Condition) -> Option<Reason> {
    Reason::parse(&condition.reason)
}

/// The longest message, in bytes.
const LONGEST_MESSAGE: usize = 4096;

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// "True"
    True,
    /// "False"
    False,
    /// "Unknown"
    Unknown,
}

impl Truth {
    /// The word as the condition has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// What a condition says, before it gets its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// One of the constants of this module.
    pub kind: &'static str,
    /// True, False or Unknown.
    pub truth: Truth,
    /// Why.
    pub reason: Reason,
    /// A sentence for people.
    pub message: String,
}

/// Turns statements into conditions. A condition whose status is unchanged keeps its transition time. A condition that is
/// not stated is removed.
pub fn stamp(old: &[Condition], statements: Vec<Statement>, generation: i64, now: Timestamp) -> Vec<Condition> {
    let seconds = now.round(Unit::Second).unwrap_or(now);
    let stamped = |statement: Statement| {
        let before = old
            .iter()
            .find(|c| c.type_ == statement.kind && c.status == statement.truth.as_str());
        Condition {
            type_: statement.kind.to_owned(),
            status: statement.truth.as_str().to_owned(),
            reason: statement.reason.as_str().to_owned(),
            message: shortened(statement.message),
            observed_generation: Some(generation),
            last_transition_time: before.map_or(Time(seconds), |c| c.last_transition_time.clone()),
        }
    };
    statements.into_iter().map(stamped).collect()
}

/// A message may quote a service or an annotation, and the API server accepts no message longer than 32 KiB.
fn shortened(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message.push_str("...");
    }
    message
}

/// The condition of a type.
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == kind)
}

/// The condition AtRisk, while it is true. The metric, the fleet page, the plan and the exit code follow it.
pub fn at_risk(conditions: &[Condition]) -> Option<&Condition> {
    find(conditions, AT_RISK).filter(|told| told.status == "True")
}

/// Whether the condition of a type is True.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    find(conditions, kind).is_some_and(|c| c.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(truth: Truth, reason: Reason) -> Vec<Statement> {
        vec![Statement {
            kind: READY,
            truth,
            reason,
            message: String::new(),
        }]
    }

    #[test]
    fn a_message_is_never_longer_than_the_api_server_takes() {
        let mut statements = say(Truth::False, Reason::Refused);
        statements[0].message = "\u{e9}".repeat(40_000);
        let stamped = stamp(&[], statements, 1, Timestamp::UNIX_EPOCH);
        assert!(
            stamped[0].message.len() <= LONGEST_MESSAGE + 3,
            "{}",
            stamped[0].message.len()
        );
        assert!(stamped[0].message.ends_with("..."));
    }

    #[test]
    fn the_time_moves_only_with_the_status() {
        let (t0, t1, t2) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
        let at = |t: &str| t.parse::<Timestamp>().unwrap();
        let first = stamp(&[], say(Truth::False, Reason::Creating), 1, at(t0));
        let same = stamp(&first, say(Truth::False, Reason::Deploying), 2, at(t1));
        assert_eq!(same[0].last_transition_time, Time(at(t0)));
        assert_eq!(
            (same[0].reason.as_str(), same[0].observed_generation),
            ("Deploying", Some(2))
        );
        let other = stamp(&same, say(Truth::True, Reason::Serving), 2, at(t2));
        assert_eq!(other[0].last_transition_time, Time(at(t2)));
    }
}
