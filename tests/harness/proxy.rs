//! A TCP proxy of our own between two processes, that can stall, drop, reset and delay what passes through it.
//!
//! It carries bytes and knows no protocol, so TLS goes through it unseen: the API server's certificate is for
//! `127.0.0.1`, whatever the port.
use super::error::HarnessError;
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What happens to bytes and to new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Traffic {
    /// Everything passes.
    Pass,
    /// Connections are accepted and stay open, and no byte moves.
    Stall,
    /// Requests pass, answers do not.
    StallAnswers,
    /// Every connection is closed.
    Close,
    /// Every connection is reset.
    Reset,
}

/// How a connection is ended by the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Close,
    Reset,
}

/// What all connections look at.
#[derive(Debug, Clone, Copy)]
struct State {
    traffic: Traffic,
    delay: Duration,
    /// So many connections were accepted; the next one gets this number.
    accepted: u64,
    /// Connections with a smaller number never move a byte again.
    dead_below: u64,
    /// Connections with a smaller number are ended, this way.
    ended_below: (u64, Ending),
}

impl State {
    fn ending(&self, number: u64) -> Option<Ending> {
        match self.traffic {
            Traffic::Close => Some(Ending::Close),
            Traffic::Reset => Some(Ending::Reset),
            Traffic::Pass | Traffic::Stall | Traffic::StallAnswers => {
                (number < self.ended_below.0).then_some(self.ended_below.1)
            }
        }
    }

    fn moves(&self, number: u64, towards: Towards) -> bool {
        let passes = match self.traffic {
            Traffic::Pass => true,
            Traffic::StallAnswers => towards == Towards::Server,
            Traffic::Stall | Traffic::Close | Traffic::Reset => false,
        };
        passes && number >= self.dead_below
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Towards {
    Server,
    Client,
}

/// A proxy to one address. It passes everything at first; each method changes it from now on. Dropping it closes all.
///
/// A connection to a server that does not listen is closed as soon as it is accepted.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepts: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy to `target`, such as `127.0.0.1:6443`, on a free port of loopback. It lives on the present runtime.
    pub async fn to(target: &str) -> Result<Self, HarnessError> {
        let failed = || HarnessError::file("127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let (state, _) = watch::channel(State {
            traffic: Traffic::Pass,
            delay: Duration::ZERO,
            accepted: 0,
            dead_below: 0,
            ended_below: (0, Ending::Close),
        });
        let accepts = tokio::spawn(accept(listener, target.to_owned(), state.clone()));
        Ok(Self {
            address,
            state,
            accepts,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted so far.
    pub fn accepted(&self) -> u64 {
        self.state.borrow().accepted
    }

    /// Lets everything pass: also what was held back, but for connections that [`Proxy::forget`] took.
    pub fn pass(&self) {
        self.set(Traffic::Pass);
    }

    /// Half-dead: connections are accepted and stay open, and no byte moves in either direction.
    pub fn stall(&self) {
        self.set(Traffic::Stall);
    }

    /// What clients send arrives and takes effect, and they never hear of it.
    pub fn stall_answers(&self) {
        self.set(Traffic::StallAnswers);
    }

    /// Closes all connections, and new ones as soon as they are accepted.
    pub fn drop_all(&self) {
        self.set(Traffic::Close);
    }

    /// Resets all connections, and new ones as soon as they are accepted.
    pub fn reset_all(&self) {
        self.set(Traffic::Reset);
    }

    /// The connections that are open now stay open, and no byte ever moves on them again, as when a router forgot
    /// them; new ones are not concerned.
    pub fn forget(&self) {
        self.state.send_modify(|state| state.dead_below = state.accepted);
    }

    /// Closes the connections that are open now; new ones are not concerned.
    pub fn drop_existing(&self) {
        self.end_existing(Ending::Close);
    }

    /// Resets the connections that are open now; new ones are not concerned.
    pub fn reset_existing(&self) {
        self.end_existing(Ending::Reset);
    }

    /// Whatever arrives is passed on that much later, in either direction.
    pub fn delay(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }

    fn set(&self, traffic: Traffic) {
        self.state.send_modify(|state| state.traffic = traffic);
    }

    fn end_existing(&self, ending: Ending) {
        self.state
            .send_modify(|state| state.ended_below = (state.accepted, ending));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.drop_all();
        self.accepts.abort();
    }
}

async fn accept(listener: TcpListener, target: String, state: watch::Sender<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let mut number = 0;
        state.send_modify(|state| {
            number = state.accepted;
            state.accepted += 1;
        });
        tokio::spawn(carry(client, target.clone(), number, state.subscribe()));
    }
}

/// Carries one connection until either side or the proxy ends it.
async fn carry(mut client: TcpStream, target: String, number: u64, state: watch::Receiver<State>) {
    let _ = client.set_nodelay(true);
    let mut watched = state.clone();
    let ended = async move {
        let found = watched.wait_for(|state| state.ending(number).is_some()).await;
        found
            .ok()
            .and_then(|state| state.ending(number))
            .unwrap_or(Ending::Close)
    };
    let mut server = None;
    let carried = async {
        let mut gate = state.clone();
        let _ = gate.wait_for(|state| state.moves(number, Towards::Server)).await;
        let Ok(stream) = TcpStream::connect(&target).await else {
            return;
        };
        let _ = stream.set_nodelay(true);
        let (server_reads, server_writes) = server.insert(stream).split();
        let (client_reads, client_writes) = client.split();
        let there = pump(client_reads, server_writes, number, Towards::Server, state.clone());
        let back = pump(server_reads, client_writes, number, Towards::Client, state);
        // A broken side ends both; a side that only said all it had to say does not.
        let _ = tokio::try_join!(there, back);
    };
    let ending = tokio::select! {
        biased;
        ending = ended => ending,
        () = carried => Ending::Close,
    };
    if ending == Ending::Reset {
        let _ = client.set_zero_linger();
        if let Some(server) = &server {
            let _ = server.set_zero_linger();
        }
    }
}

/// Carries one direction until its end, which is passed on.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    number: u64,
    towards: Towards,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let delay = state.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let moves = state.wait_for(|state| state.moves(number, towards)).await;
        drop(moves.map_err(io::Error::other)?);
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
    }
}

#[cfg(test)]
mod tests;
