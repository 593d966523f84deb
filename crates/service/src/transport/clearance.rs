//! The last look before bytes leave.
//!
//! Whoever sends a request hands it to the task of a connection, and that task writes it. A process that is stopped between
//! the two, or whose processor is taken away, writes on waking. What must not leave by then is stopped where the connection
//! takes the request, and not only where it was handed over.
use http_body::{Body, Frame, SizeHint};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio_util::bytes::Bytes;

/// Whether a request may leave still; an extension of the request. Without it, it may.
#[derive(Clone)]
pub struct Clearance(Arc<dyn Fn() -> bool + Send + Sync>);

impl Clearance {
    /// Asked each time a connection takes up the request, from any thread.
    pub fn new(may_leave: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(may_leave))
    }

    fn holds(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Clearance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clearance")
    }
}

/// The request lost its clearance before it left.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not sent: the permission to send was withdrawn")]
pub(super) struct Withdrawn;

/// A body that breaks the request off when the clearance is gone. A connection asks for the body before it writes the head,
/// so that nothing leaves.
pub(super) struct Cleared {
    body: Option<Bytes>,
    clearance: Clearance,
}

impl Cleared {
    pub(super) fn new(body: Bytes, clearance: Clearance) -> Self {
        Self {
            body: Some(body).filter(|body| !body.is_empty()),
            clearance,
        }
    }
}

impl Body for Cleared {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        if !self.clearance.holds() {
            return Poll::Ready(Some(Err(Withdrawn)));
        }
        Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body))))
    }

    /// A request without a body would leave without a further question, so it says that it has one once it must not leave.
    fn is_end_stream(&self) -> bool {
        self.body.is_none() && self.clearance.holds()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) => SizeHint::with_exact(body.len() as u64),
            None if self.clearance.holds() => SizeHint::with_exact(0),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        allowed_hosts::AllowedHosts,
        transport::{Limits, ReqwestTransport, Transport},
    };
    use http::{Method, Request};
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        time::Duration,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    const LIMITS: Limits = Limits {
        timeout: Duration::from_secs(5),
        body: 10,
    };
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    /// What comes next on a connection; nothing when it was closed.
    async fn received(stream: &mut TcpStream) -> String {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        String::from_utf8_lossy(buffer.get(..count).unwrap()).into_owned()
    }

    fn request(url: &str, method: &Method, body: &'static str, clearance: Clearance) -> Request<Bytes> {
        let request = Request::builder().method(method).uri(url).extension(clearance);
        request.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    /// Sends over a connection that is open already, and lets the clearance go when the request was handed to the task of
    /// that connection, which had no processor yet: as if the process had been stopped there.
    async fn left_when_stopped(method: Method, body: &'static str, is_withdrawn: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let hosts = AllowedHosts::new(["127.0.0.1".parse().unwrap()]);
        let transport = ReqwestTransport::new(hosts).unwrap();
        let may_leave = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&may_leave);
        let clearance = Clearance::new(move || asked.load(Ordering::Relaxed));

        let first = transport.send(request(&url, &method, body, clearance.clone()), LIMITS);
        let (first, mut stream) = tokio::join!(first, async {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(received(&mut stream).await.ends_with(body), "what may leave is whole");
            stream.write_all(ANSWER).await.unwrap();
            stream
        });
        assert!(first.is_ok(), "{first:?}");
        tokio::time::sleep(Duration::from_millis(20)).await; // the connection goes back to the pool

        let mut second = transport.send(request(&url, &method, body, clearance), LIMITS);
        assert!(
            futures::poll!(&mut second).is_pending(),
            "handed over, and the task has not run"
        );
        may_leave.store(!is_withdrawn, Ordering::Relaxed);
        let left = received(&mut stream).await;
        drop(stream);
        assert!(second.await.is_err());
        left
    }

    #[tokio::test]
    async fn nothing_leaves_once_the_clearance_is_withdrawn_with_and_without_a_body() {
        for (method, body) in [
            (Method::POST, "a body"),
            (Method::PATCH, "a body"),
            (Method::DELETE, ""),
        ] {
            let sent = left_when_stopped(method.clone(), body, false).await;
            assert!(sent.starts_with(method.as_str()) && sent.ends_with(body), "{sent}");
            assert_eq!(left_when_stopped(method, body, true).await, "");
        }
    }
}
