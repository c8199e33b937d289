//! The guardian: a process that restores the terminal when the listener could not: after SIGKILL,
//! SIGQUIT, an abort, a crash.
//!
//! It is this program with a hidden command. On its standard input, a pipe, the listener sends the
//! terminal's mode before it sets key mode, and a note when it has left key mode; its standard
//! output reports that it is ready; its standard error is the terminal. When the pipe ends, it
//! restores the mode of the last note, but only if the terminal is still in exactly that key mode:
//! otherwise a shell or another job has set its own since.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcsetattr};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::timeout;

use crate::executable;

/// The hidden subcommand that is the guardian.
pub const SUBCOMMAND: &str = "guardian";

/// The report that it is ready: no key on the terminal can end it any more.
const READY: u8 = b'+';

/// How long reading keys waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The note that the listener has left key mode.
const LEFT: &str = "left";

/// The connection to the guardian, which ends when this is dropped or the listener dies.
#[derive(Debug)]
pub(super) struct Guardian {
    notes: ChildStdin,
}

impl Guardian {
    /// Starts the guardian of `terminal`, which may show a status line; returns once it is ready.
    /// Ctrl-Z at this moment also stops a guardian that has not left this process's group yet, and with
    /// it the thread that starts it: the keys must not wait for either.
    pub(super) async fn start(terminal: Stdio, has_status_line: bool) -> io::Result<Self> {
        timeout(PATIENCE, Self::started(terminal, has_status_line)).await?
    }

    async fn started(terminal: Stdio, has_status_line: bool) -> io::Result<Self> {
        let mut command = Command::new(executable::own()?);
        command.arg(SUBCOMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(terminal);
        if has_status_line {
            command.arg("--status-line");
        }
        // Starting it must not block this thread, which reads lines. The process is never waited
        // for: it stays to the end.
        let started = tokio::task::spawn_blocking(move || command.spawn()).await;
        let mut child = started.map_err(io::Error::other)??;
        let missing = || io::Error::other("a pipe is missing");
        let notes = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        rustix::io::ioctl_fionbio(&notes, true)?; // a stopped guardian must not block this process
        let mut answer = Receiver::from_owned_fd(stdout.into())?;
        match answer.read_u8().await? {
            READY => Ok(Self { notes }),
            _ => Err(io::Error::other("it did not report that it is ready")),
        }
    }

    /// Notes that key mode is about to be set, and the mode `before`.
    pub(super) fn note(&self, before: &Termios) {
        self.write(&Note::of(before).line());
    }

    /// Notes that key mode was left.
    pub(super) fn note_left(&self) {
        self.write(LEFT);
    }

    /// Writes unbuffered: the guardian reads what is in the pipe even after this process is gone.
    fn write(&self, line: &str) {
        if let Err(error) = (&self.notes).write_all(format!("{line}\n").as_bytes()) {
            tracing::debug!(%error, "the guardian is gone");
        }
    }
}

/// Key mode: a byte at a time and no echo. Ctrl-C, Ctrl-Z and line ends on output stay.
pub(super) fn keys_of(mut mode: Termios) -> Termios {
    mode.local_modes -=
        LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL | LocalModes::IEXTEN;
    mode.special_codes[SpecialCodeIndex::VMIN] = 1;
    mode.special_codes[SpecialCodeIndex::VTIME] = 0;
    mode
}

/// Runs the guardian process. Errors are ignored: there is nowhere to report them.
pub fn run(has_status_line: bool) {
    // In a session of its own no key, hang-up or job control of the terminal reaches it; and the
    // kernel applies job control only to processes of the terminal's own session.
    if rustix::process::setsid().is_err() {
        return;
    }
    let mut answer = io::stdout();
    if answer.write_all(&[READY]).and_then(|()| answer.flush()).is_err() {
        return;
    }
    let mut last = None;
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        last = Note::parse(&line);
    }
    // A pipe is closed before the shell is notified of a death: this comes before its prompt.
    if let Some(note) = last {
        drop(note.restore(has_status_line)); // an error is a terminal that is gone, too
    }
}

/// A terminal's mode before key mode: all of its flags, and the two special codes that key mode
/// sets.
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

    /// None for anything else, such as [`LEFT`].
    fn parse(line: &str) -> Option<Self> {
        let numbers: Result<Vec<_>, _> = line.split(' ').map(str::parse).collect();
        Some(Self(numbers.ok()?.try_into().ok()?))
    }

    /// Erases the status line and restores the terminal's mode.
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

    /// `mode`, with the parts that key mode changes taken from this note.
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
    fn a_note_is_parsed_as_written_and_nothing_else_is() {
        let note = Note([17_664, 5, 191, 35_387, 1, 0]);
        assert_eq!(note.line(), "17664 5 191 35387 1 0");
        assert_eq!(Note::parse(&note.line()), Some(note));
        for line in [LEFT, "", "1 2 3", "1 2 3 4 5 6 7", "1 2 3 4 5 -6", "a b c d e f"] {
            assert_eq!(Note::parse(line), None, "{line:?}");
        }
    }
}
