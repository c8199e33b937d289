//! Parses TOML text and compiles patterns, for the configuration and the files of grammars and
//! rules. Errors name the place, the problem, and a correction.
#![forbid(unsafe_code)]

use std::path::Path;

use regex::{Regex, RegexBuilder};
use serde::de::DeserializeOwned;

use crate::diagnostics::{ConfigError, escaped};

/// The longest valid pattern, in bytes.
pub(crate) const MAX_PATTERN: usize = 4 * 1024;

/// The memory one compiled pattern may take, in bytes.
const MAX_COMPILED: usize = 1024 * 1024;

/// Reads `source`, the text of the file `path`, as a `T`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, source: &str) -> Result<T, ConfigError> {
    toml::from_str(source).map_err(|error| {
        let unknown = Unknown::in_message(error.message()).map(|it| it.to_string());
        match unknown.or_else(|| wrong_type(error.message())) {
            Some(problem) => {
                let offset = error.span().map_or(0, |span| span.start);
                ConfigError::at(path, source, offset, problem)
            }
            None => ConfigError::toml(path, source, &error),
        }
    })
}

/// A value of the wrong type, which serde reports as "invalid type: string "x", expected u32".
fn wrong_type(message: &str) -> Option<String> {
    let rest = message.strip_prefix("invalid type: ");
    let rest = rest.or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, wanted) = rest.rsplit_once(", expected ")?;
    let value = found.split_once(' ').map_or(found, |(kind, value)| match kind {
        "string" => value,
        _ => value.split('`').nth(1).unwrap_or(value),
    });
    let wanted = match (wanted, found) {
        ("a sequence", "map") => "a list; where that is one of tables, write [[name]], not [name]",
        ("a sequence", _) => "a list in brackets, such as [\"one\", \"two\"]",
        ("a string", _) => "text in quotes, such as \"name\"",
        ("path string", _) => "a path in quotes, such as \"logs/irc.log\"",
        ("a boolean", _) => "true or false, without quotes",
        ("u8" | "u16" | "u32" | "u64" | "usize", _) => {
            "a whole number, such as 100, without quotes"
        }
        ("i64", _) => "a whole number, such as 50, without quotes",
        (wanted, _) if wanted.starts_with("struct ") || wanted == "a map" => {
            "keys of its own, on lines below its name in brackets"
        }
        (wanted, _) => wanted,
    };
    let value = match value {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        value => escaped(value),
    };
    Some(format!("the value is {value}; it takes {wanted}"))
}

/// An unknown key or value, as serde reports it.
struct Unknown<'a> {
    what: &'static str,
    name: &'a str,
    known: Vec<&'a str>,
}

impl<'a> Unknown<'a> {
    /// Parses "unknown field `a`, expected one of `b`, `c`" and the same with "variant".
    fn in_message(message: &'a str) -> Option<Self> {
        let (what, rest) = match message.strip_prefix("unknown field ") {
            Some(rest) => ("key", rest),
            None => ("value", message.strip_prefix("unknown variant ")?),
        };
        let (name, known) = rest.split_once(", ")?;
        let known = known.split('`').skip(1).step_by(2).collect();
        Some(Self { what, name: name.trim_matches('`'), known })
    }
}

impl std::fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "unknown {} \"{}\"; {}",
            self.what,
            escaped(self.name),
            hint(self.name, &self.known)
        )
    }
}

/// A correction for `name`: the nearest of `known` if one is near, else all of them.
pub(crate) fn hint(name: &str, known: &[&str]) -> String {
    let near = known.iter().map(|&known| (distance(name, known), known)).min();
    match near {
        Some((distance, nearest)) if distance <= 1 + nearest.len() / 4 => {
            format!("did you mean \"{nearest}\"?")
        }
        Some(_) => format!("known are {}", known.join(", ")),
        None => "none is known here".to_owned(),
    }
}

/// The edit distance (Levenshtein) between `a` and `b`, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Compiles `pattern`. An error continues a message that names the pattern.
pub(crate) fn regex(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("is longer than {MAX_PATTERN} bytes"));
    }
    RegexBuilder::new(pattern).size_limit(MAX_COMPILED).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too big; repeat less in it".to_owned(),
        // The crate draws the pattern with a caret under it; the reason is the last line.
        error => format!("is not a regular expression: {}", reason(&error.to_string())),
    })
}

fn reason(drawing: &str) -> &str {
    let last = drawing.lines().next_back().unwrap_or(drawing).trim();
    last.strip_prefix("error: ").unwrap_or(last)
}

/// `pattern` in double quotes, escaped, and cut where it is long: for messages.
pub(crate) fn shown(pattern: &str) -> String {
    const SHOWN: usize = 60;
    let cut = if pattern.chars().count() > SHOWN { "…" } else { "" };
    let head: String = pattern.chars().take(SHOWN).collect();
    format!("\"{}{cut}\"", escaped(&head))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Sample {
        channels: Vec<String>,
        #[serde(default)]
        kind: Option<crate::message::Kind>,
    }

    #[test]
    fn errors_name_the_place_and_a_correction() {
        for (source, said) in [
            ("chanels = []\n", "c.toml:1:1: unknown key \"chanels\"; did you mean \"channels\"?"),
            ("\nx = 1\n", "c.toml:2:1: unknown key \"x\"; known are channels, kind"),
            (
                "channels = []\nkind = \"sey\"",
                "c.toml:2:8: unknown value \"sey\"; did you mean \"say\"?",
            ),
            (
                "channels = 3",
                "c.toml:1:12: the value is 3; it takes a list in brackets, such as \
                 [\"one\", \"two\"]",
            ),
            (
                "channels = [1.5]",
                "c.toml:1:13: the value is 1.5; it takes text in quotes, such as \"name\"",
            ),
            (
                "[channels]\nx = 1",
                "c.toml:1:1: the value is a table; it takes a list; where that is one of tables, \
                 write [[name]], not [name]",
            ),
        ] {
            let error = parse::<Sample>(Path::new("c.toml"), source).expect_err(source);
            assert_eq!(error.to_string(), said, "source: {source:?}");
        }
    }

    #[test]
    fn a_bad_pattern_has_a_short_error() {
        for (pattern, said) in [
            ("(ubottu", "is not a regular expression: unclosed group"),
            ("a**{", "is not a regular expression: unclosed counted repetition"),
            (r"(\w{100}){100}", "is too big; repeat less in it"),
            (&"a".repeat(5000), "is longer than 4096 bytes"),
        ] {
            assert_eq!(regex(pattern).expect_err(pattern), said, "pattern: {pattern:?}");
        }
    }

    #[test]
    fn the_hint_is_the_nearest_name() {
        for (name, said) in [
            ("irsi", "did you mean \"irssi\"?"),
            ("wechat", "did you mean \"weechat\"?"),
            ("mirc", "known are irssi, weechat, ii"),
        ] {
            assert_eq!(hint(name, &["irssi", "weechat", "ii"]), said);
        }
    }
}
