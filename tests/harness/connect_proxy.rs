//! An HTTP proxy of our own: `CONNECT host:port`, and plain requests by their whole address.
use super::error::HarnessError;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The longest head of a request that is read.
const LONGEST_HEAD: usize = 16 * 1024;

/// A running proxy. Dropping it closes it.
#[derive(Debug)]
pub struct ConnectProxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    accepts: JoinHandle<()>,
}

impl ConnectProxy {
    /// Starts a proxy on a free port of loopback.
    pub async fn start() -> Result<Self, HarnessError> {
        let failed = || HarnessError::file("127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?.to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        let accepts = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let log = Arc::clone(&log);
                tokio::spawn(async move { carry(client, &log).await });
            }
        });
        Ok(Self {
            address,
            asked,
            accepts,
        })
    }

    /// Its address, `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line of every connection so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn carry(mut client: TcpStream, log: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > LONGEST_HEAD || client.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let line = text.lines().next()?.to_owned();
    log.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
    let (method, rest) = line.split_once(' ')?;
    let target = rest.split(' ').next()?;
    if method == "CONNECT" {
        let mut server = TcpStream::connect(target).await.ok()?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
        copy_bidirectional(&mut client, &mut server).await.ok()?;
        return Some(());
    }
    // The address goes, the path stays; the connection serves this one place from then on.
    let address = target.strip_prefix("http://")?;
    let authority = address.split('/').next()?;
    let mut server = TcpStream::connect(authority).await.ok()?;
    let begin = text.replacen(&format!("http://{authority}"), "", 1);
    server.write_all(begin.as_bytes()).await.ok()?;
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}
