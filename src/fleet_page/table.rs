//! The tables of the page.
//!
//! The roles are those that the elements have anyway: on a narrow screen each row becomes a card, and a table that is not
//! laid out as one is none to many screen readers unless it says so.
use super::{
    risk::Risk,
    view::{Line, View},
    words,
};
use jiff::Timestamp;
use maud::{Markup, html};
use speech_api::{Reason, planned::PlannedAction};
use speech_fleet::Step;

/// The endpoints.
pub fn endpoints(view: &View) -> Markup {
    html! {
        section aria-labelledby="endpoints" {
            h2 { span #endpoints { "Endpoints" } small { "the most urgent first" } }
            (table("Endpoints, the most urgent first", "endpoints", &view.endpoints, view.now))
        }
    }
}

/// The models.
pub fn models(view: &View) -> Markup {
    html! {
        section aria-labelledby="models" {
            h2 { span #models { "Models" } small { "the most urgent first" } }
            (table("Models, the most urgent first", "models", &view.models, view.now))
        }
    }
}

fn table(caption: &str, id: &str, lines: &[Line], now: Timestamp) -> Markup {
    if lines.is_empty() {
        return html! { p.note { "There are none." } };
    }
    html! {
        div.scroll.rows tabindex="0" role="region" aria-labelledby=(id) {
            table role="table" {
                caption.unseen { (caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for heading in ["Name", "Locale", "Status", "Model", "Expires", "Next", "Why", "Risk", "URLs"] {
                            th scope="col" role="columnheader" { (heading) }
                        }
                    }
                }
                tbody role="rowgroup" { @for line in lines { (row(line, now)) } }
            }
        }
    }
}

fn row(line: &Line, now: Timestamp) -> Markup {
    html! {
        tr role="row" class=[class(line)] {
            th scope="row" role="rowheader" {
                span.object { i { (line.row.namespace) "/" } (line.row.name) }
                small { (line.row.connection) }
            }
            td role="cell" { (line.row.locale) }
            td role="cell" title=[(!line.message.is_empty()).then_some(&line.message)] {
                span class={ "state " (line.class()) } { (line.words()) }
                @if !line.reason.is_empty() { small { (words::spaced(&line.reason)) } }
                // Why something is not as it should be has to be read without a pointer.
                @if line.class() == "bad" && !line.message.is_empty() { small { (line.message) } }
            }
            td role="cell" {
                @if let Some(model) = &line.model { (model) } @else { (nothing()) }
                @if let Some(revision) = line.revision { small { "revision " (revision) } }
            }
            td role="cell" { @if let Some(at) = line.expires_at { (date(at, now)) } @else { (nothing()) } }
            (next(line.next.as_ref(), now))
            td role="cell" {
                @if line.risk == Risk::None { span.none { "None" } } @else {
                    b { (line.risk.words()) }
                    @if let Some(message) = &line.risk_message { small { (message) } }
                }
            }
            td role="cell" { (urls(line)) }
        }
    }
}

/// Of what is well, a narrow screen shows less.
fn class(line: &Line) -> Option<&'static str> {
    match line.risk {
        Risk::None => (line.class() == "good").then_some("well"),
        Risk::Blocked => Some("warn"),
        Risk::AtRisk | Risk::Expired => Some("bad"),
    }
}

/// The cells of the next step: what and when, and why.
fn next(step: Option<&Step>, now: Timestamp) -> Markup {
    let Some(step) = step else {
        return html! { td role="cell" { (nothing()) } td role="cell" { (nothing()) } };
    };
    let over = step.action == PlannedAction::Expire && step.at <= now;
    let what = if over { "Expired" } else { step.action.as_str() };
    let known = Reason::parse(&step.reason);
    html! {
        td role="cell" {
            b { (what) } " " (day(step.at))
            small { (away(step.at, now)) @if step.forecast { ", a forecast" } @if let Some(to) = &step.to { " · " (to) } }
        }
        td role="cell" title=[known.map(|reason| reason.meaning())] { (words::spaced(&step.reason)) }
    }
}

/// What can be copied. The script adds buttons; without it, the URLs are there to be selected.
fn urls(line: &Line) -> Markup {
    if line.urls.is_empty() && line.id.is_none() {
        return nothing();
    }
    html! {
        details {
            summary { "All" span.unseen { " URLs of " (line.row.namespace) "/" (line.row.name) } }
            dl {
                @for (name, url) in &line.urls { dt { (url_name(name)) } dd { code { (url) } } }
                @if let Some(id) = &line.id { dt { "Id" } dd { code { (id) } } }
            }
        }
    }
}

/// The portal's words for the service's links.
fn url_name(link: &str) -> &str {
    match link {
        "webSocket" => "WebSocket",
        "webSocketInteractive" => "WebSocket, interactive",
        "webSocketConversation" => "WebSocket, conversation",
        "webSocketDictation" => "WebSocket, dictation",
        "restInteractive" => "REST, interactive",
        "restConversation" => "REST, conversation",
        "restDictation" => "REST, dictation",
        "logs" => "Logs",
        "self" => "REST API",
        other => other,
    }
}

/// A day, and how far away it is.
fn date(at: Timestamp, now: Timestamp) -> Markup {
    html! { (day(at)) small { (away(at, now)) } }
}

fn day(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%Y-%m-%d")) } }
}

/// How far away a time is, in words.
fn away(at: Timestamp, now: Timestamp) -> String {
    let hours = at.duration_since(now).as_hours();
    let counted = |count: i64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match hours {
        ..=-48 => format!("{} ago", counted(-hours / 24, "day")),
        -47..=-1 => format!("{} ago", counted(-hours, "hour")),
        0 if at <= now => "now".to_owned(),
        0 => "within the hour".to_owned(),
        1..=47 => format!("in {}", counted(hours, "hour")),
        48.. => format!("in {}", counted(hours / 24, "day")),
    }
}

fn nothing() -> Markup {
    html! { span.none { "–" } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;

    #[test]
    fn how_far_a_day_is_away_is_told_in_words() {
        let now: Timestamp = "2026-11-21T07:00:00Z".parse().unwrap();
        for (hours, words) in [
            (-72, "3 days ago"),
            (-47, "47 hours ago"),
            (-1, "1 hour ago"),
            (0, "now"),
            (1, "in 1 hour"),
            (47, "in 47 hours"),
            (48, "in 2 days"),
            (24 * 55 + 5, "in 55 days"),
        ] {
            assert_eq!(away(now + hours.hours(), now), words);
        }
        assert_eq!(away(now + 59.minutes(), now), "within the hour");
    }
}
