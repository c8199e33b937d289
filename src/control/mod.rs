//! Steering the listener: keys, the socket, and media keys each turn input into a [`Command`] and
//! send it with a way back for the [`Reply`]. They know nothing of the queue or the voice; what
//! there is to show they read from the last [`Snapshot`].
#![forbid(unsafe_code)]

pub mod client;
pub mod guardian;
pub mod keys;
pub mod mpris;
pub mod place;
pub mod screen;
pub mod socket;
pub mod tty;
mod turn;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

/// Who is meant by a mute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// A nick, in any case.
    Sender(String),
    /// A channel, in any case.
    Channel(String),
    /// Everybody but these nicks.
    AllBut(Vec<String>),
    /// Everybody and everything that was muted (for an unmute).
    All,
}

/// What the user asks for, by whatever surface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Command {
    /// Be silent and go on listening; what comes waits.
    Pause,
    /// Go on where the pause began.
    Resume,
    /// Pause, or resume.
    Toggle,
    /// Leave the utterance that is being spoken.
    Skip,
    /// Leave everything that waits: go on with what comes from now on.
    Live,
    /// Speak the last `n` utterances again, the oldest first.
    Repeat {
        /// How many; at least 1.
        n: u32,
    },
    /// Speak the utterance before the one that is or was spoken last; again for the one before.
    Back,
    /// Speak again from the last highlighted line on.
    Highlight,
    /// Set the base rate.
    Rate {
        /// Words a minute.
        wpm: u32,
    },
    /// Raise the base rate by a tenth.
    Faster,
    /// Lower the base rate by a tenth.
    Slower,
    /// Set the volume.
    Volume {
        /// Per cent, 0 to 200.
        percent: u8,
    },
    /// Do not speak what these say.
    Mute {
        /// Who.
        who: Who,
    },
    /// Speak them again.
    Unmute {
        /// Who.
        who: Who,
    },
    /// Say a line in a channel, where the listener is connected to it.
    Say {
        /// The channel or nick.
        target: String,
        /// The line.
        text: String,
    },
    /// Give everybody a voice of their own, or the same to all.
    Voices,
    /// How it stands.
    Status,
    /// The lines that were not spoken, newest last.
    Missed {
        /// At most so many.
        n: u32,
    },
    /// What became of the last lines, and by which rule.
    Why {
        /// At most so many.
        n: u32,
    },
    /// Read the configuration again.
    Reload,
    /// End.
    Quit,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "lowercase")]
pub enum Reply {
    /// It is done.
    Done,
    /// So many lines were passed over.
    Skipped {
        /// How many.
        lines: u64,
    },
    /// How it stands.
    Status(Box<Snapshot>),
    /// Lines and their fates.
    Lines {
        /// The oldest first.
        lines: Vec<Entry>,
    },
    /// It cannot be done; one sentence.
    Error {
        /// Why.
        why: String,
    },
}

/// A line and what became of it.
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
    /// The words, or the text where there were none.
    pub text: String,
    /// The fate's name; none while it waits.
    pub fate: Option<String>,
    /// The rule or the reason behind the fate.
    pub why: Option<String>,
}

/// How the listener stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Nothing is spoken until it is resumed.
    pub paused: bool,
    /// The base rate, in words a minute.
    pub rate: u32,
    /// The rate of what is being spoken.
    pub rate_now: u32,
    /// Per cent.
    pub volume: u8,
    /// Utterances that wait.
    pub waiting: usize,
    /// How far behind live the listener is, in seconds.
    pub lag_s: f64,
    /// What is being spoken: the line's parts, no fate yet.
    pub current: Option<Entry>,
    /// Lines that came in.
    pub lines: u64,
    /// Lines by the name of their fate.
    pub fates: std::collections::BTreeMap<String, u64>,
    /// Who is muted, as words for people.
    pub muted: Vec<String>,
    /// Everybody has a voice of their own.
    #[serde(default)]
    pub voices: bool,
    /// What becomes of the sound; where that was asked for, and is known.
    #[serde(default)]
    pub sink: Option<Sink>,
    /// What tells this configuration and its sources from others; where that was asked for.
    #[serde(default)]
    pub configuration: Option<String>,
}

/// Where the sound server plays what is spoken, and how loud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    /// Its name, as `--device` takes it.
    pub name: String,
    /// What it calls itself.
    pub about: String,
    /// Nothing is heard there.
    pub muted: bool,
    /// Per cent of the loudest channel.
    pub volume: u32,
}

impl Sink {
    /// Whether nothing that is played there can be heard.
    pub fn is_silent(&self) -> bool {
        self.muted || self.volume == 0
    }
}

/// Something for the transcript, in the order in which it happens.
#[derive(Clone, Debug, PartialEq)]
pub enum TranscriptEvent {
    /// A line became this utterance; the entry has no fate yet.
    Queued {
        /// The utterance's number.
        id: u64,
        /// The line.
        entry: Entry,
        /// It is addressed to the listener.
        highlight: bool,
    },
    /// Its first sample went out.
    Started {
        /// The utterance's number.
        id: u64,
    },
    /// This word of it sounds now.
    Word {
        /// The utterance's number.
        id: u64,
        /// The word's first character in the entry's text.
        start: usize,
        /// Its length in characters.
        length: usize,
    },
    /// It has ended.
    Settled {
        /// The utterance's number.
        id: u64,
        /// The fate's name.
        fate: &'static str,
    },
    /// The program has something to say to the eye: an answer, or what went wrong.
    Notice(String),
    /// The same where it can do without.
    News(String),
}

/// A command on its way, with the way back.
#[derive(Debug)]
pub struct Request {
    /// What is asked for.
    pub command: Command,
    /// Where the reply goes; a client that has left is no error.
    pub reply: oneshot::Sender<Reply>,
}

/// A surface's way to the listener.
#[derive(Clone, Debug)]
pub struct Controls {
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<Snapshot>,
}

impl Controls {
    /// Sends to `requests`; sees what `state` shows.
    pub fn new(requests: mpsc::Sender<Request>, state: watch::Receiver<Snapshot>) -> Self {
        Self { requests, state }
    }

    /// Asks for `command`, and waits for the reply.
    pub async fn ask(&self, command: Command) -> Reply {
        let gone = || Reply::Error { why: "the listener has ended".to_owned() };
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request { command, reply }).await.is_err() {
            return gone();
        }
        answer.await.unwrap_or_else(|_| gone())
    }

    /// The state, and a way to wait for it to change.
    pub fn state(&self) -> watch::Receiver<Snapshot> {
        self.state.clone()
    }
}
