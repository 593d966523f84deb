//! `/metrics`, `/livez`, `/readyz` and the fleet page.
use crate::{
    calendar::fleet::Objects,
    fleet_page::{self, Audience, Facts},
    metrics::Metrics,
};
use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use kube::runtime::reflector::{Lookup, Store};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A port that cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}; choose another with --listen")]
pub struct ServeError {
    address: SocketAddr,
    source: io::Error,
}

/// Opens the port.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError { address, source })
}

/// Serves until `shutdown`.
pub async fn run(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    audience: Audience,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let known = Arc::clone(&metrics);
    let page = fleet_page::routes(audience, Arc::new(move || facts(&known)));
    let router = Router::new()
        .route("/metrics", get(expose))
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .with_state(metrics)
        .merge(page);
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

/// What the stores hold at this moment, copied, so that nobody waits for a reader.
fn facts(metrics: &Metrics) -> Option<Facts> {
    fn all<K: Clone + Lookup<DynamicType = ()>>(store: &Store<K>) -> Vec<K> {
        store.state().iter().map(|object| K::clone(object)).collect()
    }
    let context = metrics.context()?;
    let stores = &context.stores;
    Some(Facts {
        objects: Objects {
            connections: all(&stores.connections),
            models: all(&stores.models),
            endpoints: all(&stores.endpoints),
        },
        now: context.clock.now(),
        leads: context.leadership.leads(),
    })
}

async fn expose(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.expose() {
        Ok(text) => (
            [(
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Alive while all parts make progress (see [`crate::liveness`]). Names what does not; with `?verbose`, all that was checked.
async fn alive(State(metrics): State<Arc<Metrics>>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    let verbose = query.is_some_and(|query| query.split('&').any(|part| part == "verbose"));
    let checks = metrics.liveness().signs().checks();
    let mut text = String::new();
    for check in checks.iter().filter(|check| verbose || !check.passed) {
        text.push_str(&format!("{check}\n"));
        if !check.passed {
            tracing::error!(
                part = check.name,
                finding = check.finding,
                "a part of the operator makes no progress"
            );
        }
    }
    if checks.iter().all(|check| check.passed) {
        text.push_str("ok\n");
        return (StatusCode::OK, text);
    }
    text.push_str("not alive\n");
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

/// Ready when all stores are filled: before, decisions would be made from half of the facts. A standby is as ready as the
/// leader: it would act at once.
async fn ready(State(metrics): State<Arc<Metrics>>) -> (StatusCode, &'static str) {
    if metrics.is_ready() {
        (
            StatusCode::OK,
            if metrics.is_leader() { "leader\n" } else { "standby\n" },
        )
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "waiting for the watches to fill the stores\n",
        )
    }
}
