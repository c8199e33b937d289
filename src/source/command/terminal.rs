//! A terminal for a command: many programs buffer their output in blocks when they write to a pipe,
//! and write each line at once to a terminal.
//!
//! To have a controlling terminal, a process must lead a session. A child can become the leader
//! only between `fork` and `exec`, where no Rust code is safe; so this program starts itself in
//! between, as a hidden command: it leads the session, opens the terminal and executes the command.
//! It writes a failure to its standard error, as the system's error number, and nothing on
//! success.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd, ioctl_fionbio};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, OutputModes, Winsize};
use rustix::termios::{tcgetattr, tcsetattr, tcsetwinsize};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::Child;

use crate::executable;

/// The hidden subcommand that executes a command on a terminal.
pub const SUBCOMMAND: &str = "on-terminal";

/// Wide, so that lines are not cut or wrapped.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };

/// A command that runs on a terminal of its own, and its output.
pub(super) struct OnTerminal {
    pub(super) child: Child,
    /// Reading fails when nobody has the terminal open.
    pub(super) output: Receiver,
}

impl OnTerminal {
    /// Starts the command `words`; returns once it runs.
    pub(super) async fn start(words: &[OsString]) -> io::Result<Self> {
        let (ours, name) = open()?;
        // While this is open, reading our end does not fail.
        let theirs = rustix::fs::open(Path::new(&name), OFlags::RDWR | OFlags::NOCTTY, 0.into())?;
        let mut child = tokio::process::Command::new(executable::own()?)
            .arg(SUBCOMMAND)
            .arg(&name)
            .arg("--")
            .args(words)
            // No cursor movement, and no pager that waits for a key.
            .envs([("TERM", "dumb"), ("PAGER", "cat")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut failure = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut failure).await?;
        }
        drop(theirs);
        match failure.parse() {
            _ if failure.is_empty() => {}
            Ok(number) => return Err(io::Error::from_raw_os_error(number)),
            Err(_) => return Err(io::Error::other(failure)),
        }
        Ok(Self { child, output: Receiver::from_owned_fd_unchecked(ours)? })
    }
}

/// A new terminal: our end, and the name of the other one.
fn open() -> io::Result<(OwnedFd, OsString)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    fcntl_setfd(&ours, fcntl_getfd(&ours)? | FdFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let mut terminal = tcgetattr(&ours)?;
    terminal.local_modes -= LocalModes::ECHO;
    terminal.output_modes -= OutputModes::OPOST; // line ends stay as they are
    tcsetattr(&ours, OptionalActions::Now, &terminal)?;
    tcsetwinsize(&ours, SIZE)?;
    ioctl_fionbio(&ours, true)?;
    Ok((ours, OsString::from_vec(name.into_bytes())))
}

/// Executes the command `words` on the terminal `name`; returns only on failure, which is written
/// for the parent.
pub fn begin(name: &OsStr, words: &[OsString]) -> io::Result<()> {
    // Closed on exec: this shows the parent that the command runs.
    let mut parent = std::fs::File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let why = on(name, words).err().and_then(|why| why.raw_os_error()).unwrap_or(libc::EINVAL);
    parent.write_all(why.to_string().as_bytes())
}

fn on(name: &OsStr, words: &[OsString]) -> io::Result<()> {
    rustix::process::setsid()?;
    // The first terminal that a session leader opens becomes its controlling terminal.
    let terminal = OpenOptions::new().read(true).write(true).open(name)?;
    let (program, words) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(terminal.try_clone()?).stderr(terminal);
    Err(command.exec())
}
