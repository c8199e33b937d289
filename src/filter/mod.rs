//! Which messages are spoken, and how they are changed before: ordered rules, by what a message is
//! and says. Knows nothing of formats, and of how a message sounds.
#![forbid(unsafe_code)]

pub mod cases;
mod compile;
pub mod library;
pub mod rules;

pub use library::Library;
pub use rules::{RawRule, Rule, RuleSet};

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::message::{Expiry, Message};
use rules::Action;

/// The longest text a rule can make by replacing, in bytes.
const MAX_REPLACED: usize = crate::source::lines::MAX_LINE;

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'r, 'm> {
    /// It is spoken, as the rules have changed it, and before it expires.
    Keep(Message<'m>, Option<Expires<'r>>),
    /// It is not.
    Drop {
        /// The message, as it was when the rule met it.
        message: Message<'m>,
        /// The rule that decided, as `irc-noise:6`: rule set and line.
        rule: &'r str,
    },
}

/// How long a message is worth pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expires<'r> {
    /// The rule that says so, as `config:12`: rule set and line.
    pub rule: &'r str,
    /// From when it was received.
    pub after: Duration,
}

impl Expires<'_> {
    /// The same for a message received at `received`; none where that is never.
    pub fn expiry(self, received: Instant) -> Option<Expiry> {
        Some(Expiry { at: received.checked_add(self.after)?, rule: self.rule.to_owned() })
    }
}

/// What a rule did to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is spoken, whatever later rules would say.
    Kept,
    /// It is not spoken.
    Dropped,
    /// It was marked.
    Highlighted,
    /// Its text was changed.
    Replaced,
    /// A bridge had sent it for somebody, who is its sender now.
    Relayed,
    /// It is worth hearing for a while only.
    Expires,
}

impl Effect {
    /// The key of the rules that do this.
    pub fn key(self) -> &'static str {
        match self {
            Self::Kept => "keep",
            Self::Dropped => "drop",
            Self::Highlighted => "highlight",
            Self::Replaced => "replace",
            Self::Relayed => "relay",
            Self::Expires => "expire",
        }
    }
}

/// Sets of rules, in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Filter {
    sets: Vec<RuleSet>,
}

impl Filter {
    /// A filter that asks `sets` in their order.
    pub fn new(sets: Vec<RuleSet>) -> Self {
        Self { sets }
    }

    /// All rules, in the order in which they are asked.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.sets.iter().flat_map(|set| &set.rules)
    }

    /// Puts `set` in the place of the one of its name, or behind all others. True where it has
    /// taken a place.
    pub fn put(&mut self, set: RuleSet) -> bool {
        if let Some(old) = self.sets.iter_mut().find(|old| old.name == set.name) {
            *old = set;
            return true;
        }
        self.sets.push(set);
        false
    }

    /// Asks every rule in order, until one keeps or drops; a message that none decides on is kept.
    /// Of those that say when it expires, the first counts.
    /// `source_name` is the host or the file that the message comes from.
    pub fn judge<'r, 'm>(&'r self, message: Message<'m>, source_name: &str) -> Verdict<'r, 'm> {
        self.judge_telling(message, source_name, |_, _| {})
    }

    /// The same, and tells what each rule did: its number among [`Self::rules`], and the effect.
    pub fn judge_telling<'r, 'm>(
        &'r self,
        mut message: Message<'m>,
        source_name: &str,
        mut tell: impl FnMut(usize, Effect),
    ) -> Verdict<'r, 'm> {
        let mut expires = None;
        for (number, rule) in self.rules().enumerate() {
            if !rule.matches(&message, source_name) {
                continue;
            }
            match &rule.action {
                Action::Keep => {
                    tell(number, Effect::Kept);
                    return Verdict::Keep(message, expires);
                }
                Action::Drop => {
                    tell(number, Effect::Dropped);
                    return Verdict::Drop { message, rule: &rule.label };
                }
                Action::Highlight => {
                    message.highlight = true;
                    tell(number, Effect::Highlighted);
                }
                Action::Replace { pattern, with } => {
                    if replace(&mut message, pattern, with) {
                        tell(number, Effect::Replaced);
                    }
                }
                Action::Relay { pattern } => {
                    if relay(&mut message, pattern) {
                        tell(number, Effect::Relayed);
                    }
                }
                Action::Expire { after } => {
                    if expires.is_none() {
                        expires = Some(Expires { rule: &rule.label, after: *after });
                        tell(number, Effect::Expires);
                    }
                }
            }
        }
        Verdict::Keep(message, expires)
    }
}

/// Replaces in the text; false where there was nothing to replace.
fn replace(message: &mut Message<'_>, pattern: &regex::Regex, with: &str) -> bool {
    let Cow::Owned(mut text) = pattern.replace_all(&message.text, with) else {
        return false;
    };
    if text.len() > MAX_REPLACED {
        let end = (0..=MAX_REPLACED).rev().find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or(0));
    }
    message.text = Cow::Owned(text);
    true
}

/// Finds sender and text in what a bridge wrote; false where they are not there.
fn relay(message: &mut Message<'_>, pattern: &regex::Regex) -> bool {
    let Some(found) = pattern.captures(&message.text) else { return false };
    let part = |name| found.name(name).map(|part| part.as_str().trim().to_owned());
    let (Some(sender), Some(text)) = (part("sender"), part("text")) else { return false };
    if sender.is_empty() {
        return false;
    }
    (message.sender, message.text) = (Some(Cow::Owned(sender)), Cow::Owned(text));
    true
}

impl Rule {
    fn matches(&self, message: &Message<'_>, source_name: &str) -> bool {
        let test = &self.test;
        let in_part = |pattern: &Option<regex::Regex>, part: Option<&str>| {
            pattern.as_ref().is_none_or(|pattern| part.is_some_and(|part| pattern.is_match(part)))
        };
        test.kinds.contains(message.kind)
            && test.highlight.is_none_or(|highlight| highlight == message.highlight)
            && in_part(&test.sender, message.sender.as_deref())
            && in_part(&test.channel, message.channel.as_deref())
            && in_part(&test.source, Some(source_name))
            && in_part(&test.text, Some(&message.text))
            && (in_part(&test.anywhere, Some(&message.text))
                || in_part(&test.anywhere, message.sender.as_deref()))
    }
}

#[cfg(test)]
mod tests;
