//! The dates of swaps, by themselves.
use crate::{
    endpoint::timing::{By, Terms, Timing},
    spread::share,
    testing::at,
    window::Calendar,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use speech_api::{
    swap::SwapPolicy,
    window::{Weekday, Window, WindowKind},
};

const SINCE: &str = "2026-03-01T10:00:00Z";
const EXPIRY: &str = "2026-04-15T00:00:00Z";

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

/// Saturdays from 01:00 to 05:00 UTC.
fn saturdays() -> Calendar {
    let window = Window {
        kind: WindowKind::Allow,
        days: vec![Weekday::Sat],
        start: Some("01:00".into()),
        duration: Some("4h".into()),
        from: None,
        until: None,
        time_zone: "UTC".into(),
    };
    Calendar::parse(&[window]).unwrap()
}

fn never() -> Calendar {
    let window = Window {
        kind: WindowKind::Deny,
        days: Vec::new(),
        start: None,
        duration: None,
        from: None,
        until: None,
        time_zone: "UTC".into(),
    };
    Calendar::parse(&[window]).unwrap()
}

fn terms<'a>(calendar: &'a Calendar, policy: SwapPolicy, now: &str) -> Terms<'a> {
    Terms {
        now: at(now),
        since: at(SINCE),
        expires_at: Some(at(EXPIRY)),
        policy,
        before: hours(30 * 24),
        deadline_override: hours(24),
        lead: hours(1),
        calendar,
        share: 1 << 63,
    }
}

fn said(timing: Timing) -> String {
    let at = timing.at.map_or("never".to_owned(), |at| at.to_string());
    format!(
        "{at} {:?}{}",
        timing.by,
        if timing.never_opens { " never opens" } else { "" }
    )
}

#[test]
fn a_swap_begins_on_the_day_that_policy_windows_and_expiry_give() {
    use SwapPolicy::{BeforeExpiry, Manual, OnNewModel};
    let (open, saturdays, never) = (Calendar::default(), saturdays(), never());
    let plain = |policy, now| terms(&open, policy, now);
    let windowed = |policy, now| terms(&saturdays, policy, now);
    let shut = |change: fn(&mut Terms<'_>)| {
        let mut terms = terms(&never, OnNewModel, "2026-03-02T00:00:00Z");
        change(&mut terms);
        terms
    };
    let expired = "2026-04-16T00:00:00Z";
    for (name, terms, expected) in [
        (
            "at once",
            plain(OnNewModel, "2026-03-02T00:00:00Z"),
            "2026-03-01T10:00:00Z NewModel",
        ),
        (
            "by hand",
            plain(Manual, "2026-03-02T00:00:00Z"),
            "2026-03-01T10:00:00Z NewModel",
        ),
        // 16 March to 14 April: half of 29 days.
        (
            "its share",
            plain(BeforeExpiry, "2026-03-02T00:00:00Z"),
            "2026-03-25T16:00:00Z Share",
        ),
        (
            "its share, past",
            plain(BeforeExpiry, "2026-04-02T00:00:00Z"),
            "2026-03-25T16:00:00Z NewModel",
        ),
        (
            "came late",
            Terms {
                since: at("2026-04-02T00:00:00Z"),
                ..plain(BeforeExpiry, "2026-04-02T00:00:00Z")
            },
            "2026-04-02T00:00:00Z NewModel",
        ),
        (
            "next Saturday",
            windowed(OnNewModel, "2026-03-02T00:00:00Z"),
            "2026-03-07T01:00:00Z Window",
        ),
        (
            "within it",
            windowed(OnNewModel, "2026-03-07T02:00:00Z"),
            "2026-03-01T10:00:00Z NewModel",
        ),
        (
            "just after it",
            windowed(OnNewModel, "2026-03-07T05:00:00Z"),
            "2026-03-14T01:00:00Z Window",
        ),
        // Four Saturdays of four hours from 21 March to 11 April: half is the end of the second.
        (
            "its share of the windows",
            windowed(BeforeExpiry, "2026-03-02T00:00:00Z"),
            "2026-03-28T03:00:00Z Share",
        ),
        (
            "the last window is past",
            windowed(OnNewModel, "2026-04-11T06:00:00Z"),
            "2026-04-14T00:00:00Z Override",
        ),
        (
            "in the last day",
            windowed(OnNewModel, "2026-04-14T12:00:00Z"),
            "2026-04-14T00:00:00Z Override",
        ),
        ("expired", windowed(OnNewModel, expired), "2026-04-15T00:00:00Z Expired"),
        (
            "expired, by share",
            windowed(BeforeExpiry, expired),
            "2026-04-15T00:00:00Z Expired",
        ),
        ("never opens", shut(|_| ()), "2026-04-14T00:00:00Z Override never opens"),
        (
            "by share, and only the reserve has a window",
            Terms {
                before: hours(6 * 24),
                ..windowed(BeforeExpiry, "2026-03-02T00:00:00Z")
            },
            "2026-04-11T03:00:00Z Share",
        ),
        (
            "never opens, never overridden",
            shut(|t| t.deadline_override = hours(0)),
            "never Window never opens",
        ),
        (
            "never opens, no expiry known",
            shut(|t| t.expires_at = None),
            "never Window never opens",
        ),
        (
            "no window in time, never overridden",
            Terms {
                deadline_override: hours(0),
                ..windowed(OnNewModel, "2026-04-11T06:00:00Z")
            },
            "never Window",
        ),
        (
            "no expiry known",
            Terms {
                expires_at: None,
                ..windowed(BeforeExpiry, "2026-03-02T00:00:00Z")
            },
            "2026-03-07T01:00:00Z Window",
        ),
        (
            "a deployment takes longer than before",
            Terms {
                before: hours(1),
                lead: hours(72),
                ..plain(BeforeExpiry, "2026-03-02T00:00:00Z")
            },
            "2026-04-12T00:00:00Z NewModel",
        ),
    ] {
        assert_eq!(said(terms.timing()), expected, "{name}");
    }
}

