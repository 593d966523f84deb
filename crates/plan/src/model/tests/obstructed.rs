//! What is at risk while the connection does not work.
use super::*;
use speech_api::condition;
use speech_service::entity::Status;

const RENEWED: &str = "renewal: {before: 720h}";
const RESTS: &str = "- | Ready=True Synced, Reconciling ConnectionNotReady";
const AT_RISK: &str = "- | Ready=True Synced, Reconciling ConnectionNotReady, AtRisk=True ConnectionNotReady";

/// The current revision expires on 15 January, and the connection does not work since a time before `now`.
fn broken(renewal: &str, since: &str, now: &str) -> Case {
    let current = revision(20, 1, &print_of(TRAINING), Status::Succeeded);
    Case::declared(World::new().custom(current), &format!("{TRAINING}\n{renewal}")).with(|c| {
        c.world.link = Link::NotReady {
            seen: true,
            usable: true,
        };
        c.world.broken_since = Some(at(since));
        c.world.now = at(now);
    })
}

#[test]
fn a_short_trouble_of_the_connection_is_no_risk_and_a_long_one_is_from_the_alarm_on() {
    const LONG_SINCE: &str = "2026-12-01T00:00:00Z";
    check(vec![
        (
            "for long, ahead of `before`",
            broken(RENEWED, LONG_SINCE, "2026-12-15T23:59:59Z"),
            RESTS,
        ),
        (
            "for long, inside `before`",
            broken(RENEWED, LONG_SINCE, "2026-12-16T00:00:00Z"),
            AT_RISK,
        ),
        (
            "for a minute",
            broken(RENEWED, "2026-12-20T11:59:00Z", "2026-12-20T12:00:00Z"),
            RESTS,
        ),
        (
            "for five minutes",
            broken(RENEWED, "2026-12-20T11:59:00Z", "2026-12-20T12:04:00Z"),
            AT_RISK,
        ),
        (
            "for a second, past the latest start",
            broken(RENEWED, "2027-01-14T23:29:59Z", "2027-01-14T23:30:00Z"),
            AT_RISK,
        ),
        (
            "past the expiry",
            broken(RENEWED, LONG_SINCE, LATER),
            "- | Ready=False ModelExpired, Reconciling ConnectionNotReady, AtRisk=True ConnectionNotReady",
        ),
        (
            "nobody wants renewals",
            broken("renewal: {on: [SpecChange]}", LONG_SINCE, "2027-01-14T23:30:00Z"),
            RESTS,
        ),
    ]);
    let again = |since: &str, now: &str| broken(RENEWED, since, now).plan().look_again;
    assert_eq!(
        again(LONG_SINCE, "2026-12-15T00:00:00Z"),
        Some(at("2026-12-16T00:00:00Z"))
    );
    assert_eq!(
        again("2026-12-20T11:59:00Z", "2026-12-20T12:00:00Z"),
        Some(at("2026-12-20T12:04:00Z"))
    );
    let conditions = broken(RENEWED, LONG_SINCE, "2026-12-16T00:00:00Z")
        .plan()
        .status
        .conditions;
    assert_eq!(
        condition::at_risk(&conditions).unwrap().message,
        "the current revision expires on 2027-01-15 00:00 UTC; nothing can be changed: SpeechConnection west does not work: it is out of order"
    );
}
