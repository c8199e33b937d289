//! The grammar of a log: what its lines look like, read from a `filters/NAME.toml`.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use regex::CaptureLocations;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::fields::{Fields, Parsed, Syntax};
use super::html;
use super::parts::Parts;
use super::pattern::{Pattern, PatternReading, Strength};
use crate::diagnostics::ConfigError;
use crate::message::Kind;
use crate::toml_file;

/// A file that describes a format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGrammar {
    about: String,
    #[serde(default = "yes")]
    recognise: bool,
    #[serde(default)]
    loose: bool,
    #[serde(default)]
    unescape: Option<Unescape>,
    #[serde(default)]
    parts: BTreeMap<String, String>,
    #[serde(default)]
    line: Vec<RawLine>,
    /// The tests; see [`super::cases`].
    #[serde(default, rename = "test")]
    _test: IgnoredAny,
}

fn yes() -> bool {
    true
}

/// The encoding to undo in the parts of a line.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unescape {
    Html,
}

/// A kind of line: a pattern, or which fields of it are which parts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    kind: Kind,
    #[serde(default)]
    r#match: Option<Spanned<String>>,
    #[serde(default)]
    json: Option<Fields>,
    #[serde(default)]
    logfmt: Option<Fields>,
    #[serde(default)]
    weak: bool,
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

    /// Compiles those that have not been needed yet, so that no line has to wait for them. The last
    /// first: a thread that already reads lines starts at the other end.
    pub fn warm(&self) {
        for grammar in self.all.iter().rev() {
            grammar.body();
        }
    }

    /// The place of the format `name`.
    pub(super) fn position(&self, name: &str) -> Result<usize, ConfigError> {
        self.all.iter().position(|grammar| grammar.name == name).ok_or_else(|| {
            let known: Vec<_> = self.all.iter().map(Grammar::name).collect();
            let name = crate::diagnostics::escaped(name);
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

/// One format: its kinds of lines. The first that matches decides.
#[derive(Debug)]
pub struct Grammar {
    name: String,
    /// Of a format in the program, which is read when it is first needed; else empty.
    source: &'static str,
    body: OnceLock<Body>,
}

/// What is in a format's file.
#[derive(Debug)]
struct Body {
    about: String,
    recognise: bool,
    is_loose: bool,
    unescape: Option<Unescape>,
    patterns: Vec<Pattern>,
}

impl Grammar {
    /// Reads `source`, the text of the file `path`, as the format `name`.
    pub fn parse(name: &str, path: &Path, source: &str) -> Result<Self, ConfigError> {
        let body = Body::parse(path, source, Pattern::check)?;
        Ok(Self { name: name.to_owned(), source: "", body: OnceLock::from(body) })
    }

    /// The format `name` in the program. `source` is read when it is first needed: all of them
    /// together would take longer than the rest of a start.
    pub fn embedded(name: &str, source: &'static str) -> Self {
        Self { name: name.to_owned(), source, body: OnceLock::new() }
    }

    fn body(&self) -> &Body {
        self.body.get_or_init(|| {
            let path = Path::new(&self.name);
            Body::parse(path, self.source, |_, _| Ok(())).expect("what is in the program is tested")
        })
    }

    /// The format's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What writes such logs, in a sentence.
    pub fn about(&self) -> &str {
        &self.body().about
    }

    /// Whether its lines are so plain that other lines easily match.
    pub(super) fn is_loose(&self) -> bool {
        self.body().is_loose
    }

    /// Whether `line` is one of this format. A format to be chosen by name alone has none.
    pub(super) fn describes(&self, line: &str) -> Option<Strength> {
        let body = self.body();
        let mut parsed = Parsed::default();
        let mut patterns = body.patterns.iter().filter(|_| body.recognise);
        let pattern = patterns.find(|pattern| pattern.describes(line, &mut parsed))?;
        Some(pattern.strength())
    }

    /// Memory for [`Self::read`]: for the groups of each pattern.
    pub(super) fn slots(&self) -> Vec<Option<CaptureLocations>> {
        vec![None; self.body().patterns.len()]
    }

    /// The parts of `line`, if it is one of this format, and as surely as `least`.
    pub(super) fn read<'a>(
        &self,
        line: &'a str,
        least: Strength,
        slots: &mut [Option<CaptureLocations>],
    ) -> Option<Parts<'a>> {
        let body = self.body();
        let mut parsed = Parsed::default();
        let mut tries = body.patterns.iter().zip(slots);
        let mut reading = PatternReading::default();
        let parts = tries.find_map(|(pattern, slots)| {
            if pattern.is_weak && least == Strength::Strong {
                reading = PatternReading::default();
                return None;
            }
            pattern.read(line, &mut reading, slots, &mut parsed)
        })?;
        Some(match body.unescape {
            None => parts,
            Some(Unescape::Html) => Parts {
                text: html::text(parts.text),
                sender: parts.sender.map(html::text),
                ..parts
            },
        })
    }
}

impl Body {
    fn parse(
        path: &Path,
        source: &str,
        check: impl Fn(&Pattern, &str) -> Result<(), String>,
    ) -> Result<Self, ConfigError> {
        let raw: RawGrammar = toml_file::parse(path, source)?;
        let pattern = |line: RawLine| {
            let RawLine { kind, weak, .. } = line;
            let of_fields =
                |syntax, fields| Pattern::of_fields(kind, weak, Fields::written(fields, syntax));
            if let Some(expression) = line.r#match {
                let pattern = Pattern::new(kind, weak, expression.get_ref(), &raw.parts);
                check(&pattern, expression.get_ref()).map_err(|problem| {
                    ConfigError::at(path, source, expression.span().start, problem)
                })?;
                return Ok(pattern);
            }
            let json = line.json.map(|fields| of_fields(Syntax::Json, fields));
            let fields = json.or(line.logfmt.map(|fields| of_fields(Syntax::Logfmt, fields)));
            fields.ok_or_else(|| {
                let problem = format!("a line of kind {kind} has no match, json or logfmt");
                ConfigError::at(path, source, 0, problem)
            })
        };
        let mut patterns: Vec<_> = raw.line.into_iter().map(pattern).collect::<Result<_, _>>()?;
        for i in 1..patterns.len() {
            let (before, rest) = patterns.split_at_mut(i);
            rest[0].follow(&before[i - 1]);
        }
        let RawGrammar { about, recognise, loose: is_loose, unescape, .. } = raw;
        Ok(Self { about, recognise, is_loose, unescape, patterns })
    }
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
    fn the_first_pattern_that_matches_decides() {
        let grammar = grammar(FILE).expect("a grammar");
        let read = |line| {
            grammar.read(line, Strength::Weak, &mut grammar.slots()).map(|parts| {
                let part = |part: Option<std::borrow::Cow<'_, str>>| part.map(String::from);
                (parts.kind, part(parts.sender), part(parts.victim), parts.text.to_string())
            })
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
            let parts =
                parts.map(|(kind, sender, victim, text): (_, Option<&str>, Option<&str>, _)| {
                    (kind, sender.map(str::to_owned), victim.map(str::to_owned), String::from(text))
                });
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
