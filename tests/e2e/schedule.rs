//! Swaps on their day: before an expiry, within windows, at the last moment.
use crate::{
    case::Case,
    harness::{condition, is_ready, message},
    seed::{BASE_NEW, BASE_OLD},
    stack::{alone, shared},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How the status writes days and times for people, without the time zone.
fn day(at: Timestamp) -> String {
    at.to_string()[..10].to_owned()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Applies the endpoint `hotline` of `claims` with these terms.
async fn hotline(case: &Case, swap: Value) {
    case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}, "swap": swap}))
        .await;
}

/// An endpoint with these terms whose model has a successor; waits until it says so. Returns it, and the expiry.
async fn with_successor(case: &Case, swap: Value, words: &str) -> (Value, Timestamp) {
    case.connect("60s").await;
    case.claims(BASE_OLD).await;
    hotline(case, swap).await;
    let endpoint = case.serves("hotline", BASE_OLD).await;
    let expiry = endpoint["status"]["active"]["expiresAt"].as_str().unwrap();
    let expiry = expiry.parse().unwrap();
    case.claims(BASE_NEW).await;
    let told = case.says("hotline", words).await;
    assert_eq!(told["status"]["candidate"]["model"], BASE_NEW, "{told:#}");
    assert_eq!(told["status"]["active"]["model"], BASE_OLD, "{told:#}");
    (told, expiry)
}

/// When the swap is planned.
fn planned(endpoint: &Value) -> Timestamp {
    let step = &endpoint["status"]["plan"][0];
    assert_eq!(step["action"], "Swap", "{endpoint:#}");
    step["at"].as_str().unwrap().parse().unwrap()
}

/// Goes to a time, and waits until the endpoint has been looked at there.
async fn at(case: &Case, time: Timestamp) -> Value {
    case.control.set_now(time).await.unwrap();
    case.look("hotline").await
}

#[test]
fn before_expiry_waits_for_its_day_without_a_write_and_is_there_in_time() {
    alone("schedule-before", async |case, stack| {
        let terms = json!({"policy": "BeforeExpiry", "before": "30d"});
        let (told, expiry) = with_successor(case, terms, "its day").await;
        let planned = planned(&told);
        assert!(expiry - hours(30 * 24) <= planned, "{planned} is too early");
        assert!(planned <= expiry - hours(24), "{planned} is too late");
        assert!(message(&told, "Ready").contains(&day(planned)), "{told:#}");
        assert_eq!(told["status"]["plan"][0]["reason"], "BeforeExpiry");
        assert!(condition(&told, "AtRisk").is_null(), "{told:#}");

        // Long before, a day before, an hour before: the same words, and nothing is written.
        case.look("hotline").await;
        let version = |endpoint: &Value| {
            let mut status = endpoint["status"].clone();
            status["lastHandledReconcileAt"].take();
            status
        };
        for time in [
            planned - hours(200 * 24),
            planned - hours(24),
            planned - SignedDuration::from_mins(61),
        ] {
            let seen = at(case, time).await;
            assert_eq!(version(&seen), version(&told));
        }
        let (writes, lists) = (case.writes(stack).len(), case.calls("Endpoints_List").await);
        for advance in ["11m", "11m"] {
            case.control.advance(advance).await.unwrap();
            swept(case, lists).await;
        }
        let more = case.writes(stack).split_off(writes);
        assert!(more.is_empty(), "{more:#?}");
        assert_eq!(case.calls("Endpoints_Update").await, 0);

        case.control.set_now(planned).await.unwrap();
        let swapped = case.serves("hotline", BASE_NEW).await;
        let since: Timestamp = swapped["status"]["active"]["since"].as_str().unwrap().parse().unwrap();
        assert!(
            planned <= since && since < planned + hours(1),
            "{since} against {planned}"
        );
        assert_eq!(case.calls("Endpoints_Update").await, 1);
    });
}

/// Waits until the endpoints were listed more often than this.
async fn swept(case: &Case, lists: usize) {
    crate::harness::in_time("the endpoints are listed", crate::stack::SOON, async || {
        match case.calls("Endpoints_List").await {
            more if more > lists => Ok(()),
            same => Err(format!("{same} times as before")),
        }
    })
    .await;
}

