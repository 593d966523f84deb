//! The page as HTML. Everything that comes from objects goes through maud, which escapes it, or through the drawings,
//! which do.
use super::{
    query::{BadQuery, Query, RiskFilter},
    risk::Risk,
    table,
    view::View,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use speech_fleet::{self as calendar, Row};
use std::collections::BTreeSet;

/// How many objects the timeline shows; of a larger fleet, the most urgent.
const DRAWN: usize = 40;

/// The page.
pub fn page(view: &View, leads: bool) -> String {
    let filtered = view.query != Query::default();
    let shown = view.endpoints.len() + view.models.len();
    let body = html! {
        a.skip href="#endpoints" { "Skip to the endpoints" }
        header {
            h1 { "Custom speech fleet" }
            p {
                "As of " time datetime=(view.now) { (view.now.strftime("%Y-%m-%d %H:%M")) " UTC" }
                " · " @if leads { "leader" } @else { "standby" }
                " · speech-operator " (env!("CARGO_PKG_VERSION"))
            }
        }
        main {
            (numbers(view))
            (troubles(view))
            (filters(view))
            @if filtered {
                p.shown role="status" {
                    (shown) " of " (view.all) " objects. " a href="fleet" { "Show all" }
                }
            }
            section aria-labelledby="quarters-heading" {
                h2 #quarters-heading { "The quarters to come" }
                (sideways())
                div.drawing.scroll tabindex="0" role="region" aria-labelledby="quarters-heading" {
                    (PreEscaped(calendar::overview(&view.rows(), view.now, view.until)))
                }
                p.note {
                    "Each column is a week; red and hatched is at risk. Dashed lines: the quarter days on which the service's models \
                     expire. Shaded: no endpoint may be swapped."
                }
            }
            (table::endpoints(view))
            (table::models(view))
            (timeline(view))
        }
        footer {
            p {
                "The same for programs: " a href={ "fleet.json" (view.query.suffix()) } { "fleet.json" }
                ", for calendars: " a href={ "fleet.ics" (view.query.suffix()) } { "fleet.ics" }
                ", at a terminal: " code { "speech-operator plan" } ". All dates are UTC."
            }
        }
    };
    document("Custom speech fleet", body)
}

/// What is answered to a query that is not understood.
pub fn refusal(error: &BadQuery) -> String {
    let body = html! {
        header { h1 { "This cannot be shown" } }
        main {
            p.alert role="alert" { (error) }
            p { a href="fleet" { "Show the whole fleet" } }
        }
    };
    document("Bad request · Custom speech fleet", body)
}

fn document(title: &str, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href="fleet-icon.svg";
                link rel="stylesheet" href="fleet.css";
                script src="fleet.js" defer {}
            }
            body { (body) }
        }
    };
    page.into_string()
}

/// The numbers of the whole, with the way to what they count where there is one.
fn numbers(view: &View) -> Markup {
    let counts = view.counts;
    let only = |risk: Risk| {
        let query = Query {
            risk: Some(RiskFilter::Only(risk)),
            ..view.query.clone()
        };
        Some(format!("fleet{}", query.suffix()))
    };
    let at = |place: &str| Some(place.to_owned());
    let number = |count: usize, what: &str, to: Option<String>, class: &str| {
        let class = if count == 0 { "calm" } else { class };
        html! {
            li class=(class) {
                @match to.filter(|_| count > 0) {
                    Some(to) => a href=(to) { b { (count) } " " (what) },
                    None => span { b { (count) } " " (what) },
                }
            }
        }
    };
    html! {
        ul.numbers aria-label="The fleet in numbers" {
            (number(counts.endpoints, if counts.endpoints == 1 { "endpoint" } else { "endpoints" }, at("#endpoints"), ""))
            (number(counts.models, if counts.models == 1 { "model" } else { "models" }, at("#models"), ""))
            (number(counts.expired, "expired", only(Risk::Expired), "bad"))
            (number(counts.at_risk, "at risk", only(Risk::AtRisk), "bad"))
            (number(counts.blocked, "blocked", only(Risk::Blocked), "warn"))
            (number(counts.not_ready, "not ready", None, "warn"))
            (number(counts.expiring, "expire within 90 days", None, ""))
            (number(counts.swaps, if counts.swaps == 1 { "swap within 30 days" } else { "swaps within 30 days" }, None, ""))
        }
    }
}

/// Connections that are down, and what could not be told.
fn troubles(view: &View) -> Markup {
    html! {
        @if !view.down.is_empty() || !view.trouble.is_empty() {
            section.alert aria-label="Trouble" {
                ul {
                    @for down in &view.down {
                        li { "Connection " b { (down.connection) } " does not work. " (down.message) }
                    }
                    @for trouble in &view.trouble { li { (trouble) } }
                }
            }
        }
    }
}

/// A plain form: without a script, the button sends it.
fn filters(view: &View) -> Markup {
    let Query {
        namespace,
        connection,
        locale,
        risk,
    } = &view.query;
    let choices = &view.choices;
    let one = |name: &str, label: &str, all: &BTreeSet<String>, chosen: &Option<String>| {
        // What was asked for can be seen and changed, though there is nothing of it.
        let missing = chosen.as_ref().filter(|chosen| !all.contains(*chosen));
        html! {
            label {
                span { (label) }
                select name=(name) {
                    option value="" { "All" }
                    @for value in missing.into_iter().chain(all) {
                        option value=(value) selected[chosen.as_ref() == Some(value)] { (value) }
                    }
                }
            }
        }
    };
    html! {
        form.filters method="get" action="fleet" role="search" aria-label="Filter the fleet" {
            (one("namespace", "Namespace", &choices.namespaces, namespace))
            (one("connection", "Connection", &choices.connections, connection))
            (one("locale", "Locale", &choices.locales, locale))
            label {
                span { "Risk" }
                select name="risk" {
                    option value="" { "All" }
                    @for one in RiskFilter::ALL {
                        option value=(one.as_str()) selected[*risk == Some(one)] {
                            @match one {
                                RiskFilter::Any => "Any risk",
                                RiskFilter::Only(Risk::None) => "No risk",
                                RiskFilter::Only(risk) => (risk.words()),
                            }
                        }
                    }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

/// What a narrow screen says of a drawing that is wider.
fn sideways() -> Markup {
    html! { p.note.sideways { "Scroll the drawing sideways to see all of it." } }
}

/// The objects one by one, as `speech-operator plan -o svg` draws them.
fn timeline(view: &View) -> Markup {
    let lines: Vec<_> = view
        .lines()
        .filter(|line| !line.row.steps.is_empty() || !line.row.expiries.is_empty())
        .collect();
    let mut urgent = lines.clone();
    urgent.sort_by(|one, other| one.urgency().cmp(&other.urgency()));
    let rows: Vec<Row> = urgent.iter().take(DRAWN).map(|line| line.row.clone()).collect();
    html! {
        section aria-labelledby="timeline-heading" {
            h2 #timeline-heading { "Timeline" }
            (sideways())
            @if lines.len() > DRAWN {
                p.note { "The " (DRAWN) " most urgent of " (lines.len()) " objects; filter to see others." }
            }
            div.drawing.scroll tabindex="0" role="region" aria-labelledby="timeline-heading" {
                (PreEscaped(calendar::unstyled(&rows, view.now, view.until)))
            }
        }
    }
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
