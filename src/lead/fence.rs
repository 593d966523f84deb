//! No change leaves but from the leader: every request to the cluster and to the Speech service passes here last.
//!
//! A request that only reads passes freely. One that changes something is held back unless enough is left of our lease,
//! and is looked at again each time it makes progress: a process that was stopped in between drops it before its next byte.
use super::{Leadership, Withheld};
use crate::speech::{
    Transport,
    error::TransportKind,
    transport::{Limits, TransportError},
};
use futures::future::BoxFuture;
use http::{Request, Response};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder},
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio_util::bytes::Bytes;
use tower::{BoxError, Layer, Service};

/// Runs what changes something while we lead; `None` when it was dropped half-way.
async fn while_leading<T>(leadership: &Leadership, request: impl Future<Output = T>) -> Option<T> {
    let mut request = pin!(request);
    poll_fn(|context| match leadership.holds() {
        true => request.as_mut().poll(context).map(Some),
        false => Poll::Ready(None),
    })
    .await
}

/// The network towards the Speech service, fenced.
pub struct FencedTransport {
    inner: Arc<dyn Transport>,
    leadership: Leadership,
}

impl FencedTransport {
    /// Puts the fence before a network.
    pub fn new(inner: Arc<dyn Transport>, leadership: Leadership) -> Self {
        Self { inner, leadership }
    }
}

impl Transport for FencedTransport {
    /// Called when the request has had its turn in the budget, so that no waiting lies between the check and the sending.
    fn send(&self, request: Request<Bytes>, limits: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        if request.method().is_safe() {
            return self.inner.send(request, limits);
        }
        Box::pin(async move {
            let withheld = |why: Withheld| TransportError::Withheld(why.into());
            self.leadership.check().map_err(withheld)?;
            let sent = while_leading(&self.leadership, self.inner.send(request, limits)).await;
            sent.unwrap_or_else(|| {
                Err(TransportError::Failed {
                    kind: TransportKind::Other,
                    perhaps_sent: true,
                    source: Some(Withheld::Over.into()),
                })
            })
        })
    }
}

/// A client of the cluster, fenced.
pub fn client(config: Config, leadership: Leadership) -> Result<Client, kube::Error> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&Fence(leadership)).build())
}

/// Fences a client of the cluster.
#[derive(Clone, Debug)]
pub struct Fence(pub Leadership);

/// A client of the cluster, fenced.
#[derive(Clone, Debug)]
pub struct Fenced<S> {
    inner: S,
    leadership: Leadership,
}

impl<S> Layer<S> for Fence {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced {
            inner,
            leadership: self.0.clone(),
        }
    }
}

impl<S> Service<Request<Body>> for Fenced<S>
where
    S: Service<Request<Body>, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.method().is_safe() {
            return Box::pin(self.inner.call(request));
        }
        if let Err(withheld) = self.leadership.check() {
            return Box::pin(std::future::ready(Err(withheld.into())));
        }
        let leadership = self.leadership.clone();
        let request = self.inner.call(request);
        Box::pin(async move {
            let answer = while_leading(&leadership, request).await;
            answer.unwrap_or_else(|| Err(Withheld::Over.into()))
        })
    }
}
