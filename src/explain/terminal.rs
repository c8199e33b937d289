//! Whether standard output takes colours, and how wide a row may be.
#![forbid(unsafe_code)]

use std::io::IsTerminal;

use rustix::termios::tcgetwinsize;

/// How the rows may look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terminal {
    /// Escape sequences for colours may be written.
    pub(super) colour: bool,
    /// The columns of a row, where a longer one would wrap.
    pub(super) columns: Option<usize>,
}

impl Terminal {
    /// Standard output: neither colour nor width where it is no terminal; no colour with
    /// `NO_COLOR` (<https://no-color.org>).
    pub(super) fn stdout() -> Self {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return Self::default();
        }
        let value = |name| std::env::var_os(name).filter(|it| !it.is_empty());
        let is_dumb = value("TERM").is_none_or(|term| term == "dumb");
        let columns = tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
        Self {
            colour: !is_dumb && value("NO_COLOR").is_none(),
            columns: columns.filter(|&columns| columns > 0),
        }
    }
}

/// The colour of a row, by its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    None,
    Dim,
    Green,
    Red,
    Yellow,
}

impl Colour {
    /// The escape sequence that begins it.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Dim => "\x1b[2m",
            Self::Green => "\x1b[32m",
            Self::Red => "\x1b[31m",
            Self::Yellow => "\x1b[33m",
        }
    }
}

/// Ends any of them.
pub(super) const END: &str = "\x1b[0m";

/// The columns that `c` takes, at most: most characters from Hangul on are wide.
pub(super) fn columns(c: char) -> usize {
    if c < '\u{1100}' { 1 } else { 2 }
}
