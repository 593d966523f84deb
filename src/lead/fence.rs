//! No change leaves but from the leader: every request to the cluster and to the Speech service passes here last.
//!
//! A request that only reads passes freely. One that changes something is held back unless enough is left of our lease,
//! and is looked at again each time it makes progress. What goes to the Speech service is looked at once more where its
//! connection writes it: a process that was stopped in between drops it before its first byte. To the cluster we write under
//! preconditions, which a successor's writes break.
use super::{Leadership, Withheld};
use futures::future::BoxFuture;
use http::{Request, Response};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder},
};
use speech_plan::Hands;
use speech_service::{
    Transport,
    error::TransportKind,
    transport::{Clearance, Limits, TransportError},
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
    fn send(
        &self,
        mut request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        if request.method().is_safe() {
            return self.inner.send(request, limits);
        }
        Box::pin(async move {
            let withheld = |why: Withheld| TransportError::Withheld(why.into());
            self.leadership.check().map_err(withheld)?;
            let leadership = self.leadership.clone();
            request
                .extensions_mut()
                .insert(Clearance::new(move || leadership.holds()));
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

/// The network towards the Speech service for a process that only observes. It holds no [`Leadership`], so that there is
/// nothing by which a request that changes something could pass.
struct ReadingTransport {
    inner: Arc<dyn Transport>,
}

/// A change that was not made, because this process only observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sent: the operator runs with --observe-only")]
pub struct ObservesOnly;

impl Transport for ReadingTransport {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        if request.method().is_safe() {
            return self.inner.send(request, limits);
        }
        Box::pin(std::future::ready(Err(TransportError::Withheld(ObservesOnly.into()))))
    }
}

/// The way of a process to the Speech service, and what it may do there: the two cannot disagree.
#[derive(Clone)]
pub struct Reach {
    transport: Arc<dyn Transport>,
    hands: Hands,
}

impl Reach {
    /// Of a process that changes what the objects declare, while it leads.
    pub fn changing(network: Arc<dyn Transport>, leadership: Leadership) -> Self {
        Self {
            transport: Arc::new(FencedTransport::new(network, leadership)),
            hands: Hands::Free,
        }
    }

    /// Of a process that reads.
    pub fn reading(network: Arc<dyn Transport>) -> Self {
        Self {
            transport: Arc::new(ReadingTransport { inner: network }),
            hands: Hands::Tied,
        }
    }

    /// The network.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.transport)
    }

    /// What may be done through it.
    pub fn hands(&self) -> Hands {
        self.hands
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::{Timing, leadership::Office};
    use http::Method;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::{Duration, SystemTime},
    };
    use tokio::time::{Instant, sleep};

    const LIMITS: Limits = Limits {
        timeout: Duration::from_secs(30),
        body: 10,
    };

    /// Answers after a while, and counts what has left.
    struct Slow(Duration, AtomicUsize);

    impl Transport for Slow {
        fn send(&self, _: Request<Bytes>, _: Limits) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
            Box::pin(async {
                self.1.fetch_add(1, Ordering::Relaxed);
                sleep(self.0).await;
                Ok(Response::default())
            })
        }
    }

    fn fenced(answers_after: u64) -> (Office, Arc<Slow>, FencedTransport) {
        let (office, leadership) = Leadership::standby();
        let slow = Arc::new(Slow(Duration::from_secs(answers_after), AtomicUsize::new(0)));
        let transport = FencedTransport::new(slow.clone(), leadership);
        (office, slow, transport)
    }

    fn lead(office: &Office) {
        office.hold((Instant::now(), SystemTime::now()), Timing::default());
    }

    async fn send(transport: &FencedTransport, method: Method) -> Result<Response<Bytes>, TransportError> {
        let request = Request::builder().method(method).body(Bytes::new()).unwrap();
        transport.send(request, LIMITS).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_standby_reads_and_changes_nothing() {
        let (_office, slow, transport) = fenced(1);
        for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
            assert!(matches!(
                send(&transport, method).await,
                Err(TransportError::Withheld(_))
            ));
        }
        assert_eq!(slow.1.load(Ordering::Relaxed), 0);
        assert!(send(&transport, Method::GET).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_observes_reads_and_changes_nothing_even_as_the_leader() {
        let slow = Arc::new(Slow(Duration::ZERO, AtomicUsize::new(0)));
        let reach = Reach::reading(slow.clone());
        assert_eq!(reach.hands(), Hands::Tied);
        for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
            let request = Request::builder().method(method).body(Bytes::new()).unwrap();
            let sent = reach.transport().send(request, LIMITS).await;
            assert!(matches!(sent, Err(TransportError::Withheld(_))), "{sent:?}");
        }
        assert_eq!(slow.1.load(Ordering::Relaxed), 0);
        let read = reach.transport().send(Request::new(Bytes::new()), LIMITS).await;
        assert!(read.is_ok());
        assert_eq!(Reach::changing(slow, Leadership::unrivalled()).hands(), Hands::Free);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_outlives_the_lease_is_dropped_and_its_outcome_is_unknown() {
        let (office, _, transport) = fenced(9);
        lead(&office);
        assert!(send(&transport, Method::POST).await.is_ok(), "9 s of 10");
        assert!(
            matches!(send(&transport, Method::POST).await, Err(TransportError::Withheld(_))),
            "1 s is left"
        );
        lead(&office);
        tokio::time::advance(Duration::from_secs(5)).await;
        let cut = send(&transport, Method::POST).await;
        assert!(
            matches!(cut, Err(TransportError::Failed { perhaps_sent: true, .. })),
            "{cut:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_goes_on_as_long_as_the_lease_is_renewed() {
        let (office, _, transport) = fenced(25);
        lead(&office);
        let renewals = async {
            for _ in 0..10 {
                sleep(Duration::from_secs(3)).await;
                lead(&office);
            }
        };
        let (sent, ()) = tokio::join!(send(&transport, Method::POST), renewals);
        assert!(sent.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_cluster_is_fenced_like_the_service() {
        let (office, leadership) = Leadership::standby();
        let answer = |_: Request<Body>| async { Ok::<_, BoxError>(Response::new(())) };
        let mut service = Fence(leadership).layer(tower::service_fn(answer));
        let mut call = |method: Method| {
            let request = Request::builder().method(method).body(Body::empty()).unwrap();
            service.call(request)
        };
        assert!(call(Method::GET).await.is_ok());
        let refused = call(Method::PATCH).await.unwrap_err();
        assert_eq!(refused.downcast_ref(), Some(&Withheld::Standby));
        lead(&office);
        assert!(call(Method::PATCH).await.is_ok());
        office.leave();
        assert!(call(Method::POST).await.is_err());
    }
}
