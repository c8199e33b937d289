//! Sending messages through a connection: the listener's handle, the send queue, and how a text
//! becomes lines that no server cuts. Target and text come from outside.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use irc::proto::Command;
use tokio::sync::{mpsc, oneshot, watch};

use super::name::{ChannelSpec, Nick};
use crate::names::is_channel;

/// How many messages may be queued on one connection.
const MAX_QUEUED: usize = 8;

/// The longest line that reaches others (RFC 2812, section 2.3), without its end.
const MAX_LINE: usize = 510;

/// The bytes that a server puts before a line for others, besides the nick: `:`, `!`, a user's name
/// of ten with its `~`, `@`, a host of 63, and a blank.
const PREFIX: usize = 1 + 1 + 11 + 1 + 63 + 1;

/// What encloses the text of an action.
const ACTION: (&str, &str) = ("\x01ACTION ", "\x01");

/// Our nick and channels on a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Our nick; none while we are not registered.
    pub nick: Option<String>,
    /// The channels that we are in.
    pub channels: Vec<String>,
}

/// Receives whether a text was written to the server, or why not.
pub(crate) type Answer = oneshot::Sender<Result<(), String>>;

/// A message to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) target: String,
    pub(crate) text: String,
    pub(crate) answer: Answer,
}

/// The listener's side: sends messages, and knows where that is possible.
#[derive(Debug)]
pub struct SendHandle {
    sender: mpsc::Sender<Outgoing>,
    membership: watch::Receiver<Membership>,
}

/// The connection's side.
#[derive(Debug)]
pub struct SendQueue {
    queued: mpsc::Receiver<Outgoing>,
    pub(crate) membership: watch::Sender<Membership>,
}

/// A handle for sending messages, and its queue.
pub fn send_handle() -> (SendHandle, SendQueue) {
    let (sender, queued) = mpsc::channel(MAX_QUEUED);
    let (membership, watched) = watch::channel(Membership::default());
    (SendHandle { sender, membership: watched }, SendQueue { queued, membership })
}

impl SendHandle {
    /// Queues `text`; the receiver resolves when it was written to the server, and fails if the
    /// connection ended before.
    pub fn say(
        &self,
        target: &str,
        text: &str,
    ) -> Result<oneshot::Receiver<Result<(), String>>, String> {
        let (answer, answered) = oneshot::channel();
        let outgoing = Outgoing { target: target.to_owned(), text: text.to_owned(), answer };
        match self.sender.try_send(outgoing) {
            Ok(()) => Ok(answered),
            Err(mpsc::error::TrySendError::Full(_)) => Err(BUSY.to_owned()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err("the connection has ended".to_owned()),
        }
    }

    /// Our nick and channels.
    pub fn membership(&self) -> Membership {
        self.membership.borrow().clone()
    }
}

/// The error for more messages than servers allow.
pub(crate) const BUSY: &str = "too much waits to be said; try again in a minute";

impl SendQueue {
    /// The next message; pending for ever when all handles are dropped. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Outgoing {
        match self.queued.recv().await {
            Some(outgoing) => outgoing,
            None => std::future::pending().await,
        }
    }

    /// Refuses every message, for as long as this is awaited.
    pub(crate) async fn refuse(&mut self, host: &str) -> Infallible {
        loop {
            reply(self.next().await.answer, Err(format!("not connected to {host}")));
        }
    }
}

/// Answers the caller, who may have left.
pub(crate) fn reply(answer: Answer, result: Result<(), String>) {
    if answer.send(result).is_err() {
        tracing::debug!("the sender of a message has left");
    }
}

/// The lines that send `text` to `target`, as `nick`: so short that servers pass them on whole, cut
/// between words where possible. `/me` makes an action. An error is one sentence.
pub(crate) fn lines(target: &str, text: &str, nick: &str) -> Result<Vec<Command>, String> {
    let checked = match is_channel(target) {
        // A blank would be followed by a key.
        true if target.contains(' ') => Err("a target is one channel or nick".to_owned()),
        true => ChannelSpec::parse(target).map(|_| ()),
        false => Nick::parse(target).map(|_| ()),
    };
    checked?;
    // `\x01` at the beginning would make it a CTCP request: for a version, or for a file.
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0' | '\x01')).collect();
    let (open, text, close) = match text.strip_prefix("/me ") {
        Some(action) => (ACTION.0, action.trim(), ACTION.1),
        None => ("", text.trim_end(), ""),
    };
    if text.trim().is_empty() {
        return Err("nothing to say".to_owned());
    }
    let around = PREFIX + nick.len() + "PRIVMSG  :".len() + target.len() + open.len() + close.len();
    let parts = parts(text, MAX_LINE.saturating_sub(around));
    let line = |part| Command::PRIVMSG(target.to_owned(), format!("{open}{part}{close}"));
    Ok(parts.into_iter().map(line).collect())
}

