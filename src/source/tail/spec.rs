//! What to follow, and why it cannot be followed, as messages for users.
#![forbid(unsafe_code)]

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::pattern::Pattern;
use crate::diagnostics::{escaped, quoted, reason};

/// A log to follow.
#[derive(Clone, Debug)]
pub struct TailSpec {
    /// A file, a pattern or a directory.
    pub path: PathBuf,
    /// How many of the existing lines are sent first, as in `tail -n`; [`u64::MAX`] for all.
    pub lines: u64,
    /// Continue at the end of the file; otherwise the source ends there.
    pub follow: bool,
    /// Wait for a file that does not exist yet, instead of failing; only when following.
    pub retry: bool,
    /// Poll, where the system's file events do not report every write.
    pub poll: bool,
    /// The folder of the bookmarks, to resume where the log was last heard instead of at its last
    /// lines.
    pub bookmarks: Option<PathBuf>,
}

impl TailSpec {
    /// Checks the syntax of `path`; the error says what is wrong.
    pub fn check(path: &Path) -> Result<(), String> {
        Pattern::of(path).map(|_| ())
    }
}

/// Whether a file existed when listening began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// It did: its existing lines are not live.
    Old,
    /// It appeared later.
    New,
}

/// Why a log cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {why}", quoted(path))]
    Unreadable {
        /// The file as it was named.
        path: PathBuf,
        /// The system's reason, and what to do.
        why: String,
    },
}

impl TailError {
    /// The file `path` could not be opened, by the system's `error`.
    pub(super) fn opening(path: &Path, error: &io::Error, follow: bool) -> Self {
        let why = match error.kind() {
            ErrorKind::NotFound if follow => "no such file; --retry waits for it".to_owned(),
            ErrorKind::PermissionDenied => denied(path),
            _ => reason(error),
        };
        Self::Unreadable { path: path.to_path_buf(), why }
    }

    /// No file matches the pattern or directory `path`.
    pub(super) fn unmatched(path: &Path, follow: bool) -> Self {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let n_folders = entries.filter(|entry| entry.path().is_dir()).count();
        let what = match (path.is_dir(), n_folders) {
            (false, _) => "no log matches".to_owned(),
            (true, 0) => "there is no log in it".to_owned(),
            (true, _) => {
                let below = quoted(&path.join("**"));
                format!("there is no log in it, only folders; use {below} for the logs below it")
            }
        };
        let hint = if follow { "; --retry waits for one" } else { "" };
        Self::Unreadable { path: path.to_path_buf(), why: format!("{what}{hint}") }
    }

    /// `path` is not a file with lines but `kind`, with its article.
    pub(super) fn unfit(path: &Path, kind: &str) -> Self {
        Self::Unreadable { path: path.to_path_buf(), why: format!("it is {kind}") }
    }
}

/// The owner and mode of `path`, or of the directory that cannot be entered.
fn denied(path: &Path) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let seen = path.ancestors().find_map(|place| Some((place, place.metadata().ok()?)));
    match seen {
        Some((place, metadata)) if place == path => {
            format!("permission denied; it {}", belongs(&metadata, &users))
        }
        Some((place, metadata)) if !place.as_os_str().is_empty() => {
            format!("permission denied; {} {}", quoted(place), belongs(&metadata, &users))
        }
        Some(_) | None => "permission denied".to_owned(),
    }
}

/// The file's owner and mode; `users` is the text of `/etc/passwd`.
fn belongs(metadata: &Metadata, users: &str) -> String {
    let mode = metadata.mode() & 0o7777;
    format!("belongs to {}, mode {mode:o}", user(metadata.uid(), users))
}

/// The quoted name of the user `uid`; the number if `users` does not have it.
fn user(uid: u32, users: &str) -> String {
    let number = uid.to_string();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, found) = (fields.next()?, fields.nth(1)?);
        (found == number).then_some(name)
    });
    name.map_or(format!("user {number}"), |name| format!("\"{}\"", escaped(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_or_a_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nkim:x:1000:1000::/home/kim:/bin/sh\n";
        for (uid, name) in [(0, "\"root\""), (1000, "\"kim\""), (10, "user 10"), (1, "user 1")] {
            assert_eq!(user(uid, users), name);
        }
    }

    #[test]
    fn permission_denied_names_the_owner_and_mode() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = io::Error::from(ErrorKind::PermissionDenied);
        let message = TailError::opening(file.path(), &error, true).to_string();
        let owner = user(
            file.as_file().metadata().unwrap().uid(),
            &std::fs::read_to_string("/etc/passwd").unwrap(),
        );
        let name = quoted(file.path());
        let expected =
            format!("cannot read {name}: permission denied; it belongs to {owner}, mode 600");
        assert_eq!(message, expected);
    }
}
