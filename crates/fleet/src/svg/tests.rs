use super::{life::lives, *};
use crate::{
    Certainty, Expiry,
    standing::Why,
    testing::{at, fleet, row, step},
};
use proptest::prelude::*;
use speech_plan::window::Span;

const FROM: &str = "2026-11-21T00:00:00Z";
const UNTIL: &str = "2027-12-01T00:00:00Z";

/// What an XML parser would need: every element is closed by its own name, no bare sign stands in a text.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some((text, tail)) = rest.split_once('<') {
        assert!(!text.contains('>') || open.last() == Some(&"style"), "{text}");
        let (tag, tail) = tail.split_once('>').unwrap();
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
        rest = tail;
    }
    assert!(open.is_empty(), "{open:?}");
    for entity in svg.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;"];
        assert!(known.iter().any(|name| entity.starts_with(name)), "{entity:.9}");
    }
    let forbidden = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(!svg.contains(forbidden));
}

#[test]
fn a_fleet_is_drawn() {
    let drawing = svg(&fleet(), at(FROM), at(UNTIL));
    assert_well_formed(&drawing);
    insta::assert_snapshot!(drawing);
}

#[test]
fn the_order_of_rows_and_steps_does_not_matter() {
    let mut other = fleet();
    other.reverse();
    other.iter_mut().for_each(|row| row.steps.reverse());
    assert_eq!(svg(&other, at(FROM), at(UNTIL)), svg(&fleet(), at(FROM), at(UNTIL)));
}

