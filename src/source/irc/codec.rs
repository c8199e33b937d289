//! Bytes into messages and back, around the crate irc-proto, whose own codec ends the stream at a
//! line that it cannot read, keeps an endless line in memory, and wants all to be UTF-8.
//!
//! Whatever bytes come, each line is one item, and the next line is read.
#![forbid(unsafe_code)]

use irc::proto::{Command, IrcCodec, Message};
use tokio_util::bytes::BytesMut;

use crate::source::lines::{MAX_LINE, decode};

/// The longest tag block by the message-tags specification ("Size limit"), with its `@` and blank.
const MAX_TAGS: usize = 8191;

/// This many bytes without a line end are not IRC.
const ENDLESS: usize = 1024 * 1024;

/// How many bytes go out in a line at most (RFC 2812, section 2.3), its end included.
const MAX_SENT: usize = 512;

/// A line from the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wire {
    /// A message.
    Message(Box<Message>),
    /// Nothing but blanks.
    Empty,
    /// Not a message by the grammar.
    Broken,
    /// A line, or its tags, longer than the protocol allows.
    Overlong,
    /// A line without end: the connection is useless.
    Endless,
}

/// Bytes read and not parsed yet: at most a line and a read.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    buffer: BytesMut,
    /// Where to look for a line end: before it there is none.
    scanned: usize,
    /// Bytes of the current line that were thrown away.
    discarded: usize,
}

impl Incoming {
    /// Where to read to, with room.
    pub(crate) fn space(&mut self) -> &mut BytesMut {
        self.buffer.reserve(4096);
        &mut self.buffer
    }

    /// The next line, when all of it is there.
    pub(crate) fn next(&mut self) -> Option<Wire> {
        let Some(end) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return self.discard_overlong();
        };
        let line = self.buffer.split_to(self.scanned + end + 1);
        self.scanned = 0;
        if std::mem::take(&mut self.discarded) > 0 || line.len() > MAX_LINE {
            return Some(Wire::Overlong);
        }
        Some(parse(&line[..line.len() - 1]))
    }

    fn discard_overlong(&mut self) -> Option<Wire> {
        let is_overlong = self.discarded > 0 || self.buffer.len() > MAX_LINE;
        if !is_overlong || self.buffer.is_empty() {
            return None;
        }
        self.discarded += self.buffer.len();
        self.buffer.clear();
        self.scanned = 0;
        (self.discarded > ENDLESS).then_some(Wire::Endless)
    }
}

/// Reads one line without its line feed.
pub(crate) fn parse(line: &[u8]) -> Wire {
    let (tags, rest) = split_tags(line);
    if tags.len() > MAX_TAGS {
        return Wire::Overlong;
    }
    let text = decode(rest);
    let text = text.trim_start_matches(' ');
    if text.is_empty() {
        return Wire::Empty;
    }
    // Tags that are not UTF-8 are ignored; the rest of the line is kept.
    let tags = std::str::from_utf8(tags).unwrap_or_default();
    match format!("{tags}{}", single_blank(text)).parse::<Message>() {
        Ok(message) if !is_command(&message.command) => Wire::Broken,
        Ok(mut message) => {
            keep_raw(&mut message, text);
            Wire::Message(Box::new(message))
        }
        Err(_) => Wire::Broken,
    }
}

/// The tag block with its `@` and one blank (empty when there is none), and what follows it.
fn split_tags(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', line) {
        Some(end) if line.first() == Some(&b'@') => line.split_at(end + 1),
        Some(_) | None => (&[], line),
    }
}

/// One blank between source and command: irc-proto takes a second one for an empty command.
fn single_blank(text: &str) -> String {
    match text.split_once(' ') {
        Some((source, rest)) if source.starts_with(':') => {
            format!("{source} {}", rest.trim_start_matches(' '))
        }
        Some(_) | None => text.to_owned(),
    }
}

