//! The types that flow from a source to the voice.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::units::Wpm;

/// Where lines come from: an index into the listener's table of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// One line as it was read: valid UTF-8, no line end, at most [`MAX_LINE`] bytes.
///
/// [`MAX_LINE`]: crate::source::lines::MAX_LINE
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The source it came from.
    pub source: SourceId,
    /// The line's text, with formatting codes.
    pub text: Cow<'a, str>,
    /// When its last byte was read.
    pub received: Instant,
    /// Whether it continues a line whose beginning was read earlier, before its writer paused.
    pub continued: bool,
}

/// A place in a log that is followed. All lines of a log end at different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePosition {
    /// Which content of which file: numbered from 1, one more for each that is begun.
    pub generation: u32,
    /// In bytes, from the beginning of the file.
    pub offset: u64,
}

/// Which line of its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinePosition {
    /// Its number, from 1; 0 for an announcement of the program itself.
    pub number: u64,
    /// Where it ends, if it is of a log that is resumed there.
    pub end: Option<FilePosition>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody says something.
    Say,
    /// Somebody does something (`/me`).
    Action,
    /// A notice, by a person or a service.
    Notice,
    /// Somebody came in.
    Join,
    /// Somebody left the channel.
    Part,
    /// Somebody left the network.
    Quit,
    /// Somebody changed their nick; the text is the new one.
    Nick,
    /// Somebody was thrown out.
    Kick,
    /// A mode of the channel or of a user changed.
    Mode,
    /// The channel's topic changed.
    Topic,
    /// The server or the client speaks.
    Server,
    /// A line of no known format: all of it is text.
    Plain,
}

impl Kind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Self; 12] = [
        Self::Say,
        Self::Action,
        Self::Notice,
        Self::Join,
        Self::Part,
        Self::Quit,
        Self::Nick,
        Self::Kick,
        Self::Mode,
        Self::Topic,
        Self::Server,
        Self::Plain,
    ];

    /// The kind's name in lower case, as filters, configuration and events spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Say => "say",
            Self::Action => "action",
            Self::Notice => "notice",
            Self::Join => "join",
            Self::Part => "part",
            Self::Quit => "quit",
            Self::Nick => "nick",
            Self::Kick => "kick",
            Self::Mode => "mode",
            Self::Topic => "topic",
            Self::Server => "server",
            Self::Plain => "plain",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A line split into its parts. They borrow from the line where nothing had to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The source it came from.
    pub source: SourceId,
    /// The channel it was said in, where the line or the connection names it.
    pub channel: Option<Cow<'a, str>>,
    /// The nick of who said or did it; never empty.
    pub sender: Option<Cow<'a, str>>,
    /// What the line is about.
    pub kind: Kind,
    /// What was said, without the parts above.
    pub text: Cow<'a, str>,
    /// The time stamp as it was written in the log, where there is one.
    pub stamp: Option<Cow<'a, str>>,
    /// Whether a rule marked it as addressed to the user.
    pub highlight: bool,
    /// When its last byte was read.
    pub received: Instant,
}

impl<'a> Message<'a> {
    /// A message of kind [`Kind::Plain`] that is nothing but text.
    pub fn plain(source: SourceId, text: impl Into<Cow<'a, str>>, received: Instant) -> Self {
        Self {
            source,
            channel: None,
            sender: None,
            kind: Kind::Plain,
            text: text.into(),
            stamp: None,
            highlight: false,
            received,
        }
    }

    /// The same message, owning all its parts.
    pub fn into_owned(self) -> Message<'static> {
        let own = |part: Cow<'a, str>| Cow::Owned(part.into_owned());
        Message {
            source: self.source,
            channel: self.channel.map(own),
            sender: self.sender.map(own),
            kind: self.kind,
            text: Cow::Owned(self.text.into_owned()),
            stamp: self.stamp.map(own),
            highlight: self.highlight,
            received: self.received,
        }
    }
}

/// An utterance's number: the order in which lines became speech, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtteranceId(pub u64);

