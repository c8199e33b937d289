//! One connection, from its first byte to its end: registration, joining, keep-alive. Pure: what
//! was read and the time go in, actions come out. It knows no socket and no clock.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use irc::proto::{self, Command, Prefix};

use super::codec::Wire;
use super::flood::{FloodControl, Pongs, Turn};
use super::joins::{Joins, Refusal};
use super::message::{Listener, numeric};
use super::name::Nick;
use super::send::Membership;
use crate::diagnostics::escaped;
use crate::message::{Message, SourceId};
use crate::names::same_name;
use crate::source::backoff::Class;
use crate::source::notice::{Notice, Wording};

/// How long registration may take.
pub(super) const REGISTRATION: Duration = Duration::from_secs(60);

/// After this long without a byte the server gets a `PING`;
const IDLE: Duration = Duration::from_secs(60);
/// after this long without an answer the connection is lost.
const DEAD: Duration = Duration::from_secs(20);
/// How long the message of the day may take before channels are joined: a bouncer sends none.
const GREETING: Duration = Duration::from_secs(2);
/// How many other nicks are tried.
const OTHER_NICKS: u32 = 5;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// Some bytes came.
    Read,
    /// A line came.
    Wire(Wire),
    /// The listener sends a message; the number is for the answer.
    Say { number: u64, target: String, text: String },
    /// The deadline came.
    Tick,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Send to the server.
    Send(Command),
    /// Pass to the listener.
    Hear(Message<'static>),
    /// Notify the listener.
    Notice(Notice),
    /// All lines of the text of that number were sent.
    Said(u64),
    /// The text of that number is not sent, and why.
    Unsaid(u64, String),
    /// Our nick or channels changed.
    Membership(Membership),
    /// Close the connection. Nothing follows.
    End(Ending),
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// What it means for the next try.
    pub(crate) class: Class,
    /// The reason in words, clean.
    pub(crate) why: String,
}

impl Ending {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { class: Class::Ordinary, why: why.into() }
    }
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Not registered yet; this many nicks were refused.
    Registering { refused: u32, since: Instant },
    /// Registered; the message of the day is still coming.
    Greeted { since: Instant },
    /// Channels are joined.
    Listening,
    /// Over.
    Ended,
}

/// How many lines were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Longer than a line may be.
    pub(crate) overlong: u64,
    /// Not IRC.
    pub(crate) broken: u64,
}

/// A connection's state.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    source: SourceId,
    pub(super) host: &'a str,
    wanted: &'a Nick,
    joins: &'a mut Joins,
    /// The loss of the connection was reported, and its return not yet.
    loss_reported: bool,
    digits: u32,
    pub(super) phase: Phase,
    registered: Option<Instant>,
    pub(super) nick: String,
    server: Option<String>,
    pub(super) last_read: Instant,
    pub(super) probed: Option<Instant>,
    pongs: Pongs,
    pub(super) flood: FloodControl,
    /// The channels that we are in, as the server reports.
    pub(super) inside: Vec<String>,
    /// The target of the last message, and when it was sent: the server may refuse it.
    pub(super) said_to: Option<(String, Instant)>,
    dropped: Dropped,
}

impl<'a> Session<'a> {
    /// A connection to `host` that was just opened.
    pub(crate) fn new(
        source: SourceId,
        host: &'a str,
        wanted: &'a Nick,
        joins: &'a mut Joins,
        now: Instant,
    ) -> Self {
        joins.reset();
        Self {
            source,
            host,
            wanted,
            joins,
            loss_reported: false,
            digits: 0,
            phase: Phase::Registering { refused: 0, since: now },
            registered: None,
            nick: wanted.as_str().to_owned(),
            server: None,
            last_read: now,
            probed: None,
            pongs: Pongs::default(),
            flood: FloodControl::default(),
            inside: Vec::new(),
            said_to: None,
            dropped: Dropped::default(),
        }
    }

    /// The loss of the connection was reported: its return is reported, too.
    pub(crate) fn after_loss(self, loss_reported: bool) -> Self {
        Self { loss_reported, ..self }
    }

    /// Uses `digits` for a nick when all better ones are in use.
    pub(crate) fn with_digits(self, digits: u32) -> Self {
        Self { digits, ..self }
    }

    /// When it was registered.
    pub(crate) fn registered(&self) -> Option<Instant> {
        self.registered
    }

    /// Whether the loss was reported, and the return not yet.
    pub(crate) fn loss_reported(&self) -> bool {
        self.loss_reported
    }

