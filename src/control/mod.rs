//! Controlling the listener: keys, the socket, and media keys each turn input into a [`Command`]
//! and send it with a channel for the [`Reply`]. They know nothing of the queue or the voice; they
//! show the latest [`Snapshot`].
#![forbid(unsafe_code)]

pub mod client;
mod command;
pub mod guardian;
pub mod keys;
pub mod mpris;
pub mod place;
pub mod screen;
pub mod socket;
pub mod tty;
mod turn;

pub use command::{Command, LastLines, Switch, Who};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use crate::units::Wpm;

/// The reply to a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "lowercase")]
pub enum Reply {
    /// The command was executed.
    Done,
    /// Lines were skipped.
    Skipped {
        /// How many.
        lines: u64,
    },
    /// The status.
    Status(Box<Snapshot>),
    /// Where the meeting stands.
    Where {
        /// In a sentence.
        text: String,
    },
    /// What the user calls people.
    Aliases {
        /// By nick.
        aliases: Vec<Alias>,
    },
    /// Lines and their fates.
    Lines {
        /// The oldest first.
        lines: Vec<Entry>,
    },
    /// The command failed.
    Error {
        /// Why.
        why: String,
    },
}

/// A nick, and what the user calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The nick.
    pub nick: String,
    /// The name that is spoken for it.
    pub name: String,
}

/// A line and its outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The line's number in its source.
    pub line: u64,
    /// The source's name.
    pub source: String,
    /// The channel, if any.
    pub channel: Option<String>,
    /// The sender, if any.
    pub sender: Option<String>,
    /// The spoken text; the line's own where there is none.
    pub text: String,
    /// The outcome; none until the line has ended.
    pub fate: Option<String>,
    /// The rule or the reason for the outcome.
    pub why: Option<String>,
}

/// The listener's status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Whether speech is paused.
    pub paused: bool,
    /// The base rate, in words a minute.
    pub rate: Wpm,
    /// The rate of what is being spoken.
    pub rate_now: Wpm,
    /// Per cent.
    pub volume: u8,
    /// Queued utterances.
    pub waiting: usize,
    /// How far behind live the listener is, in seconds.
    pub lag_s: f64,
    /// The line being spoken, without an outcome.
    pub current: Option<Entry>,
    /// Lines received.
    pub lines: u64,
    /// The number of lines by outcome.
    pub fates: std::collections::BTreeMap<String, u64>,
    /// What is muted, in words.
    pub muted: Vec<String>,
    /// Whether each speaker has a voice of their own.
    #[serde(default)]
    pub voices: bool,
    /// The sound server's sink; only in a reply, if it is known.
    #[serde(default)]
    pub sink: Option<SoundSink>,
    /// Identifies this configuration and its sources; only in a reply.
    #[serde(default)]
    pub configuration: Option<String>,
}

/// The sink on which the sound server plays speech, and its volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundSink {
    /// Its name, as `--device` takes it.
    pub name: String,
    /// Its description.
    pub about: String,
    /// Whether it is muted.
    pub muted: bool,
    /// Per cent of the loudest channel.
    pub volume: u32,
}

impl SoundSink {
    /// Whether its sound cannot be heard.
    pub fn is_silent(&self) -> bool {
        self.muted || self.volume == 0
    }
}

/// An event for the transcript, in the order of occurrence.
#[derive(Clone, Debug, PartialEq)]
pub enum TranscriptEvent {
    /// This utterance was given to the voice, again after a pause; the entry has no outcome yet.
    Given {
        /// The utterance's number.
        id: u64,
        /// The line.
        entry: Entry,
        /// Whether a rule marked it for the user.
        highlight: bool,
    },
    /// Its first sample went out.
    Started {
        /// The utterance's number.
        id: u64,
    },
    /// This word of it is being spoken.
    Word {
        /// The utterance's number.
        id: u64,
        /// The word's first character in the entry's text.
        start: usize,
        /// Its length in characters.
        length: usize,
    },
    /// It has ended.
    Ended {
        /// The utterance's number.
        id: u64,
        /// The outcome.
        fate: &'static str,
    },
    /// A message of the program: an answer or an error.
    Notice(String),
    /// A message that is not essential.
    News(String),
}

/// A command, with the channel for its reply.
#[derive(Debug)]
pub struct Request {
    /// The command.
    pub command: Command,
    /// Takes the reply; a client that has left is not an error.
    pub reply: oneshot::Sender<Reply>,
}

/// A control surface's connection to the listener.
#[derive(Clone, Debug)]
pub struct Controls {
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<Snapshot>,
}

impl Controls {
    /// Sends commands to `requests`, and reads the status from `state`.
    pub fn new(requests: mpsc::Sender<Request>, state: watch::Receiver<Snapshot>) -> Self {
        Self { requests, state }
    }

    /// Sends `command`, and waits for the reply.
    pub async fn ask(&self, command: Command) -> Reply {
        let gone = || Reply::Error { why: "the listener has ended".to_owned() };
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request { command, reply }).await.is_err() {
            return gone();
        }
        answer.await.unwrap_or_else(|_| gone())
    }

    /// The status, and its changes.
    pub fn state(&self) -> watch::Receiver<Snapshot> {
        self.state.clone()
    }
}
