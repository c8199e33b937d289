//! The server's lines that are for the listener, as [`Message`]s.
//!
//! | from the server | kind | channel | sender | text |
//! |---|---|---|---|---|
//! | `PRIVMSG` | say, or action (CTCP `ACTION`) | unless private | who said it | what was said |
//! | `NOTICE` | notice | unless private | who sent it | what it says |
//! | either, by a server or by nobody | server | unless to all | none | what it says |
//! | `JOIN`, `PART`, `QUIT` | join, part, quit | none for quit | who | the reason, or empty |
//! | `NICK` | nick | none | the old nick | the new nick |
//! | `KICK` | kick | yes | who kicked | the victim's nick, a blank, the reason |
//! | `MODE` of a channel | mode | yes | who, unless a server | the modes and their parameters |
//! | `TOPIC` | topic | yes | who, unless a server | the new topic |
//! | `INVITE`, `WALLOPS` | server | the channel | who | `invites NICK`; what it says |
//! | errors (400 to 599) | server | where one is named | none | the parameters after the nick |
//!
//! Not messages: replies (numbers below 400), modes of a user, CTCP other than `ACTION`, what our
//! own nick says (a bouncer's echo), empty text, and the protocol's own `PING`, `PONG`, `CAP`,
//! `BATCH`, `TAGMSG` and the like.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::time::Instant;

use irc::proto::{self, Command, Prefix};

use super::name::channel_of;
use crate::message::{Kind, Message, SourceId};
use crate::names::{is_channel, same_name};

/// What decides how a line is read: our source, our nick and the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener<'a> {
    pub(crate) source: SourceId,
    pub(crate) nick: &'a str,
    /// The server's name, once known.
    pub(crate) server: Option<&'a str>,
}

impl Listener<'_> {
    /// `wire` as a message for the listener, if it is one.
    pub(crate) fn hear(self, wire: &proto::Message, received: Instant) -> Option<Message<'static>> {
        let sender = self.sender(wire.prefix.as_ref());
        let parts = match &wire.command {
            Command::PRIVMSG(target, text) => self.said(Kind::Say, sender, target, text),
            Command::NOTICE(target, text) => self.said(Kind::Notice, sender, target, text),
            Command::KICK(channel, victim, reason) => {
                let text = format!("{victim} {}", or_empty(reason.as_ref()));
                Some(Parts::new(Kind::Kick, sender, text.trim_end()).on(channel))
            }
            Command::TOPIC(channel, Some(topic)) => {
                Some(Parts::new(Kind::Topic, sender, topic).on(channel))
            }
            Command::WALLOPS(text) => Some(Parts::new(Kind::Server, sender, text)),
            Command::INVITE(nick, channel) => {
                Some(Parts::new(Kind::Server, sender, &format!("invites {nick}")).on(channel))
            }
            Command::Raw(verb, parameters) if verb == "MODE" => modes(sender, parameters),
            command => arrival_or_departure(sender, command).or_else(|| error(command)),
        };
        parts.map(|parts| parts.message(self.source, received))
    }

    /// The nick that `prefix` names; a server has none.
    fn sender(self, prefix: Option<&Prefix>) -> Option<&str> {
        match prefix? {
            Prefix::ServerName(_) => None,
            Prefix::Nickname(name, user, host) => {
                let bare = user.is_empty() && host.is_empty();
                let is_server = bare && self.server == Some(name.as_str());
                (!name.is_empty() && !is_server).then_some(name)
            }
        }
    }

    fn said<'a>(
        self,
        kind: Kind,
        sender: Option<&'a str>,
        target: &str,
        text: &'a str,
    ) -> Option<Parts<'a>> {
        if sender.is_some_and(|nick| same_name(nick, self.nick)) {
            return None;
        }
        let (kind, text) = match (text.strip_prefix('\x01'), kind) {
            (None, kind) => (kind, text),
            (Some(ctcp), Kind::Say) => (Kind::Action, action(ctcp)?),
            (Some(_), _) => return None, // a CTCP reply
        };
        let kind = if sender.is_none() { Kind::Server } else { kind };
        let parts = Parts {
            channel: channel_of(target).map(str::to_owned),
            ..Parts::new(kind, sender, text)
        };
        (!text.is_empty()).then_some(parts)
    }
}