/// Cuts `text` into pieces of at most `most` bytes (four at least, for any character), at the last
/// blank of a piece unless that is in its first half.
fn parts(text: &str, most: usize) -> Vec<&str> {
    let most = most.max(4);
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > most {
        let end = (0..=most).rev().find(|&end| rest.is_char_boundary(end)).unwrap_or(most);
        let blank = rest[..end].rfind(' ').filter(|&blank| blank >= most / 2);
        let (part, after) = rest.split_at(blank.unwrap_or(end));
        parts.push(part);
        rest = after.strip_prefix(' ').filter(|_| blank.is_some()).unwrap_or(after);
    }
    parts.extend((!rest.is_empty()).then_some(rest));
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::irc::codec::encode;

    fn sent(target: &str, text: &str) -> Result<Vec<String>, String> {
        let text_of = |command| String::from_utf8(encode(command)).expect("text");
        Ok(lines(target, text, "ear")?.into_iter().map(text_of).collect())
    }

    #[test]
    fn a_text_becomes_a_line_to_a_channel_or_a_nick() {
        for (target, text, line) in [
            ("#rust", "hello there", "PRIVMSG #rust :hello there\r\n"),
            ("kim", ":-)", "PRIVMSG kim ::-)\r\n"),
            ("#rust", "/me waves", "PRIVMSG #rust :\x01ACTION waves\x01\r\n"),
            ("#rust", "/menu", "PRIVMSG #rust /menu\r\n"),
            ("#rust", "a\r\nQUIT\0\x01", "PRIVMSG #rust aQUIT\r\n"),
            ("#rust", "\x01VERSION\x01", "PRIVMSG #rust VERSION\r\n"),
        ] {
            assert_eq!(sent(target, text), Ok(vec![line.to_owned()]), "{target} {text:?}");
        }
    }

    #[test]
    fn invalid_targets_and_empty_texts_are_refused() {
        for (target, text, why) in [
            ("#rust key", "x", "a target is one channel or nick"),
            ("#a,#b", "x", "\"#a,#b\" is not a channel name"),
            ("#a\r\nQUIT", "x", "\"#a\\r\\nQUIT\" is not a channel name"),
            ("$*.org", "x", "\"$*.org\" is not a nick"),
            ("a b", "x", "\"a b\" is not a nick"),
            ("kim", "\r\n \x01", "nothing to say"),
            ("kim", "/me  ", "nothing to say"),
        ] {
            assert_eq!(sent(target, text), Err(why.to_owned()), "{target:?} {text:?}");
        }
    }

    #[test]
    fn a_text_is_cut_between_words() {
        for (text, most, pieces) in [
            ("one two three", 8, &["one two", "three"][..]),
            ("one two", 7, &["one two"]),
            ("onetwothree", 4, &["onet", "woth", "ree"]),
            ("a bcdefghij", 8, &["a bcdefg", "hij"]), // the blank is too far in front
            ("ééé", 5, &["éé", "é"]),
            ("", 8, &[]),
        ] {
            assert_eq!(parts(text, most), pieces, "{text}");
        }
    }

    proptest! {
        /// Any text becomes lines that servers pass on whole, and nothing is lost but blanks.
        #[test]
        fn lines_are_whole_and_short(
            text in r"(/me )?[a-z é€🎉\r\n\x00\x01:]{0,1500}",
            target in r"#?[a-zé,$: ]{1,20}",
        ) {
            if let Ok(lines) = lines(&target, &text, "ear") {
                let mut said = String::new();
                for line in lines {
                    let Command::PRIVMSG(_, part) = &line else { panic!("{line:?}") };
                    let part = part.strip_prefix(ACTION.0).unwrap_or(part);
                    said.push_str(part);
                    let bytes = encode(line);
                    prop_assert!(bytes.len() + PREFIX + "ear".len() <= MAX_LINE + 2);
                    prop_assert_eq!(memchr::memchr_iter(b'\n', &bytes).count(), 1);
                }
                let bare = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
                prop_assert_eq!(bare(&said), bare(text.strip_prefix("/me ").unwrap_or(&text)));
            }
        }
    }
}