    /// The lines that were dropped.
    pub(crate) fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// What to send first.
    pub(crate) fn begin(&self) -> Vec<Action> {
        let user: String = self.nick.chars().filter(char::is_ascii_alphanumeric).take(9).collect();
        let user = if user.is_empty() { "listener".to_owned() } else { user };
        let real = "irc-speak".to_owned();
        vec![
            Action::Send(Command::NICK(self.nick.clone())),
            Action::Send(Command::USER(user, "0".to_owned(), real)),
        ]
    }

    /// Handles an event.
    pub(crate) fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        if matches!(self.phase, Phase::Ended) {
            return vec![];
        }
        let mut actions = match event {
            Event::Read => {
                (self.last_read, self.probed) = (now, None);
                vec![]
            }
            Event::Wire(wire) => self.wire(wire, now),
            Event::Say { number, target, text } => self.say(number, target, &text, now),
            Event::Tick => self.tick(now),
        };
        for Turn { command, said } in self.flood.take(now) {
            actions.push(Action::Send(command));
            actions.extend(said.map(Action::Said));
        }
        if actions.iter().any(|action| matches!(action, Action::End(_))) {
            self.phase = Phase::Ended;
        }
        actions
    }

    /// When it wants a [`Event::Tick`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Registering { since, .. } => since + REGISTRATION,
            Phase::Greeted { since } => since + GREETING,
            Phase::Listening => self.joins.deadline().unwrap_or(self.silence()),
            Phase::Ended => return None,
        };
        let others = [self.pongs.deadline(), self.flood.deadline(), Some(self.silence())];
        others.into_iter().flatten().chain([phase]).min()
    }

    fn tick(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = self.probe(now);
        match self.phase {
            Phase::Greeted { since } if now >= since + GREETING => self.join_all(now),
            Phase::Listening => self.join_due(now),
            Phase::Registering { .. } | Phase::Greeted { .. } | Phase::Ended => {}
        }
        let pong = self.pongs.due(now);
        actions.extend(pong.map(|token| Action::Send(Command::PONG(token, None))));
        actions
    }

    fn wire(&mut self, wire: Wire, now: Instant) -> Vec<Action> {
        match wire {
            Wire::Message(message) => self.message(&message, now),
            Wire::Empty => vec![],
            Wire::Broken => {
                self.dropped.broken += 1;
                vec![]
            }
            Wire::Overlong => {
                self.dropped.overlong += 1;
                vec![]
            }
            Wire::Endless => vec![Action::End(Ending::new("it sends a line without end"))],
        }
    }

    fn message(&mut self, message: &proto::Message, now: Instant) -> Vec<Action> {
        if let Some((number, parameters)) = numeric(&message.command) {
            return self.numeric(message, number, parameters, now);
        }
        let mut actions = self.hear(message, now);
        let ours = self.is_ours(message);
        match &message.command {
            Command::PING(token, _) => {
                let pong = self.pongs.asked(token.clone(), now);
                actions.extend(pong.map(|token| Action::Send(Command::PONG(token, None))));
            }
            Command::ERROR(text) => actions.push(Action::End(closed_with(text))),
            Command::NICK(nick) if ours => {
                self.nick.clone_from(nick);
                actions.push(self.membership());
            }
            Command::JOIN(channel, _, _) if ours => {
                self.joins.joined(channel);
                actions.extend(self.is_back());
                actions.extend(self.entered(channel));
            }
            Command::PART(channel, _) if ours => {
                actions.extend(self.kicked(channel, now));
                actions.extend(self.left(channel));
            }
            Command::KICK(channel, victim, _) if same_name(victim, &self.nick) => {
                actions.extend(self.kicked(channel, now));
                actions.extend(self.left(channel));
            }
            _ => {} // irc-proto's enum: the rest only becomes messages
        }
        actions
    }

    fn numeric(
        &mut self,
        message: &proto::Message,
        number: u16,
        parameters: &[String],
        now: Instant,
    ) -> Vec<Action> {
        match (&self.phase, number) {
            (Phase::Registering { .. }, 1) => self.welcome(message, parameters, now),
            (Phase::Registering { .. }, 432 | 433 | 436 | 437) => self.other_nick(),
            (Phase::Registering { .. }, 464) => {
                let class = Class::Throttled; // it will want one again at once
                vec![Action::End(Ending { class, why: "it wants a password".to_owned() })]
            }
            (Phase::Registering { .. }, 465) => {
                let why = "it does not want us: banned".to_owned();
                vec![Action::End(Ending { class: Class::Banned, why })]
            }
            (Phase::Greeted { .. }, 376 | 422) => {
                self.join_all(now);
                vec![]
            }
            (Phase::Greeted { .. } | Phase::Listening, _) => {
                let channel = parameters.get(1).map_or("", String::as_str);
                if let Some(notice) = self.not_said(channel, number, parameters, now) {
                    return vec![Action::Notice(notice)];
                }
                match self.joins.refused(channel, number, now) {
                    Refusal::News(notice) => vec![Action::Notice(notice)],
                    Refusal::Known => vec![],
                    Refusal::Other => self.hear(message, now),
                }
            }
            (Phase::Registering { .. } | Phase::Ended, _) => vec![],
        }
    }

    fn welcome(
        &mut self,
        message: &proto::Message,
        parameters: &[String],
        now: Instant,
    ) -> Vec<Action> {
        if let Some(nick) = parameters.first() {
            self.nick.clone_from(nick); // the server may have cut it
        }
        self.server = message.prefix.as_ref().map(ToString::to_string);
        self.registered = Some(now);
        self.phase = Phase::Greeted { since: now };
        let back = if self.joins.is_empty() { self.is_back() } else { None };
        back.into_iter().chain([self.membership()]).collect()
    }

    fn other_nick(&mut self) -> Vec<Action> {
        let Phase::Registering { refused, .. } = &mut self.phase else { return vec![] };
        *refused += 1;
        if *refused > OTHER_NICKS {
            let why = format!("it refuses nick \"{}\" and others like it", self.wanted.as_str());
            return vec![Action::End(Ending { class: Class::Throttled, why })];
        }
        self.nick = self.wanted.alternative(*refused, self.digits);
        vec![Action::Send(Command::NICK(self.nick.clone()))]
    }

    fn join_all(&mut self, now: Instant) {
        self.phase = Phase::Listening;
        self.joins.begin(now);
        self.join_due(now);
    }

    fn join_due(&mut self, now: Instant) {
        for join in self.joins.ask(now) {
            self.flood.push(join);
        }
    }

    fn kicked(&mut self, channel: &str, now: Instant) -> Option<Action> {
        self.joins.kicked(channel, now).map(Action::Notice)
    }

    /// Reports the return of the connection, if its loss was reported.
    fn is_back(&mut self) -> Option<Action> {
        std::mem::take(&mut self.loss_reported)
            .then(|| Notice::new(Wording::CONNECTED_AGAIN).with("host", self.host.to_string()))
            .map(Action::Notice)
    }

    /// What comes before registration ("Looking up your hostname") is not for the listener.
    fn hear(&self, message: &proto::Message, received: Instant) -> Vec<Action> {
        if self.registered.is_none() {
            return vec![];
        }
        let (nick, server) = (self.nick.as_str(), self.server.as_deref());
        let listener = Listener { source: self.source, nick, server };
        listener.hear(message, received).map(Action::Hear).into_iter().collect()
    }

    fn is_ours(&self, message: &proto::Message) -> bool {
        match &message.prefix {
            Some(Prefix::Nickname(nick, _, _)) => same_name(nick, &self.nick),
            Some(Prefix::ServerName(_)) | None => false,
        }
    }
}

