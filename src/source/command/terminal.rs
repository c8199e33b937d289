//! A terminal for a command: many a program gathers its output in blocks where it goes to a pipe,
//! and gives each line at once where it goes to a terminal.
//!
//! To have a terminal as its own, a process must lead a session. That a child can become only
//! between `fork` and `exec`, where no Rust code is safe; so this program is started in between, as
//! a hidden command: it leads the session, opens the terminal and becomes the command. What fails
//! there comes back on its standard error, as the system's number, and nothing when all went well.
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

/// The hidden subcommand that becomes a command on a terminal.
pub const SUBCOMMAND: &str = "on-terminal";

/// Wide, so that lines are not cut or broken to fit.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };

/// A command that runs on a terminal of its own, and what it prints there.
pub(super) struct OnTerminal {
    pub(super) child: Child,
    /// It fails when nobody has the terminal any more.
    pub(super) output: Receiver,
}

impl OnTerminal {
    /// Starts the command `words`; returns once it runs.
    pub(super) async fn start(words: &[OsString]) -> io::Result<Self> {
        let (ours, name) = open()?;
        // As long as one has the terminal, ours does not fail.
        let theirs = rustix::fs::open(Path::new(&name), OFlags::RDWR | OFlags::NOCTTY, 0.into())?;
        let mut child = tokio::process::Command::new(executable::own()?)
            .arg(SUBCOMMAND)
            .arg(&name)
            .arg("--")
            .args(words)
            // Nothing that moves about on a screen, or waits for a key after each page.
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
    terminal.output_modes -= OutputModes::OPOST; // a line's end stays as it is
    tcsetattr(&ours, OptionalActions::Now, &terminal)?;
    tcsetwinsize(&ours, SIZE)?;
    ioctl_fionbio(&ours, true)?;
    Ok((ours, OsString::from_vec(name.into_bytes())))
}

/// Becomes the command `words` on the terminal `name`; comes back only when that fails, which is
/// told to who started it.
pub fn begin(name: &OsStr, words: &[OsString]) -> io::Result<()> {
    // The copy is closed as the command begins: by that it is known to have begun.
    let mut parent = std::fs::File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let why = on(name, words).err().and_then(|why| why.raw_os_error()).unwrap_or(libc::EINVAL);
    parent.write_all(why.to_string().as_bytes())
}

fn on(name: &OsStr, words: &[OsString]) -> io::Result<()> {
    rustix::process::setsid()?;
    // The first one that the leader of a session opens is the terminal of the session.
    let terminal = OpenOptions::new().read(true).write(true).open(name)?;
    let (program, words) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(terminal.try_clone()?).stderr(terminal);
    Err(command.exec())
}
