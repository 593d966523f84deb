use super::*;
use jiff::{ToSpan, tz::TimeZoneDatabase};
use speech_api::window::Weekday;

mod oracle;

/// Windows as a manifest holds them.
fn windows(yaml: &str) -> Vec<Window> {
    serde_saphyr::from_str(yaml).unwrap()
}

fn calendar(yaml: &str) -> Calendar {
    Calendar::parse(&windows(yaml)).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The open spans between two times, in UTC without seconds.
fn open(yaml: &str, from: &str, to: &str) -> Vec<String> {
    let text = |at: Timestamp| at.strftime("%m-%d %H:%M").to_string();
    let spans = calendar(yaml).open_spans(at(from), at(to));
    spans
        .iter()
        .map(|span| format!("{} {}", text(span.start), text(span.end)))
        .collect()
}

#[test]
fn without_windows_every_time_is_open() {
    let calendar = Calendar::parse(&[]).unwrap();
    assert_eq!(calendar, Calendar::default());
    assert!(calendar.is_always_open());
    let (from, to) = (at("2026-11-21T07:00:00.5Z"), at("2027-11-21T00:00:00Z"));
    assert!(calendar.is_open(from) && calendar.is_open(Timestamp::MIN) && calendar.is_open(Timestamp::MAX));
    assert_eq!(calendar.open_spans(from, to), [Span { start: from, end: to }]);
    assert_eq!(calendar.open_spans(to, from), []);
    assert_eq!(calendar.open_spans(from, from), []);
    assert_eq!(calendar.closed_spans(from, to), []);
    assert_eq!(calendar.next_open(from, to), Some(from));
    assert!(!calendar.never_opens(from, to));
}

#[test]
fn a_window_begins_by_the_wall_clock_on_its_days_only() {
    let weekend = r#"[{kind: Allow, days: [Sat, Sun], start: "01:00", duration: 4h, timeZone: Europe/Berlin}]"#;
    let week = open(weekend, "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z");
    assert_eq!(week, ["11-21 00:00 11-21 04:00", "11-22 00:00 11-22 04:00"]);
    let summer = open(weekend, "2026-07-06T00:00:00Z", "2026-07-13T00:00:00Z");
    assert_eq!(summer, ["07-10 23:00 07-11 03:00", "07-11 23:00 07-12 03:00"]);
}

#[test]
fn a_start_that_the_clock_skips_is_the_moment_at_which_it_skips_it() {
    for (zone, from, to, expected) in [
        // 02:00 becomes 03:00 on 29 March 2026
        (
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            "2026-03-30T12:00:00Z",
            ["03-29 01:00 03-29 03:00", "03-30 00:30 03-30 02:30"],
        ),
        // 02:00 becomes 03:00 on 8 March 2026
        (
            "America/New_York",
            "2026-03-07T12:00:00Z",
            "2026-03-09T12:00:00Z",
            ["03-08 07:00 03-08 09:00", "03-09 06:30 03-09 08:30"],
        ),
        // 02:00 becomes 02:30 on 4 October 2026, so that 02:30 comes at once
        (
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            "2026-10-05T12:00:00Z",
            ["10-03 15:30 10-03 17:30", "10-04 15:30 10-04 17:30"],
        ),
    ] {
        let yaml = format!(r#"[{{kind: Allow, start: "02:30", duration: 2h, timeZone: {zone}}}]"#);
        assert_eq!(open(&yaml, from, to), expected, "{zone}");
    }
    let skipped = r#"[{kind: Allow, start: "02:10", duration: 1h, timeZone: Australia/Lord_Howe}]"#;
    let opened = open(skipped, "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z");
    assert_eq!(
        opened,
        ["10-03 15:30 10-03 16:30"],
        "the clock goes from 02:00 to 02:30"
    );
}

#[test]
fn a_start_that_comes_twice_begins_the_first_time_only() {
    for (zone, from, to, expected) in [
        // 03:00 becomes 02:00 on 25 October 2026
        (
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            "2026-10-25T12:00:00Z",
            "10-25 00:30 10-25 01:15",
        ),
        // 02:00 becomes 01:00 on 1 November 2026, so that 02:30 comes once
        (
            "America/New_York",
            "2026-10-31T12:00:00Z",
            "2026-11-01T12:00:00Z",
            "11-01 07:30 11-01 08:15",
        ),
        // 02:00 becomes 01:30 on 5 April 2026, so that 02:30 comes once
        (
            "Australia/Lord_Howe",
            "2026-04-04T12:00:00Z",
            "2026-04-05T12:00:00Z",
            "04-04 16:00 04-04 16:45",
        ),
    ] {
        let yaml = format!(r#"[{{kind: Allow, start: "02:30", duration: 45m, timeZone: {zone}}}]"#);
        assert_eq!(open(&yaml, from, to), [expected], "{zone}");
    }
    let twice = r#"[{kind: Allow, start: "01:40", duration: 10m, timeZone: Australia/Lord_Howe}]"#;
    let opened = open(twice, "2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z");
    assert_eq!(
        opened,
        ["04-04 14:40 04-04 14:50"],
        "01:40 comes at 14:40 and again at 15:10"
    );
}

#[test]
fn a_duration_is_elapsed_time_even_where_clocks_change() {
    let night = r#"[{kind: Allow, start: "00:00", duration: 6h, timeZone: Europe/Berlin}]"#;
    assert_eq!(
        open(night, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        ["03-28 23:00 03-29 05:00"]
    );
    assert_eq!(
        open(night, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        ["10-24 22:00 10-25 04:00"]
    );
}

#[test]
fn a_whole_day_has_the_hours_that_its_clock_gives_it() {
    let hours = |zone: &str, from: &str, to: &str| {
        let sunday = format!("[{{kind: Allow, days: [Sun], timeZone: {zone}}}]");
        let midnight = |day: &str| at(&format!("{day}T00:00:00Z"));
        let spans = calendar(&sunday).open_spans(midnight(from), midnight(to));
        spans.iter().map(|span| span.whole_seconds()).sum::<i64>() as f64 / 3600.0
    };
    for (zone, from, to, expected) in [
        ("Europe/Berlin", "2026-03-27", "2026-03-31", 23.0),
        ("Europe/Berlin", "2026-10-23", "2026-10-27", 25.0),
        ("America/New_York", "2026-03-06", "2026-03-10", 23.0),
        ("America/New_York", "2026-10-30", "2026-11-03", 25.0),
        ("Australia/Lord_Howe", "2026-10-02", "2026-10-06", 23.5),
        ("Australia/Lord_Howe", "2026-04-03", "2026-04-07", 24.5),
    ] {
        assert_eq!(hours(zone, from, to), expected, "{zone} {from}");
    }
}

#[test]
fn a_day_whose_midnight_is_skipped_begins_when_its_clock_does() {
    // In Cairo 00:00 becomes 01:00 on Friday, 24 April 2026.
    let friday = "[{kind: Allow, days: [Fri], timeZone: Africa/Cairo}]";
    assert_eq!(
        open(friday, "2026-04-23T00:00:00Z", "2026-04-26T00:00:00Z"),
        ["04-23 22:00 04-24 21:00"]
    );
}

#[test]
fn a_day_that_a_place_never_had_has_no_window() {
    // Samoa went from Thursday, 29 December 2011, to Saturday, 31 December.
    for friday in [
        "[{kind: Allow, days: [Fri], timeZone: Pacific/Apia}]",
        r#"[{kind: Allow, days: [Fri], start: "08:00", duration: 2h, timeZone: Pacific/Apia}]"#,
    ] {
        assert!(
            open(friday, "2011-12-28T00:00:00Z", "2012-01-04T00:00:00Z").is_empty(),
            "{friday}"
        );
    }
}

#[test]
fn windows_cross_midnight_the_year_and_the_leap_day() {
    let late = r#"[{kind: Allow, days: [Thu], start: "22:00", duration: 4h}]"#;
    assert_eq!(
        open(late, "2026-12-30T00:00:00Z", "2027-01-03T00:00:00Z"),
        ["12-31 22:00 01-01 02:00"]
    );
    let leap = r#"[{kind: Allow, from: "2028-02-28", until: "2028-03-01", start: "23:00", duration: 2h}]"#;
    assert_eq!(
        open(leap, "2028-02-01T00:00:00Z", "2028-04-01T00:00:00Z"),
        [
            "02-28 23:00 02-29 01:00",
            "02-29 23:00 03-01 01:00",
            "03-01 23:00 03-02 01:00"
        ]
    );
    let days = r#"[{kind: Allow, days: [Wed], start: "12:00", duration: 7d}]"#;
    assert_eq!(
        open(days, "2026-12-30T00:00:00Z", "2027-01-20T00:00:00Z"),
        ["12-30 00:00 01-20 00:00"]
    );
}

#[test]
fn a_window_that_began_days_before_is_still_seen() {
    let long = r#"[{kind: Allow, days: [Mon], start: "23:59", duration: 6d}]"#;
    let calendar = calendar(long);
    assert!(calendar.is_open(at("2026-11-22T23:58:59Z")), "Sunday, from Monday on");
    assert!(!calendar.is_open(at("2026-11-22T23:59:00Z")));
}

#[test]
fn deny_goes_over_allow() {
    let both = r#"
        - {kind: Allow, days: [Sat, Sun]}
        - {kind: Deny, start: "08:00", duration: 10h}
        - {kind: Deny, from: "2026-11-22", until: "2026-11-22"}
    "#;
    assert_eq!(
        open(both, "2026-11-21T00:00:00Z", "2026-11-29T00:00:00Z"),
        [
            "11-21 00:00 11-21 08:00",
            "11-21 18:00 11-22 00:00",
            "11-28 00:00 11-28 08:00",
            "11-28 18:00 11-29 00:00"
        ]
    );
}

#[test]
fn a_freeze_closes_all_of_its_local_days() {
    let freeze = r#"[{kind: Deny, from: "2026-12-20", until: "2027-01-06", timeZone: Europe/Berlin}]"#;
    assert_eq!(
        open(freeze, "2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z"),
        ["12-01 00:00 12-19 23:00", "01-06 23:00 02-01 00:00"]
    );
    let freeze = calendar(freeze);
    assert!(freeze.is_open(at("2026-12-19T22:59:59.999999999Z")));
    assert!(!freeze.is_open(at("2026-12-19T23:00:00Z")));
    assert_eq!(
        freeze.next_open(at("2026-12-24T18:00:00Z"), at("2027-02-01T00:00:00Z")),
        Some(at("2027-01-06T23:00:00Z"))
    );
    assert_eq!(
        freeze.next_open(at("2026-12-24T18:00:00Z"), at("2027-01-06T23:00:00Z")),
        None
    );
    assert!(freeze.never_opens(at("2026-12-20T00:00:00Z"), at("2027-01-06T00:00:00Z")));
}

#[test]
fn one_date_may_stand_alone() {
    let since = r#"[{kind: Allow, from: "2026-12-01"}]"#;
    assert_eq!(
        open(since, "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ["12-01 00:00 01-01 00:00"]
    );
    let last = r#"[{kind: Allow, until: "2026-12-01", days: [Mon, Tue]}]"#;
    assert_eq!(
        open(last, "2026-11-29T00:00:00Z", "2027-01-01T00:00:00Z"),
        ["11-30 00:00 12-02 00:00"]
    );
}

#[test]
fn windows_that_touch_or_overlap_are_one() {
    let touching = r#"
        - {kind: Allow, start: "01:00", duration: 1h}
        - {kind: Allow, start: "02:00", duration: 2h}
        - {kind: Allow, start: "03:30", duration: 1h30m}
    "#;
    assert_eq!(
        open(touching, "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ["11-21 01:00 11-21 05:00"]
    );
}

#[test]
fn what_only_denies_or_shuts_itself_out_never_opens() {
    for yaml in [
        "[{kind: Deny}]",
        "[{kind: Allow, days: [Sat]}, {kind: Deny, days: [Sat]}]",
        r#"[{kind: Allow, days: [Tue], from: "2026-11-23", until: "2026-11-23"}]"#,
    ] {
        let calendar = calendar(yaml);
        assert!(
            calendar.never_opens(at("2026-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z")),
            "{yaml}"
        );
        assert_eq!(
            calendar.point(at("2026-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z"), 7),
            None,
            "{yaml}"
        );
    }
}

#[test]
fn what_lies_beyond_all_time_is_no_harm() {
    let yaml = r#"
        - {kind: Allow, days: [Sat], timeZone: Asia/Tokyo}
        - {kind: Allow, start: "12:00", duration: 7d, timeZone: Pacific/Kiritimati}
        - {kind: Deny, start: "12:00", duration: 1m, timeZone: Pacific/Pago_Pago}
    "#;
    let calendar = calendar(yaml);
    for edge in [Timestamp::MIN, Timestamp::MAX] {
        calendar.is_open(edge);
        calendar.point(edge, edge, u64::MAX);
        calendar.next_open(edge, Timestamp::MAX);
    }
    assert!(
        !calendar.never_opens(Timestamp::MIN, Timestamp::MAX),
        "found near the beginning"
    );
}

#[test]
fn a_point_spreads_over_the_open_time_only() {
    let weekend = calendar(r#"[{kind: Allow, days: [Sat, Sun], start: "01:00", duration: 4h}]"#);
    let (from, to) = (at("2026-11-16T00:00:00Z"), at("2026-11-30T00:00:00Z"));
    let point = |sixteenths: u64| weekend.point(from, to, sixteenths << 60).unwrap();
    assert_eq!(point(0), at("2026-11-21T01:00:00Z"));
    assert_eq!(point(2), at("2026-11-21T03:00:00Z"));
    assert_eq!(point(4), at("2026-11-22T01:00:00Z"));
    assert_eq!(point(9), at("2026-11-28T02:00:00Z"));
    assert_eq!(weekend.point(from, to, u64::MAX), Some(at("2026-11-29T04:59:59Z")));
}

#[test]
fn a_point_is_a_whole_second_within_the_bounds() {
    let always = Calendar::default();
    let (from, to) = (at("2026-11-21T07:00:00.25Z"), at("2026-11-21T07:00:02.75Z"));
    assert_eq!(always.point(from, to, 0), Some(at("2026-11-21T07:00:01Z")));
    assert_eq!(
        always.point(from, at("2026-11-21T07:00:01.75Z"), u64::MAX),
        None,
        "no second is whole"
    );
    assert_eq!(always.point(from, to, u64::MAX), Some(at("2026-11-21T07:00:01Z")));
}

#[test]
fn an_unknown_time_zone_is_told_with_its_field_and_what_may_be_meant() {
    for (name, meant) in [
        ("Berlin", "; is Europe/Berlin meant?"),
        ("Europe/Berln", "; is Europe/Berlin meant?"),
        ("Europe/New_York", "; is America/New_York meant?"),
        ("Mars/Olympus_Mons", "; write an IANA name such as Europe/Berlin"),
        ("Etc/Unknown", "; write an IANA name such as Europe/Berlin"),
    ] {
        let yaml = format!("[{{kind: Deny}}, {{kind: Allow}}, {{kind: Allow, timeZone: {name}}}]");
        let error = Calendar::parse(&windows(&yaml)).unwrap_err();
        let start = format!("spec.swap.windows[2].timeZone: there is no time zone {name:?}");
        assert_eq!(error.to_string(), start + meant);
    }
}

#[test]
fn time_zones_are_found_whatever_their_case_and_whether_old_or_new() {
    for name in [
        "UTC",
        "utc",
        "europe/berlin",
        "Asia/Calcutta",
        "Asia/Kolkata",
        "Etc/GMT+5",
        "America/Argentina/Ushuaia",
    ] {
        calendar(&format!("[{{kind: Allow, timeZone: {name}}}]"));
    }
}

#[test]
fn what_the_schema_would_refuse_is_refused_again() {
    for (window, text) in [
        (
            r#"{kind: Allow, start: "01:00", duration: 0m}"#,
            "duration: \"0m\" is not a duration between 1m and 7d",
        ),
        (
            r#"{kind: Allow, start: "01:00", duration: 59s}"#,
            "duration: \"59s\" is not a duration between 1m and 7d",
        ),
        (
            r#"{kind: Allow, start: "01:00", duration: 8d}"#,
            "duration: \"8d\" is not a duration between 1m and 7d",
        ),
        (
            r#"{kind: Allow, start: "24:00", duration: 1h}"#,
            "start: \"24:00\" is not a time of day such as 01:00",
        ),
        (
            r#"{kind: Allow, from: "2026-02-29"}"#,
            "from: \"2026-02-29\" is not a day such as 2026-12-20",
        ),
    ] {
        let error = Calendar::parse(&windows(&format!("[{window}]")))
            .unwrap_err()
            .to_string();
        assert_eq!(error, format!("spec.swap.windows[0].{text}"));
    }
    for (window, text) in [
        (r#"{kind: Allow, start: "01:00"}"#, "start and duration go together"),
        ("{kind: Allow, duration: 1h}", "start and duration go together"),
        (
            r#"{kind: Deny, from: "2027-01-06", until: "2026-12-20"}"#,
            "from is later than until",
        ),
    ] {
        let error = Calendar::parse(&windows(&format!("[{window}]")))
            .unwrap_err()
            .to_string();
        assert_eq!(error, format!("spec.swap.windows[0]: {text}"));
    }
}

#[test]
fn a_window_is_written_as_it_was_read() {
    let yaml = r#"[{kind: Allow, days: [Sat, Sun], start: "01:00", duration: 4h, timeZone: Europe/Berlin}]"#;
    let json = serde_json::json!(
        [{"kind": "Allow", "days": ["Sat", "Sun"], "start": "01:00", "duration": "4h", "timeZone": "Europe/Berlin"}]
    );
    assert_eq!(serde_json::to_value(windows(yaml)).unwrap(), json);
    assert_eq!(windows("[{kind: Deny}]")[0].time_zone, "UTC");
    assert_eq!(windows(yaml)[0].days, [Weekday::Sat, Weekday::Sun]);
}

#[test]
fn a_search_ends_ten_years_ahead_whatever_date_a_service_gives() {
    let daily = "{kind: Allow, start: '02:00', duration: 1m, timeZone: Europe/Berlin}";
    let every_day = calendar(&format!("[{}]", [daily; 16].join(", ")));
    let (from, to) = (at("2026-11-21T07:00:00Z"), at("9999-12-30T22:00:00Z"));
    let began = std::time::Instant::now();
    assert!(
        every_day
            .point(from, to, u64::MAX)
            .is_some_and(|at| at < from + HORIZON)
    );
    assert_eq!(every_day.next_open(from, to), Some(at("2026-11-22T01:00:00Z")));
    let late = calendar("[{kind: Allow, start: '02:00', duration: 1m, from: '2100-01-01'}]");
    assert!(late.never_opens(from, to));
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
