//! The routes of the page: who is answered, with which headers.
use super::{assets, document, html, query::Query, view::View};
use axum::{
    Router,
    extract::{ConnectInfo, RawQuery, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::json;
use speech_fleet::{self as calendar, fleet::Objects};
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::Semaphore;

/// Nothing but the page's own style, script and icon is loaded, nothing runs that stands in the page, nobody frames it, and
/// its form leads nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Who is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Audience {
    /// Nobody: there is no page.
    Nobody,
    /// Who comes by way of the pod itself, as `kubectl port-forward` does: the cluster has checked his rights. Not who comes
    /// through the Service.
    Loopback,
    /// Whoever reaches the port. Put a proxy before it that asks who comes.
    Everybody,
}

/// What the page is made from.
pub struct Facts {
    /// The objects of the stores.
    pub objects: Objects,
    /// The present.
    pub now: Timestamp,
    /// Whether this replica acts.
    pub leads: bool,
}

/// Gives the facts of this moment; None until the stores are filled.
pub type Source = Arc<dyn Fn() -> Option<Facts> + Send + Sync>;

struct Page {
    source: Source,
    /// One page is made at a time, so that many readers cost no more memory than one.
    turn: Semaphore,
}

/// The routes; none if nobody is answered. Needs the peer's address ([`ConnectInfo`]).
pub fn routes(audience: Audience, source: Source) -> Router {
    if audience == Audience::Nobody {
        return Router::new();
    }
    let page = Page {
        source,
        turn: Semaphore::new(1),
    };
    let asset = |kind: &'static str, text: &'static str| get(move || async move { typed(kind, text) });
    Router::new()
        // Relative, as every link here: a proxy may have put a path before it.
        .route("/", get(async || Redirect::temporary("fleet")))
        .route("/fleet", get(show))
        .route("/fleet.json", get(tell))
        .route("/fleet.ics", get(date))
        .route("/fleet.css", asset("text/css; charset=utf-8", &assets::STYLE))
        .route("/fleet.js", asset("text/javascript; charset=utf-8", assets::SCRIPT))
        .route("/fleet-icon.svg", asset("image/svg+xml", assets::ICON))
        .layer(middleware::from_fn_with_state(audience, admit))
        .layer(middleware::map_response(guard))
        .with_state(Arc::new(page))
}

fn typed(kind: &'static str, text: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

/// Answers only who may ask.
async fn admit(State(audience): State<Audience>, request: Request, next: Next) -> Response {
    if audience == Audience::Loopback {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let near = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
        if !near || !names_this_host(request.headers()) {
            return (
                StatusCode::FORBIDDEN,
                "The fleet page is shown only by way of `kubectl port-forward`: \
                 kubectl -n speech-system port-forward deploy/speech-operator 8080, then http://localhost:8080/fleet. \
                 Whoever runs the operator can open it with --fleet-page=everybody.\n",
            )
                .into_response();
        }
    }
    next.run(request).await
}

/// Whether the reader's address bar names this very machine. A page of somebody else whose name leads to loopback (DNS
/// rebinding) names itself.
fn names_this_host(headers: &HeaderMap) -> bool {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let address = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Headers of every answer.
async fn guard(mut response: Response) -> Response {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Makes an answer of the facts, away from the thread on which the operator works.
async fn made(
    page: &Page,
    query: Query,
    make: impl FnOnce(&View, bool) -> Response + Send + 'static,
) -> Result<Response, Response> {
    let not_yet = || {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "waiting for the watches to fill the stores\n",
        )
            .into_response()
    };
    let failed = || (StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be made\n").into_response();
    let _turn = page.turn.acquire().await.map_err(|_| failed())?;
    let source = Arc::clone(&page.source);
    let work = tokio::task::spawn_blocking(move || {
        let facts = source()?;
        Some(make(&View::new(&facts.objects, facts.now, query), facts.leads))
    });
    work.await.map_err(|_| failed())?.ok_or_else(not_yet)
}

async fn show(State(page): State<Arc<Page>>, RawQuery(text): RawQuery) -> Response {
    let query = match Query::parse(&text.unwrap_or_default()) {
        Ok(query) => query,
        Err(error) => return (StatusCode::BAD_REQUEST, typed(HTML, html::refusal(&error))).into_response(),
    };
    let answer = made(&page, query, |view, leads| typed(HTML, html::page(view, leads)));
    answer.await.unwrap_or_else(|failure| failure)
}

async fn tell(State(page): State<Arc<Page>>, RawQuery(text): RawQuery) -> Response {
    let query = match Query::parse(&text.unwrap_or_default()) {
        Ok(query) => query,
        Err(error) => {
            let text = json!({"error": error.to_string()}).to_string() + "\n";
            return (StatusCode::BAD_REQUEST, typed(JSON, text)).into_response();
        }
    };
    let answer = made(&page, query, |view, _| match document::json(view) {
        Ok(text) => typed(JSON, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    });
    answer.await.unwrap_or_else(|failure| failure)
}

async fn date(State(page): State<Arc<Page>>, RawQuery(text): RawQuery) -> Response {
    let query = match Query::parse(&text.unwrap_or_default()) {
        Ok(query) => query,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let answer = made(&page, query, |view, _| {
        typed(CALENDAR, calendar::ics(&view.rows(), view.now))
    });
    answer.await.unwrap_or_else(|failure| failure)
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const CALENDAR: &str = "text/calendar; charset=utf-8";

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
