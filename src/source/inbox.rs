//! A source's channel to the listener, and what goes through it.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use super::error::SourceError;
use super::lines::Lines;
use super::notice::Notice;
pub use super::room::Closed;
use super::room::Room;
use crate::message::{FilePosition, Message, SourceId};

/// What a source sends to the listener.
#[derive(Debug)]
pub enum Input {
    /// Lines of text whose format is not recognised yet.
    Lines(Lines),
    /// Lines before the first one to be spoken: the format is recognised by them.
    Sample(Lines),
    /// A message whose parts the source knows.
    Message(Message<'static>),
    /// News of the source itself that the user should hear ("connection lost").
    Notice(SourceId, Notice),
    /// A new source within this one: its id (the next number), its name and its own room.
    Opened(SourceId, String, Room),
    /// The source wants to know up to where its lines are acknowledged.
    Resumable(SourceId, Ack),
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
            | Self::Resumable(..)
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
            | Self::Resumable(..)
            | Self::Ended(..) => None,
        }
    }
}

/// Acknowledges a source's lines that have ended: spoken, dropped, merged, expired, failed, or
/// skipped by a command. Those skipped because the program ends are not: the source resumes there.
#[derive(Debug)]
pub struct Ack {
    end: watch::Sender<Option<FilePosition>>,
    writer: JoinHandle<()>,
}

impl Ack {
    /// `writer` receives the positions from the other end of `end`, and ends when that is closed.
    pub fn new(end: watch::Sender<Option<FilePosition>>, writer: JoinHandle<()>) -> Self {
        Self { end, writer }
    }

    /// All lines up to the one that ends here have ended.
    pub fn acknowledge(&self, end: FilePosition) {
        self.end.send_replace(Some(end));
    }

    /// No more will be acknowledged; waits until the last position is written.
    pub async fn finish(self) {
        drop(self.end);
        if self.writer.await.is_err() {
            tracing::error!("the bookmark writer failed");
        }
    }
}

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
