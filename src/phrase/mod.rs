//! Spoken text: what is spoken for a message, and the one place where text from outside is made
//! harmless before any engine, terminal or file. Knows nothing of rules and engines.
//!
//! The result is one line of valid text without control, bidirectional and zero-width characters,
//! codes or `[[`, that does not begin with `-`, of words of at most [`MAX_WORD`](clean::MAX_WORD)
//! characters.
#![forbid(unsafe_code)]

mod address;
mod bytes;
mod chain;
pub mod clean;
mod emoji;
mod glyphs;
mod letters;
mod lexicon;
mod links;
mod names;
mod piece;
mod runs;
mod script;
mod template;
mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::chain::{Chain, LinkMode, Options};
pub use self::lexicon::Step;
pub use self::piece::{Piece, Said};

use crate::message::{Kind, Message, SourceId};
use crate::names::bare;

/// After this long a silence a speaker is named again.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// When the speaker is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// Before every line.
    Always,
    /// When the speaker changes.
    #[default]
    Change,
    /// Never, except in events and actions.
    Never,
}

/// How messages are phrased.
#[derive(Clone, Debug)]
pub struct Phrasing {
    /// When the speaker is named.
    pub naming: Naming,
    /// The steps that a text goes through.
    pub chain: Arc<Chain>,
    /// The language of the voice, as `en` or `en-us`.
    pub language: String,
}

impl Phrasing {
    /// The default steps, in English.
    pub fn english(naming: Naming) -> Self {
        Self { naming, chain: Arc::new(Chain::embedded()), language: "en".to_owned() }
    }
}

/// How many names are kept as they are spoken.
const MOST_NAMES: usize = 512;

/// Makes the spoken text of each message; remembers who spoke, and where.
#[derive(Debug)]
pub struct Phraser {
    phrasing: Phrasing,
    place: Place,
    /// Nicks and their spoken names.
    names: HashMap<String, String>,
    /// Text on its way through the chain.
    scratch: String,
    speaker: String,
    /// When the speaker spoke last; none after a message of somebody else.
    spoke: Option<Instant>,
}

/// The channel of the last message, and whether there was one.
#[derive(Debug, Default)]
struct Place {
    source: Option<SourceId>,
    channel: String,
}

impl Place {
    /// Whether `message` comes from another channel than the last one.
    fn moved(&self, message: &Message<'_>) -> bool {
        let Some(channel) = message.channel.as_deref() else { return false };
        self.source.is_some() && !(self.source == Some(message.source) && self.channel == channel)
    }
}

impl Phraser {
    /// A phraser before any message.
    pub fn new(phrasing: Phrasing) -> Self {
        Self {
            phrasing,
            place: Place::default(),
            names: HashMap::new(),
            scratch: String::new(),
            speaker: String::new(),
            spoke: None,
        }
    }

    /// Appends the spoken text of `message` to `out`. False, and appends nothing, when nothing can
    /// be spoken.
    pub fn phrase(&mut self, message: &Message<'_>, out: &mut String) -> bool {
        let start = out.len();
        let moved = self.place.moved(message);
        let channel = message.channel.as_deref().filter(|_| moved);
        let said = match (message.kind, message.sender.as_deref()) {
            (Kind::Say | Kind::Plain, Some(sender)) => {
                let sender = Some(sender).filter(|_| self.names(message, moved));
                self.prefixes(sender, channel, out);
                self.addressed(&message.text, out)
            }
            (Kind::Say | Kind::Plain | Kind::Server, _) => {
                self.prefixes(None, channel, out);
                self.text(&message.text, out)
            }
            (_, sender) => {
                self.prefix(channel, ", ", out);
                self.event(message.kind, sender, &message.text, out)
            }
        };
        if said {
            self.remember(message);
        } else {
            out.truncate(start);
        }
        said
    }

    fn names(&self, message: &Message<'_>, moved: bool) -> bool {
        match self.phrasing.naming {
            Naming::Always => true,
            Naming::Never => false,
            Naming::Change => {
                let silence = self.spoke.map(|at| message.received.saturating_duration_since(at));
                moved
                    || silence.is_none_or(|silence| silence > FORGOTTEN)
                    || message.sender.as_deref() != Some(&self.speaker)
            }
        }
    }

    fn remember(&mut self, message: &Message<'_>) {
        if let Some(channel) = &message.channel {
            self.place.source = Some(message.source);
            self.place.channel.clear();
            self.place.channel.push_str(channel);
        }
        let spoke = matches!(message.kind, Kind::Say | Kind::Action);
        match &message.sender {
            Some(sender) if spoke => {
                self.spoke = Some(message.received);
                self.speaker.clear();
                self.speaker.push_str(sender);
            }
            Some(_) | None => self.spoke = None,
        }
    }
}