/// The number of a request to measure an utterance, which the answer repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// Something to be spoken.
#[derive(Clone, Debug, PartialEq)]
pub struct Utterance {
    /// Its number.
    pub id: UtteranceId,
    /// The text for the engine, cleaned by the rules of [`crate::phrase`]; empty where there is
    /// only an earcon.
    pub text: String,
    /// The message it speaks; none for an announcement of the program itself.
    pub message: Option<Message<'static>>,
    /// The language of the text; none for that of the configured voice.
    pub language: Option<Language>,
    /// The bytes of the sender's name, with which the text begins; 0 where none is spoken.
    pub name_len: usize,
    /// Where what the sender says begins, if only the name stands before it; else 0.
    pub name_end: usize,
    /// Which line of its source it speaks.
    pub line: LinePosition,
    /// When the line was received; for a replay, when it was asked for.
    pub received: Instant,
    /// It was spoken before, and is repeated.
    pub is_replay: bool,
    /// It came live, and has a deadline. What was there before (the end of a log, a finished pipe)
    /// has none.
    pub is_live: bool,
    /// The sound before the words.
    pub earcon: Option<Earcon>,
    /// When it expires, by a user's rule.
    pub expiry: Option<Expiry>,
}

impl Utterance {
    /// Whether it speaks a line for the first time: it has a lag, and its outcome is the line's
    /// fate.
    pub fn is_new(&self) -> bool {
        self.message.is_some() && !self.is_replay
    }

    /// The bytes before what the sender says, as [`head_len`].
    pub fn head_len(&self) -> usize {
        head_len(&self.text, self.name_end)
    }
}

/// The bytes of "kim: " and of "kim to alice: " before what the sender says, in a text whose name
/// ends at `name_end`; 0 where neither stands there.
pub fn head_len(text: &str, name_end: usize) -> usize {
    let Some((name, rest)) = text.split_at_checked(name_end) else { return 0 };
    match rest.find(": ") {
        _ if name.ends_with(": ") => name_end,
        Some(at) if name.ends_with(' ') => name_end + at + ": ".len(),
        Some(_) | None => 0,
    }
}

#[test]
fn a_head_ends_where_what_somebody_says_begins() {
    for (text, name_end, head) in [
        ("kim: yes: no", "kim: ".len(), "kim: "),
        ("kim to alice: yes: no", "kim ".len(), "kim to alice: "),
        ("kim joined", 0, ""),
        ("kim and bob joined", "kim and bob joined".len(), ""),
        ("yes: no", 0, ""),
        ("é", 1, ""),
    ] {
        assert_eq!(&text[..head_len(text, name_end)], head, "{text}");
    }
}

/// A short sound that says what words would take too long to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Earcon {
    /// A line was lost: it could not be spoken.
    Lost,
    /// The line is addressed to the user.
    Highlight,
    /// Somebody came in.
    Join,
    /// Somebody left.
    Part,
    /// The topic changed.
    Topic,
    /// Lines were skipped.
    Skipped,
    /// Speech is further behind than the lag target.
    Behind,
}

/// Until when an utterance may wait to be spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// It is not begun after this.
    pub at: Instant,
    /// The rule that sets it, as `config:12` (rule set and line).
    pub rule: String,
}

/// How a line ended. Every line has exactly one.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It was heard to its end (or printed), at `rate` words a minute.
    Spoken {
        /// Words a minute.
        rate: Wpm,
        /// How long it sounded, in milliseconds; 0 where that is not known.
        ms: u32,
    },
    /// A rule dropped it, or it had nothing to speak.
    Dropped {
        /// The rule, as `irc-noise:12` (rule set and line).
        rule: String,
    },
    /// It became part of another utterance.
    Merged {
        /// The other utterance.
        into: UtteranceId,
        /// It was only counted there: its own text was not spoken.
        is_counted: bool,
    },
    /// It waited longer than a user's rule allows.
    Expired {
        /// The rule, as `config:12` (rule set and line).
        rule: String,
    },
    /// The user skipped it, or ended the program before it was heard.
    Skipped,
    /// It could not be spoken.
    Failed {
        /// The reason, in words.
        why: String,
    },
}

impl Fate {
    /// The fate's name in lower case, as events spell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Spoken { .. } => "spoken",
            Self::Dropped { .. } => "dropped",
            Self::Merged { .. } => "merged",
            Self::Expired { .. } => "expired",
            Self::Skipped => "skipped",
            Self::Failed { .. } => "failed",
        }
    }
}
