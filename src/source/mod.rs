//! Where lines come from. Each source is one task (or thread) that reads, and hands on what it
//! read; it knows nothing of formats, filters or speech, and never waits for speech.
#![forbid(unsafe_code)]

mod backoff;
pub mod command;
pub mod irc;
pub mod lines;
pub mod room;
pub mod stdin;
pub mod tail;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::message::{Message, SourceId};
use lines::Lines;
use room::Room;

/// What a source hands on.
#[derive(Debug)]
pub enum Input {
    /// Lines of text, whose format is yet to be recognised.
    Lines(Lines),
    /// Lines that stand before the first one to be heard: the format is recognised by them.
    Sample(Lines),
    /// A message whose parts the source knows.
    Message(Message<'static>),
    /// News of the source itself that the listener should hear ("connection lost").
    Notice(SourceId, String),
    /// A source that is part of another one: of this name, with the next number, and room of its own.
    Opened(SourceId, String, Room),
    /// The source wants to know how many of its lines were heard.
    Counted(SourceId, Ack),
    /// The source has ended and will send no more.
    Ended(SourceId, Result<(), SourceError>),
}

impl Input {
    /// The source that has ended, where this says so.
    pub fn ended(&self) -> Option<SourceId> {
        match self {
            Self::Ended(source, _) => Some(*source),
            Self::Lines(_)
            | Self::Message(_)
            | Self::Sample(_)
            | Self::Notice(..)
            | Self::Opened(..)
            | Self::Counted(..) => None,
        }
    }

    /// The source whose room it takes, where it does: what there may be any number of.
    pub fn takes_room(&self) -> Option<SourceId> {
        match self {
            Self::Lines(lines) => Some(lines.source()),
            Self::Message(message) => Some(message.source),
            Self::Sample(_)
            | Self::Notice(..)
            | Self::Opened(..)
            | Self::Counted(..)
            | Self::Ended(..) => None,
        }
    }
}

/// A source that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A log that cannot be followed.
    #[error(transparent)]
    Tail(#[from] tail::TailError),
    /// An IRC server that cannot be reached, or refuses.
    #[error(transparent)]
    Irc(#[from] irc::IrcError),
    /// A command that does not start, or failed.
    #[error(transparent)]
    Command(#[from] command::CommandError),
    /// Standard input that cannot be read.
    #[error("cannot read standard input: {0}")]
    Stdin(#[source] std::io::Error),
}

/// Something to listen to.
#[derive(Clone, Debug)]
pub enum SourceSpec {
    /// Standard input.
    Stdin,
    /// A log file.
    Tail(tail::TailSpec),
    /// An IRC server.
    Irc(irc::IrcSpec),
    /// What a command prints.
    Command(command::CommandSpec),
}

impl SourceSpec {
    /// The name that rules and events know it by; from outside, so not to be printed as it is.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::Tail(spec) => spec.path.to_string_lossy().into_owned(),
            Self::Irc(spec) => spec.host.clone(),
            Self::Command(spec) => {
                spec.words.first().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
            }
        }
    }

    /// What it listens to, apart from how: the same for every listener to it. None for what is
    /// another thing each time. Without secrets, and not to be printed as it is.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Stdin => None,
            Self::Tail(spec) => {
                let path = std::path::absolute(&spec.path).unwrap_or_else(|_| spec.path.clone());
                Some(path.to_string_lossy().into_owned())
            }
            Self::Irc(spec) => {
                let channels = spec.channels.iter().map(|it| it.split(' ').next().unwrap_or(it));
                let channels: Vec<_> = channels.collect();
                Some(format!("{}:{} {}", spec.host, spec.port, channels.join(" ")))
            }
            Self::Command(command) => {
                let words: Vec<_> = command.words.iter().map(|it| it.to_string_lossy()).collect();
                Some(words.join("\0"))
            }
        }
    }

