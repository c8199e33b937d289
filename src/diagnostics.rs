//! Errors in configuration, filter and format files: the place, the problem, and what to do.
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::text::is_invisible;

/// An error at one place: `path:line:column: problem; what to do`.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {why}", quoted(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason, and whose file it is.
        why: String,
    },
    /// Something in the file is wrong.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    At {
        /// The file as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Something on the command line, or about the file as a whole, is wrong.
    #[error("{0}")]
    Wrong(String),
}

impl ConfigError {
    /// An error at byte `offset` of `source`, the text of the file `path`.
    pub fn at(path: &Path, source: &str, offset: usize, problem: impl Into<String>) -> Self {
        let before = source.get(..offset.min(source.len())).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self::At {
            path: path.to_path_buf(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            problem: problem.into(),
        }
    }
}

/// A path in double quotes, escaped as by [`escaped`].
pub(crate) fn quoted(path: &Path) -> String {
    format!("\"{}\"", escaped(&path.to_string_lossy()))
}

/// `text` with control, format and line separating characters escaped, for messages.
pub(crate) fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let breaks = matches!(c, '\u{2028}' | '\u{2029}'); // a line, a paragraph
            let safe = !c.is_control() && !breaks && !is_invisible(c);
            let (plain, escape) =
                if safe { (Some(c), None) } else { (None, Some(c.escape_default())) };
            plain.into_iter().chain(escape.into_iter().flatten())
        })
        .collect()
}

/// The system's reason, to be put after a colon: in lower case, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => return "no such file".to_owned(),
        ErrorKind::PermissionDenied => return "permission denied".to_owned(),
        ErrorKind::IsADirectory => return "it is a folder".to_owned(),
        _ => {}
    }
    let text = error.to_string();
    lower(text.split(" (os error").next().unwrap_or(&text))
}

/// `text` beginning in lower case.
pub(crate) fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What serde reports, as a sentence that says what is wrong and what to do; none where it has no
/// message of these kinds.
pub(crate) fn explained(message: &str) -> Option<String> {
    let missing = message.strip_prefix("missing field `").and_then(|it| it.strip_suffix('`'));
    missing
        .map(|key| format!("the key \"{}\" is missing", escaped(key)))
        .or_else(|| Unknown::in_message(message).map(|it| it.to_string()))
        .or_else(|| wrong_type(message))
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
        ("variant identifier", _) => "a name in quotes, such as \"skip\"",
        ("string or map", _) => "a name in quotes, or one in braces, such as {\"sender\":\"kim\"}",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_lowercase_without_a_code() {
        for (error, text) in [
            (io::Error::from_raw_os_error(2), "no such file"),
            (io::Error::from_raw_os_error(5), "input/output error"),
            (io::Error::from_raw_os_error(13), "permission denied"),
            (io::Error::from_raw_os_error(101), "network is unreachable"),
            (io::Error::from_raw_os_error(111), "connection refused"),
            (io::Error::other("Odd"), "odd"),
        ] {
            assert_eq!(reason(&error), text);
        }
    }

    #[test]
    fn a_place_is_line_and_column() {
        let source = "a = 1\nüb = \"x\"\n";
        let offset = source.find('"').expect("a quote");
        let error = ConfigError::at(Path::new("c.toml"), source, offset, "no");
        assert_eq!(error.to_string(), "c.toml:2:6: no");
    }

    #[test]
    fn a_path_cannot_control_the_terminal() {
        assert_eq!(quoted(Path::new("a\x1b[2Jb\n")), r#""a\u{1b}[2Jb\n""#);
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
