//! A service in the same process.
use super::{Limits, Transport, TransportError};
use crate::error::{BodyProblem, TransportKind};
use futures::future::BoxFuture;
use http::{Request, Response};
use std::error::Error as _;
use tokio_util::bytes::Bytes;

/// A service in the same process, for tests and simulations: no sockets, the same limits.
#[derive(Clone, Debug)]
pub struct InProcess(
    /// The service.
    pub axum::Router,
);

impl InProcess {
    async fn exchange(self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        let answer = tower::ServiceExt::oneshot(self.0, request.map(axum::body::Body::from));
        let (head, body) = answer.await.unwrap_or_else(|never| match never {}).into_parts();
        match axum::body::to_bytes(body, limits.body).await {
            Ok(body) => Ok(Response::from_parts(head, body)),
            Err(error) if is_too_large(&error) => {
                Err(TransportError::Body(BodyProblem::TooLarge { limit: limits.body }))
            }
            Err(_) => Err(TransportError::Body(BodyProblem::Cut)),
        }
    }
}

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let exchange = self.clone().exchange(request, limits);
        Box::pin(async move {
            tokio::time::timeout(limits.timeout, exchange)
                .await
                .unwrap_or_else(|elapsed| {
                    Err(TransportError::Failed {
                        kind: TransportKind::Timeout,
                        perhaps_sent: true,
                        source: Some(Box::new(elapsed)),
                    })
                })
        })
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    error.source().is_some_and(|inner| inner.to_string().contains("limit"))
}
