//! Spoken text: what is spoken for a message, and the one place where text from outside is made
//! harmless before any engine, terminal or file. Knows nothing of rules and engines.
//!
//! The result is one line of valid text without control, bidirectional and zero-width characters,
//! codes or `[[`, that does not begin with `-`, of words of at most [`MAX_WORD`](clean::MAX_WORD)
//! characters.
#![forbid(unsafe_code)]

mod address;
mod bytes;
mod cases;
mod chain;
pub mod clean;
mod dictionary;
mod emoji;
mod glyphs;
mod letters;
mod lexicon;
mod links;
mod names;
mod narrow;
mod pairs;
mod piece;
mod plain;
mod pls;
mod prepare;
mod runs;
mod script;
mod sources;
mod step;
mod template;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use self::cases::failures;
pub use self::chain::{Chain, Options};
pub use self::links::LinkMode;
pub use self::piece::{Piece, Said};
pub(crate) use self::prepare::{Prepared, Preparer};
pub(crate) use self::sources::LexiconFile;
pub use self::step::Step;

use crate::language::{Detector, Language};
use crate::message::{Kind, Message, SourceId};
use crate::names::{bare, same_name};

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
    /// The language of the voice.
    pub language: Language,
    /// Other languages that have a voice.
    pub voices: Vec<Language>,
    /// The languages that the user says senders and channels write.
    pub hints: Hints,
    /// Nicks, and what the user calls them.
    pub aliases: Vec<(String, String)>,
}

/// How a spoken text is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrased {
    /// The language to speak it in.
    pub language: Language,
    /// The bytes of the sender's name, with which it begins; 0 where none is spoken.
    pub name_len: usize,
    /// Where what the sender says begins, if only the name stands before it ("kim: "); else 0.
    pub name_end: usize,
}

/// Configured languages, by what a line comes from; names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// By nick.
    pub senders: Vec<(String, Language)>,
    /// By channel.
    pub channels: Vec<(String, Language)>,
    /// By the number of the source.
    pub sources: Vec<(SourceId, Language)>,
}

impl Hints {
    fn of(&self, message: &Message<'_>) -> Option<Language> {
        let find = |hints: &[(String, Language)], name: Option<&str>| {
            let name = name?;
            hints.iter().find(|(known, _)| same_name(known, name)).map(|hint| hint.1)
        };
        find(&self.senders, message.sender.as_deref())
            .or_else(|| find(&self.channels, message.channel.as_deref()))
            .or_else(|| self.sources.iter().find(|it| it.0 == message.source).map(|it| it.1))
    }
}

impl Phrasing {
    /// The default steps, in English.
    pub fn english(naming: Naming) -> Self {
        Self {
            naming,
            chain: Arc::new(Chain::embedded()),
            language: Language::ENGLISH,
            voices: Vec::new(),
            hints: Hints::default(),
            aliases: Vec::new(),
        }
    }
}

