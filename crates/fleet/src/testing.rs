//! A fleet with something of everything.
use super::{
    Expiry, Row, Step,
    standing::{Standing, Why},
};
use jiff::Timestamp;
use speech_api::{planned::PlannedAction, window::Window};
use speech_plan::window::Calendar;

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An endpoint without a plan.
pub fn row(namespace: &str, name: &str) -> Row {
    Row {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        kind: "SpeechEndpoint".to_owned(),
        uid: format!("uid of {namespace}/{name}"),
        connection: "speech-system/westeurope".to_owned(),
        locale: "en-US".to_owned(),
        expiries: Vec::new(),
        steps: Vec::new(),
        closed: Vec::new(),
        cut_off: None,
        standing: Standing::unknown(),
    }
}

pub fn step(date: &str, action: PlannedAction, to: &str) -> Step {
    Step {
        at: at(date),
        action,
        to: (!to.is_empty()).then(|| to.to_owned()),
        reason: "BeforeExpiry".to_owned(),
        blocked_by: Vec::new(),
        risk: None,
        consequence: None,
        forecast: false,
    }
}

fn expiry(model: &str, date: &str) -> Expiry {
    Expiry {
        model: model.to_owned(),
        at: at(date),
    }
}

/// The times that are closed for swaps from November 2026 to February 2028.
fn closed(windows: &str) -> Vec<super::Span> {
    let windows: Vec<Window> = serde_saphyr::from_str(windows).unwrap();
    let calendar = Calendar::parse(&windows).unwrap();
    calendar.closed_spans(at("2026-11-01T00:00:00Z"), at("2028-02-01T00:00:00Z"))
}

/// A model that is trained, endpoints that follow it, one that waits for a person, one that is too late, one at rest.
pub fn fleet() -> Vec<Row> {
    use PlannedAction::{Evaluate, Expire, Swap, Train};
    let mut claims = row("shop", "claims");
    claims.expiries = vec![
        expiry("claims r4", "2027-01-15T00:00:00Z"),
        expiry("claims r5", "2028-01-15T00:00:00Z"),
    ];
    claims.steps = vec![
        step("2026-12-05T03:20:00Z", Evaluate, "claims r5"),
        step("2026-12-12T00:00:00Z", Swap, "claims r5"),
        step("2028-01-15T00:00:00Z", Expire, "claims r5"),
    ];
    claims.closed = closed(
        r#"
        - {kind: Allow, days: [Sat, Sun], start: "01:00", duration: 4h, timeZone: Europe/Berlin}
        - {kind: Deny, from: "2026-12-20", until: "2027-01-06", timeZone: Europe/Berlin}
        "#,
    );
    let mut model = row("shop", "claims-model");
    model.kind = "SpeechModel".to_owned();
    model.expiries = vec![
        expiry("claims r4", "2027-01-15T00:00:00Z"),
        expiry("claims r5", "2028-01-15T00:00:00Z"),
    ];
    model.steps = vec![step("2026-12-01T10:00:00Z", Train, "claims r5")];
    let mut letters = row("letters", "dictation-hotline-of-the-north-and-the-south");
    letters.locale = "de-DE".to_owned();
    letters.expiries = vec![
        expiry("20251112", "2027-04-15T00:00:00Z"),
        expiry("20260901 <Ü & \"Ö\">", "2027-10-15T00:00:00Z"),
    ];
    let mut waiting = step("2027-03-16T00:00:00Z", Swap, "20260901 <Ü & \"Ö\">");
    waiting.blocked_by = vec!["approval".to_owned(), "gate".to_owned()];
    waiting.risk = Some("expires on 2027-04-15 if nobody approves".to_owned());
    letters.steps = vec![waiting];
    letters.standing.blocked = Some(Why {
        reason: "ApprovalAwaited".to_owned(),
        message: "approval; gate".to_owned(),
    });
    letters.closed = closed(r#"[{kind: Deny, from: "2026-12-20", until: "2027-01-06", timeZone: Europe/Berlin}]"#);
    let mut late = row("shop", "late");
    late.expiries = vec![
        expiry("spring", "2027-01-15T00:00:00Z"),
        expiry("summer", "2027-07-15T00:00:00Z"),
    ];
    let mut training = step("2027-01-20T00:00:00Z", Swap, "summer");
    training.forecast = true;
    training.risk = Some("a base model answers from 2027-01-15 on".to_owned());
    late.steps = vec![step("2027-01-15T00:00:00Z", Expire, "spring"), training];
    let idle = row("shop", "new");
    vec![claims, model, letters, late, idle]
}
