//! Random windows against a second opinion that walks the wall clock minute by minute.
use super::*;
use jiff::{civil::DateTime, tz::TimeZone};
use proptest::prelude::*;
use speech_api::window::WindowKind;

/// Places with every kind of change: at night, at midnight, by half an hour, by two hours, by a day, in Ramadan, never.
const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Havana",
    "America/Sao_Paulo",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
];
const WEEKDAYS: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

/// A place, and a span of days around a change of its clock, if it has any.
#[derive(Clone, Copy, Debug)]
struct Weeks {
    place: usize,
    middle: Timestamp,
    from: Timestamp,
    to: Timestamp,
}

fn weeks() -> impl Strategy<Value = Weeks> {
    let ranges = (
        0..ZONES.len(),
        0..25 * 365 * 1440_i64,
        1..8 * 1440_i64,
        1..14 * 1440_i64,
    );
    ranges.prop_map(|(place, minutes, lead, length)| {
        let near = at("2005-01-01T00:00:00Z") + minutes.minutes();
        let zone = zone(ZONES[place]);
        let mut changes = zone.following(near).map(|change| change.timestamp());
        let middle = changes
            .next()
            .filter(|change| *change < near + (400 * 24).hours())
            .unwrap_or(near);
        let from = middle - lead.minutes();
        let to = from + length.minutes();
        Weeks {
            place,
            middle,
            from,
            to,
        }
    })
}

/// A window that is not yet at a place and a time.
#[derive(Clone, Debug)]
struct Sketch {
    kind: WindowKind,
    place: Option<usize>,
    days: u8,
    /// Minutes from midnight, or from what the clock shows at the change.
    hours: Option<(Result<i64, i64>, i64)>,
    first: Option<i8>,
    last: Option<i8>,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let kind = prop_oneof![3 => Just(WindowKind::Allow), 1 => Just(WindowKind::Deny)];
    let start = prop_oneof![1 => (0..1440_i64).prop_map(Ok), 2 => (-150..150_i64).prop_map(Err)];
    let length = prop_oneof![3 => 1..200_i64, 1 => 200..=7 * 1440_i64];
    (
        kind,
        proptest::option::weighted(0.25, 0..ZONES.len()),
        prop_oneof![1 => Just(0), 1 => any::<u8>()],
        proptest::option::weighted(0.75, (start, length)),
        proptest::option::weighted(0.2, -10..10_i8),
        proptest::option::weighted(0.2, -10..20_i8),
    )
        .prop_map(|(kind, place, days, hours, first, last)| Sketch {
            kind,
            place,
            days,
            hours,
            first,
            last,
        })
}

impl Sketch {
    fn window(self, weeks: &Weeks) -> Window {
        let place = self.place.unwrap_or(weeks.place);
        let date = |days: i8| {
            (weeks.from + (i64::from(days) * 24).hours())
                .strftime("%Y-%m-%d")
                .to_string()
        };
        let shown = zone(ZONES[place]).to_datetime(weeks.middle);
        let minute = |start: Result<i64, i64>| match start {
            Ok(minute) => minute,
            Err(from_change) => {
                (i64::from(shown.hour()) * 60 + i64::from(shown.minute()) + from_change).rem_euclid(1440)
            }
        };
        let days = WEEKDAYS
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| self.days >> bit & 1 == 1);
        Window {
            kind: self.kind,
            days: days.map(|(_, day)| day).collect(),
            start: self
                .hours
                .map(|(start, _)| format!("{:02}:{:02}", minute(start) / 60, minute(start) % 60)),
            duration: self
                .hours
                .map(|(_, length)| format!("{}h{}m", length / 60, length % 60)),
            from: self.first.map(date),
            until: self.last.map(|last| date(last.max(self.first.unwrap_or(last)))),
            time_zone: ZONES[place].to_owned(),
        }
    }
}

/// Windows and weeks that have to do with each other.
fn worlds() -> impl Strategy<Value = (Vec<Window>, Timestamp, Timestamp)> {
    (proptest::collection::vec(sketch(), 0..4), weeks()).prop_map(|(sketches, weeks)| {
        let windows = sketches.into_iter().map(|sketch| sketch.window(&weeks)).collect();
        (windows, weeks.from, weeks.to)
    })
}

/// For each minute from `from` to before `to`, whether a window covers it.
///
/// Walks the wall clock from eleven days before. A day begins, and a start comes, when the clock first shows it or
/// something later; a day of which the clock shows nothing does not exist.
fn walk(window: &Window, from: Timestamp, to: Timestamp) -> Vec<bool> {
    let zone = zone(&window.time_zone);
    let minutes = |span: std::ops::Range<Timestamp>| span.end.duration_since(span.start).as_mins();
    let before = 11 * 1440;
    let begin = from - before.minutes();
    let mut shown: Vec<DateTime> = (0..before + minutes(from..to) + 3 * 1440)
        .map(|minute| zone.to_datetime(begin + minute.minutes()))
        .collect();
    let mut days: Vec<_> = shown.iter().map(|clock| clock.date()).collect();
    days.sort();
    days.dedup();
    for minute in 1..shown.len() {
        shown[minute] = shown[minute].max(shown[minute - 1]); // the latest that was ever shown
    }
    let first = |wanted: DateTime| shown.partition_point(|latest| *latest < wanted) as i64;
    let mut covered = vec![false; minutes(from..to) as usize];
    for day in &days[1..days.len() - 1] {
        let text = day.to_string();
        let name = WEEKDAYS[day.weekday().to_monday_zero_offset() as usize];
        let applies = (window.days.is_empty() || window.days.contains(&name))
            && window.from.as_ref().is_none_or(|from| *from <= text)
            && window.until.as_ref().is_none_or(|until| text <= *until);
        if !applies {
            continue;
        }
        let (start, end) = match (&window.start, &window.duration) {
            (Some(start), Some(duration)) => {
                let start = first(format!("{text}T{start}").parse().unwrap());
                let length = speech_api::duration::parse(duration).unwrap().as_secs() / 60;
                (start, start + length as i64)
            }
            _ => (first(day.at(0, 0, 0, 0)), first(day.tomorrow().unwrap().at(0, 0, 0, 0))),
        };
        for minute in start.max(before)..end.min(before + covered.len() as i64) {
            covered[(minute - before) as usize] = true;
        }
    }
    covered
}

