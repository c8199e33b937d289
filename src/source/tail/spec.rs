//! What to follow.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use super::pattern::Pattern;

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