/// Whether a command is a word or a number; irc-proto accepts any text.
fn is_command(command: &Command) -> bool {
    match command {
        Command::Raw(verb, _) => {
            !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
        _ => true, // irc-proto's own
    }
}

/// Keeps modes as they were sent: irc-proto loses parameters of modes that it does not know.
fn keep_raw(message: &mut Message, text: &str) {
    if matches!(message.command, Command::ChannelMODE(..) | Command::UserMODE(..)) {
        message.command = Command::Raw("MODE".to_owned(), parameters(text));
    }
}

/// The parameters of a line without tags.
fn parameters(text: &str) -> Vec<String> {
    let from_verb = match text.split_once(' ') {
        Some((source, rest)) if source.starts_with(':') => rest,
        Some(_) | None => text,
    };
    let (middle, trailing) = match from_verb.split_once(" :") {
        Some((middle, trailing)) => (middle, Some(trailing)),
        None => (from_verb, None),
    };
    let words = middle.split(' ').filter(|word| !word.is_empty()).skip(1);
    words.chain(trailing).map(str::to_owned).collect()
}

/// The bytes of `command`: one line, cut where it is longer than servers read.
pub(crate) fn encode(command: Command) -> Vec<u8> {
    let mut line = IrcCodec::sanitize(Message::from(command).to_string());
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    let mut end = line.len().min(MAX_SENT - 2);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line.push_str("\r\n");
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Wire> {
        let mut incoming = Incoming::default();
        incoming.space().extend_from_slice(bytes);
        std::iter::from_fn(|| incoming.next()).collect()
    }

    fn shown(wire: &Wire) -> String {
        match wire {
            Wire::Message(message) => message.to_string().trim_end().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_line_is_an_item() {
        for (bytes, items) in [
            (&b":a!u@h PRIVMSG #t :hi\r\n"[..], &[":a!u@h PRIVMSG #t hi"][..]),
            (b":a PRIVMSG #t :lf only\n", &[":a PRIVMSG #t :lf only"]),
            (b":a PRIVMSG #t :one\rPRIVMSG #t :two\n", &[":a PRIVMSG #t :one PRIVMSG #t :two"]),
            (b":a PRIVMSG #t :caf\xe9\r\n", &[":a PRIVMSG #t café"]),
            (b":a   PRIVMSG #t :two  blanks\r\n", &[":a PRIVMSG #t :two  blanks"]),
            (b"  PING   x \r\n", &["PING x"]),
            (b"   \r\n\r\n\n", &["Empty", "Empty", "Empty"]),
            (b":a :\r\nPING x\r\n", &["Broken", "PING x"]),
            (b":only\r\nPING x\r\n", &["Broken", "PING x"]),
            (b"@msgid=\xff\xfe :a PRIVMSG #t :x y\r\n", &[":a PRIVMSG #t :x y"]),
            (b"@k=v   :a  PRIVMSG #t :x y\r\n", &["@k=v :a PRIVMSG #t :x y"]),
            (b"@tags-alone\r\n", &["Broken"]),
            (b":s MODE #t +ov-q a b *!*@h\r\n", &[":s MODE #t +ov-q a b *!*@h"]),
            (b":s MODE #t +k :a key\r\n", &[":s MODE #t +k :a key"]),
        ] {
            let got: Vec<_> = all(bytes).iter().map(shown).collect();
            assert_eq!(got, items, "bytes: {}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_part_of_a_line_waits_for_its_end() {
        let line = ":a PRIVMSG #t :grün\r\nPING x\r\n".as_bytes();
        for cut in 0..line.len() {
            let mut incoming = Incoming::default();
            let mut got = Vec::new();
            for part in [&line[..cut], &line[cut..]] {
                incoming.space().extend_from_slice(part);
                got.extend(std::iter::from_fn(|| incoming.next()));
            }
            assert_eq!(got, all(line), "cut at {cut}");
        }
    }

    #[test]
    fn an_overlong_line_is_one_item_and_takes_no_memory() {
        let mut incoming = Incoming::default();
        for _ in 0..16 {
            incoming.space().extend_from_slice(&[b'A'; 16 * 1024]);
            assert_eq!(incoming.next(), None);
            assert!(incoming.buffer.len() <= MAX_LINE);
        }
        incoming.space().extend_from_slice(b"A\r\nPING x\r\n");
        assert_eq!(incoming.next(), Some(Wire::Overlong));
        assert_eq!(incoming.next().as_ref().map(shown).as_deref(), Some("PING x"));
        assert_eq!(incoming.next(), None);
    }

    #[test]
    fn a_line_without_end_ends_the_connection() {
        let mut incoming = Incoming::default();
        let endless = (0..2048).find_map(|_| {
            incoming.space().extend_from_slice(&[b'A'; 1024]);
            incoming.next()
        });
        assert_eq!(endless, Some(Wire::Endless));
    }

    #[test]
    fn tags_have_a_bound_of_their_own() {
        let tags = |length: usize| format!("@{} PING x", "a".repeat(length - 2)).into_bytes();
        assert_eq!(shown(&parse(&tags(8192))), "Overlong");
        assert!(matches!(parse(&tags(8191)), Wire::Message(_)));
    }

    #[test]
    fn what_is_sent_is_one_line() {
        let pong = |token: &str| encode(Command::PONG(token.to_owned(), None));
        assert_eq!(pong("x"), b"PONG x\r\n");
        assert_eq!(pong("a b"), b"PONG :a b\r\n");
        assert_eq!(pong("x\r\nQUIT"), b"PONG x\r\n");
        let long = pong(&"é".repeat(600));
        assert!(long.len() <= MAX_SENT && std::str::from_utf8(&long).is_ok());
    }
}