/// What the calendar must say of each minute.
fn second_opinion(windows: &[Window], from: Timestamp, to: Timestamp) -> Vec<bool> {
    let of = |kind: WindowKind| {
        windows
            .iter()
            .filter(move |window| window.kind == kind)
            .map(|window| walk(window, from, to))
    };
    let allow: Vec<_> = of(WindowKind::Allow).collect();
    let deny: Vec<_> = of(WindowKind::Deny).collect();
    let minutes = to.duration_since(from).as_mins() as usize;
    (0..minutes)
        .map(|minute| (allow.is_empty() || allow.iter().any(|one| one[minute])) && !deny.iter().any(|one| one[minute]))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_walk_along_the_wall_clock_agrees((windows, from, to) in worlds()) {
        let calendar = Calendar::parse(&windows).unwrap();
        let spans = calendar.open_spans(from, to);
        let mut rest = &spans[..];
        for (minute, expected) in second_opinion(&windows, from, to).into_iter().enumerate() {
            let now = from + (minute as i64).minutes();
            while rest.first().is_some_and(|span| span.end <= now) {
                rest = &rest[1..];
            }
            let opened = rest.first().is_some_and(|span| span.contains(now));
            prop_assert_eq!(opened, expected, "{}", now);
            if minute % 97 == 0 {
                prop_assert_eq!(calendar.is_open(now), expected, "{}", now);
            }
        }
    }

    #[test]
    fn spans_are_in_order_apart_and_exact_at_their_edges((windows, from, to) in worlds()) {
        let calendar = Calendar::parse(&windows).unwrap();
        let nano = SignedDuration::from_nanos(1);
        let spans = calendar.open_spans(from, to);
        prop_assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start));
        for span in &spans {
            prop_assert!(from <= span.start && span.start < span.end && span.end <= to);
            prop_assert!(calendar.is_open(span.start) && calendar.is_open(span.end - nano));
            prop_assert!(span.start == from || !calendar.is_open(span.start - nano));
            prop_assert!(span.end == to || !calendar.is_open(span.end));
        }
        let closed = calendar.closed_spans(from, to);
        prop_assert!(closed.iter().all(|span| !calendar.is_open(span.start) && !calendar.is_open(span.end - nano)));
        let both: Vec<Span> = spans.iter().chain(&closed).copied().collect();
        prop_assert_eq!(span::merged(both), [Span { start: from, end: to }]);
    }

    #[test]
    fn the_next_change_is_that_of_the_spans((windows, from, to) in worlds(), share in any::<u64>()) {
        let calendar = Calendar::parse(&windows).unwrap();
        // Further than one stride of the search.
        let far = to + (90 * 24).hours();
        let now = Calendar::default().point(from, to, share).unwrap_or(from);
        let spans = calendar.open_spans(now, far);
        prop_assert_eq!(calendar.next_open(now, far), spans.first().map(|span| span.start));
        prop_assert_eq!(calendar.never_opens(now, far), spans.is_empty());
    }

    #[test]
    fn points_lie_in_open_time_and_never_go_back(
        (windows, from, to) in worlds(),
        mut shares in proptest::collection::vec(any::<u64>(), 2..20),
    ) {
        let calendar = Calendar::parse(&windows).unwrap();
        shares.extend([0, u64::MAX]);
        shares.sort_unstable();
        let points: Vec<_> = shares.iter().map(|share| calendar.point(from, to, *share)).collect();
        let opens = !calendar.never_opens(from, to);
        prop_assert!(points.iter().all(|point| point.is_some() == opens));
        let points: Vec<Timestamp> = points.into_iter().flatten().collect();
        prop_assert!(points.is_sorted());
        prop_assert!(points.iter().all(|point| calendar.is_open(*point) && from <= *point && *point < to));
        prop_assert_eq!(points.first().copied(), calendar.next_open(from, to));
    }

    #[test]
    fn a_look_at_a_part_sees_the_part_of_the_whole((windows, from, to) in worlds(), shares in any::<[u64; 2]>()) {
        let calendar = Calendar::parse(&windows).unwrap();
        let inside = |share| Calendar::default().point(from, to, share).unwrap_or(from);
        if let Some(part) = Span::between(inside(shares[0]), inside(shares[1])) {
            let whole = calendar.open_spans(from, to);
            let expected: Vec<Span> = whole.iter().filter_map(|span| span.within(part)).collect();
            prop_assert_eq!(calendar.open_spans(part.start, part.end), expected);
        }
    }
}