/// The text of a CTCP `ACTION` without its first `\x01`; the last one may be missing.
fn action(ctcp: &str) -> Option<&str> {
    let ctcp = ctcp.strip_suffix('\x01').unwrap_or(ctcp);
    let (verb, text) = ctcp.split_once(' ')?;
    verb.eq_ignore_ascii_case("ACTION").then_some(text)
}

/// `JOIN`, `PART`, `QUIT` and `NICK`, which mean nothing without a sender.
fn arrival_or_departure<'a>(sender: Option<&'a str>, command: &'a Command) -> Option<Parts<'a>> {
    let nick = sender?;
    let parts = |kind, text| Parts::new(kind, Some(nick), text);
    match command {
        Command::JOIN(channel, _, _) => Some(parts(Kind::Join, "").on(channel)),
        Command::PART(channel, reason) => {
            Some(parts(Kind::Part, or_empty(reason.as_ref())).on(channel))
        }
        Command::QUIT(reason) => Some(parts(Kind::Quit, or_empty(reason.as_ref()))),
        Command::NICK(new) => Some(parts(Kind::Nick, new)),
        _ => None, // irc-proto's enum: other commands are not spoken
    }
}

fn modes<'a>(sender: Option<&'a str>, parameters: &'a [String]) -> Option<Parts<'a>> {
    let (target, modes) = parameters.split_first()?;
    let on_channel = is_channel(target) && !modes.is_empty();
    on_channel.then(|| Parts::new(Kind::Mode, sender, &modes.join(" ")).on(target))
}

fn error(command: &Command) -> Option<Parts<'static>> {
    let (number, parameters) = numeric(command)?;
    let (_nick, rest) = parameters.split_first()?;
    if !(400..600).contains(&number) || rest.is_empty() {
        return None;
    }
    let channel = rest.iter().find(|parameter| is_channel(parameter)).cloned();
    Some(Parts { channel, ..Parts::new(Kind::Server, None, &rest.join(" ")) })
}

/// A numeric's number and parameters, of which the first is our nick.
pub(crate) fn numeric(command: &Command) -> Option<(u16, &[String])> {
    match command {
        Command::Response(response, parameters) => Some((*response as u16, parameters)),
        Command::Raw(verb, parameters) if verb.len() == 3 => Some((verb.parse().ok()?, parameters)),
        _ => None, // irc-proto's enum: what has a name has no number
    }
}

fn or_empty(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// The parts of a message, without source and time.
struct Parts<'a> {
    kind: Kind,
    channel: Option<String>,
    sender: Option<&'a str>,
    text: String,
}

impl<'a> Parts<'a> {
    fn new(kind: Kind, sender: Option<&'a str>, text: &str) -> Self {
        Self { kind, channel: None, sender, text: text.to_owned() }
    }

    fn on(self, channel: &str) -> Self {
        Self { channel: Some(channel.to_owned()), ..self }
    }