impl Session<'_> {
    /// When the silence will have lasted too long.
    fn silence(&self) -> Instant {
        match (&self.phase, self.probed) {
            (_, Some(probed)) => probed + DEAD,
            (Phase::Registering { since, .. }, None) => *since + REGISTRATION,
            (Phase::Greeted { .. } | Phase::Listening | Phase::Ended, None) => {
                self.last_read + IDLE
            }
        }
    }

    /// Sends `PING` to a silent server; ends the connection when it does not answer.
    fn probe(&mut self, now: Instant) -> Vec<Action> {
        if now < self.silence() {
            return vec![];
        }
        let seconds = |duration: Duration| duration.as_secs();
        if matches!(self.phase, Phase::Registering { .. }) {
            let why = format!("it did not let us in within {} s", seconds(REGISTRATION));
            return vec![Action::End(Ending::new(why))];
        }
        if self.probed.is_some() {
            let why = format!("it was silent for {} s", seconds(IDLE + DEAD));
            return vec![Action::End(Ending::new(why))];
        }
        self.probed = Some(now);
        vec![Action::Send(Command::PING("irc-speak".to_owned(), None))]
    }
}

/// The end that an `ERROR` announces.
fn closed_with(text: &str) -> Ending {
    let class = Class::of_error(text);
    let text: String = escaped(text.trim()).chars().take(300).collect();
    let why = if text.is_empty() {
        "it closed the connection".to_owned()
    } else {
        format!("it closed the connection: {text}")
    };
    Ending { class, why }
}

#[cfg(test)]
mod tests;
