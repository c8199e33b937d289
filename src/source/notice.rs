//! News of the program itself: printed in English, as all messages are, and spoken in the voice's
//! language.
#![forbid(unsafe_code)]

use std::fmt;

use crate::text::filled;

/// A wording: its name in the lexicons, and what is printed. `{host}` and the like stand for what
/// differs.
#[derive(Debug, PartialEq, Eq)]
pub struct Wording(pub &'static str, pub &'static str);

/// News, such as "connected to irc.example again".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    wording: &'static Wording,
    parts: Vec<(&'static str, Part)>,
}

/// What fills a place of a wording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The same in every language.
    Text(String),
    /// Words with a wording of their own.
    Words(Notice),
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Notice> for Part {
    fn from(notice: Notice) -> Self {
        Self::Words(notice)
    }
}

impl Notice {
    /// A notice whose wording has no places, or has them filled by [`Notice::with`].
    pub fn new(wording: &'static Wording) -> Self {
        Self { wording, parts: Vec::new() }
    }

    /// The same, with the place `{name}` filled.
    #[must_use]
    pub fn with(mut self, name: &'static str, part: impl Into<Part>) -> Self {
        self.parts.push((name, part.into()));
        self
    }

    /// The notice in the language of `phrase`, which has the wordings by name.
    pub fn said<'a>(&self, phrase: &impl Fn(&str) -> &'a str) -> String {
        self.worded(&|wording| phrase(wording.0))
    }

    fn worded<'a>(&self, template: &impl Fn(&'static Wording) -> &'a str) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Words(notice) => notice.worded(template),
        };
        let parts: Vec<_> = self.parts.iter().map(|(name, it)| (*name, part(it))).collect();
        let parts: Vec<_> = parts.iter().map(|(name, it)| (*name, it.as_str())).collect();
        filled(template(self.wording), &parts)
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.worded(&|wording| wording.1))
    }
}

/// Declares the wordings, and the list of all of them.
macro_rules! wordings {
    ($($constant:ident = $name:literal, $text:literal;)*) => {
        impl Wording {
            $(pub(crate) const $constant: &'static Self = &Self($name, $text);)*
            /// Every wording.
            pub const ALL: &'static [&'static Self] = &[$(Self::$constant),*];
        }
    };
}

wordings! {
    CONNECTED_AGAIN = "connected-again", "connected to {host} again";
    CONNECTION_LOST = "connection-lost", "connection to {host} lost";
    CONNECTION_LOST_WHY = "connection-lost-why", "connection to {host} lost: {why}";
    CANNOT_JOIN = "cannot-join", "{channel}: cannot join: {why}";
    NO_CHANNEL = "no-such-channel", "no such channel";
    TOO_MANY_CHANNELS = "too-many-channels", "in too many channels";
    NOT_AVAILABLE = "not-available", "not available for the moment";
    CHANNEL_FULL = "channel-full", "it is full";
    INVITE_ONLY = "invite-only", "invite only";
    BANNED = "banned", "banned";
    OTHER_KEY = "needs-other-key", "it needs another key";
    BAD_CHANNEL = "bad-channel-name", "bad channel name";
    UNREGISTERED = "nick-unregistered", "the nick must be registered";
    NEEDS_TLS = "needs-tls", "it needs TLS";
    NOT_REJOINED = "not-rejoined", "{channel}: thrown out again; not rejoined";
    NOT_SENT = "not-said", "{target}: not said: {why}";
    LOGS_CLOSED = "logs-closed",
        "{logs} logs, {files} files may be open: some are opened only to read what is new; \
         no line is lost";
    COMMAND_ENDED = "command-ended", "the command {command} ended with {code}";
    COMMAND_KILLED = "command-killed", "the command {command} was ended by signal {signal}";
    STARTED_AGAIN = "started-again", "{what}; it is started again";
    AS_IT_IS = "as-it-is", "{text}";
    MEETING_OVER = "meeting-over", "the meeting is over, with {digest}; ctl where repeats this";
    DIGEST = "digest", "{topics}, {agreements}, {actions}";
    DIGEST_MINE = "digest-mine", "{topics}, {agreements}, {actions}, {mine} for you: {what}";
    NO_TOPICS = "no-topics", "no topics";
    ONE_TOPIC = "one-topic", "1 topic";
    TOPICS = "n-topics", "{n} topics";
    NO_AGREEMENTS = "no-agreements", "no agreements";
    ONE_AGREEMENT = "one-agreement", "1 agreement";
    AGREEMENTS = "n-agreements", "{n} agreements";
    NO_ACTIONS = "no-actions", "no actions";
    ONE_ACTION = "one-action", "1 action";
    ACTIONS = "n-actions", "{n} actions";
}

#[test]
fn a_notice_is_worded_in_any_language() {
    let why = Notice::new(Wording::INVITE_ONLY);
    let notice =
        Notice::new(Wording::CANNOT_JOIN).with("channel", "#a".to_owned()).with("why", why);
    assert_eq!(notice.to_string(), "#a: cannot join: invite only");
    let german = |name: &str| match name {
        "cannot-join" => "{channel}: kein Zutritt: {why}",
        _ => "nur mit Einladung",
    };
    assert_eq!(notice.said(&german), "#a: kein Zutritt: nur mit Einladung");
}