    /// Starts it as a task, or a thread; it sends [`Input::Ended`] last. What it gives back can say
    /// something there; most sources only listen.
    pub fn start(self, inbox: Inbox, stop: CancellationToken) -> Option<irc::SendHandle> {
        if matches!(self, Self::Stdin) {
            stdin::spawn(inbox, stop);
            return None;
        }
        let (send_handle, send_queue) = irc::send_handle();
        let send_handle = matches!(self, Self::Irc(_)).then_some(send_handle);
        tokio::spawn(async move {
            let ended = match self {
                Self::Tail(spec) => tail::run(spec, inbox.clone(), stop).await.map_err(Into::into),
                Self::Irc(spec) => {
                    irc::run(spec, inbox.clone(), send_queue, stop).await.map_err(Into::into)
                }
                Self::Command(spec) => {
                    command::run(spec, inbox.clone(), stop).await.map_err(Into::into)
                }
                Self::Stdin => Ok(()), // has its thread, above
            };
            let source = inbox.source();
            if inbox.send(Input::Ended(source, ended)).await.is_err() {
                tracing::debug!("a source outlived the listener");
            }
        });
        send_handle
    }
}

/// How many of a source's lines were heard to their ends, for one that goes on there the next time.
#[derive(Debug)]
pub struct Ack {
    n: watch::Sender<u64>,
    keeper: JoinHandle<()>,
}

impl Ack {
    /// `keeper` takes the numbers from the other end of `n`, and ends when there will be no more.
    pub fn new(n: watch::Sender<u64>, keeper: JoinHandle<()>) -> Self {
        Self { n, keeper }
    }

    /// The first `n` lines were heard.
    pub fn tell(&self, n: u64) {
        self.n.send_replace(n);
    }

    /// No more will be heard; waits until that is taken down.
    pub async fn finish(self) {
        drop(self.n);
        if self.keeper.await.is_err() {
            tracing::error!("the keeper of a bookmark failed");
        }
    }
}

/// The listener has ended: nobody takes what a source has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// A source's way to the listener. Sending waits for the microseconds that the listener takes for
/// the lines before, and never for speech, as long as not too much of the source waits for that.
#[derive(Clone, Debug)]
pub struct Inbox {
    source: SourceId,
    sender: mpsc::Sender<Input>,
    room: Room,
    /// How many sources there are; held while one is told of, so that they are told of in order.
    n_sources: Arc<Mutex<u16>>,
}

impl Inbox {
    /// The way of `source` into `sender`, with room for any number of reads.
    pub fn new(source: SourceId, sender: mpsc::Sender<Input>) -> Self {
        let room = Room::default();
        room.lift();
        Self { source, sender, room, n_sources: Arc::new(Mutex::new(source.0 + 1)) }
    }

    /// The ways of the first `n` sources into `sender`; others may be opened.
    pub fn first(n: u16, sender: &mpsc::Sender<Input>) -> impl Iterator<Item = Self> {
        let n_sources = Arc::new(Mutex::new(n));
        let sender = sender.clone();
        (0..n).map(move |number| Self {
            source: SourceId(number),
            sender: sender.clone(),
            room: Room::default(),
            n_sources: Arc::clone(&n_sources),
        })
    }

    /// The way of another source, called `name`. Should all numbers be given away, what it gives
    /// is this one's.
    pub async fn open(&self, name: String) -> Result<Self, Closed> {
        let mut n_sources = self.n_sources.lock().await;
        let source = SourceId(*n_sources);
        let Some(next) = n_sources.checked_add(1) else { return Ok(self.clone()) };
        let room = Room::default();
        self.send(Input::Opened(source, name, room.clone())).await?;
        *n_sources = next;
        Ok(Self { source, room, ..self.clone() })
    }

    /// The source whose inbox this is.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// The room for its reads.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Hands on whole lines, as [`lines::Splitter`] gives them.
    pub async fn lines(&self, bytes: Vec<u8>, received: Instant) -> Result<(), Closed> {
        self.send(Input::Lines(Lines::new(self.source, bytes, received))).await
    }

    /// Hands on anything.
    pub async fn send(&self, input: Input) -> Result<(), Closed> {
        if input.takes_room().is_some() {
            self.room.take().await?;
        }
        self.sender.send(input).await.map_err(|_| Closed)
    }

    /// Hands on anything, from a thread that is not Tokio's.
    pub fn send_blocking(&self, input: Input) -> Result<(), Closed> {
        if input.takes_room().is_some() {
            self.room.take_blocking()?;
        }
        self.sender.blocking_send(input).map_err(|_| Closed)
    }
}
