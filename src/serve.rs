//! `/metrics`, `/livez`, `/readyz` and the fleet page.
use crate::{
    exposition::Exposition,
    fleet_page::{self, Audience, Facts},
};
use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use socket2::{Domain, Protocol, Socket, Type};
use speech_fleet::fleet::Objects;
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A port that cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}; choose another with --listen")]
pub struct ServeError {
    address: SocketAddr,
    source: io::Error,
}

/// Connections that may wait to be taken.
const BACKLOG: i32 = 1024;

/// Opens the port. `[::]` means both families, so that the kubelet reaches it on nodes of either, and IPv4 alone where a node
/// has no IPv6.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    listen_with(address, open)
        .and_then(TcpListener::from_std)
        .map_err(|source| ServeError { address, source })
}

fn listen_with<T>(address: SocketAddr, open: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let opened = open(address);
    let any = address == SocketAddr::from((Ipv6Addr::UNSPECIFIED, address.port()));
    match opened {
        // Nobody can tell a node without IPv6 by one kind of error; that the port is taken, or not ours to take, stays so.
        Err(error) if any && !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
            open((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        Ok(_) | Err(_) => opened,
    }
}

/// Opens a port; one of IPv6 takes IPv4 as well, whatever the node's default is.
fn open(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Serves until `shutdown`.
pub async fn run(
    listener: TcpListener,
    exposition: Arc<Exposition>,
    audience: Audience,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let known = Arc::clone(&exposition);
    let page = fleet_page::routes(audience, Arc::new(move || facts(&known)));
    let router = Router::new()
        .route("/metrics", get(expose))
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .with_state(exposition)
        .merge(page);
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

/// What the stores hold at this moment, copied, so that nobody waits for a reader.
fn facts(exposition: &Exposition) -> Option<Facts> {
    fn copied<K: Clone>(objects: &[Arc<K>]) -> Vec<K> {
        objects.iter().map(|object| K::clone(object)).collect()
    }
    let context = exposition.context()?;
    let stores = &context.stores;
    Some(Facts {
        objects: Objects {
            connections: copied(&stores.connections.state()),
            models: copied(&stores.models.state()),
            endpoints: copied(&stores.endpoints.state()),
        },
        now: context.clock.now(),
        leads: context.leadership.leads(),
    })
}

async fn expose(State(exposition): State<Arc<Exposition>>) -> Response {
    match exposition.expose() {
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
async fn alive(State(exposition): State<Arc<Exposition>>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    let verbose = query.is_some_and(|query| query.split('&').any(|part| part == "verbose"));
    let checks = exposition.metrics().liveness().signs().checks();
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
async fn ready(State(exposition): State<Arc<Exposition>>) -> (StatusCode, &'static str) {
    match exposition.context() {
        Some(context) if context.leadership.leads() => (StatusCode::OK, "leader\n"),
        Some(_) => (StatusCode::OK, "standby\n"),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "waiting for the watches to fill the stores\n",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn the_unspecified_address_of_ipv6_takes_both_families() {
        let listener = listen("[::]:0".parse().unwrap()).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(TcpStream::connect(("127.0.0.1", port)).await.is_ok());
        if std::net::TcpListener::bind("[::1]:0").is_ok() {
            assert!(TcpStream::connect(("::1", port)).await.is_ok());
        }
    }

    #[test]
    fn a_node_without_ipv6_is_listened_on_by_ipv4_and_a_taken_port_stays_taken() {
        let without = |kind: io::ErrorKind| {
            move |address: SocketAddr| {
                if address.is_ipv6() {
                    Err(kind.into())
                } else {
                    Ok(address)
                }
            }
        };
        for kind in [
            io::ErrorKind::Unsupported,
            io::ErrorKind::AddrNotAvailable,
            io::ErrorKind::Other,
        ] {
            let opened = listen_with("[::]:8080".parse().unwrap(), without(kind)).unwrap();
            assert_eq!(opened, "0.0.0.0:8080".parse().unwrap());
        }
        for (address, kind) in [
            ("[::]:8080", io::ErrorKind::AddrInUse),
            ("[::]:80", io::ErrorKind::PermissionDenied),
            ("[::1]:8080", io::ErrorKind::AddrNotAvailable),
        ] {
            let opened = listen_with(address.parse().unwrap(), without(kind));
            assert_eq!(opened.map_err(|error| error.kind()), Err(kind), "{address}");
        }
    }
}
