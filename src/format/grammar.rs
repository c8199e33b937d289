//! The grammar of a log: what its lines look like, read from a `filters/NAME.toml`.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use regex::{CaptureLocations, Regex};
use serde::Deserialize;
use toml::Spanned;

use crate::config::{ConfigError, set};
use crate::message::Kind;

/// The pattern's end that takes the rest of the line.
const TAIL: &str = "(?P<text>.*)";

/// The named groups a pattern may have.
const GROUPS: [&str; 5] = ["channel", "sender", "text", "time", "victim"];

/// A file that describes a format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGrammar {
    about: String,
    #[serde(default = "yes")]
    recognise: bool,
    #[serde(default)]
    parts: BTreeMap<String, String>,
    #[serde(default)]
    line: Vec<RawLine>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    kind: Kind,
    r#match: Spanned<String>,
}

/// All the formats there are, in the order in which they are tried.
#[derive(Debug, Default)]
pub struct Grammars {
    all: Vec<Grammar>,
}

impl Grammars {
    /// The formats `all`; of two that describe as much of a log, the first is taken.
    pub fn new(all: Vec<Grammar>) -> Self {
        Self { all }
    }

    /// Every format.
    pub fn iter(&self) -> impl Iterator<Item = &Grammar> {
        self.all.iter()
    }

    /// The place of the format `name`.
    pub(super) fn position(&self, name: &str) -> Result<usize, ConfigError> {
        self.all.iter().position(|grammar| grammar.name == name).ok_or_else(|| {
            let known: Vec<_> = self.all.iter().map(Grammar::name).collect();
            let name = crate::config::error::escaped(name);
            ConfigError::Wrong(format!("unknown format \"{name}\"; known are {}", known.join(", ")))
        })
    }

    pub(super) fn get(&self, index: usize) -> Option<&Grammar> {
        self.all.get(index)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

/// One format: its kinds of lines. The first that matches a line tells what it is.
#[derive(Debug)]
pub struct Grammar {
    name: String,
    about: String,
    recognise: bool,
    patterns: Vec<Pattern>,
}

impl Grammar {
    /// Reads `source`, the text of the file `path`, as the format `name`.
    pub fn parse(name: &str, path: &Path, source: &str) -> Result<Self, ConfigError> {
        let raw: RawGrammar = set::parse(path, source)?;
        let compile = |line: RawLine| {
            let start = line.r#match.span().start;
            Pattern::compile(line.kind, line.r#match.get_ref(), &raw.parts)
                .map_err(|problem| ConfigError::at(path, source, start, problem))
        };
        Ok(Self {
            name: name.to_owned(),
            about: raw.about,
            recognise: raw.recognise,
            patterns: raw.line.into_iter().map(compile).collect::<Result<_, _>>()?,
        })
    }

    /// The format's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What writes such logs, in a sentence.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Whether `line` is one of this format. A format to be chosen by name alone has none.
    pub(super) fn describes(&self, line: &str) -> bool {
        self.recognise && self.patterns.iter().any(|pattern| pattern.regex.is_match(line))
    }

    /// Memory for [`Self::read`]: a place for each group of each pattern.
    pub(super) fn slots(&self) -> Vec<CaptureLocations> {
        self.patterns.iter().map(|pattern| pattern.regex.capture_locations()).collect()
    }

    /// The parts of `line`, if it is one of this format.
    pub(super) fn read<'a>(
        &self,
        line: &'a str,
        slots: &mut [CaptureLocations],
    ) -> Option<Parts<'a>> {
        let mut tries = self.patterns.iter().zip(slots);
        tries.find_map(|(pattern, slots)| pattern.read(line, slots))
    }
}

/// What a pattern found in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) kind: Kind,
    pub(super) channel: Option<&'a str>,
    pub(super) sender: Option<&'a str>,
    pub(super) victim: Option<&'a str>,
    pub(super) text: &'a str,
    pub(super) stamp: Option<&'a str>,
}

/// One kind of line.
#[derive(Debug)]
struct Pattern {
    kind: Kind,
    regex: Regex,
    /// The text is what follows the match; else it is a group.
    tail: bool,
    channel: Option<usize>,
    sender: Option<usize>,
    text: Option<usize>,
    time: Option<usize>,
    victim: Option<usize>,
}

