use super::*;
use crate::fleet_page::testing::{fleet, many, seen};

/// Elements without an end.
const VOID: [&str; 4] = ["meta", "link", "input", "wbr"];

/// Checks that all elements are closed in order; returns the opening tags.
fn tags(page: &str) -> Vec<&str> {
    let mut open: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some((text, tail)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text}");
        let (tag, tail) = tail.split_once('>').unwrap();
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else {
            all.push(tag);
            let name = tag.split_whitespace().next().unwrap();
            if !tag.ends_with('/') && !VOID.contains(&name) {
                open.push(name);
            }
        }
        rest = tail;
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn the_page_is_well_formed_and_loads_nothing_from_elsewhere() {
    let page = page(&seen(&fleet(), ""), true);
    for tag in tags(&page) {
        let attribute = |name: &str| {
            tag.split_once(&format!(" {name}=\""))
                .map(|(_, rest)| rest.split('"').next().unwrap())
        };
        let names: Vec<&str> = tag.split('"').step_by(2).flat_map(str::split_whitespace).collect();
        let inside_the_page = names.iter().any(|name| name.starts_with("on") || *name == "style=");
        assert!(!inside_the_page, "the policy forbids what stands in the page: {tag}");
        for name in ["src", "href", "action"] {
            let inside = attribute(name).is_none_or(|target| target.starts_with("fleet") || target.starts_with('#'));
            assert!(inside, "{tag}");
        }
    }
    assert!(page.contains(r#"<script src="fleet.js" defer></script>"#) && !page.contains("<style"));
}

#[test]
fn a_reader_who_hears_the_page_knows_what_each_cell_is() {
    let page = page(&seen(&fleet(), ""), false);
    let tags = tags(&page);
    let count = |begin: &str| tags.iter().filter(|tag| tag.starts_with(begin)).count();
    assert_eq!(
        (count("table"), count("caption"), count("th scope=\"col\"")),
        (2, 2, 18)
    );
    assert_eq!(count("th scope=\"row\""), 24);
    assert_eq!(count("svg"), 2);
    for tag in tags.iter().filter(|tag| tag.starts_with("svg")) {
        assert!(
            tag.contains("role=\"img\"") && tag.contains("aria-labelledby="),
            "{tag}"
        );
    }
    assert_eq!((count("h1"), count("main"), count("html lang=\"en\"")), (1, 1, 1));
    let ids: Vec<_> = tags
        .iter()
        .filter_map(|tag| tag.split_once(" id=\"")?.1.split('"').next())
        .collect();
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(ids.len(), distinct.len(), "{ids:?}");
    for tag in &tags {
        let Some((_, named)) = tag.split_once("aria-labelledby=\"") else {
            continue;
        };
        for id in named.split('"').next().unwrap().split(' ') {
            assert!(ids.contains(&id), "{tag} is named by what is not there");
        }
    }
    assert!(page.contains("standby"));
    assert!(page.contains(">Expiries: 24, 3 of them at risk; "), "{page}");
}

#[test]
fn on_a_narrow_screen_drawings_say_that_they_scroll_and_what_is_well_is_short() {
    let page = page(&seen(&fleet(), ""), true);
    let hint = r#"<p class="note sideways">Scroll the drawing sideways to see all of it.</p>"#;
    assert_eq!(
        page.matches(hint).count(),
        page.matches("class=\"drawing scroll\"").count()
    );
    let rows = |class: &str| page.matches(&format!(r#"<tr role="row" class="{class}""#)).count();
    assert_eq!((rows("well"), rows("bad"), rows("warn")), (16, 4, 2));
}

#[test]
fn why_something_is_not_ready_can_be_read_without_a_pointer_and_what_is_past_is_told_as_past() {
    let page = page(&seen(&fleet(), "namespace=contact-center"), true);
    let why = "<small>model hotline, revision 6, expired on 2026-11-15 00:00 UTC; the newest base model answers in its place</small>";
    assert!(page.contains(why), "{page}");
    assert!(page.contains(r#"<b>Expired</b> <time datetime="2026-11-15T00:00:00Z">"#));
    assert!(
        page.contains(r##"<a href="#endpoints"><b>"##),
        "the number leads to what it counts"
    );
}

#[test]
fn whatever_a_model_is_called_it_is_text() {
    let bad = r#"<script>alert(1)</script>"><img src=x onerror=alert(2)>'&"#;
    let mut sample = fleet();
    for object in &mut sample.endpoints {
        for place in [
            "/status/active/name",
            "/status/id",
            "/status/self",
            "/status/conditions/0/message",
            "/status/conditions/0/reason",
        ] {
            *object.pointer_mut(place).unwrap() = bad.into();
        }
        object["status"]["links"] = serde_json::json!({bad: bad});
        object["spec"]["locale"] = bad.into();
        object["spec"]["connectionRef"]["name"] = bad.into();
        for step in object["status"]["plan"].as_array_mut().unwrap() {
            for name in ["to", "reason", "risk"] {
                step[name] = bad.into();
            }
            step["blockedBy"] = serde_json::json!([bad]);
        }
    }
    sample.connections[0]["status"]["conditions"][0]["status"] = "False".into();
    sample.connections[0]["metadata"]["name"] = bad.into();
    sample.connections[0]["status"]["conditions"][0]["message"] = bad.into();
    let page = page(&seen(&sample, ""), true);
    let tags = tags(&page);
    assert_eq!(
        tags.iter().filter(|tag| tag.starts_with("script")).count(),
        1,
        "only our own"
    );
    assert!(!tags.iter().any(|tag| tag.starts_with("img") || tag.starts_with("x")));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    let refused = refusal(&BadQuery::Unknown(bad.to_owned()));
    assert!(
        !refused.contains("<img") && refused.contains("&lt;script&gt;"),
        "{refused}"
    );
}

#[test]
fn the_form_shows_what_was_chosen_and_keeps_it_in_all_links() {
    let page = page(&seen(&fleet(), "namespace=claims&risk=at-risk&locale=xx-XX"), true);
    for part in [
        r#"<option value="claims" selected>claims</option>"#,
        r#"<option value="at-risk" selected>At risk</option>"#,
        r#"<option value="xx-XX" selected>xx-XX</option>"#,
        r#"<option value="clinics">clinics</option>"#,
        r#"<a href="fleet.ics?namespace=claims&amp;locale=xx-XX&amp;risk=at-risk">"#,
        r#"<form class="filters" method="get" action="fleet""#,
        "0 of 24 objects.",
        "There are none.",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn of_a_large_fleet_the_most_urgent_are_drawn() {
    let page = page(&seen(&many(200), ""), true);
    assert!(page.contains("The 40 most urgent of "), "{page}");
    let timeline = page.split_once("plan-title").unwrap().1;
    assert!(timeline.contains("One line for each of 40 objects."));
    assert!(timeline.contains("contact-center/callback-7"));
}

#[test]
fn a_fleet_of_nothing_says_so() {
    let page = page(&seen(&Default::default(), ""), true);
    tags(&page);
    assert_eq!(page.matches("There are none.").count(), 2);
    assert!(page.contains("Nothing is planned."));
}
