//! Parses TOML text and compiles patterns, for the configuration and the files of grammars and
//! rules. Errors name the place, the problem, and a correction.
#![forbid(unsafe_code)]

use std::io;
use std::path::Path;

use regex::{Regex, RegexBuilder};
use serde::de::DeserializeOwned;

use crate::diagnostics::{ConfigError, escaped, explained, reason as reason_of};

/// The longest valid pattern, in bytes.
pub(crate) const MAX_PATTERN: usize = 4 * 1024;

/// The memory one compiled pattern may take, in bytes.
const MAX_COMPILED: usize = 1024 * 1024;

/// Reads `source`, the text of the file `path`, as a `T`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, source: &str) -> Result<T, ConfigError> {
    toml::from_str(source).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        // Without the quoted source line, which may contain a password.
        let problem = explained(error.message())
            .unwrap_or_else(|| error.message().trim().replace('\n', "; "));
        ConfigError::at(path, source, offset, problem)
    })
}

/// The text of the file `path`.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

/// The error of a file or folder that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    let why = match error.kind() {
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => reason_of(error),
    };
    ConfigError::Unreadable { path: path.to_path_buf(), why }
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
}
