//! Spoken text: what is spoken for a message, and the one place where text from outside is made
//! harmless before any engine, terminal or file. Knows nothing of rules and engines.
//!
//! The result is one line of valid text without control, bidirectional and zero-width characters,
//! codes or `[[`, that does not begin with `-`, of words of at most [`MAX_WORD`](clean::MAX_WORD)
//! characters.
#![forbid(unsafe_code)]

pub mod clean;
mod glyphs;
mod links;

use std::time::{Duration, Instant};

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

/// Makes the spoken text of each message; remembers who spoke, and where.
#[derive(Debug)]
pub struct Phraser {
    naming: Naming,
    place: Place,
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
    pub fn new(naming: Naming) -> Self {
        Self { naming, place: Place::default(), speaker: String::new(), spoke: None }
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
                say(sender, channel, &message.text, out)
            }
            (Kind::Say | Kind::Plain | Kind::Server, _) => say(None, channel, &message.text, out),
            (_, sender) => {
                prefix(channel, ", ", out);
                event(message.kind, sender, &message.text, out)
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
        match self.naming {
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

/// "kim in lxc: hello", with the parts that are given.
fn say(sender: Option<&str>, channel: Option<&str>, text: &str, out: &mut String) -> bool {
    match (sender, channel) {
        (Some(sender), Some(channel)) => {
            clean::nick(sender, out);
            out.push_str(" in ");
            clean::nick(bare(channel), out);
            out.push_str(": ");
        }
        (Some(sender), None) => {
            clean::nick(sender, out);
            out.push_str(": ");
        }
        (None, channel) => prefix(channel, ": ", out),
    }
    clean::text(text, out)
}

fn prefix(channel: Option<&str>, end: &str, out: &mut String) {
    if let Some(channel) = channel {
        out.push_str("in ");
        clean::nick(bare(channel), out);
        out.push_str(end);
    }
}

/// What somebody did. False when it needs a text and has none.
fn event(kind: Kind, sender: Option<&str>, text: &str, out: &mut String) -> bool {
    if kind == Kind::Notice {
        return notice(sender, text, out);
    }
    clean::nick(sender.unwrap_or("somebody"), out);
    match kind {
        Kind::Join => out.push_str(" joined"),
        Kind::Part => with_reason(" left", text, out),
        Kind::Quit => with_reason(" quit", text, out),
        Kind::Kick => kicked(text, out),
        Kind::Topic if text.trim().is_empty() => out.push_str(" removed the topic"),
        Kind::Topic => return followed(" changed the topic to ", text, out),
        Kind::Nick => {
            out.push_str(" is now known as ");
            clean::nick(text, out);
        }
        Kind::Mode => return followed(" set mode ", text, out),
        Kind::Action | Kind::Say | Kind::Notice | Kind::Server | Kind::Plain => {
            return followed(" ", text, out);
        }
    }
    true
}

fn notice(sender: Option<&str>, text: &str, out: &mut String) -> bool {
    out.push_str("notice");
    if let Some(sender) = sender {
        out.push_str(" from ");
        clean::nick(sender, out);
    }
    followed(": ", text, out)
}

fn followed(words: &str, text: &str, out: &mut String) -> bool {
    out.push_str(words);
    clean::text(text, out)
}

fn with_reason(words: &str, reason: &str, out: &mut String) {
    out.push_str(words);
    let end = out.len();
    if !followed(": ", reason, out) {
        out.truncate(end);
    }
}

/// A kick's text is the nick of who was kicked, and the reason if there is one.
fn kicked(text: &str, out: &mut String) {
    let (victim, reason) = text.trim().split_once(' ').unwrap_or((text, ""));
    out.push_str(" kicked ");
    clean::nick(victim.trim_end_matches(':'), out);
    with_reason("", reason, out);
}

#[cfg(test)]
mod tests;
