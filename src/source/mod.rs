//! Where lines come from. Each source is one task (or thread) that reads and passes on what it
//! read; it knows nothing of formats, filters or speech, and waits only where it floods.
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

/// What a source sends to the listener.
#[derive(Debug)]
pub enum Input {
    /// Lines of text whose format is not recognised yet.
    Lines(Lines),
    /// Lines before the first one to be spoken: the format is recognised by them.
    Sample(Lines),
    /// A message whose parts the source knows.
    Message(Message<'static>),
    /// News of the source itself that the listener should hear ("connection lost").
    Notice(SourceId, String),
    /// A new source within this one: its id (the next number), its name and its own room.
    Opened(SourceId, String, Room),
    /// The source wants to know how many of its lines were acknowledged.
    Counted(SourceId, Ack),
    /// The source has ended and will send no more.
    Ended(SourceId, Result<(), SourceError>),
}

impl Input {
    /// The size of its lines, in bytes; 0 for a message.
    pub fn n_bytes(&self) -> usize {
        match self {
            Self::Lines(lines) | Self::Sample(lines) => lines.n_bytes(),
            Self::Message(_)
            | Self::Notice(..)
            | Self::Opened(..)
            | Self::Counted(..)
            | Self::Ended(..) => 0,
        }
    }

    /// The source whose room it takes; only input of unbounded number takes room.
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
    /// The name in rules and events; it comes from outside: escape it before printing.
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

    /// What it listens to, apart from how: the same for every listener to it. None where it differs
    /// each time. Contains no secrets; escape it before printing.
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

    /// Starts it as a task, or a thread; it sends [`Input::Ended`] last. An IRC source returns a
    /// handle for sending messages.
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
                Self::Stdin => Ok(()), // started as a thread above
            };
            let source = inbox.source();
            if inbox.send(Input::Ended(source, ended)).await.is_err() {
                tracing::debug!("a source outlived the listener");
            }
        });
        send_handle
    }
}

/// Acknowledges a source's lines that were heard to their ends: the source resumes there.
#[derive(Debug)]
pub struct Ack {
    n: watch::Sender<u64>,
    writer: JoinHandle<()>,
}

impl Ack {
    /// `writer` receives the numbers from the other end of `n`, and ends when that is closed.
    pub fn new(n: watch::Sender<u64>, writer: JoinHandle<()>) -> Self {
        Self { n, writer }
    }

    /// The first `n` lines were heard.
    pub fn acknowledge(&self, n: u64) {
        self.n.send_replace(n);
    }

    /// No more will be acknowledged; waits until the last number is written.
    pub async fn finish(self) {
        drop(self.n);
        if self.writer.await.is_err() {
            tracing::error!("the bookmark writer failed");
        }
    }
}

/// The listener has ended and receives no more input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// A source's channel to the listener. Sending waits the microseconds that the listener takes for
/// the lines before. It waits for speech only when too much of the source is queued.
#[derive(Clone, Debug)]
pub struct Inbox {
    source: SourceId,
    sender: mpsc::Sender<Input>,
    room: Room,
    /// How many sources there are; locked while a new one is announced, to keep the order.
    n_sources: Arc<Mutex<u16>>,
}

impl Inbox {
    /// The inbox of `source` over `sender`, with room for any number of reads.
    pub fn new(source: SourceId, sender: mpsc::Sender<Input>) -> Self {
        let room = Room::default();
        room.lift();
        Self { source, sender, room, n_sources: Arc::new(Mutex::new(source.0 + 1)) }
    }

    /// The inboxes of the first `n` sources over `sender`; others may be opened.
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

    /// The inbox of another source, called `name`. When all numbers are used up, its lines count
    /// as this source's.
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

    /// Sends whole lines, as [`lines::Splitter`] returns them.
    pub async fn lines(&self, bytes: Vec<u8>, received: Instant) -> Result<(), Closed> {
        self.send(Input::Lines(Lines::new(self.source, bytes, received))).await
    }

    /// Sends `input`, once there is room for it.
    pub async fn send(&self, input: Input) -> Result<(), Closed> {
        if input.takes_room().is_some() {
            self.room.take().await?;
        }
        self.sender.send(input).await.map_err(|_| Closed)
    }

    /// [`Self::send`] from a thread that is not Tokio's.
    pub fn send_blocking(&self, input: Input) -> Result<(), Closed> {
        if input.takes_room().is_some() {
            self.room.take_blocking()?;
        }
        self.sender.blocking_send(input).map_err(|_| Closed)
    }
}