/// The parts of a spoken text.
impl Phraser {
    /// "kim in lxc: ", with the parts that are given.
    fn prefixes(&mut self, sender: Option<&str>, channel: Option<&str>, out: &mut String) {
        match (sender, channel) {
            (Some(sender), Some(channel)) => {
                self.name(sender, out);
                self.word("in-channel", out);
                out.push(' ');
                self.name(bare(channel), out);
                out.push_str(": ");
            }
            (Some(sender), None) => {
                self.name(sender, out);
                out.push_str(": ");
            }
            (None, channel) => self.prefix(channel, ": ", out),
        }
    }

    /// "to alice: yes", where a text names whom it is said to.
    fn addressed(&mut self, text: &str, out: &mut String) -> bool {
        if memchr::memchr(b':', text.as_bytes()).is_none() {
            return self.text(text, out);
        }
        let chain = Arc::clone(&self.phrasing.chain);
        let lexicon = chain.lexicon(&self.phrasing.language);
        let Some((nicks, rest)) = address::split(text, lexicon) else {
            return self.text(text, out);
        };
        let mut before = "to";
        for nick in nicks {
            self.word(before, out);
            out.push(' ');
            self.name(nick, out);
            before = "and";
        }
        out.push_str(": ");
        self.text(rest, out)
    }

    /// Appends a text as it is spoken; whether there is anything to speak.
    fn text(&mut self, text: &str, out: &mut String) -> bool {
        let Phrasing { chain, language, .. } = &self.phrasing;
        if chain.leaves(text, language) {
            return clean::text(text, out);
        }
        self.scratch.clear();
        chain.say(text, language, &mut self.scratch);
        clean::text(&self.scratch, out)
    }

    /// Appends a name as it is spoken.
    fn name(&mut self, nick: &str, out: &mut String) {
        if let Some(name) = self.names.get(nick) {
            return out.push_str(name);
        }
        let mut name = String::new();
        clean::nick(&names::spoken(nick, &self.phrasing.chain, &self.phrasing.language), &mut name);
        out.push_str(&name);
        // Nicks come from outside: any number of them takes the same memory.
        if self.names.len() >= MOST_NAMES {
            self.names.clear();
        }
        self.names.insert(nick.to_owned(), name);
    }

    /// Appends a blank, unless it is the first, and what is said about a line.
    fn word(&self, name: &str, out: &mut String) {
        if !out.is_empty() && !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
        out.push_str(&self.phrasing.chain.phrase(name, &self.phrasing.language));
    }

    fn prefix(&mut self, channel: Option<&str>, end: &str, out: &mut String) {
        if let Some(channel) = channel {
            self.word("in-channel", out);
            out.push(' ');
            self.name(bare(channel), out);
            out.push_str(end);
        }
    }

    /// What somebody did. False when it needs a text and has none.
    fn event(&mut self, kind: Kind, sender: Option<&str>, text: &str, out: &mut String) -> bool {
        if kind == Kind::Notice {
            return self.notice(sender, text, out);
        }
        match sender {
            Some(sender) => self.name(sender, out),
            None => self.word("somebody", out),
        }
        match kind {
            Kind::Join => self.word("joined", out),
            Kind::Part => {
                self.word("left", out);
                self.reason(text, out);
            }
            Kind::Quit => {
                self.word("quit", out);
                self.reason(text, out);
            }
            Kind::Kick => self.kicked(text, out),
            Kind::Topic if text.trim().is_empty() => self.word("removed-topic", out),
            Kind::Topic => {
                self.word("changed-topic", out);
                return self.followed(" ", text, out);
            }
            Kind::Nick => {
                self.word("new-nick", out);
                out.push(' ');
                self.name(text, out);
            }
            Kind::Mode => {
                self.word("set-mode", out);
                out.push(' ');
                return clean::text(text, out);
            }
            Kind::Action | Kind::Say | Kind::Notice | Kind::Server | Kind::Plain => {
                return self.followed(" ", text, out);
            }
        }
        true
    }

    fn notice(&mut self, sender: Option<&str>, text: &str, out: &mut String) -> bool {
        match sender {
            Some(sender) => {
                self.word("notice-from", out);
                out.push(' ');
                self.name(sender, out);
            }
            None => self.word("notice", out),
        }
        self.followed(": ", text, out)
    }

    fn followed(&mut self, words: &str, text: &str, out: &mut String) -> bool {
        out.push_str(words);
        self.text(text, out)
    }

    fn reason(&mut self, reason: &str, out: &mut String) {
        let end = out.len();
        if !self.followed(": ", reason, out) {
            out.truncate(end);
        }
    }

    /// A kick's text is the nick of who was kicked, and the reason if there is one.
    fn kicked(&mut self, text: &str, out: &mut String) {
        let (victim, reason) = text.trim().split_once(' ').unwrap_or((text, ""));
        self.word("kicked", out);
        out.push(' ');
        self.name(victim.trim_end_matches(':'), out);
        self.reason(reason, out);
    }
}

#[cfg(test)]
mod tests;
