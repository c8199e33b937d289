//! The terminal that the program was started from: in key mode (no Enter, no echo) while it is
//! ours, and restored otherwise: after the end, a panic, a Ctrl-Z. When the program is killed, the
//! guardian restores it.
//!
//! The kernel stops a background job that reads or sets the terminal (SIGTTIN, SIGTTOU): each time,
//! the foreground is checked first. Knows nothing of keys and their meaning.
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgid, getpgrp, getpid, getsid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios};
use rustix::termios::{tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use super::guardian::{Guardian, keys_of};

/// How often a background job checks whether it is in the foreground again: a shell need not send
/// SIGCONT to a job that was running all along.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// A terminal's size, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

impl Size {
    /// The usual size, for a terminal that does not report its own.
    pub const USUAL: Self = Self { columns: 80, rows: 24 };

    /// The size of the terminal `device`.
    pub fn of(device: impl AsFd) -> Self {
        match tcgetwinsize(device) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                Self { columns: size.ws_col.into(), rows: size.ws_row.into() }
            }
            _ => Self::USUAL,
        }
    }
}

/// Whether this process's group is in the foreground of the terminal `device`.
pub fn is_foreground(device: impl AsFd) -> bool {
    tcgetpgrp(device).is_ok_and(|group| group == getpgrp())
}

/// The controlling terminal, in key mode while it is ours.
pub struct Terminal {
    device: AsyncFd<Arc<File>>,
    mode: Arc<Mode>,
}

impl Terminal {
    /// Opens the controlling terminal without changing its mode; `erase` is written whenever it is
    /// given back. Must be called within the runtime. Fails if there is no terminal.
    pub fn open(erase: &'static [u8]) -> io::Result<Self> {
        // Non-blocking for this opening alone: the flag of the standard streams is the shell's.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
        let file =
            OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        let file = Arc::new(file);
        let mode = Arc::new(Mode {
            device: Arc::clone(&file),
            before: Mutex::new(None),
            erase,
            guardian: OnceLock::new(),
        });
        restore_on_panic(&mode);
        #[expect(deprecated, reason = "only unsound for a type whose descriptor may close early")]
        let device = AsyncFd::new(file)?;
        Ok(Self { device, mode })
    }

    /// Starts the guardian, before key mode is set. Goes on without it if it cannot be started.
    pub async fn guard(&self) {
        let start = async {
            let device = self.device.get_ref().try_clone()?;
            Guardian::start(device.into(), !self.mode.erase.is_empty()).await
        };
        match start.await {
            Ok(guardian) => drop(self.mode.guardian.set(guardian)),
            Err(error) => tracing::debug!(%error, "no guardian of the terminal"),
        }
    }

    /// Sets key mode, if the terminal is ours and not in key mode yet.
    pub fn enter(&self) {
        if let Err(error) = self.mode.enter() {
            tracing::debug!(%error, "the terminal takes no key mode");
        }
    }

    /// Reads what was typed; 0 bytes when the terminal is gone. Waits while another job has it.
    /// Cancel-safe.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !is_foreground(self.device.get_ref()) {
                self.mode.forget();
                sleep(LOOK).await;
                tcgetpgrp(self.device.get_ref())?; // fails if it is gone
                continue;
            }
            self.enter();
            // Reads before it waits: bytes typed before key mode cause no wake-up.
            match self.device.get_ref().as_ref().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            self.device.readable().await?.clear_ready();
        }
    }

    /// Handles Ctrl-Z: gives the terminal back and stops this process, until SIGCONT. Returns false
    /// if it does not stop, since nobody would continue it.
    pub fn suspend(&self) -> bool {
        if is_orphaned() {
            return false;
        }
        self.mode.leave();
        if let Err(error) = kill_process(getpid(), Signal::STOP) {
            tracing::debug!(%error, "cannot stop");
            self.enter();
            return false;
        }
        true
    }

    /// The shell has continued this process, and may have set its own mode.
    pub fn resume(&self) {
        self.mode.forget();
        self.enter();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.mode.leave();
    }
}

