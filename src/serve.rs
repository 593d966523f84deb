//! `/metrics`, `/livez` and `/readyz`.
use crate::metrics::Metrics;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
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
pub async fn run(listener: TcpListener, metrics: Arc<Metrics>, shutdown: CancellationToken) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(expose))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(metrics);
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
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
