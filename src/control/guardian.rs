//! The guardian: a process that outlives the listener by a moment, and puts the terminal back
//! where the listener could not: after SIGKILL, SIGQUIT, an abort, a crash.
//!
//! It is this program with a hidden command. Its standard input is a pipe on which the listener
//! notes how the terminal was before it set key mode, and when it has left that; its standard
//! output says that it stands; its standard error is the terminal. When the pipe ends, it acts by
//! the last note, and only where the terminal still is in just that key mode: a shell or another
//! job that has set its own since knows better.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcsetattr};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::timeout;

use super::tty::keys_of;
use crate::cli::Guardian as Arguments;
use crate::executable;

/// The hidden subcommand that is the guardian.
pub const SUBCOMMAND: &str = "guardian";

/// What it says once no key on the terminal can end it.
const STANDS: u8 = b'+';

/// How long keys wait for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The listener has left key mode.
const LEFT: &str = "left";

/// The way to the guardian. It ends when this is dropped, as it does when the listener dies.
#[derive(Debug)]
pub(super) struct Guardian {
    notes: ChildStdin,
}

impl Guardian {
    /// Starts it over `terminal`, on which a status line may stand; returns once it stands.
    pub(super) async fn start(terminal: Stdio, has_status_line: bool) -> io::Result<Self> {
        let mut command = Command::new(executable::own()?);
        command.arg(SUBCOMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(terminal);
        if has_status_line {
            command.arg("--status-line");
        }
        // Lines are being heard on this thread. Nobody waits for the process: it stays to the end.
        let started = tokio::task::spawn_blocking(move || command.spawn()).await;
        let mut child = started.map_err(io::Error::other)??;
        let missing = || io::Error::other("a pipe is missing");
        let notes = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        rustix::io::ioctl_fionbio(&notes, true)?; // one that was stopped must not stop this one
        let mut answer = Receiver::from_owned_fd(stdout.into())?;
        match timeout(PATIENCE, answer.read_u8()).await?? {
            STANDS => Ok(Self { notes }),
            _ => Err(io::Error::other("it speaks another language")),
        }
    }

    /// Key mode is going to be set where it was like `before`.
    pub(super) fn note(&self, before: &Termios) {
        self.write(&Note::of(before).line());
    }

    /// Key mode was left.
    pub(super) fn note_left(&self) {
        self.write(LEFT);
    }

    /// Written at once: what is in the pipe is read, also when this process is gone.
    fn write(&self, line: &str) {
        if let Err(error) = (&self.notes).write_all(format!("{line}\n").as_bytes()) {
            tracing::debug!(%error, "the guardian is gone");
        }
    }
}

/// The guardian process. What fails here fails in silence: there is nobody to tell.
pub fn run(arguments: &Arguments) {
    // In a session of its own no key, hang-up or job control of the terminal reaches it; and the
    // kernel asks only processes of the terminal's own session whose turn it is.
    if rustix::process::setsid().is_err() {
        return;
    }
    let mut answer = io::stdout();
    if answer.write_all(&[STANDS]).and_then(|()| answer.flush()).is_err() {
        return;
    }
    let mut last = None;
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        last = Note::parse(&line);
    }
    // A pipe is closed before the shell is told of a death: this comes before its prompt.
    if let Some(note) = last {
        drop(note.restore(arguments.status_line)); // an error is a terminal that is gone, too
    }
}

/// What key mode may be known by, and how it was before: all of a terminal's flags, and the two
/// special codes that key mode sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note([u64; 6]);

impl Note {
    fn of(it: &Termios) -> Self {
        Self([
            it.input_modes.bits().into(),
            it.output_modes.bits().into(),
            it.control_modes.bits().into(),
            it.local_modes.bits().into(),
            it.special_codes[SpecialCodeIndex::VMIN].into(),
            it.special_codes[SpecialCodeIndex::VTIME].into(),
        ])
    }

    fn line(self) -> String {
        self.0.map(|number| number.to_string()).join(" ")
    }

    /// None for anything else, as [`LEFT`] is.
    fn parse(line: &str) -> Option<Self> {
        let numbers: Result<Vec<_>, _> = line.split(' ').map(str::parse).collect();
        Some(Self(numbers.ok()?.try_into().ok()?))
    }

    /// Takes the status line away and makes the terminal what it was.
    fn restore(self, has_status_line: bool) -> io::Result<()> {
        let mut terminal = io::stderr();
        let found = tcgetattr(&terminal)?;
        let before = self.onto(found.clone());
        if Self::of(&before) != self || Self::of(&keys_of(before.clone())) != Self::of(&found) {
            return Ok(());
        }
        let erased = if has_status_line { terminal.write_all(b"\x1b[0m\r\x1b[K") } else { Ok(()) };
        tcsetattr(&terminal, OptionalActions::Now, &before)?;
        erased
    }

    /// `mode` with that of this which key mode changes.
    fn onto(self, mut mode: Termios) -> Termios {
        let [.., local, min, time] = self.0;
        let code = |number: u64| number.try_into().unwrap_or_default();
        mode.local_modes = LocalModes::from_bits_retain(local.try_into().unwrap_or_default());
        mode.special_codes[SpecialCodeIndex::VMIN] = code(min);
        mode.special_codes[SpecialCodeIndex::VTIME] = code(time);
        mode
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is_one() {
        let note = Note([17_664, 5, 191, 35_387, 1, 0]);
        assert_eq!(note.line(), "17664 5 191 35387 1 0");
        assert_eq!(Note::parse(&note.line()), Some(note));
        for line in [LEFT, "", "1 2 3", "1 2 3 4 5 6 7", "1 2 3 4 5 -6", "a b c d e f"] {
            assert_eq!(Note::parse(line), None, "{line:?}");
        }
    }
}