/// The terminal's mode before key mode.
struct Mode {
    device: Arc<File>,
    /// None while it is not in key mode. Shared with the panic hook; never held across an await.
    before: Mutex<Option<Termios>>,
    erase: &'static [u8],
    /// Notified of every change of the mode.
    guardian: OnceLock<Guardian>,
}

impl Mode {
    fn enter(&self) -> io::Result<()> {
        let Ok(mut before) = self.before.try_lock() else { return Ok(()) };
        if before.is_some() || !is_foreground(&self.device) {
            return Ok(());
        }
        let found = tcgetattr(&self.device)?;
        if let Some(guardian) = self.guardian.get() {
            guardian.note(&found);
        }
        tcsetattr(&self.device, OptionalActions::Now, &keys_of(found.clone()))?;
        *before = Some(found);
        Ok(())
    }

    /// Restores the mode. A terminal that cannot be restored belongs to another job, or is gone.
    fn leave(&self) {
        let Ok(mut before) = self.before.try_lock() else { return };
        let found = before.take();
        if is_foreground(&self.device) {
            // The status line may be drawn before key mode is set.
            let erased = self.device.as_ref().write_all(self.erase);
            let restored =
                found.map_or(Ok(()), |found| tcsetattr(&self.device, OptionalActions::Now, &found));
            if erased.is_err() || restored.is_err() {
                tracing::debug!("the terminal was not restored");
            }
        }
        self.note_left();
    }

    /// Forgets the mode if a shell has set its own since, as after a SIGSTOP, which does not leave
    /// key mode: the shell's is then restored later. After a stray SIGCONT nothing has changed.
    fn forget(&self) {
        let Ok(mut before) = self.before.try_lock() else { return };
        // In the background, a shell's line editor may have cleared ICANON.
        let is_set = tcgetattr(&self.device)
            .is_ok_and(|found| found.local_modes.contains(LocalModes::ICANON));
        if (is_set || !is_foreground(&self.device)) && before.take().is_some() {
            self.note_left();
        }
    }

    fn note_left(&self) {
        if let Some(guardian) = self.guardian.get() {
            guardian.note_left();
        }
    }
}

/// Restores the terminal before a panic's message is printed.
fn restore_on_panic(mode: &Arc<Mode>) {
    let mode = Arc::downgrade(mode);
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(mode) = mode.upgrade() {
            mode.leave();
        }
        report(panic);
    }));
}

/// Whether no shell of this session controls this process's group, as in a terminal that runs only
/// this program: Ctrl-Z is ignored there, since the program would stop for good.
fn is_orphaned() -> bool {
    let (group, Ok(session)) = (getpgrp(), getsid(None)) else { return true };
    let mut pid = getpid();
    loop {
        let Some(parent) = parent_of(pid) else { return true };
        if getsid(Some(parent)) != Ok(session) {
            return true;
        }
        if getpgid(Some(parent)) != Ok(group) {
            return false;
        }
        pid = parent;
    }
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    parent_in(&stat)
}

/// The fourth field; the second is a name that may hold anything, between parentheses.
fn parent_in(stat: &str) -> Option<Pid> {
    let (_, fields) = stat.rsplit_once(')')?;
    Pid::from_raw(fields.split_whitespace().nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        for (stat, parent) in [
            ("12 (irc-speak) S 7 12 12 0", Some(7)),
            ("12 (a) R 1 (b)) S 8 12", Some(8)),
            ("12 (init) S 0 1", None),
            ("", None),
        ] {
            assert_eq!(parent_in(stat).map(Pid::as_raw_pid), parent, "stat: {stat:?}");
        }
        assert_eq!(parent_of(getpid()), rustix::process::getppid());
    }

    #[test]
    fn what_is_no_terminal_is_never_ours_and_of_the_usual_size() {
        let null = File::open("/dev/null").unwrap();
        assert!(!is_foreground(&null));
        assert_eq!(Size::of(&null), Size::USUAL);
    }
}
