//! An IRC connection: joins channels, listens, and comes back when it is lost.
//!
//! ```text
//!             connect ── tls          session (pure) ── message: what a line says
//!                │                       │       └──── joins, flood: when to join, how fast to send
//!     run ───────┴──── drive ── codec ───┘
//!      └── backoff, of all sources (pure): when to try again
//! ```
//!
//! The protocol comes from irc-proto. The client of the crate irc is not used: it has no deadlines,
//! no bounds and no reconnection.
#![forbid(unsafe_code)]

mod codec;
mod connect;
mod drive;
pub(super) mod error;
mod flood;
mod joins;
mod message;
mod name;
mod send;
mod session;
mod talk;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::backoff::{Backoff, Class, Jitter};
use super::inbox::{Inbox, Input};
use super::notice::{Notice, Wording};
use crate::clock;
use drive::Outcome;
pub use error::{IrcError, Parting};
use joins::Joins;
pub use name::{ChannelSpec, Nick, ServerAddress};
pub use send::{Membership, SendHandle, SendQueue, send_handle};
use session::{Ending, Session};

/// A server and channels to listen to.
#[derive(Clone)]
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
    /// Keep trying when the first connection fails, instead of failing.
    pub retry: bool,
}

impl fmt::Debug for IrcSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, tls, nick, channels, retry } = self;
        // What follows a channel's name is a key.
        let names: Vec<_> = channels.iter().map(|it| it.split(' ').next()).collect();
        f.debug_struct("IrcSpec")
            .field("host", host)
            .field("port", port)
            .field("tls", tls)
            .field("nick", nick)
            .field("channels", &names)
            .field("retry", retry)
            .finish()
    }
}

/// Listens until `stop`. Fails only when a name is invalid, or when the first connection fails and
/// `spec` does not retry it; a connection that succeeded once is made again for ever.
pub async fn run(
    spec: IrcSpec,
    inbox: Inbox,
    send_queue: SendQueue,
    stop: CancellationToken,
) -> Result<(), IrcError> {
    let mut listening = Listening::new(&spec, inbox, send_queue, stop)?;
    loop {
        let Some(ended) = listening.connection().await else { return Ok(()) };
        if !listening.lasting && ended.registered.is_none() {
            return Err(ended.why);
        }
        listening.lasting = true;
        let wait = listening.backoff.wait(ended.why.class(), ended.registered.unwrap_or_default());
        tracing::warn!("{}; next try in {} s", ended.why, wait.as_secs_f32().round());
        if listening.report_loss(&ended).await.is_none() || listening.pause(wait).await.is_none() {
            return Ok(());
        }
    }
}

/// How a connection, or the attempt, ended.
struct Ended {
    why: IrcError,
    /// For how long the server had let us in, if it did.
    registered: Option<Duration>,
}

/// What is kept across connections.
struct Listening {
    server: ServerAddress,
    tls: bool,
    nick: Nick,
    joins: Joins,
    inbox: Inbox,
    send_queue: SendQueue,
    stop: CancellationToken,
    backoff: Backoff,
    jitter: Jitter,
    /// Whether to reconnect whatever happens.
    lasting: bool,
    /// Whether the loss of the connection was reported, and its return not yet.
    loss_reported: bool,
}

impl Listening {
    fn new(
        spec: &IrcSpec,
        inbox: Inbox,
        send_queue: SendQueue,
        stop: CancellationToken,
    ) -> Result<Self, IrcError> {
        let channels = spec.channels.iter().map(|channel| ChannelSpec::parse(channel));
        let channels = channels.collect::<Result<Vec<_>, _>>().map_err(IrcError::Wrong)?;
        let mut jitter = Jitter::new(RandomState::new().hash_one(&spec.host));
        Ok(Self {
            server: ServerAddress { host: spec.host.clone(), port: spec.port },
            tls: spec.tls,
            nick: Nick::parse(&spec.nick).map_err(IrcError::Wrong)?,
            joins: Joins::new(channels),
            inbox,
            send_queue,
            stop,
            backoff: Backoff::new(jitter.next()),
            jitter,
            lasting: spec.retry,
            loss_reported: false,
        })
    }

    /// Connects and runs until the connection ends; none when the listener ended.
    async fn connection(&mut self) -> Option<Ended> {
        let opened = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            opened = connect::open(&self.server, self.tls) => opened,
            never = self.send_queue.refuse(&self.server.host) => match never {},
        };
        let stream = match opened {
            Ok(stream) => stream,
            Err(why) => return Some(Ended { why, registered: None }),
        };
        tracing::info!(server = %self.server, "connected");
        let (source, now) = (self.inbox.source(), clock::now());
        let digits = u32::try_from(self.jitter.next() % 90).unwrap_or_default();
        let mut session = Session::new(source, &self.server.host, &self.nick, &mut self.joins, now)
            .after_loss(self.loss_reported)
            .with_digits(digits);
        let outcome =
            drive::drive(stream, &mut session, &self.inbox, &mut self.send_queue, &self.stop).await;
        self.send_queue.membership.send_replace(Membership::default());
        let registered = session.registered();
        self.loss_reported = session.loss_reported();
        tracing::info!(server = %self.server, dropped = ?session.dropped(), "disconnected");
        match outcome {
            Outcome::Stopped => None,
            Outcome::Ended(Ending { class, why }) => Some(Ended {
                why: IrcError::Refused {
                    server: self.server.clone(),
                    ending: Parting { why, class },
                },
                registered: registered.map(|since| clock::now().duration_since(since)),
            }),
        }
    }

    /// Reports the loss of a connection once; none when the listener ended.
    async fn report_loss(&mut self, ended: &Ended) -> Option<()> {
        if ended.registered.is_none() || std::mem::replace(&mut self.loss_reported, true) {
            return Some(());
        }
        let notice = match &ended.why {
            IrcError::Refused { ending, .. } if ending.class != Class::Ordinary => {
                Notice::new(Wording::CONNECTION_LOST_WHY).with("why", ending.why.clone())
            }
            _ => Notice::new(Wording::CONNECTION_LOST), // the next try gives the reason
        };
        let notice = notice.with("host", self.server.host.clone());
        self.inbox.send(Input::Notice(self.inbox.source(), notice)).await.ok()
    }

    /// Waits; none when the listener ended.
    async fn pause(&mut self, wait: Duration) -> Option<()> {
        tokio::select! {
            () = self.stop.cancelled() => None,
            () = sleep(wait) => Some(()),
            never = self.send_queue.refuse(&self.server.host) => match never {},
        }
    }
}
