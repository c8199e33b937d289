//! Rules as written in TOML, in rule sets and the configuration, and as compiled.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use toml::Spanned;

use crate::message::Kind;

/// One `[[rule]]`, unchecked: it has exactly one of the keys `keep`, `drop`, `highlight`,
/// `replace`, `relay` and `expire`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRule {
    /// Messages that are spoken, whatever later rules say.
    #[serde(default)]
    pub keep: Option<Spanned<RawTest>>,
    /// Messages that are not spoken.
    #[serde(default)]
    pub drop: Option<Spanned<RawTest>>,
    /// Messages to be highlighted.
    #[serde(default)]
    pub highlight: Option<Spanned<RawTest>>,
    /// What to replace in the text.
    #[serde(default)]
    pub replace: Option<Spanned<String>>,
    /// The replacement; `$1` stands for a group.
    #[serde(default)]
    pub with: Option<Spanned<String>>,
    /// A pattern with the groups `sender` and `text`, for what a bridge relays.
    #[serde(default)]
    pub relay: Option<Spanned<String>>,
    /// After what time it expires.
    #[serde(default)]
    pub expire: Option<Spanned<String>>,
    /// Messages that expire, or that a bridge wrote.
    #[serde(default, rename = "for")]
    pub expiring: Option<Spanned<RawTest>>,
}

/// Which messages a rule is about: a pattern for the text or the sender, or a table of patterns
/// that must all match.
#[derive(Clone, Debug)]
pub enum RawTest {
    /// Matches the text or the sender.
    Anywhere(String),
    /// All given patterns must match their parts.
    Parts(RawParts),
}

/// The patterns of a [`RawTest`], by the part of the message that they must match.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawParts {
    /// The text.
    #[serde(default)]
    pub text: Option<Spanned<String>>,
    /// The nick of the sender.
    #[serde(default)]
    pub sender: Option<Spanned<String>>,
    /// The channel.
    #[serde(default)]
    pub channel: Option<Spanned<String>>,
    /// The whole name of the kind.
    #[serde(default)]
    pub kind: Option<Spanned<String>>,
    /// The host or the file.
    #[serde(default)]
    pub source: Option<Spanned<String>>,
    /// Whether an earlier rule highlighted it.
    #[serde(default)]
    pub highlight: Option<bool>,
}

impl<'de> Deserialize<'de> for RawTest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TestVisitor)
    }
}

/// Accepts a string or a table; an untagged enum would lose the position in the file.
struct TestVisitor;

impl<'de> Visitor<'de> for TestVisitor {
    type Value = RawTest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern or a table of patterns")
    }

    fn visit_str<E>(self, pattern: &str) -> Result<RawTest, E> {
        Ok(RawTest::Anywhere(pattern.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawTest, A::Error> {
        RawParts::deserialize(MapAccessDeserializer::new(map)).map(RawTest::Parts)
    }
}

/// Rules of one origin: a file of rules, the configuration, the command line.
#[derive(Clone, Debug)]
pub struct RuleSet {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) rules: Vec<Rule>,
}

impl RuleSet {
    /// Its name, which begins the labels of its rules.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its description, in a sentence.
    pub fn about(&self) -> &str {
        &self.about
    }
}

/// A compiled rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) action: Action,
    pub(super) test: Test,
    pub(super) label: String,
    pub(super) written: String,
}

impl Rule {
    /// Rule set and line, as shown to users.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The line of the file with the rule's key, unescaped. Empty for a rule of the command line,
    /// whose label is enough.
    pub fn written(&self) -> &str {
        &self.written
    }
}

/// What a rule does.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Keep,
    Drop,
    Highlight,
    Replace {
        pattern: Regex,
        with: String,
    },
    /// The groups `sender` and `text`.
    Relay {
        pattern: Regex,
    },
    Expire {
        after: Duration,
    },
}

/// Which messages a rule is about; what is missing matches all.
#[derive(Clone, Debug, Default)]
pub(super) struct Test {
    pub(super) anywhere: Option<Regex>,
    pub(super) text: Option<Regex>,
    pub(super) sender: Option<Regex>,
    pub(super) channel: Option<Regex>,
    pub(super) source: Option<Regex>,
    pub(super) highlight: Option<bool>,
    pub(super) kinds: Kinds,
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u16);

impl Default for Kinds {
    fn default() -> Self {
        Self(u16::MAX)
    }
}

impl Kinds {
    /// The kinds whose whole name `pattern` matches.
    pub(super) fn matching(pattern: &Regex) -> Self {
        let whole = |name: &str| pattern.find_iter(name).any(|found| found.len() == name.len());
        let kinds = Kind::ALL.into_iter().filter(|kind| whole(kind.name()));
        Self(kinds.fold(0, |set, kind| set | Self::bit(kind)))
    }

    pub(super) fn contains(self, kind: Kind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn bit(kind: Kind) -> u16 {
        1 << kind as u16
    }
}