#[test]
fn a_closed_window_holds_a_swap_until_it_opens() {
    alone("schedule-window", async |case, _| {
        let now = case.control.now().await.unwrap();
        let until = now + hours(5 * 24);
        let windows = json!([{"kind": "Deny", "until": day(until)}]);
        let (told, _) = with_successor(case, json!({"windows": windows}), "the next window, which opens on").await;
        let opens: Timestamp = format!("{}T00:00:00Z", day(until + hours(24))).parse().unwrap();
        assert_eq!(planned(&told), opens);
        assert!(message(&told, "Ready").contains(&day(opens)), "{told:#}");
        assert!(condition(&told, "AtRisk").is_null(), "{told:#}");
        let seen = at(case, opens - SignedDuration::from_mins(5)).await;
        assert_eq!(seen["status"]["active"]["model"], BASE_OLD);
        assert_eq!(case.calls("Endpoints_Update").await, 0);
        case.control.set_now(opens).await.unwrap();
        case.serves("hotline", BASE_NEW).await;
    });
}

#[test]
fn windows_count_no_longer_a_day_before_the_expiry() {
    alone("schedule-override", async |case, _| {
        let now = case.control.now().await.unwrap();
        let windows = json!([{"kind": "Deny", "until": day(now + hours(310 * 24))}]);
        let words = "the end of what windows may block, on";
        let (told, expiry) = with_successor(case, json!({"windows": windows}), words).await;
        assert_eq!(planned(&told), expiry - hours(24));
        let seen = at(case, expiry - hours(25)).await;
        assert_eq!(seen["status"]["active"]["model"], BASE_OLD);
        case.control.set_now(expiry - hours(24)).await.unwrap();
        let swapped = case.serves("hotline", BASE_NEW).await;
        assert!(condition(&swapped, "AtRisk").is_null(), "{swapped:#}");
    });
}

#[test]
fn windows_that_never_open_and_are_never_overridden_are_a_risk_that_is_told_at_once() {
    shared("schedule-never", async |case, _| {
        let never = json!({"windows": [{"kind": "Deny"}], "deadlineOverride": "0s"});
        let (_, expiry) = with_successor(case, never, "but none opens").await;
        let told = case
            .until("SpeechEndpoint", "hotline", "is at risk", |endpoint| {
                condition(endpoint, "AtRisk")["status"] == "True"
            })
            .await;
        assert_eq!(condition(&told, "AtRisk")["reason"], "WindowNeverOpens");
        assert!(message(&told, "AtRisk").contains(&day(expiry)), "{told:#}");
        assert_eq!(condition(&told, "Ready")["status"], "True");
        case.event("hotline", "WindowNeverOpens").await;
        assert_eq!(case.calls("Endpoints_Update").await, 0);

        hotline(case, json!({})).await;
        let swapped = case.serves("hotline", BASE_NEW).await;
        assert!(condition(&swapped, "AtRisk").is_null(), "{swapped:#}");
    });
}

#[test]
fn an_unknown_time_zone_is_told_with_the_nearest_name_and_the_endpoint_serves_on() {
    shared("schedule-zone", async |case, _| {
        case.connect("60s").await;
        case.claims(BASE_OLD).await;
        hotline(case, json!({})).await;
        let id = case.serves("hotline", BASE_OLD).await["status"]["id"].clone();
        let windows = |zone: &str| json!({"windows": [{"kind": "Allow", "timeZone": zone}]});
        hotline(case, windows("Europe/Berln")).await;
        let told = case.reason("SpeechEndpoint", "hotline", "SpecInvalid").await;
        assert!(message(&told, "Stalled").contains("Europe/Berlin"), "{told:#}");
        assert_eq!(told["status"]["active"]["model"], BASE_OLD);
        assert_eq!(condition(&told, "ModelValid")["status"], "True");
        let answers = case.who_answers(id.as_str().unwrap()).await;
        assert_eq!(answers, (BASE_OLD.to_owned(), false));
        hotline(case, windows("Europe/Berlin")).await;
        case.until("SpeechEndpoint", "hotline", "is Ready again", is_ready)
            .await;
    });
}
