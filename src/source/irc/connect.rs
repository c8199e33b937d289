//! Ways to a server: name, address, TCP, TLS, each with a deadline.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::error::{ANSWER, IrcError, reason};
use super::name::ServerAddress;
use super::tls;
use crate::diagnostics::lower;

const LOOKUP: Duration = Duration::from_secs(10);

/// How long to wait for an address before the next one is tried too (RFC 8305, "Happy Eyeballs",
/// has a quarter of that; a listener is in no hurry).
const NEXT_ADDRESS: Duration = Duration::from_secs(1);

/// A byte stream to a server.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// An open connection.
pub(crate) type Stream = Box<dyn Transport>;

/// Connects to `server`.
pub(crate) async fn open(server: &ServerAddress, tls: bool) -> Result<Stream, IrcError> {
    let addresses = look_up(server).await?;
    let unreachable = |error| IrcError::Connect { server: server.clone(), why: reason(&error) };
    let tcp = reach_any(addresses).await.map_err(unreachable)?;
    // Lines are short and rare: do not wait to fill a packet.
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    if tls { Ok(Box::new(tls::handshake(server, tcp).await?)) } else { Ok(Box::new(tcp)) }
}

async fn look_up(server: &ServerAddress) -> Result<Vec<SocketAddr>, IrcError> {
    let unknown = |why| IrcError::Lookup { host: server.host.clone(), why };
    match timeout(LOOKUP, lookup_host((server.host.as_str(), server.port))).await {
        Err(_) => Err(unknown(format!("no answer within {} s", LOOKUP.as_secs()))),
        Ok(Err(error)) => {
            let text = reason(&error);
            let plain = text.strip_prefix("failed to lookup address information: ");
            Err(unknown(lower(plain.unwrap_or(&text))))
        }
        Ok(Ok(addresses)) => Ok(addresses.collect()),
    }
}

/// The first of `addresses` that answers. They are tried in turn, the next one when the one
/// before failed or took a second.
async fn reach_any(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut addresses = addresses.into_iter();
    let mut tries = JoinSet::new();
    let mut failure = io::Error::other("it has no address");
    loop {
        if let Some(address) = addresses.next() {
            tries.spawn(reach(address));
        }
        tokio::select! {
            Some(reached) = tries.join_next() => match reached.map_err(io::Error::other).and_then(|it| it) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            },
            () = sleep(NEXT_ADDRESS), if addresses.len() > 0 => {}
            else => return Err(failure),
        }
    }
}

async fn reach(address: SocketAddr) -> io::Result<TcpStream> {
    match timeout(ANSWER, TcpStream::connect(address)).await {
        Ok(reached) => reached,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_living_one() {
        let dead = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let living = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = living.local_addr().expect("an address");
        let stream = reach_any(vec![dead.expect("a port"), address]).await.expect("a stream");
        assert_eq!(stream.peer_addr().expect("a peer"), address);
    }
}