impl Pattern {
    /// Compiles `pattern`, in which `{name}` stands for a part of that name. It has to describe the
    /// whole line but for blanks at its end. An error is half a sentence.
    fn compile(
        kind: Kind,
        pattern: &str,
        parts: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let whole = expanded(pattern, parts);
        // As far as its parts go a line is short, the text may be long: not to walk through it
        // takes two thirds off. With alternatives the end may belong to the last alone.
        let head = whole.strip_suffix(TAIL).filter(|head| !head.contains('|'));
        let anchored = match head {
            Some(head) => format!("^(?:{head})"),
            None => format!(r"^(?:{whole})\s*$"),
        };
        let regex = set::regex(&anchored)
            .map_err(|problem| format!("pattern {} {problem}", set::shown(pattern)))?;
        let mut names = regex.capture_names().flatten();
        if let Some(name) = names.find(|name| !GROUPS.contains(name)) {
            return Err(format!("unknown group \"{name}\"; {}", set::hint(name, &GROUPS)));
        }
        let group = |name| regex.capture_names().position(|known| known == Some(name));
        Ok(Self {
            kind,
            tail: head.is_some(),
            channel: group("channel"),
            sender: group("sender"),
            text: group("text"),
            time: group("time"),
            victim: group("victim"),
            regex,
        })
    }

    fn read<'a>(&self, line: &'a str, slots: &mut CaptureLocations) -> Option<Parts<'a>> {
        let matched = self.regex.captures_read(slots, line)?;
        let part = |group: Option<usize>| {
            let range = group.and_then(|group| slots.get(group)).map(|(from, to)| from..to);
            range.and_then(|range: Range<usize>| line.get(range)).filter(|part| !part.is_empty())
        };
        let text = if self.tail { line.get(matched.end()..) } else { part(self.text) };
        Some(Parts {
            kind: self.kind,
            channel: part(self.channel),
            sender: part(self.sender).map(str::trim).filter(|sender| !sender.is_empty()),
            victim: part(self.victim),
            text: text.unwrap_or_default(),
            stamp: part(self.time),
        })
    }
}

/// `pattern` with each `{name}` replaced by the part of that name.
fn expanded(pattern: &str, parts: &BTreeMap<String, String>) -> String {
    let replace = |pattern: String, (name, part): (&String, &String)| {
        pattern.replace(&format!("{{{name}}}"), part)
    };
    parts.iter().fold(pattern.to_owned(), replace)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
about = "a test"
parts = { stamp = '(?P<time>[0-9]+:[0-9]+)' }
[[line]]
kind = "say"
match = '{stamp} <(?P<sender>[^>]+)> ?(?P<text>.*)'
[[line]]
kind = "kick"
match = '{stamp} (?P<victim>[^ ]+) (?:kicked|thrown) by (?P<sender>[^ ]+)(?: (?P<text>.*))?'
"#;

    fn grammar(source: &str) -> Result<Grammar, ConfigError> {
        Grammar::parse("test", Path::new("filters/test.toml"), source)
    }

    #[test]
    fn the_first_pattern_that_matches_tells() {
        let grammar = grammar(FILE).expect("a grammar");
        let read = |line| {
            grammar
                .read(line, &mut grammar.slots())
                .map(|parts| (parts.kind, parts.sender, parts.victim, parts.text))
        };
        for (line, parts) in [
            ("1:2 <kim> hi  <x>", Some((Kind::Say, Some("kim"), None, "hi  <x>"))),
            ("1:2 <kim>", Some((Kind::Say, Some("kim"), None, ""))),
            ("1:2 < > hi", Some((Kind::Say, None, None, "hi"))),
            ("1:2 bob kicked by kim ", Some((Kind::Kick, Some("kim"), Some("bob"), ""))),
            ("1:2 bob thrown by kim out", Some((Kind::Kick, Some("kim"), Some("bob"), "out"))),
            (" 1:2 <kim> hi", None),
            ("", None),
        ] {
            assert_eq!(read(line), parts, "line: {line:?}");
        }
    }

    #[test]
    fn a_wrong_file_is_one_sentence_about_one_place() {
        for (from, to, said) in [
            (
                "{stamp} <",
                "({stamp} <",
                "6:9: pattern \"({stamp} <(?P<sender>[^>]+)> ?(?P<text>.*)\" is not a regular expression: unclosed group",
            ),
            ("victim", "vicim", "9:9: unknown group \"vicim\"; did you mean \"victim\"?"),
            (
                "match = '{stamp} <",
                "mach = '{stamp} <",
                "6:1: unknown key \"mach\"; did you mean \"match\"?",
            ),
            ("\"say\"", "\"sayy\"", "5:8: unknown value \"sayy\"; did you mean \"say\"?"),
        ] {
            let error = grammar(&FILE.replace(from, to)).expect_err(to);
            assert_eq!(error.to_string(), format!("filters/test.toml:{said}"));
        }
    }
}