/// Makes the spoken text of each message; remembers who spoke, and where.
#[derive(Debug)]
pub struct Phraser {
    phrasing: Phrasing,
    place: Place,
    detector: Detector,
    /// The language of the message that is being phrased.
    language: Language,
    names: names::Known,
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
            detector: Detector::new(&phrasing.voices, phrasing.language),
            language: phrasing.language,
            phrasing,
            place: Place::default(),
            names: names::Known::default(),
            scratch: String::new(),
            speaker: String::new(),
            spoke: None,
        }
    }

    /// What prepares messages for it.
    pub(crate) fn preparer(&self) -> Preparer {
        Preparer { chain: self.chain(), language: self.phrasing.language }
    }

    /// The steps that texts go through.
    pub fn chain(&self) -> Arc<Chain> {
        Arc::clone(&self.phrasing.chain)
    }

    /// Changes nicks' names, from the next message on.
    pub(crate) fn set_aliases(&mut self, aliases: Vec<(String, String)>) {
        self.phrasing.aliases = aliases;
        self.names = names::Known::default();
    }

    /// Appends the spoken text of `message` to `out`. None, and appends nothing, when nothing can be
    /// spoken.
    pub fn phrase(&mut self, message: &Message<'_>, out: &mut String) -> Option<Phrased> {
        self.phrase_prepared(message, None, out)
    }

    /// The same, with what [`Preparer::prepare`] found for the message.
    pub(crate) fn phrase_prepared(
        &mut self,
        message: &Message<'_>,
        prepared: Option<Prepared>,
        out: &mut String,
    ) -> Option<Phrased> {
        let start = out.len();
        let (mut name_len, mut name_end) = (0, 0);
        self.language = self.language_of(message);
        let prepared = prepared.filter(|_| self.language == self.phrasing.language);
        let moved = self.place.moved(message);
        let channel = message.channel.as_deref().filter(|_| moved);
        let said = match (message.kind, message.sender.as_deref()) {
            (Kind::Say | Kind::Plain, Some(sender)) => {
                let sender = Some(sender).filter(|_| self.names(message, moved));
                let chain = &self.phrasing.chain;
                let (to, text) = prepare::addressed(&message.text, chain, self.language);
                (name_len, name_end) = self.prefixes(sender, channel, &to, out);
                self.said(text, prepared, out)
            }
            (Kind::Say | Kind::Plain | Kind::Server, _) => {
                self.prefix(channel, ": ", out);
                self.said(&message.text, prepared, out)
            }
            (_, sender) => {
                self.prefix(channel, ", ", out);
                let named = sender.filter(|_| channel.is_none());
                name_len = named.map_or(0, |it| self.name_len(it, out));
                self.event(message.kind, sender, &message.text, out)
            }
        };
        if !said {
            out.truncate(start);
            return None;
        }
        self.remember(message);
        Some(Phrased { language: self.language, name_len, name_end })
    }

    fn language_of(&mut self, message: &Message<'_>) -> Language {
        let is_written = matches!(
            message.kind,
            Kind::Say | Kind::Action | Kind::Notice | Kind::Plain | Kind::Topic
        );
        if !is_written {
            return self.phrasing.language;
        }
        let hint = self.phrasing.hints.of(message);
        let (text, sender) = (&message.text, message.sender.as_deref());
        self.detector.detect(text, sender, hint, message.received).language
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
    /// "kim in lxc: ", "kim to alice and bob: ", with the parts that are given. Returns the bytes of
    /// the name, and where what stands behind the name begins; 0 where there is a channel, or no name.
    fn prefixes(
        &mut self,
        sender: Option<&str>,
        channel: Option<&str>,
        to: &[&str],
        out: &mut String,
    ) -> (usize, usize) {
        let (start, end) = (out.len(), if to.is_empty() { ": " } else { " " });
        if let Some(sender) = sender {
            self.name(sender, out);
        }
        let name_len = out.len() - start;
        let is_named = sender.is_some() && channel.is_none();
        if is_named {
            out.push_str(end);
        }
        self.prefix(channel, end, out);
        let sizes = if is_named { (name_len, out.len() - start) } else { (0, 0) };
        for (at, nick) in to.iter().enumerate() {
            self.word(if at == 0 { "to" } else { "and" }, out);
            out.push(' ');
            self.name(nick, out);
        }
        if !to.is_empty() {
            out.push_str(": ");
        }
        sizes
    }

    /// Appends a text, of which what is said may be known.
    fn said(&mut self, text: &str, prepared: Option<Prepared>, out: &mut String) -> bool {
        match prepared {
            None => return self.text(text, out),
            Some(Prepared::Plain) => out.push_str(text),
            Some(Prepared::Said(said)) if said.is_empty() => return false,
            Some(Prepared::Said(said)) => out.push_str(&said),
        }
        true
    }

    /// Appends a text as it is spoken; whether there is anything to speak.
    fn text(&mut self, text: &str, out: &mut String) -> bool {
        let (chain, language) = (&self.phrasing.chain, self.language);
        if prepare::leaves(text, chain, language) {
            out.push_str(text);
            return true;
        }
        self.scratch.clear();
        chain.say(text, language, &mut self.scratch);
        clean::text(&self.scratch, out)
    }

    /// Appends a name as it is spoken.
    fn name(&mut self, nick: &str, out: &mut String) {
        let (phrasing, language) = (&self.phrasing, self.language);
        let spoken = || {
            let mut name = String::new();
            let alias = phrasing.aliases.iter().find(|(known, _)| same_name(known, nick));
            match alias {
                Some((_, alias)) => clean::nick(alias, &mut name),
                None => clean::nick(&names::spoken(nick, &phrasing.chain, language), &mut name),
            }
            name
        };
        out.push_str(self.names.get(nick, language, spoken));
    }

    /// The bytes of a name as it is spoken.
    fn name_len(&mut self, nick: &str, out: &mut String) -> usize {
        let start = out.len();
        self.name(nick, out);
        let len = out.len() - start;
        out.truncate(start);
        len
    }

    /// Appends a blank, unless it is the first, and what is said about a line.
    fn word(&self, name: &str, out: &mut String) {
        if !out.is_empty() && !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
        out.push_str(self.phrasing.chain.phrase(name, self.language));
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