    fn message(self, source: SourceId, received: Instant) -> Message<'static> {
        Message {
            channel: self.channel.map(Cow::Owned),
            sender: self.sender.map(|nick| Cow::Owned(nick.to_owned())),
            kind: self.kind,
            ..Message::plain(source, self.text, received)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::irc::codec::{Wire, parse};

    /// The message as `kind channel sender text`, `-` for nothing.
    fn heard(line: &str) -> Option<String> {
        let Wire::Message(wire) = parse(line.as_bytes()) else { panic!("no message: {line}") };
        let listener = Listener { source: SourceId(0), nick: "bot", server: Some("hub") };
        let message = listener.hear(&wire, crate::clock::test_now())?;
        let or_dash = |part: &Option<Cow<'_, str>>| part.as_deref().unwrap_or("-").to_owned();
        let (channel, sender) = (or_dash(&message.channel), or_dash(&message.sender));
        Some(format!("{} {channel} {sender} {}", message.kind, message.text))
    }

    #[test]
    fn what_people_say_is_a_message() {
        for (line, message) in [
            (":kim!u@h PRIVMSG #t :hello there", "say #t kim hello there"),
            (":kim!u@h PRIVMSG #t hello", "say #t kim hello"),
            (":kim PRIVMSG #t :hello", "say #t kim hello"),
            (":kim!u@h PRIVMSG @#t :for ops", "say #t kim for ops"),
            (":kim!u@h PRIVMSG bot :psst", "say - kim psst"),
            (":kim!u@h PRIVMSG #t :hi \x01+50R\x01 there", "say #t kim hi \x01+50R\x01 there"),
            (":kim!u@h PRIVMSG #t :\x01ACTION waves\x01", "action #t kim waves"),
            (":kim!u@h PRIVMSG #t :\x01ACTION waves", "action #t kim waves"),
            (":kim!u@h NOTICE #t :look", "notice #t kim look"),
            (":kim!u@h NOTICE bot :look", "notice - kim look"),
        ] {
            assert_eq!(heard(line).as_deref(), Some(message), "line: {line}");
        }
    }

    #[test]
    fn a_server_is_no_sender() {
        for (line, message) in [
            (":irc.example.org PRIVMSG #t :server as speaker", "server #t - server as speaker"),
            (":irc.example.org NOTICE bot :restart at 5", "server - - restart at 5"),
            (":hub NOTICE bot :restart at 5", "server - - restart at 5"),
            ("PRIVMSG #t :no source at all", "server #t - no source at all"),
            (":hub MODE #t +o kim", "mode #t - +o kim"),
            (":hub 404 bot #t :Cannot send to channel", "server #t - #t Cannot send to channel"),
            (":hub 470 bot #t ##t :Forwarding", "server #t - #t ##t Forwarding"),
        ] {
            assert_eq!(heard(line).as_deref(), Some(message), "line: {line}");
        }
    }

    #[test]
    fn events_are_messages() {
        for (line, message) in [
            (":kim!u@h JOIN #t", "join #t kim "),
            (":kim!u@h JOIN :#t", "join #t kim "),
            (":kim!u@h JOIN #t account :Real Name", "join #t kim "),
            (":kim!u@h PART #t", "part #t kim "),
            (":kim!u@h PART #t :good night", "part #t kim good night"),
            (":kim!u@h QUIT :Ping timeout", "quit - kim Ping timeout"),
            (":kim!u@h NICK :kim2", "nick - kim kim2"),
            (":op!u@h KICK #t kim :be nice", "kick #t op kim be nice"),
            (":op!u@h KICK #t kim", "kick #t op kim"),
            (":op!u@h MODE #t +ov-q a b *!*@h", "mode #t op +ov-q a b *!*@h"),
            (":op!u@h TOPIC #t :a new one", "topic #t op a new one"),
            (":op!u@h TOPIC #t :", "topic #t op "),
            (":op!u@h INVITE bot #t", "server #t op invites bot"),
            (":op!u@h WALLOPS :hear ye", "server - op hear ye"),
        ] {
            assert_eq!(heard(line).as_deref(), Some(message), "line: {line}");
        }
    }

    #[test]
    fn protocol_lines_are_not_messages() {
        for line in [
            "PING x",
            ":s PONG s x",
            ":s CAP * LS :sasl",
            ":s BATCH +1 chathistory #t",
            "@+typing=active :kim!u@h TAGMSG #t",
            ":s 001 bot :Welcome",
            ":s 332 bot #t :the topic",
            ":s 353 bot = #t :bot kim",
            ":s 366 bot #t :End",
            ":bot MODE bot :+i",
            ":bot!u@h PRIVMSG #t :an echo",
            ":kim!u@h PRIVMSG bot :\x01VERSION\x01",
            ":kim!u@h NOTICE bot :\x01VERSION x\x01",
            ":kim!u@h PRIVMSG #t :\x01ACTION\x01",
            ":kim!u@h PRIVMSG #t :\x01",
            ":kim!u@h PRIVMSG #t :",
            ":kim!u@h PRIVMSG #t x y z",
            ":kim!u@h PRIVMSG",
            "JOIN #t",
            ":s MODE #t",
            ":s 404",
            ":s 999 x y",
        ] {
            assert_eq!(heard(line), None, "line: {line}");
        }
    }
}