#[test]
fn the_drawing_has_words_for_screen_readers_two_themes_and_no_script() {
    let drawing = svg(&fleet(), at(FROM), at(UNTIL));
    let heading = "Plan of custom speech from 2026-11-21 to 2027-12-01 (UTC)";
    assert!(drawing.contains(&format!(r#"<title id="plan-title">{heading}</title>"#)));
    assert!(drawing.contains("One line for each of 5 objects. Steps: 1 trainings, 0 copies, 1 evaluations, 3 swaps, 2 expiries. Blocked: 1. At risk: 2. First: Train on 2026-12-01 10:00."));
    assert!(drawing.contains("prefers-color-scheme: dark"));
    for forbidden in ["<script", "href=\"http", "url(", "@import", "onload"] {
        assert!(!drawing.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn quarter_days_are_marked() {
    let drawing = svg(&[], at(FROM), at(UNTIL));
    for day in ["15 Jan", "15 Apr", "15 Jul", "15 Oct"] {
        assert_eq!(drawing.matches(&format!(">{day}<")).count(), 1, "{day}");
    }
    assert_eq!(drawing.matches(r#"class="quarter""#).count(), 4);
    assert_eq!(drawing.matches(r#"class="month""#).count(), 13);
    assert!(drawing.contains("Nothing is planned."));
}

#[test]
fn a_model_serves_until_the_swap_and_is_kept_until_it_expires() {
    let mut row = row("shop", "claims");
    let expiry = |model: &str, date: &str| Expiry {
        model: model.to_owned(),
        at: at(date),
    };
    row.expiries = vec![
        expiry("r4", "2027-01-15T00:00:00Z"),
        expiry("r5", "2027-10-15T00:00:00Z"),
    ];
    row.steps = vec![
        step("2026-12-12T00:00:00Z", PlannedAction::Swap, "r5"),
        step("2026-12-10T00:00:00Z", PlannedAction::Evaluate, "r5"),
    ];
    let span = |start: &str, end: &str| Span::between(at(start), at(end));
    let lives = lives(&row, at(FROM), at(UNTIL));
    assert_eq!(lives.len(), 2);
    assert_eq!((lives[0].model, lives[1].model), ("r4", "r5"));
    assert_eq!(lives[0].serves, span(FROM, "2026-12-12T00:00:00Z"));
    assert_eq!(lives[0].kept, span("2026-12-12T00:00:00Z", "2027-01-15T00:00:00Z"));
    assert_eq!(lives[0].over, None);
    assert_eq!(lives[1].serves, span("2026-12-12T00:00:00Z", "2027-10-15T00:00:00Z"));
    assert_eq!(lives[1].over, span("2027-10-15T00:00:00Z", UNTIL));
    assert_eq!(lives[1].kept, None);
}

#[test]
fn a_swap_that_comes_too_late_leaves_a_time_in_which_a_base_model_answers() {
    let late = fleet().into_iter().find(|row| row.name == "late").unwrap();
    let lives = lives(&late, at(FROM), at(UNTIL));
    assert_eq!(
        lives[0].over,
        Span::between(at("2027-01-15T00:00:00Z"), at("2027-01-20T00:00:00Z"))
    );
    assert_eq!(lives[1].model, "summer");
}

/// A row that a swap to r5 leads on, as `change` has it.
fn followed(change: impl FnOnce(&mut crate::Row)) -> crate::Row {
    let mut row = row("shop", "claims");
    row.expiries = vec![Expiry {
        model: "r4".to_owned(),
        at: at("2027-07-15T00:00:00Z"),
    }];
    row.steps = vec![step("2027-01-12T00:00:00Z", PlannedAction::Swap, "r5")];
    change(&mut row);
    row
}

#[test]
fn what_follows_a_step_that_may_not_be_taken_is_hatched_and_says_so() {
    let waits = |row: &mut crate::Row| row.steps[0].blocked_by = vec!["SpeechModel claims: no dataset".to_owned()];
    let blocked = |row: &mut crate::Row| {
        waits(row);
        row.standing.blocked = Some(Why {
            reason: "ApprovalAwaited".to_owned(),
            message: "approval".to_owned(),
        });
    };
    let foreseen = |row: &mut crate::Row| {
        waits(row);
        row.steps[0].forecast = true;
    };
    let cut_off = |row: &mut crate::Row| {
        waits(row);
        row.cut_off = Some("the connection works again".to_owned());
    };
    let at_risk = |row: &mut crate::Row| row.steps[0].risk = Some("nobody approves".to_owned());
    for (name, row, certainty, class, words) in [
        ("its day alone", followed(waits), Certainty::Planned, "odd", "r5"),
        (
            "blocked",
            followed(blocked),
            Certainty::Uncertain,
            "unsure",
            "not certain: r5",
        ),
        (
            "foreseen",
            followed(foreseen),
            Certainty::Uncertain,
            "unsure",
            "not certain: r5",
        ),
        (
            "cut off",
            followed(cut_off),
            Certainty::Uncertain,
            "unsure",
            "not certain: r5",
        ),
        (
            "at risk",
            followed(at_risk),
            Certainty::AtRisk,
            "endangered",
            "at risk: r5",
        ),
    ] {
        let told: Vec<Certainty> = lives(&row, at(FROM), at(UNTIL))
            .iter()
            .map(|life| life.certainty)
            .collect();
        assert_eq!(told, [Certainty::Planned, certainty], "{name}");
        let drawing = svg(&[row], at(FROM), at(UNTIL));
        let (line, _) = drawing.split_once(">serves<").unwrap();
        assert_well_formed(&drawing);
        assert!(
            line.contains(&format!("<title>{words} serves from 2027-01-12")),
            "{name}: {line}"
        );
        assert!(line.contains(&format!(">{words}</text>")), "{name}: {line}");
        assert!(line.contains(&format!(r#"class="bar {class}""#)), "{name}: {line}");
        let is_hatched = line.contains(&format!(r#"class="strokes {class}-strokes""#));
        assert_eq!(is_hatched, certainty != Certainty::Planned, "{name}: {line}");
        let is_green = line.contains(r#"class="bar odd""#);
        assert_eq!(is_green, certainty == Certainty::Planned, "{name}: {line}");
    }
}

#[test]
fn what_comes_after_an_uncertain_step_is_no_more_certain() {
    let row = followed(|row| {
        row.steps[0].risk = Some("too late".to_owned());
        row.steps.push(step("2027-09-01T00:00:00Z", PlannedAction::Swap, "r6"));
    });
    let lives = lives(&row, at(FROM), at(UNTIL));
    assert_eq!((lives[2].model, lives[2].certainty), ("r6", Certainty::AtRisk));
}

#[test]
fn the_legend_says_what_each_look_means_and_fits_the_page() {
    let drawing = svg(&[], at(FROM), at(UNTIL));
    for (look, words) in [
        (r#"class="bar even""#, "serves"),
        (r#"class="bar unsure""#, "not certain: something has to happen first"),
        (
            r#"class="bar endangered""#,
            "at risk: not in time, or not at all, unless someone acts",
        ),
        (r#"class="sign swap blocked""#, "blocked"),
        (r#"class="sign swap risk""#, "at risk"),
    ] {
        let (_, legend) = drawing.split_once(look).unwrap();
        let text = legend.split_once(r#"<text class="sub""#).unwrap().1;
        assert_eq!(text.split(['>', '<']).nth(1), Some(words), "{look}");
    }
    let texts = drawing.split("<text class=\"sub\" x=\"").skip(1);
    for text in texts {
        let (x, rest) = text.split_once('"').unwrap();
        let words = rest.split(['>', '<']).nth(1).unwrap();
        assert!(x.parse::<i64>().unwrap() + width_of(words) < WIDTH, "{words}");
    }
    let last = drawing
        .split("y=\"")
        .filter_map(|part| part.split('"').next()?.parse::<i64>().ok())
        .max();
    assert!(last.unwrap() < TOP + LINE + LEGEND, "{last:?}");
}

#[test]
fn marks_tell_their_step_in_words() {
    let drawing = svg(&fleet(), at(FROM), at(UNTIL));
    for words in [
        "<title>2027-03-16 00:00 UTC: Swap 20260901 &lt;Ü &amp; &quot;Ö&quot;&gt;. Why: BeforeExpiry. Blocked by: approval, gate. Risk: expires on 2027-04-15 if nobody approves</title>",
        "<title>2027-01-15 00:00 UTC: claims r4 expires</title>",
        "<title>claims r5 serves from 2026-12-12 00:00 to 2027-12-01 00:00</title>",
    ] {
        assert!(drawing.contains(words), "{words}");
    }
}

proptest! {
    #[test]
    fn any_text_and_any_time_gives_a_drawing_that_can_be_read(
        name in any::<String>(),
        times in any::<[i32; 4]>(),
    ) {
        let time = |seconds: i32| Timestamp::from_second(i64::from(seconds)).unwrap();
        let mut row = row(&name, &name);
        row.expiries = vec![Expiry { model: name.clone(), at: time(times[0]) }];
        let mut planned = step("2027-01-01T00:00:00Z", PlannedAction::Swap, &name);
        planned.at = time(times[1]);
        planned.risk = Some(name);
        row.steps = vec![planned];
        row.closed = Span::between(time(times[0]), time(times[1])).into_iter().collect();
        let from = time(times[2]);
        let until = from.checked_add(jiff::SignedDuration::from_secs(i64::from(times[3] % 100_000_000))).unwrap();
        let drawing = svg(&[row], from, until);
        assert_well_formed(&drawing);
        prop_assert!(!drawing.contains("=\"-"), "nothing lies left of the page");
    }
}
