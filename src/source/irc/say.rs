//! Outgoing something through a connection: what the listener may ask for, and how a text becomes
//! lines that no server cuts. Target and text come from outside.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use irc::proto::Command;
use tokio::sync::{mpsc, oneshot, watch};

use super::name::{ChannelSpec, Nick, is_channel};

/// What may wait to be said on one connection, in texts.
const MOST_ASKED: usize = 8;

/// How long a line may be that reaches others (RFC 2812, section 2.3), without its end.
const MAX_LINE: usize = 510;

/// What a server puts before a line for others, beside the nick: `:`, `!`, a user's name of ten
/// with its `~`, `@`, a host of 63, and a blank.
const PREFIX: usize = 1 + 1 + 11 + 1 + 63 + 1;

/// What makes a line an action, at both ends.
const ACTION: (&str, &str) = ("\x01ACTION ", "\x01");

/// How a connection stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The nick that the server knows us by; none while it has not let us in.
    pub nick: Option<String>,
    /// The channels that we are in.
    pub channels: Vec<String>,
}

/// Whether a text was handed to the server, or why not.
pub(crate) type Answer = oneshot::Sender<Result<(), String>>;

/// A text to be said.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) target: String,
    pub(crate) text: String,
    pub(crate) answer: Answer,
}

/// The listener's side: to say something, and to see where that can be done.
#[derive(Debug)]
pub struct SendHandle {
    sayings: mpsc::Sender<Outgoing>,
    membership: watch::Receiver<Membership>,
}

/// The connection's side.
#[derive(Debug)]
pub struct SendQueue {
    sayings: mpsc::Receiver<Outgoing>,
    pub(crate) membership: watch::Sender<Membership>,
}

/// A way to have things said, and its other end.
pub fn send_handle() -> (SendHandle, SendQueue) {
    let (asked, sayings) = mpsc::channel(MOST_ASKED);
    let (membership, seen) = watch::channel(Membership::default());
    (SendHandle { sayings: asked, membership: seen }, SendQueue { sayings, membership })
}

impl SendHandle {
    /// Asks to say `text`; the receiver tells when it was handed to the server. It errs where the
    /// connection ended before.
    pub fn say(
        &self,
        target: &str,
        text: &str,
    ) -> Result<oneshot::Receiver<Result<(), String>>, String> {
        let (answer, answered) = oneshot::channel();
        let saying = Outgoing { target: target.to_owned(), text: text.to_owned(), answer };
        match self.sayings.try_send(saying) {
            Ok(()) => Ok(answered),
            Err(mpsc::error::TrySendError::Full(_)) => Err(BUSY.to_owned()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err("the connection has ended".to_owned()),
        }
    }

    /// How the connection stands.
    pub fn membership(&self) -> Membership {
        self.membership.borrow().clone()
    }
}

/// What is said to who talks faster than servers allow.
pub(crate) const BUSY: &str = "too much waits to be said; try again in a minute";

impl SendQueue {
    /// The next text to be said; never comes when nobody can ask any more. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Outgoing {
        match self.sayings.recv().await {
            Some(saying) => saying,
            None => std::future::pending().await,
        }
    }

    /// Says no to whatever is asked, as long as it is waited for.
    pub(crate) async fn refuse(&mut self, host: &str) -> Infallible {
        loop {
            reply(self.next().await.answer, Err(format!("not connected to {host}")));
        }
    }
}

/// Answers; who asked may have left.
pub(crate) fn reply(answer: Answer, result: Result<(), String>) {
    if answer.send(result).is_err() {
        tracing::debug!("who had something said has left");
    }
}

/// The lines that say `text` to `target`, as `nick`: no longer than servers pass on whole, cut
/// between words where that can be done. `/me` makes an action. An error is one sentence.
pub(crate) fn lines(target: &str, text: &str, nick: &str) -> Result<Vec<Command>, String> {
    let checked = match is_channel(target) {
        // A blank would be followed by a key.
        true if target.contains(' ') => Err("a target is one channel or nick".to_owned()),
        true => ChannelSpec::parse(target).map(|_| ()),
        false => Nick::parse(target).map(|_| ()),
    };
    checked?;
    // `\x01` at the beginning would ask the other's client for its version, or to send a file.
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0' | '\x01')).collect();
    let (open, text, close) = match text.strip_prefix("/me ") {
        Some(deed) => (ACTION.0, deed.trim(), ACTION.1),
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
    fn what_is_no_target_and_no_text_is_refused() {
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
        /// Whatever is said: lines that servers pass on whole, and nothing is lost but blanks.
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