#[test]
fn a_fleet_is_spread_evenly_and_the_same_in_every_run() {
    assert_eq!(share("5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11"), 8_731_389_275_686_350_479);
    let mut days = [0_u32; 29];
    for n in 0..2900 {
        let calendar = Calendar::default();
        let terms = Terms {
            share: share(&format!("uid-{n}")),
            ..terms(&calendar, SwapPolicy::BeforeExpiry, SINCE)
        };
        let begins = terms.timing().at.unwrap();
        let day = begins.duration_since(at("2026-03-16T00:00:00Z")).as_hours() / 24;
        days[usize::try_from(day).unwrap()] += 1;
    }
    let (most, reserve) = days.split_at(19);
    assert!(most.iter().all(|count| (110..=190).contains(count)), "{days:?}");
    assert_eq!(
        reserve[1..].iter().sum::<u32>(),
        0,
        "the last third is left for second tries"
    );
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..60 * 24 * 60).prop_map(|minutes| at("2026-02-20T00:00:00Z") + SignedDuration::from_mins(minutes))
}

proptest! {
    #[test]
    fn a_date_is_never_moved_by_the_passing_of_time_alone_and_never_misses_the_deadline(
        since in moment(), now in moment(), later in 0_i64..40 * 24 * 60, any_share in any::<u64>(),
        policy in prop_oneof![Just(SwapPolicy::OnNewModel), Just(SwapPolicy::BeforeExpiry)], windows in 0_u8..3,
    ) {
        let calendar = match windows { 0 => Calendar::default(), 1 => saturdays(), _ => never() };
        let terms = Terms { since, now: now.max(since), share: any_share, ..terms(&calendar, policy, SINCE) };
        let expiry = at(EXPIRY);
        let timing = terms.timing();
        let begins = timing.at.expect("a deadline override always gives a date");
        if terms.now < expiry && since < expiry {
            prop_assert!(begins < expiry || since >= terms.latest(expiry), "{timing:?}");
        }
        // Until the date comes, it stands.
        let then = terms.now + SignedDuration::from_mins(later);
        if then <= begins {
            prop_assert_eq!(Terms { now: then, ..terms }.timing().at, Some(begins));
        }
        // A date to come lies in an open window, or where windows no longer count.
        if begins > terms.now && timing.by != By::Override {
            prop_assert!(calendar.is_open(begins), "{timing:?}");
        }
    }
}
