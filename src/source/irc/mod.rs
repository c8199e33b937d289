//! An IRC connection.
#![forbid(unsafe_code)]
use super::Inbox;
use tokio_util::sync::CancellationToken;

/// A server and channels to listen to.
#[derive(Clone, Debug)]
pub struct IrcSpec {
    /// The server's name or address.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// Whether to talk TLS.
    pub tls: bool,
    /// The nick to take; others are tried when it is in use.
    pub nick: String,
    /// The channels to join; each may be followed by a blank and its key.
    pub channels: Vec<String>,
    /// Go on trying when the first connection fails, instead of failing.
    pub retry: bool,
}

/// Why a server cannot be listened to.
#[derive(Debug, thiserror::Error)]
pub enum IrcError {}

/// Listens until `stop`.
pub async fn run(spec: IrcSpec, inbox: Inbox, stop: CancellationToken) -> Result<(), IrcError> {
    let _ = (spec, inbox, stop);
    Ok(())
}
