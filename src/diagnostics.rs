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

    /// An error of the TOML parser. Without the quoted source line, which may contain a password.
    pub fn toml(path: &Path, source: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        Self::at(path, source, offset, error.message().trim().replace('\n', "; "))
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
}
