use super::*;
use std::io::ErrorKind;
use tokio::time::Instant;

const SOON: Duration = Duration::from_secs(5);
/// Long enough for a byte on loopback to arrive, where none must.
const NOTHING_COMES: Duration = Duration::from_millis(200);

/// A server that says everything back, and a proxy to it.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(&listener.local_addr().unwrap().to_string()).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reads, mut writes) = stream.split();
                let _ = tokio::io::copy(&mut reads, &mut writes).await;
            });
        }
    });
    proxy
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// Says one byte and waits for it to come back.
async fn exchange(stream: &mut TcpStream, byte: u8) -> io::Result<u8> {
    stream.write_all(&[byte]).await?;
    hear(stream).await
}

async fn hear(stream: &mut TcpStream) -> io::Result<u8> {
    tokio::time::timeout(SOON, stream.read_u8())
        .await
        .map_err(io::Error::other)?
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(NOTHING_COMES, stream.read_u8()).await.is_err()
}

#[tokio::test]
async fn a_stalled_connection_stays_open_and_goes_on_when_traffic_passes_again() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    assert_eq!(exchange(&mut old, 1).await.unwrap(), 1);
    proxy.stall();
    let mut new = connect(&proxy).await;
    for stream in [&mut old, &mut new] {
        stream.write_all(&[2]).await.unwrap();
        assert!(is_silent(stream).await);
    }
    proxy.pass();
    for stream in [&mut old, &mut new] {
        assert_eq!(hear(stream).await.unwrap(), 2);
    }
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn a_forgotten_connection_is_dead_for_ever_and_new_ones_are_not() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    assert_eq!(exchange(&mut old, 1).await.unwrap(), 1);
    proxy.forget();
    proxy.pass();
    old.write_all(&[2]).await.unwrap();
    assert!(is_silent(&mut old).await);
    assert_eq!(exchange(&mut connect(&proxy).await, 3).await.unwrap(), 3);
}

#[tokio::test]
async fn dropped_connections_end_and_reset_ones_are_told_so() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    assert_eq!(exchange(&mut stream, 1).await.unwrap(), 1);
    proxy.drop_existing();
    assert_eq!(hear(&mut stream).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    let mut stream = connect(&proxy).await;
    assert_eq!(exchange(&mut stream, 2).await.unwrap(), 2);
    proxy.reset_existing();
    assert_eq!(hear(&mut stream).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    proxy.reset_all();
    let mut stream = connect(&proxy).await;
    assert_eq!(hear(&mut stream).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    proxy.drop_all();
    let mut stream = connect(&proxy).await;
    assert_eq!(hear(&mut stream).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    proxy.pass();
    assert_eq!(exchange(&mut connect(&proxy).await, 3).await.unwrap(), 3);
}

#[tokio::test]
async fn what_is_sent_arrives_though_the_answer_is_held_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(&listener.local_addr().unwrap().to_string()).await.unwrap();
    proxy.stall_answers();
    let mut client = connect(&proxy).await;
    client.write_all(&[7]).await.unwrap();
    let (mut server, _) = tokio::time::timeout(SOON, listener.accept()).await.unwrap().unwrap();
    assert_eq!(hear(&mut server).await.unwrap(), 7);
    server.write_all(&[8]).await.unwrap();
    assert!(is_silent(&mut client).await);
    proxy.pass();
    assert_eq!(hear(&mut client).await.unwrap(), 8);
}

#[tokio::test]
async fn a_delay_holds_in_both_directions() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    proxy.delay(Duration::from_millis(100));
    let began = Instant::now();
    assert_eq!(exchange(&mut stream, 1).await.unwrap(), 1);
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
}
