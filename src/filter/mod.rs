//! Which messages are spoken, and how they are changed before: ordered rules by kind, sender, text
//! and so on. Knows nothing of formats or speech.
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

/// Whether a message is spoken.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'r, 'm> {
    /// It is spoken, as the rules have changed it, unless it expires before.
    Keep(Message<'m>, Option<Expires<'r>>),
    /// It is not spoken.
    Drop {
        /// The message, as it was when the rule matched.
        message: Message<'m>,
        /// The rule that decided, as `irc-noise:6`: rule set and line.
        rule: &'r str,
    },
}

/// When a message expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expires<'r> {
    /// The rule that set it, as `config:12`: rule set and line.
    pub rule: &'r str,
    /// Time since it was received.
    pub after: Duration,
}

impl Expires<'_> {
    /// The expiry of a message received at `received`; none where it never expires.
    pub fn expiry(self, received: Instant) -> Option<Expiry> {
        Some(Expiry { at: received.checked_add(self.after)?, rule: self.rule.to_owned() })
    }
}

/// What a rule did to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is spoken, whatever later rules say.
    Kept,
    /// It is not spoken.
    Dropped,
    /// It was highlighted.
    Highlighted,
    /// Its text was changed.
    Replaced,
    /// A bridge relayed it: the original author is its sender now.
    Relayed,
    /// It got an expiry.
    Expires,
}

impl Effect {
    /// The rule key with this effect.
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

/// Sets of rules, in the order in which they are applied.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    sets: Vec<RuleSet>,
}

impl Filter {
    /// A filter that applies `sets` in their order.
    pub fn new(sets: Vec<RuleSet>) -> Self {
        Self { sets }
    }

    /// All rules, in the order in which they are applied.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.sets.iter().flat_map(|set| &set.rules)
    }

    /// Replaces the set of the same name with `set`, or appends it. True where it replaced
    /// one.
    pub fn put(&mut self, set: RuleSet) -> bool {
        if let Some(old) = self.sets.iter_mut().find(|old| old.name == set.name) {
            *old = set;
            return true;
        }
        self.sets.push(set);
        false
    }

    /// Applies the rules in order, until one keeps or drops; without either the message is kept.
    /// The first expiry counts.
    /// `source_name` is the host or the file that the message comes from.
    pub fn judge<'r, 'm>(&'r self, message: Message<'m>, source_name: &str) -> Verdict<'r, 'm> {
        self.judge_and_report(message, source_name, |_, _| {})
    }

    /// [`Self::judge`] that also reports each rule's number among [`Self::rules`] and effect.
    pub fn judge_and_report<'r, 'm>(
        &'r self,
        mut message: Message<'m>,
        source_name: &str,
        mut report: impl FnMut(usize, Effect),
    ) -> Verdict<'r, 'm> {
        let mut expires = None;
        for (number, rule) in self.rules().enumerate() {
            if !rule.matches(&message, source_name) {
                continue;
            }
            let effect = match &rule.action {
                Action::Keep => {
                    report(number, Effect::Kept);
                    return Verdict::Keep(message, expires);
                }
                Action::Drop => {
                    report(number, Effect::Dropped);
                    return Verdict::Drop { message, rule: &rule.label };
                }
                Action::Highlight => {
                    message.highlight = true;
                    Some(Effect::Highlighted)
                }
                Action::Replace { pattern, with } => replace(&mut message, pattern, with),
                Action::Relay { pattern } => relay(&mut message, pattern),
                Action::Expire { after } => expires.is_none().then(|| {
                    expires = Some(Expires { rule: &rule.label, after: *after });
                    Effect::Expires
                }),
            };
            if let Some(effect) = effect {
                report(number, effect);
            }
        }
        Verdict::Keep(message, expires)
    }
}

/// Replaces in the text; none where nothing matched.
fn replace(message: &mut Message<'_>, pattern: &regex::Regex, with: &str) -> Option<Effect> {
    let Cow::Owned(mut text) = pattern.replace_all(&message.text, with) else {
        return None;
    };
    if text.len() > MAX_REPLACED {
        let end = (0..=MAX_REPLACED).rev().find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or(0));
    }
    message.text = Cow::Owned(text);
    Some(Effect::Replaced)
}

/// Takes sender and text from a bridge's message; none where it does not match.
fn relay(message: &mut Message<'_>, pattern: &regex::Regex) -> Option<Effect> {
    let found = pattern.captures(&message.text)?;
    let part = |name| found.name(name).map(|part| part.as_str().trim().to_owned());
    let (sender, text) = (part("sender").filter(|it| !it.is_empty())?, part("text")?);
    (message.sender, message.text) = (Some(Cow::Owned(sender)), Cow::Owned(text));
    Some(Effect::Relayed)
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
